"""Settings of instability analysis: copies of a training with other noise, and the line between them."""

from collections.abc import Collection
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import (
    Among,
    Name,
    NeededBy,
    Percent,
    Section,
    Seed,
    Unique,
    UpTo,
    Whole,
    listed,
)
from stages.tickets.settings.data import SQUAD, Data, MiniatureData, TextData
from stages.tickets.settings.rounds import Dense, Imp
from stages.tickets.settings.searches import has_labels
from stages.tickets.settings.train import Noise, Train
from stages.tickets.settings.trials import Seeds, Tasks

Net = Literal["dense", "ticket", "random", "one-shot", "reinitialised", "scratch"]
MASKLESS = ("dense", "scratch")
Steps = Literal["rest", "rest-warmed", "all"]
Arm = Literal["order", "order-only", "dropout-only", "head", "all"]
OF_THE_HEAD = ("head", "all")
"""Arms in which the second copy has another classifier, which only theta_0 has still to draw."""
ONE_LABEL = (
    "unlike heads build a barrier of their own, and a head can be fitted anew only if each example "
    "has one label"
)


class Copies(Section):
    """A network of which two copies are trained, and the noise in which they differ."""

    net: Net
    """dense and scratch have no mask, and scratch has no pre-trained weights; ticket, random, one-shot
    and reinitialised are the ticket of a round and controls of its size."""
    round: Annotated[Whole, Field(ge=0)]
    """Round of the ticket; 0 for dense and scratch."""
    point: Percent
    """Per cent of the dense training at which its weights are the start of the copies."""
    arm: Arm
    """What differs. order: order of examples and dropout, the noise of Frankle et al. 2020; order-only
    and dropout-only: one of these; head: initial classifier; all: all of these."""
    steps: Steps
    """Steps of a copy. rest: those that the dense training had left; rest-warmed: the same with the
    schedule's warm-up repeated, as Adam has no moments at a restart; all: a complete schedule anew, as in
    the control of Frankle et al. 2020 for the time that is left."""

    @model_validator(mode="after")
    def _keys_go_together(self) -> "Copies":
        if (self.net in MASKLESS) != (self.round == 0):
            due = "0" if self.net in MASKLESS else "1 or more"
            raise ValueError(f"round is {self.round}, allowed with net {self.net!r} is {due}")
        if self.net == "scratch" and self.point:
            raise ValueError(f"point is {self.point}, allowed with net 'scratch' is 0")
        if self.arm in OF_THE_HEAD and (self.point or self.net == "scratch"):
            place = f"point {self.point}" if self.point else "net 'scratch'"
            raise ValueError(
                f"arm is {self.arm!r}, allowed with {place} are order, order-only, dropout-only: only "
                "theta_0 has a classifier still to draw"
            )
        if self.steps != "rest" and not self.point:
            raise ValueError(
                f"steps is {self.steps!r}, allowed with point 0 is 'rest', which is the same there"
            )
        return self


class Path(Section):
    """The line between two networks."""

    grid: Annotated[Whole, Field(ge=3)]
    """Number of evenly spaced points with both ends; odd, so that one half is among them."""
    train_sample: Annotated[Whole, Field(ge=2)]
    """Number of training examples that paths are also scored on, and heads fitted anew on."""

    @model_validator(mode="after")
    def _half_is_a_point(self) -> "Path":
        if self.grid % 2 == 0:
            raise ValueError(
                f"grid is {self.grid}, allowed are odd numbers, so that one half is a point"
            )
        return self


class Pairs(Section):
    """Pairs of stored networks. They take no training."""

    seeds: Annotated[tuple[Seed, ...], Unique, Among("seeds"), NeededBy("between.tasks")]
    pairs: Annotated[
        tuple[Literal["seeds", "rounds", "dense"], ...],
        Unique,
        NeededBy("between.tasks"),
    ]
    """seeds: dense models of two seeds; rounds: successive rounds of a seed, from dense on, whose weights
    `imp.keep_weights` keeps; dense: the dense model and every later round that is kept."""

    meet: Annotated[tuple[Literal["union", "intersection"], ...], Unique, NeededBy("between.tasks")]
    """Walks of a pair with unlike masks. union: between the networks as they are, so that the path leaves
    the subspace of each mask; intersection: both ends are cut first to the weights that both masks keep,
    so that the path stays among them, and the ends have other scores than the networks."""


class FilePair(Section):
    """Two checkpoints of the user's own, of the study's encoder with the head of a task."""

    name: Name
    """Name of the pair in tables."""
    task: Name
    first: str
    """Folder as transformers saves it, or a file of safetensors; ~ and $VARIABLES are filled in."""
    second: str


class Between(Section):
    """Lines between stored networks of these tasks, and between checkpoints of the user's own."""

    tasks: Tasks
    of: Pairs
    files: Annotated[tuple[FilePair, ...], Unique]


class Connectivity(Section):
    """Linear mode connectivity: whether a line of low error joins two trainings."""

    tasks: Annotated[tuple[Name, ...], Unique, Among("tasks")]
    seeds: Seeds
    starts: Annotated[tuple[Copies, ...], Unique, NeededBy("connectivity.tasks")]
    path: Path
    threshold: float = Field(gt=0)
    """Barrier in points of error under which copies are stable; 2 in Frankle et al. 2020."""


def check_connectivity(
    connectivity: Connectivity,
    data: dict[str, Data],
    train: Train,
    dense: Dense,
    last_round: int,
) -> None:
    """Refuse unlike heads that cannot be fitted anew, and points, rounds and warm-ups of none."""
    for number, start in enumerate(connectivity.starts):
        key = f"connectivity.starts[{number}]"
        if start.point not in dense.points:
            raise ValueError(
                f"{key}.point is {start.point}, allowed are the dense.points {listed(dense.points)}"
            )
        if problem := UpTo("last_round").problem(start.round, last_round):
            raise ValueError(f"{key}.round is {start.round}, {problem}")
        if start.steps == "rest-warmed" and not train.warmup:
            raise ValueError(
                f"{key}.steps is 'rest-warmed', allowed with a train.warmup of 0 are rest and all"
            )
        for task in connectivity.tasks if start.arm in OF_THE_HEAD else ():
            if not has_labels(task, data.get(task)):
                raise ValueError(
                    f"{key}.arm is {start.arm!r}, allowed with {task!r} in connectivity.tasks are order, "
                    f"order-only, dropout-only: {ONE_LABEL}"
                )


def check_between(
    between: Between, tasks: Collection[str], data: dict[str, Data], noise: Noise, imp: Imp
) -> None:
    """Refuse pairs of none, unlike heads that cannot be fitted anew, and files of unknown tasks."""
    kept = sorted((0, *imp.keep_weights))
    lacking = {
        "seeds": "" if len(between.of.seeds) > 1 else "between.of.seeds has one seed",
        "dense": "" if len(kept) > 1 else "imp.keep_weights has no round",
        "rounds": ""
        if any(later == round_before + 1 for round_before, later in pairwise(kept))
        else "imp.keep_weights has no round 1 and no two rounds in a row",
    }
    for kind in between.of.pairs if between.tasks else ():
        if lacking[kind]:
            raise ValueError(
                f"between.of.pairs has {kind!r}, allowed are other kinds of pairs while {lacking[kind]}"
            )
    for task in between.tasks if "seeds" in between.of.pairs else ():
        if noise.head_init == "seed" and is_span(task, data.get(task)):
            raise ValueError(
                f"between.tasks has {task!r}, allowed with 'seeds' in between.of.pairs and a "
                f"noise.head_init of 'seed' are tasks other than spans: {ONE_LABEL}"
            )
    names = [pair.name for pair in between.files]
    for number, pair in enumerate(between.files):
        if pair.task not in tasks:
            raise ValueError(
                f"between.files[{number}].task is {pair.task!r}, allowed are {listed(tasks)}"
            )
        if names.count(pair.name) > 1:
            raise ValueError(
                f"between.files[{number}].name is {pair.name!r}, allowed is a name of its own"
            )


def is_span(task: str, data: Data | None) -> bool:
    """Tell whether a task asks for a part of a text; `data` is None for a task in `own`."""
    match data:
        case None | TextData():
            return False
        case MiniatureData():
            return task == "question"
        case _:
            return data.config in SQUAD
