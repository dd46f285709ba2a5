"""Settings of iterative magnitude pruning, and of the controls that tickets are compared with."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stages.tickets.settings.base import (
    DRAW,
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
    matching,
)

GRIDS: Mapping[str, Callable[[int], Fraction]] = {
    "tenths_of_original": lambda number: Fraction(number, 10),
    "tenths_of_remaining": lambda number: 1 - Fraction(9, 10) ** number,
}
"""Functions from the number of a round to the sparsity after it, by the name of the grid."""


class Round(Section):
    """A round: it prunes the mask of round `from` to `sparsity`, which gives the mask of round `to`."""

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
    """Percentages of the dense training at which weights are kept; 0 for the pre-trained weights."""


class Imp(Section):
    """Iterative magnitude pruning."""

    rewind_to: Annotated[Percent, Among("dense.points")]
    """Percentage of the dense training at which rounds take their weights; 0 for pre-trained ones."""
    keep_weights: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round", less=1)]
    """Rounds before the last whose trained weights are stored, for export and comparisons. The weights
    of the dense training and of the last ticket are stored anyway."""
    decay_over: Annotated[RoundNumber, UpTo("last_round")]
    """Number of rounds over which the learning rate decays to 0; 1 for a decay in every round. In the
    authors' code (Chen et al. 2020) it is the number of all rounds, and every round begins the decay
    anew."""
    classifier: Literal["rewound", "carried"]
    """Classifier at the start of a round: that of theta_i (rewound), or the one trained in the round
    before (carried), as in the authors' code."""

    @property
    def trains_tickets(self) -> bool:
        """Whether the training of a round is also the training of its ticket, as by default."""
        return self.decay_over == 1 and self.classifier == "rewound"


def check_starts_at_theta_0(imp: Imp, key: str, what: str) -> None:
    """Refuse rounds that rewind to theta_i beside an experiment that starts at theta_0.

    Args:
        imp: how rounds rewind.
        key: the list that switches the experiment on.
        what: what it does from theta_0.
    """
    if imp.rewind_to:
        raise ValueError(
            f"imp.rewind_to is {imp.rewind_to}, allowed with {key} is 0, from where {what}"
        )


class Earlier(Section):
    """Tickets before the last that are trained apart from the rounds.

    They are needed if `imp` departs from the default, so that rounds do not train tickets.
    """

    rounds: Annotated[tuple[RoundNumber, ...], UpTo("last_round", less=1)]


class Random(Section):
    """Random masks of exactly the size of these rounds' tickets, for all tasks and seeds."""

    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round")]


DRAWN_CONTROLS = (
    "random", "random-by-matrix", "reinitialised", "reinitialised-layers",
    "shuffled-within-matrix", "shuffled-within-layer", "shuffled-layers",
)  # fmt: skip
"""Controls that a seed draws, so that there can be a second draw, such as `random-2`."""
OTHER_CONTROLS = ("one-shot", "one-shot-fine-tuned")


Control = Annotated[
    str,
    matching(
        f"({'|'.join(DRAWN_CONTROLS)}){DRAW}|{'|'.join(OTHER_CONTROLS)}",
        f"{', '.join((*DRAWN_CONTROLS, *OTHER_CONTROLS))}, and draws such as random-2",
    ),
]


class ControlKinds(Section):
    """Controls by name.

    Other masks. random: drawn over all matrices; random-by-matrix: drawn with the ticket's number of
    survivors in each matrix; one-shot: drops the smallest pre-trained weights; one-shot-fine-tuned: drops
    the smallest weights after the dense training. Other weights under the ticket's mask. reinitialised:
    random; reinitialised-layers: random but for embeddings; shuffled-within-matrix and
    shuffled-within-layer: pre-trained, shuffled in each matrix or layer; shuffled-layers: pre-trained,
    whole layers in another order.
    """

    kinds: Annotated[tuple[Control, ...], Unique, NeededBy("controls.tasks")]


class Controls(Section):
    """Controls of tickets, each of exactly the ticket's size."""

    more: ControlKinds
    """Controls of the tickets of these rounds for these tasks and seeds."""
    tasks: Annotated[tuple[Name, ...], Unique, Among("tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("seeds")]
    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round")]


def check_grid(rounds: tuple[Round, ...], grid: str) -> None:
    """Refuse rounds whose sparsities are not those of the grid; `listed` allows any."""
    for index, after in enumerate(rounds if grid in GRIDS else ()):
        due = float(GRIDS[grid](after.to))
        if after.sparsity != due:
            raise ValueError(
                f"rounds[{index}].sparsity is {after.sparsity}, allowed with grid {grid!r} is {due}"
            )


def check_departures(imp: Imp, earlier: Earlier, last_round: int) -> None:
    """Check that tickets are trained apart exactly if the rounds do not train them."""
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


def check_controls(controls: Controls, random: Random, imp: Imp) -> None:
    """Refuse a control that equals the ticket itself, and a random mask that is listed twice."""
    kinds = controls.more.kinds
    if "one-shot-fine-tuned" in kinds and 1 in controls.rounds and imp.decay_over == 1:
        raise ValueError(
            "controls.rounds has 1, allowed with 'one-shot-fine-tuned' are rounds from 2 on, as the "
            "first mask is that of the ticket itself"
        )
    twice = sorted(set(random.rounds) & set(controls.rounds))
    if "random" in kinds and twice:
        raise ValueError(
            "controls.more.kinds has 'random', allowed are others, as random.rounds has it for round "
            f"{twice[0]} already"
        )
