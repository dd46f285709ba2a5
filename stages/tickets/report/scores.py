"""The scores of a study in one frame, with the means and differences that every section reads."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.tickets.report.rows import ScoreRow
from stages.tickets.settings import Tickets
from stages.tickets.statistics import intervals, matching
from stages.tickets.statistics.intervals import Difference, Seed, Summary

SELECTION = "selection"
VALIDATION = "validation"
PLACE = ["task", "kind", "at", "source", "split", "metric"]
"""Columns of the frame that say what was scored; with the seed, they name one score."""

Setting = tuple[str, str]
"""Kind and source of runs that differ in task and seed alone."""
Deviations = Mapping[str, NDArray[np.floating[Any]]]
"""What each example of a split adds to a headline score, less the score, by `deviations_key`."""


class Run(NamedTuple):
    """What was trained: `at` is the point that its training starts from, else the round of its mask.

    `source`: kind of a control, task or name of a mask, seed of a mask, or name of a subnetwork.
    """

    task: str
    kind: str
    at: int = 0
    source: str = ""


def run_of(row: Mapping[str, Any]) -> Run:
    """Name the run of a row of scores.csv."""
    at = row["round"] or 0 if row["point"] is None else row["point"]
    return Run(row["task"], row["kind"], at, row["source"] or "")


def deviations_key(run: Run, seed: Seed, split: str = VALIDATION) -> str:
    """Name the deviations of one score; those on validation do not say so."""
    return "/".join(map(str, (*run, seed, *([split] if split != VALIDATION else []))))


class Scores:
    """scores.csv as a frame, and by run, split and metric."""

    frame: pd.DataFrame
    """A row per score: the columns of scores.csv, and `at` as in `Run`."""
    metrics: dict[str, str]
    """The headline metric of every task."""
    others: list[tuple[str, str, str]]
    """Task, split and metric of all other scores, but losses and those on selection."""

    def __init__(self, rows: Iterable[ScoreRow], deviations: Deviations | None = None) -> None:
        """Index the scores; a ValueError says which score comes twice.

        Args:
            deviations: where they are given, intervals are about other examples, too.
        """
        listed = list(rows)
        self._deviations = deviations or {}
        frame = pd.DataFrame([asdict(row) for row in listed], columns=[*ScoreRow.__annotations__])
        frame["at"] = [run_of(asdict(row)).at for row in listed]
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
            run = run_of(asdict(row))
            self._by_place.setdefault((run, row.split, row.metric), {})[row.seed] = row.score
        collapsed = {
            (run_of(asdict(row)), row.seed)
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
        values = self.of(run, split, metric)
        if not values:
            return None
        is_headline = not metric or metric == self.metrics.get(run.task)
        examples = self._examples({run: 1.0}, values, split) if is_headline else 0.0
        return intervals.summarize(values.values(), confidence, examples)

    def compare(
        self, first: Run, second: Run, confidence: float, split: str = VALIDATION
    ) -> Difference | None:
        """Subtract second from first over the seeds of both; None if they have none in common."""
        weights = {first: 1.0, second: -1.0}
        return self.contrast(weights, confidence, split) if first != second else None

    def contrast(
        self, weights: Mapping[Run, float], confidence: float, split: str = VALIDATION
    ) -> Difference | None:
        """Sum weighted scores by seed, over the seeds that all runs have; None if there are none.

        All runs are of one task, and thus of one metric and the same examples. A run without seeds, such
        as a baseline, stands beside every seed of the others.
        """
        by_run = {run: self.of(run, split) for run in weights}
        seeded = [set(values) for values in by_run.values() if None not in values]
        seeds = sorted(set.intersection(*seeded), key=str) if seeded else []
        if not seeds or not all(by_run.values()):
            return None
        sums = [
            math.fsum(weight * by_run[run].get(seed, by_run[run].get(None, 0.0))
                      for run, weight in weights.items())
            for seed in seeds
        ]  # fmt: skip
        return intervals.summarize_differences(
            sums, confidence, self._examples(weights, dict(zip(seeds, sums, strict=True)), split)
        )

    def _examples(
        self, weights: Mapping[Run, float], sums: Mapping[Seed, float], split: str
    ) -> float:
        """Compute the standard error that comes from examples, of sums by seed; 0 if one is unknown."""
        total: NDArray[np.float64] | float = 0.0
        for run, weight in weights.items():
            fixed = self._deviations.get(deviations_key(run, None, split))
            rows = [self._deviations.get(deviations_key(run, seed, split), fixed) for seed in sums]
            if any(row is None for row in rows):
                return 0.0
            total = total + weight * np.array(rows, np.float64)
        differ = max(sums.values()) - min(sums.values()) > intervals.ROUNDING
        return intervals.error_of_examples(np.asarray(total), differ)

    def above_majority(self, run: Run, confidence: float) -> bool:
        """Tell whether the interval of a run is above the majority class, of one seed over examples.

        For regression that is a constant; without such a baseline nothing speaks against the run.
        """
        gain = self.compare(run, Run(run.task, "majority"), confidence)
        return gain is None or gain.above(0.0, confidence)

    def matches(self, run: Run, rule: Tickets, split: str = VALIDATION) -> bool:
        """Tell whether a run matches the dense model on a split; False if one of them did not run."""
        dense = Run(run.task, "dense")
        ticket, level = (self.summary(of, rule.confidence, split) for of in (run, dense))
        if ticket is None or level is None:
            return False
        return matching.matches(
            ticket, level, self.compare(run, dense, rule.confidence, split), rule
        )

    def collapsed(self, run: Run) -> int:
        """Count the seeds that ended in a model which predicts one class or no better than a constant."""
        return self._collapsed.get(run, 0)

    def has(self, kind: str) -> bool:
        """Tell whether anything of this kind ran."""
        return bool((self.frame["kind"] == kind).any())

    def ran(self, runs: Sequence[Run]) -> bool:
        """Tell whether any of these runs has scores."""
        return any(self.of(run) for run in runs)
