"""Lines between networks: a row per network, start and noise, with all pairs behind it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import hypot
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from stages.tickets.report import names, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.connectivity.measured import (
    LOSS,
    POINTS,
    Barrier,
    Ends,
    Kind,
    Place,
    Point,
)
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.barriers import MEASURES
from stages.tickets.statistics.intervals import Difference

HANS = "hans"
"""Name of the split of HANS, which only some tasks have."""
SUBNETWORKS = ("ticket", "random", "one-shot", "reinitialised")
"""Networks with a mask."""


@dataclass(frozen=True)
class Pair:
    """Two networks, and the line between them."""

    seeds: str
    """Seed of both, or the two seeds with a blank between them."""
    ends: Ends
    curves: Mapping[Kind, NDArray[np.float64]]
    """Values along the line, from its first end to its second."""

    def barrier(self, measure: str, kind: Kind) -> float:
        """Return a measure of `barriers.MEASURES` in fractions of 1."""
        return float(MEASURES[measure](self.curves[kind])) / POINTS


@dataclass(frozen=True)
class Line(Place):
    """A network, where its copies start and in which noise they differ, or a kind of stored networks.

    Barriers are None if all pairs are at chance, or if the line was not scored in this way.
    """

    sparsity: float
    metric: str
    """Of the errors: accuracy if the task has classes."""
    barriers: Mapping[tuple[str, str, str, str], Barrier]
    """Rows of barriers.csv by split, head, metric and measure."""
    pairs: Sequence[Pair]
    """Of all seeds."""
    gain: Difference | None
    """Mean score of both copies minus that of the dense model; None for stored networks."""
    gains: Mapping[int, float]
    """The same by seed."""

    def barrier(
        self, measure: str, split: str = "validation", head: str = "own", metric: str = ""
    ) -> Difference | None:
        """Return a barrier over seeds, of errors in fractions of 1, of the loss in nats."""
        row = self.barriers.get((split, head, metric or self.metric, measure))
        return row.summary(1.0 if metric == LOSS else POINTS) if row else None

    @property
    def chord(self) -> Difference | None:
        """The largest rise of the error above the chord."""
        return self.barrier("chord")

    @property
    def frankle(self) -> Difference | None:
        """The barrier of Frankle et al. 2020."""
        return self.barrier("error_barrier")

    @property
    def loss(self) -> Difference | None:
        """The largest rise of the loss above the chord, in nats."""
        return self.barrier("chord", metric=LOSS)

    @property
    def verdict(self) -> str:
        return self.barriers[*self.kind, "chord"].verdict or words.NONE

    @property
    def kind(self) -> Kind:
        """Split, head and metric of the headline curve."""
        return "validation", "own", self.metric

    @property
    def is_order(self) -> bool:
        """Whether copies differ in the noise of Frankle et al. 2020 and take the steps that were left."""
        return (self.arm, self.steps) == ("order", "rest")

    @property
    def is_subnetwork(self) -> bool:
        return self.net in SUBNETWORKS

    @property
    def rounds(self) -> tuple[int, ...]:
        """The two rounds of stored networks of one seed at their union; empty for all other pairs."""
        of_rounds = self.arm == "stored" and self.net.startswith("rounds ")
        first = self.net.split()[1] if of_rounds else ""
        return (int(first), self.round) if first else ()

    @property
    def on_hans(self) -> list[str]:
        """Metrics of the errors on HANS; empty if the line was not scored there."""
        kinds = dict.fromkeys(row.kind for row in self.barriers.values())
        return [
            metric
            for split, head, metric in kinds
            if (split, head) == (HANS, "own") and metric != LOSS
        ]

    @cached_property
    def name(self) -> str:
        """The network as it is shown, with its sparsity if that says more."""
        return f"{self.net} {words.percent(self.sparsity)}" if self.is_subnetwork else self.net

    @cached_property
    def learned(self) -> dict[str, Pair]:
        """The pairs whose networks are both above chance, by seeds."""
        return {pair.seeds: pair for pair in self.pairs if pair.ends.learned}

    def minus(self, other: "Line", measure: str, confidence: float) -> Difference | None:
        """Subtract the barriers of another row, paired by seed; None without a seed that both have.

        What the choice of examples adds is that of two independent samples, which is too much for two
        networks on the same examples, so the interval is wide rather than narrow.
        """
        gains = [
            pair.barrier(measure, self.kind) - other.learned[seeds].barrier(measure, other.kind)
            for seeds, pair in self.learned.items()
            if seeds in other.learned
        ]
        if not gains:
            return None
        known = (self.barrier(measure), other.barrier(measure))
        errors = [barrier.examples for barrier in known if barrier]
        return intervals.summarize_differences(gains, confidence, hypot(*errors))


def lines(results: Results, study: Study) -> list[Line]:
    """Read a row per network, start and noise; none if nothing is asked for."""
    barriers = results.read("barriers", "barriers.csv", Barrier)
    points = results.read("barriers", "curves.csv", Point)
    ends = results.read("barriers", "ends.csv", Ends)
    curves = grouped(points, lambda row: (row.place, row.seeds))
    networks = grouped(ends, lambda row: row.place)
    return [
        line(
            group,
            [pair(end, curves[place, end.seeds]) for end in networks[place]],
            *minus_dense(Place(*place), results),
            study,
        )
        for place, group in grouped(barriers, lambda row: row.place).items()
    ]


def pair(ends: Ends, points: Iterable[Point]) -> Pair:
    """Put the points of all curves of a pair in order."""
    curves = {
        kind: np.array([point.value for point in sorted(own, key=lambda point: point.alpha)])
        for kind, own in grouped(points, lambda point: point.kind).items()
    }
    return Pair(ends.seeds, ends, curves)


def line(
    barriers: Sequence[Barrier],
    pairs: Sequence[Pair],
    gain: Difference | None,
    gains: Mapping[int, float],
    study: Study,
) -> Line:
    """Make the row of a place from its rows of barriers.csv, and what else `Line` has."""
    first = barriers[0]
    dropped = names.sparsities(study).get(first.round, 0.0)
    return Line(
        *first.place,
        sparsity=1 - first.union if first.arm == "files" else dropped,
        metric=next(row.metric for row in barriers if row.split == "validation"),
        barriers={(*row.kind, row.measure): row for row in barriers},
        pairs=pairs,
        gain=gain,
        gains=gains,
    )


def minus_dense(row: Place, results: Results) -> tuple[Difference | None, dict[int, float]]:
    """Subtract the dense score from the mean score of both copies: over seeds, and by seed."""
    if row.point is None:
        return None, {}
    source = f"{row.net}-{row.round}-{row.arm}-{row.steps}"
    copies = [Run(row.task, "copy", row.point, f"{source}-{number}") for number in (1, 2)]
    dense = Run(row.task, "dense")
    weights = {copies[0]: 0.5, copies[1]: 0.5, dense: -1.0}
    gain = results.scores.contrast(weights, results.study.tickets.confidence)
    first, second, level = (results.scores.of(run) for run in (*copies, dense))
    return gain, {
        seed: fmean((first[seed], second[seed])) - level[seed]
        for seed in first
        if seed is not None and seed in second and seed in level
    }
