"""Settings of sparse networks from distilled data: sets of a few sequences, and masks found on them."""

from itertools import product
from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import (
    AllOrNone,
    Among,
    Name,
    NeededBy,
    RoundNumber,
    Section,
    Seed,
    Unique,
    UpTo,
    either,
    listed,
)
from stages.tickets.settings.connectivity import Arm, Connectivity, Copies
from stages.tickets.settings.data import Data
from stages.tickets.settings.rounds import Dense, Imp, check_starts_at_theta_0
from stages.tickets.settings.searches import has_labels

Method = Literal["regression", "means", "gradients", "unrolled", "herding", "random", "noise"]
TRAINED = "trained"
SHORT = "real-short"
"""Masks found on real examples in as few steps as on a set."""


Point = Annotated[
    int | str, either(TRAINED, lambda value: isinstance(value, int), "the dense.points")
]
"""A point of the dense training in per cent, or `trained` for its end."""


class Unrolled(Section):
    """Descent through a training on the set, the method `unrolled`."""

    inner: int = Field(ge=1)
    """Number of steps on the set."""
    rate: float = Field(gt=0)
    """Learning rate of these steps to begin with; that of each step is learned."""


class SetOfSequences(Section):
    """How a set of sequences is made from the training examples of a task."""

    per_class: int = Field(ge=1)
    """Number of sequences of a class; of a task of scores the number of all."""
    encoders: Annotated[tuple[Point, ...], Field(min_length=1), Unique]
    """Points of the dense training whose encoders give the features, in per cent; 0 for theta_0, and
    `trained` for the end."""
    seed: Seed
    """Seed of the dense training that these encoders are of, and of the draws."""
    steps: int = Field(ge=0)
    """Number of steps in which a set is learned; 0 for the random examples that it begins with."""
    embeddings: float = Field(ge=0)
    """Learning rate of Adam for embeddings, in standard deviations of the matrix of word embeddings."""
    labels: float = Field(ge=0)
    """Learning rate of Adam for labels; 0 keeps the labels of the examples."""
    ridge: float = Field(gt=0)
    """Weight of the squared norm of the linear head in feature regression."""
    unrolled: Unrolled


class OnSets(Section):
    """How masks are found on a set, and on real examples with as many steps."""

    steps: int = Field(ge=1)
    """Number of optimizer steps of a round."""
    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round"), NeededBy("distil.tasks")]
    """Rounds whose masks are trained on all real examples."""


class CopiesOfMasks(AllOrNone):
    """Masks of which two copies are trained on all real examples, and a line is walked between them.

    It begins at theta_0, as in the experiment `connectivity`, which has the copies of tickets beside.
    """

    methods: Annotated[tuple[Literal[Method, "real-short"], ...], Unique]
    """Masks found on these sets, or on as few real examples: methods of `distil.methods`, real-short."""
    rounds: Annotated[tuple[RoundNumber, ...], Unique, UpTo("last_round")]
    arms: Annotated[tuple[Arm, ...], Unique]
    """Noise in which the copies differ, see `connectivity.starts`."""


class Distil(Section):
    """Masks found on a few sequences per class, and trained on all real examples."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("tasks")]
    seeds: Annotated[tuple[Seed, ...], Unique, Among("seeds"), NeededBy("distil.tasks")]
    methods: Annotated[tuple[Method, ...], Unique, NeededBy("distil.tasks")]
    """regression: learned so that a linear head on features fits all examples; means: learned so that
    mean features by class are those of all examples; gradients, unrolled: learned by second derivatives,
    so that gradients point as those of all examples, or so that a few steps on the set serve real
    examples; both are meant for GPUs; herding, random: real examples; noise: Gaussian
    embeddings with shuffled labels."""
    set: SetOfSequences
    masks: OnSets
    copies: CopiesOfMasks


def check_distil(
    distil: Distil,
    data: dict[str, Data],
    seeds: tuple[int, ...],
    dense: Dense,
    imp: Imp,
    connectivity: Connectivity,
) -> None:
    """Refuse tasks without labels, and encoders that are not kept; all is allowed without a task.

    The seed whose encoders make the sets must not be one that their masks are judged by, and copies of
    masks need copies of tickets beside.
    """
    for task in distil.tasks:
        if not has_labels(task, data.get(task)):
            raise ValueError(
                f"distil.tasks has {task!r}, allowed are tasks with one label for each example"
            )
    if not distil.tasks:
        return
    if distil.set.seed not in seeds:
        raise ValueError(
            f"distil.set.seed is {distil.set.seed}, allowed are the seeds {listed(seeds)}"
        )
    if distil.set.seed in distil.seeds:
        raise ValueError(
            f"distil.seeds has {distil.set.seed}, allowed are seeds other than distil.set.seed: sets are "
            "made by its trained encoders, so its masks would be judged by what made them"
        )
    for point in distil.set.encoders:
        if point not in (0, TRAINED, *dense.points):
            raise ValueError(
                f"distil.set.encoders has {point}, allowed are {TRAINED!r}, 0 and the dense.points "
                + listed(dense.points)
            )
    check_starts_at_theta_0(imp, "distil.tasks", "masks on sets are found and trained")
    _check_copies(distil, connectivity)


def _check_copies(distil: Distil, connectivity: Connectivity) -> None:
    for method in distil.copies.methods:
        if method not in (*distil.methods, SHORT):
            raise ValueError(
                f"distil.copies.methods has {method!r}, allowed are the distil.methods "
                f"{listed(distil.methods)} and {SHORT!r}"
            )
    for number, arm in product(distil.copies.rounds, distil.copies.arms):
        ticket = Copies(net="ticket", round=number, point=0, arm=arm, steps="rest")
        if ticket not in connectivity.starts:
            raise ValueError(
                f"connectivity.starts lacks {{net: ticket, round: {number}, point: 0, arm: {arm}, steps: "
                "rest}, allowed with distil.copies are lists that have it, since these copies of "
                "tickets stand beside those of masks on sets"
            )
    for task in distil.tasks if distil.copies.methods else ():
        if task not in connectivity.tasks:
            raise ValueError(
                f"connectivity.tasks lacks {task!r}, allowed with distil.copies are lists that have all "
                f"distil.tasks, {listed(distil.tasks)}"
            )
