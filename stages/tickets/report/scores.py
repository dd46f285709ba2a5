"""The scores of a study by run, with the means and differences that every section reads."""

from collections.abc import Iterable
from typing import NamedTuple

from stages.tickets.report.rows import ScoreRow
from stages.tickets.statistics.intervals import Difference, Seed, Summary, compare, summarize

SELECTION = "selection"
VALIDATION = "validation"
BY_POINT = ("rewind", "transfer_weights")
"""Kinds of runs that differ in the point of the dense training that they start from."""
BY_ROUND = ("imp", "random", "control", "standard", "aliased", "cross", "transfer")
"""Kinds of runs that differ in the round of their mask."""


class Run(NamedTuple):
    """What was trained: `at` is the round, of `rewind` and `transfer_weights` the point, and else 0.

    `source`: kind of a control, task or name of a mask, seed of a mask, or name of a subnetwork.
    """

    task: str
    kind: str
    at: int = 0
    source: str = ""


class Scores:
    """scores.csv by run, split and metric."""

    def __init__(self, rows: Iterable[ScoreRow]) -> None:
        """Raises: ValueError: the same score comes twice."""
        self.metrics: dict[str, str] = {}
        """The headline metric of every task."""
        self.others: dict[tuple[str, str, str], None] = {}
        """Task, split and metric of all other scores; a dict for its order."""
        self._scores: dict[tuple[Run, str, str], dict[Seed, float]] = {}
        self._collapsed: dict[Run, set[Seed]] = {}
        for row in rows:
            at = row.point if row.kind in BY_POINT else row.round
            has_at = row.kind in (*BY_POINT, *BY_ROUND)
            run = Run(row.task, row.kind, (at or 0) if has_at else 0, row.source)
            if row.headline:
                self.metrics[row.task] = row.metric
            if row.split == VALIDATION and row.collapsed:
                self._collapsed.setdefault(run, set()).add(row.seed)
            if row.metric != "loss" and row.split != SELECTION:
                self.others[row.task, row.split, row.metric] = None
            by_seed = self._scores.setdefault((run, row.split, row.metric), {})
            if row.seed in by_seed:
                raise ValueError(f"{run}, {row.split}, {row.metric}, seed {row.seed} comes twice")
            by_seed[row.seed] = row.score
        for task, metric in self.metrics.items():
            self.others.pop((task, VALIDATION, metric), None)

    def of(self, run: Run, split: str = VALIDATION, metric: str = "") -> dict[Seed, float]:
        """Scores by seed, in the headline metric if none is named; empty where nothing ran."""
        metric = metric or self.metrics.get(run.task, "")
        return self._scores.get((run, split, metric), {})

    def summary(
        self, run: Run, confidence: float, split: str = VALIDATION, metric: str = ""
    ) -> Summary | None:
        """Over all seeds of the run; None where nothing ran."""
        values = self.of(run, split, metric).values()
        return summarize(values, confidence) if values else None

    def compare(self, first: Run, second: Run, confidence: float) -> Difference | None:
        """First minus second over the seeds of both; None where they have none in common."""
        return compare(self.of(first), self.of(second), confidence)

    def collapsed(self, run: Run) -> int:
        """How many seeds ended in a model that predicts one class or a constant."""
        return len(self._collapsed.get(run, ()))

    def has(self, kind: str) -> bool:
        """Whether anything of this kind ran."""
        return any(run.kind == kind for run, _, _ in self._scores)
