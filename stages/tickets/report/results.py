"""All that a report is made of: scores, the tables of other stages, and published numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from stages.tickets.report import names, published, rows, search_rows
from stages.tickets.report.scores import Scores
from stages.tickets.settings import Study

Row = TypeVar("Row")


def _from(path: str) -> Any:  # noqa: ANN401  a field of any rows
    """A field that is read from a csv file: {task} stands for every task with patterns."""
    return field(metadata={"path": path})


@dataclass(frozen=True)
class Results:
    """Every table by its name; where it is read from stands beside it."""

    study: Study
    scores: Scores
    encoder: Mapping[str, Any]
    """encoder.json: `num_prunable`, `num_weights`, and what pre-training reached."""
    folder: Path
    """What experiments measured, for sections with tables of their own."""

    tasks: Sequence[rows.TaskSize] = _from("report/tasks.csv")
    sizes: Sequence[search_rows.Size] = _from("report/subnetworks.csv")
    hans: Sequence[rows.HansScore] = _from("report/hans.csv")
    agreement: Sequence[rows.Agreement] = _from("measured/stability/agreement.csv")
    layers: Sequence[rows.Kept] = _from("measured/stability/layers.csv")
    beyond: Sequence[rows.Agreement] = _from("measured/stability/beyond.csv")
    movement: Sequence[rows.Movement] = _from("measured/stability/movement.csv")
    searched: Sequence[search_rows.Searched] = _from("measured/survival/searched.csv")
    structures: Sequence[search_rows.StructureAgreement] = _from("measured/survival/agreement.csv")
    places: Sequence[search_rows.Place] = _from("measured/survival/places.csv")
    overlaps: Sequence[search_rows.Overlap] = _from("measured/survival/overlaps.csv")
    importance: Sequence[search_rows.Importance] = _from("measured/survival/importance.csv")
    weights: Sequence[search_rows.WeightsOfLayer] = _from("measured/survival/layers.csv")
    confusion: Sequence[search_rows.Confusion] = _from("measured/patterns/networks/confusion.csv")
    shares: Sequence[search_rows.PatternShare] = _from("measured/patterns/tasks/{task}/shares.csv")
    heads: Sequence[search_rows.HeadPatterns] = _from("measured/patterns/tasks/{task}/heads.csv")
    networks: Sequence[search_rows.NetworkAgreement] = _from(
        "measured/patterns/tasks/{task}/agreement.csv"
    )
    published_scores: Sequence[published.Published] = _from("published/prasanna2020.csv")
    published_structure: Sequence[published.PublishedStructure] = _from(
        "published/prasanna2020_structure.csv"
    )
    published_places: Sequence[search_rows.Place] = _from("published/prasanna2020_places.csv")
    published_overlaps: Sequence[search_rows.Overlap] = _from("published/prasanna2020_overlaps.csv")
    published_shares: Sequence[published.PublishedShare] = _from(
        "published/prasanna2020_patterns.csv"
    )
    published_correlations: Sequence[published.PublishedCorrelation] = _from(
        "published/prasanna2020_pattern_correlation.csv"
    )
    published_tickets: Sequence[published.PublishedTicket] = _from("published/chen2020_table2.csv")
    published_transfers: Sequence[published.PublishedTransfer] = _from(
        "published/chen2020_figure2.csv"
    )
    published_dark: Sequence[published.PublishedDark] = _from("published/chen2020_dark.csv")
    published_strict: Sequence[published.PublishedStrict] = _from("published/chen2020_strict.csv")

    def read(self, path: str, kind: type[Row]) -> list[Row]:
        """A table of an experiment's own, by its path below the folder of what was measured."""
        return rows.read(self.folder / path, kind)

    def not_run(self, kind: str) -> str:
        """Why there is no run of this kind, as `not run: ...`."""
        return names.why_not(kind, self.study)


def load(study: Study, report: Path, measured: Path, encoder: Path, papers: Path) -> Results:
    """Read everything.

    Args:
        report: folder of scores.csv and of what else the stage `score` writes.
        measured: folder of the tables of stability, survival, patterns, and of other experiments.
        encoder: folder of encoder.json.
        papers: folder of published numbers.

    Raises:
        ValueError: a table is not what it should be; the message names the file and the cell.
    """
    folders = {"report": report, "measured": measured, "published": papers}
    hints = get_type_hints(Results)
    tables: dict[str, Any] = {}
    for table in fields(Results):
        if path := table.metadata.get("path"):
            folder, _, rest = path.partition("/")
            (kind,) = get_args(hints[table.name])
            tasks = study.patterns.tasks if "{task}" in rest else ("",)
            tables[table.name] = [
                row
                for task in tasks
                for row in rows.read(folders[folder] / rest.format(task=task), kind)
            ]
    scores = Scores(rows.read(report / "scores.csv", rows.ScoreRow))
    record = json.loads((encoder / "encoder.json").read_text(encoding="utf-8"))
    return Results(study, scores, record, measured, **tables)
