"""Settings of trainings beside the rounds: with other weights, noise, masks or tasks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import (
    Among,
    Name,
    NeededBy,
    Percent,
    RoundNumber,
    Section,
    Seed,
    Unique,
    UpTo,
    Whole,
    listed,
    matching,
)
from stages.tickets.settings.rounds import Imp

Tasks = Annotated[tuple[Name, ...], Unique, Among("tasks")]
Seeds = Annotated[tuple[Seed, ...], Unique, Among("seeds")]


class Over(Section):
    """An experiment that is repeated over tasks and seeds and has no other setting."""

    tasks: Tasks
    seeds: Seeds


class Rewind(Section):
    """Trainings of the last ticket's mask from other points of the dense training than the rounds use."""

    tasks: Tasks
    seeds: Seeds
    points: Annotated[tuple[Percent, ...], Unique, Among("dense.points"), NeededBy("rewind.tasks")]
    source: Literal["dense", "sparse"]
    """Training from which theta_i is taken: that of the dense model (dense), as in Algorithm 1 of Chen et
    al. 2020, or that of the subnetwork itself (sparse), as in the authors' code."""


class AliasedRounds(Section):
    """Rounds whose masks of standard pruning are also trained from theta_i, as tickets are."""

    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round")]


class Standard(Section):
    """Standard pruning: train, prune, train on from the trained weights, never rewinding."""

    tasks: Tasks
    seeds: Seeds
    aliased: AliasedRounds
    """Rounds, from the second on, whose mask is also trained from theta_i. Their pruning never rewinds.
    Nor does the authors' code for masked language modelling, in which theta_0 is an alias of the weights
    that train (Chen et al. 2020); that code also prunes once before any training."""

    @model_validator(mode="after")
    def _keys_go_together(self) -> "Standard":
        if bool(self.tasks) != bool(self.seeds):
            raise ValueError(
                f"tasks is {list(self.tasks)} and standard.seeds is {list(self.seeds)}, allowed is one "
                "at least in both or none in both"
            )
        if self.aliased.rounds and not self.tasks:
            raise ValueError("aliased.rounds has rounds, allowed are some with standard.tasks")
        return self


class Cross(Section):
    """The last ticket of one seed, trained with the noise of another seed."""

    tasks: Tasks
    mask_seeds: Seeds
    seeds: Seeds


class Multitask(Section):
    """Iterative magnitude pruning on the joint loss of several tasks."""

    tasks: Annotated[Tasks, NeededBy("multitask.seeds")]
    seeds: Seeds


NO_TASKS = ("one-shot", "random-mask", "multi-task")
"""Sources of masks that are no tasks: pre-trained magnitude, a random draw, several tasks at once."""
ALIASED = "aliased-"
"""Prefix to the name of a task; the two together name the masks of its standard pruning."""


Source = Annotated[
    str,
    matching(
        f"({ALIASED})?[a-z][a-z0-9_]*|{'|'.join(NO_TASKS)}",
        f"tasks and such as {', '.join(map(repr, (*NO_TASKS, f'{ALIASED}mlm')))}",
    ),
]


class Transfer(Section):
    """Masks of source tasks, trained on target tasks, each with a fresh classifier."""

    sources: Annotated[tuple[Source, ...], Unique, Among("sources", all_of="tasks")]
    targets: Tasks
    seeds: Seeds
    round: Annotated[Whole, Field(ge=1), UpTo("last_round")]


class TransferWeights(Section):
    """Masks of source tasks, trained on target tasks from weights of the source in place of theta_0."""

    sources: Tasks
    targets: Tasks
    seeds: Seeds
    points: Annotated[tuple[Percent, ...], Unique, Among("dense.points")]
    """Percentages of the source's dense training at which its weights are taken."""


def check_rewind(rewind: Rewind, imp: Imp) -> None:
    """Refuse points and a source that would repeat the training of the last ticket."""
    if imp.rewind_to in rewind.points:
        raise ValueError(
            f"rewind.points has {imp.rewind_to}, allowed are others than imp.rewind_to, from where the "
            "last ticket is trained anyway"
        )
    if rewind.source == "sparse" and imp.rewind_to:
        raise ValueError(
            f"rewind.source is 'sparse', allowed with imp.rewind_to 0, but that is {imp.rewind_to}"
        )


def check_aliased(standard: Standard, transfer: Transfer, imp: Imp) -> None:
    """Refuse masks of standard pruning that are not made, or that equal those of the ticket."""
    if 1 in standard.aliased.rounds and imp.decay_over == 1:
        raise ValueError(
            "standard.aliased.rounds has 1, allowed are rounds from 2 on, as the first mask is that "
            "of the ticket itself"
        )
    aliased = [source for source in transfer.sources if source.startswith(ALIASED)]
    if aliased and transfer.round == 1 and imp.decay_over == 1:
        raise ValueError(
            f"transfer.sources has {aliased[0]!r}, allowed with transfer.round from 2 on, as the first "
            "mask is that of the task itself"
        )
    if aliased and not set(transfer.seeds) <= set(standard.seeds):
        raise ValueError(
            f"transfer.sources has {aliased[0]!r}, allowed with standard.seeds that have all of "
            f"transfer.seeds, {listed(transfer.seeds)}"
        )


def check_transfer(
    transfer: Transfer, weights: TransferWeights, multitask: Multitask, imp: Imp
) -> None:
    """Refuse transfers of masks that are not made, and a transfer that a ticket's training repeats."""
    for seed in transfer.seeds if "multi-task" in transfer.sources else ():
        if seed not in multitask.seeds:
            raise ValueError(
                f"transfer.seeds has {seed}, allowed are the multitask.seeds {listed(multitask.seeds)}"
            )
    if imp.rewind_to in weights.points and set(weights.sources) & set(weights.targets):
        raise ValueError(
            f"transfer_weights.points has {imp.rewind_to}, allowed with a task as source and "
            "target are others than imp.rewind_to, from where its own ticket is trained anyway"
        )


class Lower(Section):
    """Precisions below that of the training."""

    precisions: Annotated[tuple[Literal["bf16", "int8"], ...], Unique]
    """bf16: weights and activations in bfloat16; int8: linear layers by torch's dynamic quantization.
    Without any the table has the other forms alone."""


class Sizes(Section):
    """Scores and bytes of the dense model in lower precision, beside all other forms of it."""

    tasks: Tasks
    seeds: Annotated[Seeds, NeededBy("sizes.tasks")]
    lower: Lower


def check_sizes(sizes: Sizes, numerics: str) -> None:
    """Refuse bfloat16 if results may not depend on the processor, whose products of it differ."""
    if sizes.tasks and numerics == "portable" and "bf16" in sizes.lower.precisions:
        raise ValueError(
            "sizes.lower.precisions has 'bf16', allowed are int8 and none while numerics is portable"
        )
