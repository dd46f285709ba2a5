"""Rows of the tables that the stage `barriers` writes."""

from dataclasses import dataclass

from stages.tickets.report.rows import Number
from stages.tickets.statistics.intervals import Difference

LOSS = "loss"
POINTS = 100
"""Points in 1, in which the report counts."""
ACCURACY = "accuracy"
"""The metric that the threshold of Frankle et al. 2020 is made for."""
Kind = tuple[str, str, str]
"""Split, head and metric of a curve."""


@dataclass(frozen=True)
class Place:
    """What pairs of several seeds share; point is None between stored networks."""

    task: str
    net: str
    round: int
    point: int | None
    arm: str
    steps: str

    @property
    def place(self) -> tuple[str, str, int, int | None, str, str]:
        """The coordinates alone, to group rows by."""
        return self.task, self.net, self.round, self.point, self.arm, self.steps


@dataclass(frozen=True)
class Barrier(Place):
    """A row of barriers.csv."""

    split: str
    head: str
    metric: str
    measure: str
    n: int
    mean: Number | None
    std: Number | None
    low: Number | None
    high: Number | None
    examples: Number | None
    verdict: str

    @property
    def kind(self) -> Kind:
        return self.split, self.head, self.metric

    def summary(self, unit: float = POINTS) -> Difference | None:
        """Return the barrier in fractions of 1, or in its own unit; None if all pairs are at chance."""
        if self.mean is None:
            return None
        std, low, high = (
            None if value is None else value / unit for value in (self.std, self.low, self.high)
        )
        return Difference(self.mean / unit, std, low, high, self.n, (self.examples or 0.0) / unit)


@dataclass(frozen=True)
class Point(Place):
    """A row of curves.csv: error in points or loss in nats at a place of the line."""

    seeds: str
    split: str
    head: str
    metric: str
    alpha: Number
    value: Number

    @property
    def kind(self) -> Kind:
        return self.split, self.head, self.metric


@dataclass(frozen=True)
class Ends(Place):
    """A row of ends.csv: what two networks compute, and where they lie."""

    seeds: str
    learned: bool
    disagreement: Number | None
    chance: Number | None
    divergence: Number | None
    middle: Number | None
    average: Number | None
    distance: Number
    ratio: Number | None
    cosine: Number | None
    union: Number
    jaccard: Number
