"""The scores of a study in one frame, with the means and differences that every section reads."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import NamedTuple

import pandas as pd

from stages.tickets.report.rows import ScoreRow
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Seed, Summary

SELECTION = "selection"
VALIDATION = "validation"
PLACE = ["task", "kind", "at", "source", "split", "metric"]
"""Columns of the frame that say what was scored; with the seed, they name one score."""

Setting = tuple[str, str]
"""Kind and source of runs that differ in task and seed alone."""


class Run(NamedTuple):
    """What was trained: `at` is the point that its training starts from, else the round of its mask.

    `source`: kind of a control, task or name of a mask, seed of a mask, or name of a subnetwork.
    """

    task: str
    kind: str
    at: int = 0
    source: str = ""


class Scores:
    """scores.csv as a frame, and by run, split and metric."""

    frame: pd.DataFrame
    """A row per score: the columns of scores.csv, and `at` as in `Run`."""
    metrics: dict[str, str]
    """The headline metric of every task."""
    others: list[tuple[str, str, str]]
    """Task, split and metric of all other scores, but losses and those on selection."""

    def __init__(self, rows: Iterable[ScoreRow]) -> None:
        """Index the scores; a ValueError says which score comes twice."""
        listed = list(rows)
        frame = pd.DataFrame([asdict(row) for row in listed], columns=[*ScoreRow.__annotations__])
        frame["at"] = [_at(row) for row in listed]
        twice = frame[frame.duplicated([*PLACE, "seed"])]
        if len(twice):
            where = twice.iloc[0]
            run = Run(*where[["task", "kind", "at", "source"]])
            raise ValueError(
                f"{run}, {where['split']}, {where['metric']}, seed {where['seed']} comes twice"
            )
        self.frame = frame
        headlines = frame[frame["headline"].astype(bool)]
        self.metrics = dict(zip(headlines["task"], headlines["metric"], strict=True))
        shown = frame[(frame["metric"] != "loss") & (frame["split"] != SELECTION)]
        columns = shown[["task", "split", "metric"]].drop_duplicates()
        self.others = [
            (task, split, metric)
            for task, split, metric in columns.itertuples(index=False, name=None)
            if (split, metric) != (VALIDATION, self.metrics.get(task))
        ]
        self._by_place: dict[tuple[Run, str, str], dict[Seed, float]] = {}
        self._collapsed: dict[Run, int] = {}
        for row in listed:
            run = Run(row.task, row.kind, _at(row), row.source)
            self._by_place.setdefault((run, row.split, row.metric), {})[row.seed] = row.score
        collapsed = {
            (Run(row.task, row.kind, _at(row), row.source), row.seed)
            for row in listed
            if row.split == VALIDATION and row.collapsed
        }
        for run, _ in collapsed:
            self._collapsed[run] = self._collapsed.get(run, 0) + 1

    def of(self, run: Run, split: str = VALIDATION, metric: str = "") -> dict[Seed, float]:
        """Return scores by seed, in the headline metric if none is named; empty if nothing ran."""
        metric = metric or self.metrics.get(run.task, "")
        return self._by_place.get((run, split, metric), {})

    def summary(
        self, run: Run, confidence: float, split: str = VALIDATION, metric: str = ""
    ) -> Summary | None:
        """Return mean and interval over all seeds of the run; None if nothing ran."""
        values = self.of(run, split, metric).values()
        return intervals.summarize(values, confidence) if values else None

    def compare(self, first: Run, second: Run, confidence: float) -> Difference | None:
        """Subtract second from first over the seeds of both; None if they have none in common."""
        return intervals.compare(self.of(first), self.of(second), confidence)

    def pooled(
        self, pairs: Iterable[tuple[Run, Run]], confidence: float
    ) -> tuple[Difference | None, int]:
        """Subtract second from first, by seed the mean over the pairs that ran, and count those."""
        scored = [(self.of(first), self.of(second)) for first, second in pairs]
        return intervals.pooled(scored, confidence)

    def over_tasks(
        self, first: Setting, second: Setting, tasks: Iterable[str], confidence: float
    ) -> Difference | None:
        """Subtract second from first, by seed the mean over tasks; None unless a seed has all of them.

        A baseline without seeds, as the second, stands beside every seed of the first.
        """
        pairs = []
        for task in tasks:
            ours, other = (self.of(Run(task, kind, 0, source)) for kind, source in (first, second))
            pairs.append((ours, dict.fromkeys(ours, other[None]) if None in other else other))
        gain, num_tasks = intervals.pooled(pairs, confidence)
        return gain if num_tasks == len(pairs) else None

    def collapsed(self, run: Run) -> int:
        """Count the seeds that ended in a model which predicts one class or no better than a constant."""
        return self._collapsed.get(run, 0)

    def has(self, kind: str) -> bool:
        """Tell whether anything of this kind ran."""
        return bool((self.frame["kind"] == kind).any())

    def ran(self, runs: Sequence[Run]) -> bool:
        """Tell whether any of these runs has scores."""
        return any(self.of(run) for run in runs)


def _at(row: ScoreRow) -> int:
    return row.point if row.point is not None else row.round or 0
