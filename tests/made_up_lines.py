"""Made-up lines between networks as the stage `barriers` writes them, and scores of copies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.tickets import files, settings
from stages.tickets.report.results import Results
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import connectivity
from stages.tickets.statistics import barriers, intervals, paths
from tests.made_up import Study

ENDS = {
    "learned": 1, "disagreement": 0.04, "chance": 0.15, "divergence": 0.02, "middle": 0.9,
    "average": 0.91, "distance": 2.0, "ratio": 0.8, "cosine": 0.5, "union": 0.4, "jaccard": 1.0,
}  # fmt: skip
Curves = Mapping[str, Sequence[float]]
"""Errors in points along lines, by seeds."""


@dataclass
class Lines:
    """Rows of the tables, and the scores of copies."""

    made: Study
    threshold: float = 2.0
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: [] for name in paths.COLUMNS}
    )
    scores: list[ScoreRow] = field(default_factory=list)

    def add(
        self,
        place: tuple[str, str, int, int | None, str, str],
        curves: Curves,
        below: float = 0.0,
        more: Mapping[tuple[str, str, str], Curves] | None = None,
        metric: str = "accuracy",
        **ends: Any,
    ) -> None:
        """Add the lines of all seeds at a place.

        Args:
            curves: errors on validation with the networks' own classifiers.
            below: how much lower than the dense model copies score, as a fraction of 1.
            more: further curves by split, head and metric.
            metric: of the errors.
            ends: what differs from `ENDS`.
        """
        where = dict(zip(paths.PLACE, place, strict=True))
        kinds = {("validation", "own", metric): curves, **(more or {})}
        for seeds in curves:
            self.rows["ends"].append(where | {"seeds": seeds} | ENDS | ends)
        for (split, head, of), by_seeds in kinds.items():
            kind = {"split": split, "head": head, "metric": of}
            for seeds, curve in by_seeds.items():
                for step, value in enumerate(curve):
                    alpha = {"alpha": step / (len(curve) - 1), "value": float(value)}
                    self.rows["curves"].append(where | {"seeds": seeds} | kind | alpha)
            for name, measure in barriers.MEASURES.items():
                heights = [float(measure(np.array(curve, float))) for curve in by_seeds.values()]
                learned = ends.get("learned", 1)
                summary = intervals.summarize(heights, 0.95) if learned else None
                decided = of == "accuracy" and name in ("chord", "error_barrier")
                self.rows["barriers"].append(
                    where
                    | kind
                    | {key: getattr(summary, key, None) for key in paths.NUMBERS}
                    | {
                        "measure": name,
                        "n": len(heights) if learned else 0,
                        "verdict": barriers.verdict(summary, self.threshold) if decided else "",
                    }
                )
        self._score(place, [int(seeds) for seeds in curves if seeds.isdigit()], below)

    def _score(
        self, place: tuple[str, str, int, int | None, str, str], seeds: Sequence[int], below: float
    ) -> None:
        task, net, number, point, arm, steps = place
        if point is None:
            return
        dense = {
            row.seed: row
            for row in self.made.scores
            if (row.task, row.kind, row.split) == (task, "dense", "validation") and row.headline
        }
        for seed in seeds:
            for copy, off in ((1, 0.001), (2, -0.001)):
                self.scores.append(
                    replace(
                        dense[seed],
                        kind="copy",
                        source=f"{net}-{number}-{arm}-{steps}-{copy}",
                        round=number,
                        point=point,
                        score=dense[seed].score - below + off,
                    )
                )

    def results(self, folder: Path) -> Results:
        """Write the tables to a folder, and read them with all else that the study has."""
        for name, columns in paths.COLUMNS.items():
            for task in self.made.config.tasks:
                for entry in ("barriers", "stored-barriers"):
                    stored = entry == "stored-barriers"
                    own = [
                        row
                        for row in self.rows[name]
                        if row["task"] == task and (row["arm"] == "stored") is stored
                    ]
                    path = folder / "results" / "runs" / entry / task / f"{name}.csv"
                    files.save_table(own, columns, path)
        scores = Scores([*self.made.scores, *self.scores])
        return replace(self.made.results, folder=folder / "results", scores=scores)

    def section(self, folder: Path) -> Section:
        """Make the section of the tables."""
        return connectivity.section(self.results(folder), self.made.config)


def switched_on(asked: settings.Study) -> settings.Study:
    """Ask for copies and stored lines of all tasks."""
    on = {"tasks": asked.tasks}
    return asked.model_copy(
        update={
            "connectivity": asked.connectivity.model_copy(update=on),
            "between": asked.between.model_copy(update=on),
        }
    )
