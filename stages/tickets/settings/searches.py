"""Settings of searches for subnetworks, of the trainings of these, and of patterns of attention."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import (
    DRAW,
    Among,
    Name,
    NeededBy,
    Section,
    Seed,
    Share,
    Unique,
    Whole,
    listed,
    matching,
)
from stages.tickets.settings.data import (
    GLUE,
    MINIATURE_WITHOUT_LABELS,
    Data,
    MiniatureData,
    TextData,
)
from stages.tickets.settings.rounds import Dense

Variant = Literal["joint", "heads", "mlps", "published", "half-1", "half-2", "magnitude"]
SearchSplit = Literal["selection", "validation", "train"]
SuperSurvivors = Literal["super", "super-random", "super-bad"]


class SearchRule(Section):
    """Settings by which the searches of Prasanna et al. 2020 choose and score subnetworks."""

    variants: Annotated[tuple[Variant, ...], Field(min_length=1), Unique]
    """joint: heads and MLPs in three phases; heads: heads alone; mlps: MLPs alone; published: joint, with
    the importance that the authors' code computes; half-1, half-2: joint, on the first or the second half
    of the examples; magnitude: single weights and biases."""
    split: SearchSplit
    """Split on which subnetworks are scored; train: a random part of it, as large as validation."""
    threshold: float = Field(gt=0, le=1)
    """Share of the dense score that a subnetwork has to keep, in (0, 1]."""
    amount: Share
    """Share of all heads that a joint step drops, in (0, 1)."""
    magnitude: Share
    """Share of the remaining weights that a step of the magnitude search drops, in (0, 1)."""


class Search(Section):
    """Searches for subnetworks of fine-tuned models."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("seeds"), NeededBy("search.tasks")]
    rule: SearchRule
    permutations: int = Field(ge=1)
    """Number of permutations of the masks, which measure agreement by chance."""


class Baselines(Section):
    """Baselines that use the encoder's word vectors, but not its layers."""

    examples: int = Field(ge=2)
    """Most examples drawn from the training split, since their vectors are in memory at once."""
    penalty: float = Field(gt=0)
    """Weight of the L2 norm; features are standardised."""


Subnetwork = Annotated[
    str,
    matching(
        f"good|(random|bad){DRAW}|inverted|one-head",
        "good, random, bad, inverted, one-head, and draws such as random-2",
    ),
]
MagnitudeSubnetwork = Annotated[
    str, matching(f"good|random{DRAW}|bad", "good, random, bad, and draws such as random-2")
]


class Retrain(Section):
    """Subnetworks to score untrained and after training alone, for the tasks and seeds searched."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("search.tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("search.seeds")]
    structured: Annotated[tuple[Subnetwork, ...], Unique]
    """Subnetworks derived from the structure of the joint search."""
    magnitude: Annotated[tuple[MagnitudeSubnetwork, ...], Unique]
    """Subnetworks derived from the mask of the magnitude search."""
    scratch: Annotated[tuple[Subnetwork, ...], Unique]
    """Subnetworks derived from the structure of the joint search, trained from random weights."""

    @model_validator(mode="after")
    def _has_subnetworks(self) -> "Retrain":
        if self.tasks and not (self.structured or self.magnitude or self.scratch):
            raise ValueError(
                "structured, retrain.magnitude and retrain.scratch are empty, allowed with retrain.tasks "
                "is one subnetwork at least"
            )
        return self


class RetrainSuper(Section):
    """Super-survivors to score untrained and after training alone, beside those of `Retrain`."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("retrain.tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("retrain.seeds")]
    subnetworks: Annotated[tuple[SuperSurvivors, ...], Unique, NeededBy("retrain_super.tasks")]
    """Subnetworks derived from the heads and MLPs that the joint search keeps in all seeds of a task."""


class PatternNetwork(Section):
    """Small networks that tell patterns of attention maps apart, trained on maps made by rule."""

    seeds: Annotated[tuple[Seed, ...], Unique, NeededBy("patterns.tasks")]
    """Seeds, each with a network for raw and one for normed maps; their agreement shows how reliable
    shares of patterns are."""
    maps: Annotated[Whole, Field(ge=5)]
    """Number of made-up maps that a network learns from."""
    lengths: tuple[Annotated[Whole, Field(ge=5)], Annotated[Whole, Field(ge=5)]]
    """Fewest and most tokens of made-up maps and of the examples that are classified. Networks learn from
    every second length, from the first on, and are tested on the others."""
    noise: float = Field(ge=0)
    """Standard deviation of the noise on the logarithms of attention."""
    size: Annotated[Whole, Field(ge=32)]
    """Number of rows and columns that maps are padded to."""
    epochs: Annotated[Whole, Field(ge=1)]
    batch_size: Annotated[Whole, Field(ge=1)]
    learning_rate: float = Field(gt=0)
    """Learning rate of Adam, which stays constant."""
    held_out: Annotated[Whole, Field(ge=5)]
    """Number of made-up maps in the test."""
    held_out_noise: float = Field(ge=0)
    threads: Annotated[Whole, Field(ge=1)]

    @model_validator(mode="after")
    def _lengths_fit(self) -> "PatternNetwork":
        fewest, most = self.lengths
        if fewest >= most:
            raise ValueError(f"lengths is [{fewest}, {most}], allowed are the fewest and then more")
        if most > self.size:
            raise ValueError(
                f"size is {self.size}, allowed is at least the most of lengths, {most}"
            )
        return self


class PatternExamples(Section):
    """Examples on which the heads of a task's models are classified."""

    split: Literal["selection", "validation"]
    number: Annotated[Whole, Field(ge=1)]
    """Number drawn from the examples whose lengths the networks know; all if there are fewer."""


class Patterns(Section):
    """Patterns of attention among all heads and among super-survivors, for the seeds searched."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("search.tasks")]
    network: PatternNetwork
    examples: PatternExamples


def check_search(search: Search, data: dict[str, Data]) -> None:
    """Refuse searches on tasks without labels."""
    for task in search.tasks:
        if not has_labels(task, data.get(task)):
            raise ValueError(f"search.tasks has {task!r}, allowed are tasks with labels")


def has_labels(task: str, data: Data | None) -> bool:
    """Tell whether each example of a task has one label; `data` is None for a task in `own`."""
    match data:
        case None:
            return True
        case MiniatureData():
            return task not in MINIATURE_WITHOUT_LABELS
        case TextData():
            return False
        case _:
            return data.config in GLUE


def check_searched(
    retrain: Retrain, of_all_seeds: RetrainSuper, patterns: Patterns, search: Search, dense: Dense
) -> None:
    """Refuse experiments that need searches that do not run, or weights that are not kept."""
    if retrain.tasks and 0 not in dense.points:
        raise ValueError(
            f"dense.points is {listed(dense.points)}, allowed with retrain.tasks are lists with 0, the "
            "weights that subnetworks are trained from"
        )
    for key, values, variant in (
        ("retrain.structured", retrain.structured, "joint"),
        ("retrain_super.subnetworks", of_all_seeds.subnetworks, "joint"),
        ("retrain.magnitude", retrain.magnitude, "magnitude"),
        ("retrain.scratch", retrain.scratch, "joint"),
        ("patterns.tasks", patterns.tasks, "joint"),
    ):
        if values and variant not in search.rule.variants:
            raise ValueError(
                f"{key} has {values[0]!r}, allowed are none without {variant!r} in "
                "search.rule.variants"
            )
