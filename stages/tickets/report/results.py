"""All that a report is made of: scores, the tables of other stages, and published numbers."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from stages.tickets import files
from stages.tickets.plan import manifest as manifests
from stages.tickets.plan.manifest import Manifest
from stages.tickets.report import names, published, rows, search_rows
from stages.tickets.report.claim import Claim
from stages.tickets.report.scores import VALIDATION, Run, Scores
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Summary

Row = TypeVar("Row")
REPORT = "uv run dvc repro report"
"""The command that draws the report anew."""


def _from(path: str, *unique: str) -> Any:  # noqa: ANN401  a field of any rows
    """Declare a field that is read from a csv file: {task} stands for every task with patterns.

    Two rows must not have the same value in a `unique` column.
    """
    return field(metadata={"path": path, "unique": unique})


@dataclass(frozen=True)
class Results:
    """Every table by its name; where it is read from stands beside it."""

    study: Study
    manifest: Manifest
    """Which runs the study has, and which stages make them."""
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
    published_claims: Sequence[published.PublishedClaim] = _from(
        "published/claims.csv", "name", "statement"
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
    published_start: Sequence[published.PublishedStart] = _from("published/tanaka2020.csv")
    published_strict: Sequence[published.PublishedStrict] = _from("published/chen2020_strict.csv")
    published_stability: Sequence[published.PublishedStability] = _from("published/frankle2020.csv")

    speed: Sequence[rows.Speed] = ()
    """Times and memory on a machine; empty until the command `measure` has been run."""

    def summary(self, run: Run, split: str = VALIDATION, metric: str = "") -> Summary | None:
        """Return mean and interval over all seeds of a run; None if nothing ran."""
        return self.scores.summary(run, self.study.tickets.confidence, split, metric)

    def compare(self, first: Run, second: Run) -> Difference | None:
        """Subtract second from first over the seeds of both; None if they have none in common."""
        return self.scores.compare(first, second, self.study.tickets.confidence)

    @cached_property
    def no_evidence(self) -> tuple[str, ...]:
        """Tasks whose dense model is not above the majority class; they enter no claim, mean or count."""
        confidence = self.study.tickets.confidence
        return tuple(
            task
            for task in self.study.tasks
            if not self.scores.above_majority(Run(task, "dense"), confidence)
        )

    def usable(self, tasks: Iterable[str]) -> list[str]:
        """Return the tasks whose dense model has learned something."""
        return [task for task in tasks if task not in self.no_evidence]

    def over(self, values: Collection[float]) -> Summary | None:
        """Summarise values, one of each seed; None if there are none."""
        return intervals.summarize(values, self.study.tickets.confidence) if values else None

    def claim(self, name: str, over: str = "", about: str = "", **values: object) -> Claim:
        """Return a statement of published/claims.csv that is still to be decided.

        Args:
            over: what its measure is a mean over, or counts.
            about: what it is about in this study, to follow it in brackets.
            values: words that stand in its braces.
        """
        row = next(row for row in self.published_claims if row.name == name)
        statement = row.statement.format(**values) + (f" (here: {about})" if about else "")
        mark, stages = row.mark.format(**values), tuple(row.stages.split())
        return Claim(name, statement, row.paper, stages, mark=mark, over=over)

    def folder_of(self, entry: Mapping[str, Any]) -> Path:
        """Return the folder of an entry of the manifest, which is told from the project's own on."""
        return self.folder.parent / str(entry["folder"])

    def read(self, name: str, file: str, kind: type[Row]) -> list[Row]:
        """Read a table of an experiment's own from all folders that the manifest lists under a name."""
        entries = self.manifest.places.get(name, ())
        return [row for entry in entries for row in self.read_of(entry, file, kind)]

    def read_of(self, entry: Mapping[str, Any], file: str, kind: type[Row]) -> list[Row]:
        """Read a table from the folder of an entry of the manifest."""
        return rows.read(self.folder_of(entry) / file, kind)

    def not_run(self, kind: str) -> str:
        """Say why there is no run of a kind, or nothing of the stage of a name: `not run: ...`."""
        makers = self.manifest.makers
        empty = makers[kind].empty if kind in makers else self.manifest.empty(kind)
        if kind == "random":
            return names.why_no_control(kind, self.study)
        if empty:
            return f"not run: {empty[0]} is empty in params.yaml"
        return "not run: scores.csv has no such row"

    def commands(self, stages: Iterable[str]) -> tuple[str, ...]:
        """Return what makes the outputs of stages again; the last command draws the report.

        A stage that params.yaml gives nothing to run on is left out, since DVC does not know it.
        """
        makers = self.manifest.makers
        asked = [makers[stage].address for stage in stages if not makers[stage].empty]
        return (f"uv run dvc repro {' '.join(asked)}", REPORT) if asked else (REPORT,)


def load(
    study: Study, manifest: Path, report: Path, measured: Path, encoder: Path, papers: Path
) -> Results:
    """Read all tables.

    Args:
        manifest: the file that `check` writes.
        report: folder of scores.csv and of what else the stage `score` writes.
        measured: folder of the tables of stability, survival, patterns, and of other experiments, and of
            the deviations that the stage `score` writes.
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
                for row in rows.read(
                    folders[folder] / rest.format(task=task), kind, table.metadata["unique"]
                )
            ]
    if (report / "speed.csv").is_file():
        tables["speed"] = rows.read(report / "speed.csv", rows.Speed)
    deviations = files.load_arrays(measured / "deviations.safetensors")
    scores = Scores(rows.read(report / "scores.csv", rows.ScoreRow), deviations)
    record = json.loads((encoder / "encoder.json").read_text(encoding="utf-8"))
    return Results(study, manifests.load(manifest), scores, record, measured, **tables)
