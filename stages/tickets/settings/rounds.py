"""Iterative magnitude pruning, and the random masks and other controls that tickets are compared with."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stages.tickets.settings.base import (
    Among,
    Name,
    Percent,
    RoundNumber,
    Section,
    Seed,
    Unique,
    UpTo,
    Whole,
)

GRIDS: Mapping[str, Callable[[int], Fraction]] = {
    "tenths_of_original": lambda number: Fraction(number, 10),
    "tenths_of_remaining": lambda number: 1 - Fraction(9, 10) ** number,
}
"""Sparsity after a round, by the name of the grid."""


class Round(Section):
    """A round: from mask `from` to mask `to` at `sparsity`."""

    before: Whole = Field(alias="from", ge=0)
    to: Whole = Field(ge=1)
    sparsity: float = Field(gt=0, lt=1)


def _in_order(rounds: tuple[Round, ...]) -> tuple[Round, ...]:
    sparsity = 0.0
    for index, after in enumerate(rounds):
        if (after.before, after.to) != (index, index + 1):
            raise ValueError(
                f"[{index}] goes from {after.before} to {after.to}, allowed is from {index} to "
                f"{index + 1}"
            )
        if after.sparsity <= sparsity:
            raise ValueError(
                f"[{index}].sparsity is {after.sparsity}, allowed is more than the {sparsity} before it"
            )
        sparsity = after.sparsity
    return rounds


Rounds = Annotated[tuple[Round, ...], Field(min_length=1), AfterValidator(_in_order)]


class Dense(Section):
    """The dense training, from which theta_i is taken."""

    points: Annotated[tuple[Percent, ...], Field(min_length=1), Unique]
    """Percentages of it at which the weights are kept; 0: the pre-trained weights."""


class Imp(Section):
    """Iterative magnitude pruning."""

    rewind_to: Annotated[Percent, Among("dense.points")]
    """Rounds restart from the weights at this percentage of the dense training; 0: pre-trained."""
    keep_weights: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round", less=1)]
    """Rounds before the last whose trained weights are stored, for export and comparisons. Those of the
    dense training and of the last ticket are stored anyway."""
    decay_over: Annotated[RoundNumber, UpTo("last_round")]
    """Rounds over which the learning rate decays to 0; 1: in every round. With the number of all rounds
    it is the authors' code (Chen et al. 2020), in which every round goes through the first of so many
    parts."""
    classifier: Literal["rewound", "carried"]
    """carried: a round starts with the classifier of the round before, as in the authors' code."""

    @property
    def trains_tickets(self) -> bool:
        """Whether the trainings of the rounds are those of tickets, as they are by default."""
        return self.decay_over == 1 and self.classifier == "rewound"


class Earlier(Section):
    """Tickets before the last that are trained apart from the rounds.

    If `imp` departs from the default, the rounds' own trainings are not those of tickets.
    """

    rounds: Annotated[tuple[RoundNumber, ...], UpTo("last_round", less=1)]


class Random(Section):
    """Random masks of exactly the size of the ticket of these rounds; `controls` has the last's."""

    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round", less=1)]


DRAWN_CONTROLS = (
    "random", "random-by-matrix", "reinitialised", "reinitialised-layers",
    "shuffled-within-matrix", "shuffled-within-layer", "shuffled-layers",
)  # fmt: skip
"""Controls that are drawn by a seed, so that there can be a second one, such as `random-2`."""
OTHER_CONTROLS = ("one-shot", "one-shot-fine-tuned")


def _control(name: str) -> str:
    drawn, _, number = name.rpartition("-")
    again = drawn in DRAWN_CONTROLS and re.fullmatch(r"[2-9]|[1-9][0-9]+", number)
    if not again and name not in (*DRAWN_CONTROLS, *OTHER_CONTROLS):
        raise ValueError(
            f"is {name!r}, allowed are {', '.join((*DRAWN_CONTROLS, *OTHER_CONTROLS))}, and draws "
            "such as random-2"
        )
    return name


Control = Annotated[str, AfterValidator(_control)]


class ControlKinds(Section):
    """Controls by name.

    random: a mask drawn over all matrices; random-by-matrix: with the ticket's number in each matrix;
    reinitialised: the ticket's mask on random weights; reinitialised-layers: embeddings stay pre-trained;
    shuffled-within-matrix, shuffled-within-layer: on the pre-trained weights in another order, within
    each matrix or over all of a layer; shuffled-layers: on whole layers in another order; one-shot: the
    mask of the smallest pre-trained weights; one-shot-fine-tuned: of the smallest of the dense training.
    """

    kinds: Annotated[tuple[Control, ...], Unique]


class Controls(Section):
    """What tickets are compared with, each of exactly the ticket's size."""

    every: ControlKinds
    """Controls of the last ticket for all tasks and seeds; none reads the dense run's trained weights."""
    more: ControlKinds
    """Controls of the tickets of these rounds for these tasks and seeds."""
    tasks: Annotated[tuple[Name, ...], Unique, Among("tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("seeds")]
    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round")]

    @model_validator(mode="after")
    def _kinds_fit(self) -> "Controls":
        if self.tasks and not self.more.kinds:
            raise ValueError("more.kinds is empty, allowed with controls.tasks is one at least")
        if "one-shot-fine-tuned" in self.every.kinds:
            raise ValueError(
                "every.kinds has 'one-shot-fine-tuned', allowed is that in controls.more.kinds"
            )
        return self


def check_grid(rounds: tuple[Round, ...], grid: str) -> None:
    """Refuse rounds whose sparsities are not those of a grid; any are those of `listed`."""
    for index, after in enumerate(rounds if grid in GRIDS else ()):
        due = float(GRIDS[grid](after.to))
        if after.sparsity != due:
            raise ValueError(
                f"rounds[{index}].sparsity is {after.sparsity}, allowed with grid {grid!r} is {due}"
            )


def check_departures(imp: Imp, earlier: Earlier, last_round: int) -> None:
    """If the rounds' trainings are not those of tickets, all tickets are trained apart, else none."""
    due = () if imp.trains_tickets else tuple(range(1, last_round))
    if earlier.rounds != due:
        raise ValueError(
            f"earlier.rounds is {list(earlier.rounds)}, allowed with imp.decay_over "
            f"{imp.decay_over} and imp.classifier {imp.classifier!r} is {list(due)}"
        )
    if imp.keep_weights and not imp.trains_tickets:
        raise ValueError(
            f"imp.keep_weights is {list(imp.keep_weights)}, allowed with earlier.rounds is none, "
            "as the rounds' trainings are not those of tickets"
        )


def check_controls(controls: Controls, random: Random, imp: Imp, last_round: int) -> None:
    """Refuse a control that equals the ticket itself, and a control of a ticket that is there twice."""
    kinds, every = controls.more.kinds, controls.every.kinds
    if "one-shot-fine-tuned" in kinds and 1 in controls.rounds and imp.decay_over == 1:
        raise ValueError(
            "controls.rounds has 1, allowed with 'one-shot-fine-tuned' are rounds from 2 on, as the "
            "first mask is that of the ticket itself"
        )
    for kind in kinds:
        elsewhere = set(random.rounds) if kind == "random" else set()
        elsewhere |= {last_round} if kind in every else set()
        twice = sorted(elsewhere & set(controls.rounds))
        if twice:
            raise ValueError(
                f"controls.more.kinds has {kind!r}, allowed are others, as controls.every.kinds or "
                f"random.rounds have it for round {twice[0]} already"
            )
