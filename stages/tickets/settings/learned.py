"""Settings of masks that are learned over fixed weights, and of what is tried with them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stages.tickets.settings.base import (
    Among,
    Name,
    NeededBy,
    RoundNumber,
    Section,
    Seed,
    Unique,
    UpTo,
    Whole,
    either,
)
from stages.tickets.settings.data import Data, MiniatureData, OwnData, TextData
from stages.tickets.settings.rounds import Imp, check_starts_at_theta_0
from stages.tickets.settings.searches import has_labels
from stages.tickets.settings.trials import Seeds, Tasks

LearnedTasks = Annotated[tuple[Name, ...], Unique, Among("learned_masks.tasks")]
LearnedSeeds = Annotated[tuple[Seed, ...], Unique, Among("learned_masks.seeds")]
LearnedRounds = Annotated[tuple[RoundNumber, ...], Unique, Among("learned_masks.rounds")]
SIZE = "size"
"""Word for the prior that is the share which the mask keeps."""


def _is_share(value: float | str) -> bool:
    return isinstance(value, float) and 0 < value < 1


def _with_point(value: object) -> object:
    if isinstance(value, int):
        raise ValueError(
            f"is {value}, allowed are numbers from 0.0 on and below 1.0, written with a point, since "
            "they become parts of paths"
        )
    return value


class LearnRule(Section):
    """How a logit for every prunable weight is learned, and how the logits become masks."""

    prior: Annotated[float | str, either(SIZE, _is_share, "numbers above 0 and below 1")]
    """Probability to be kept that weights are drawn towards, in (0, 1); `size` for the share that the
    mask keeps in the end, so that logits are learned for every size (Ghosh et al. 2024)."""
    weight: float = Field(ge=0)
    """Weight of the divergence from this prior in the loss, as a mean over weights."""
    temperatures: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """Temperatures of the samples at the first and at the last step, and in between by equal factors;
    twice the same number for a constant one."""
    learning_rate: float = Field(gt=0)
    """Peak of the learning rate of the logits; its schedule is that of all trainings."""
    head_rate: float = Field(ge=0)
    """Peak of the learning rate of what theta_0 lacks, such as a classifier; 0 keeps it as drawn."""
    epsilon: float = Field(gt=0)
    """Epsilon of Adam. The gradient of a mean over n weights is as small as 1 / n, so it is tiny."""
    length: float = Field(gt=0)
    """Length of the search, in trainings of the task."""
    scope: Literal["global", "matrix"]
    """global: all logits are ranked together; matrix: every matrix keeps the same share."""


class FlippedLabels(Section):
    """Trainings on training examples of which a share has another label than its own."""

    tasks: LearnedTasks
    seeds: Annotated[LearnedSeeds, NeededBy("learned_masks.noise.tasks")]
    rounds: Annotated[LearnedRounds, NeededBy("learned_masks.noise.tasks")]
    shares: Annotated[
        tuple[Annotated[float, BeforeValidator(_with_point), Field(ge=0, lt=1)], ...],
        Unique,
        NeededBy("learned_masks.noise.tasks"),
    ]
    """Shares of the training examples whose label is flipped, in [0, 1)."""
    points: Annotated[Whole, Field(ge=2)]
    """Number of times that a training is scored on its way, the end among them."""
    sample: Annotated[Whole, Field(ge=1)]
    """Number of training examples that are watched, too; all if there are fewer."""


class Lending(Section):
    """Masks of source tasks, trained on target tasks."""

    sources: LearnedTasks
    targets: Annotated[Tasks, NeededBy("learned_masks.lend.sources")]
    seeds: Annotated[LearnedSeeds, NeededBy("learned_masks.lend.sources")]
    rounds: Annotated[LearnedRounds, NeededBy("learned_masks.lend.sources")]
    starts: Annotated[
        tuple[Literal["same", "fresh"], ...], Unique, NeededBy("learned_masks.lend.sources")
    ]
    """same: the weights over which masks are learned; fresh: others, drawn at random."""


class LearnedMasks(Section):
    """Masks that are learned over fixed weights, each of the size of a round's ticket."""

    tasks: Tasks
    """Tasks whose loss masks are learned on; masked language modelling gives a mask for all."""
    seeds: Annotated[Seeds, NeededBy("learned_masks.tasks")]
    rounds: Annotated[
        tuple[RoundNumber, ...], Unique, UpTo("last_round"), NeededBy("learned_masks.tasks")
    ]
    """Rounds whose tickets have the sizes of the masks."""
    start: Literal["pretrained", "random"]
    """pretrained: theta_0; random: the seed draws all weights, the same for all tasks."""
    rule: LearnRule
    noise: FlippedLabels
    lend: Lending


def check_learned(
    learned: LearnedMasks, data: dict[str, Data], own: dict[str, OwnData], imp: Imp
) -> None:
    """Refuse flipped labels of tasks without classes, and tickets that start from other weights."""
    for task in learned.noise.tasks:
        if not has_classes(task, data.get(task), own.get(task)):
            raise ValueError(
                f"learned_masks.noise.tasks has {task!r}, allowed are tasks with classes, whose labels "
                "can be flipped"
            )
    if learned.tasks:
        check_starts_at_theta_0(imp, "learned_masks.tasks", "masks are learned and trained")


def has_classes(task: str, data: Data | None, own: OwnData | None) -> bool:
    """Tell whether a task, described in `data` or in `own`, gives each example one of a few classes."""
    if own:
        return own.kind == "classification"
    if data is None or isinstance(data, TextData) or not has_labels(task, data):
        return False
    return task != "similarity" if isinstance(data, MiniatureData) else data.config != "stsb"
