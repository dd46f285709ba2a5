"""Write the report of a study: tables, figures, one page, and a README."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.report import (
    chen_rows,
    curves,
    deviations,
    page,
    pattern_rows,
    report,
    rows,
    tables,
)
from stages.tickets.report import scores as scored
from stages.tickets.report.chen_rows import ChenResults
from stages.tickets.report.pattern_rows import PatternResults

Row = TypeVar("Row")


@dataclass(frozen=True)
class Params:
    study: str
    title: str
    banner: str
    ran: settings.Ran | None
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    encoder: settings.Encoder
    data: Mapping[str, settings.Data]
    own: Mapping[str, settings.OwnData]
    prepare: settings.Prepare
    train: settings.Train
    override: Mapping[str, settings.Override]
    rounds: tuple[settings.Round, ...]
    imp: settings.Imp
    earlier: settings.Earlier
    rewind: settings.Rewind
    random: settings.Random
    controls: settings.Controls
    standard: settings.Standard
    cross: settings.Cross
    multitask: settings.Multitask
    scratch: settings.Scratch
    transfer: settings.Transfer
    transfer_weights: settings.TransferWeights
    search: settings.Search
    retrain: settings.Retrain
    patterns: settings.Patterns
    tickets: settings.Tickets
    verdict: settings.Verdict
    plot: settings.Plot


def main(
    scores: Annotated[Path, typer.Option(help="scores.csv")],
    subnetworks: Annotated[Path, typer.Option(help="subnetworks.csv")],
    tasks: Annotated[Path, typer.Option(help="tasks.csv")],
    hans: Annotated[Path, typer.Option(help="hans.csv")],
    stability: Annotated[
        Path, typer.Option(help="Folder of agreement.csv, layers.csv, beyond.csv and movement.csv.")
    ],
    survival: Annotated[
        Path, typer.Option(help="Folder of searched.csv, agreement.csv, places.csv and others.")
    ],
    patterns: Annotated[Path, typer.Option(help="Folder of networks and of tasks.")],
    encoder: Annotated[Path, typer.Option(help="Folder of encoder.json.")],
    published: Annotated[Path, typer.Option(help="Folder of published numbers.")],
    tables_out: Annotated[Path, typer.Option("--tables", help="Folder, written.")],
    figures_out: Annotated[Path, typer.Option("--figures", help="Folder, written.")],
    page_out: Annotated[Path, typer.Option("--page", help="HTML file, written.")],
    readme_out: Annotated[Path, typer.Option("--readme", help="Markdown file, written.")],
) -> None:
    whole = settings.load(cli.PARAMS)
    config = replace(
        cli.read(Params), data=whole.data, own=whole.own, override=whole.override
    )  # of all tasks, where `read` takes the entry of one
    found = scored.Scores(read(scores, rows.ScoreRow))
    results = report.Results(
        found,
        read(tasks, rows.TaskSize),
        read(stability / "agreement.csv", rows.Agreement),
        read(stability / "layers.csv", rows.Kept),
        read(subnetworks, rows.Size),
        read(survival / "searched.csv", rows.Searched),
        read(survival / "agreement.csv", rows.StructureAgreement),
        read(survival / "places.csv", rows.Place),
        read(survival / "overlaps.csv", rows.Overlap),
        read(survival / "importance.csv", rows.Importance),
        read(survival / "layers.csv", rows.WeightsOfLayer),
        read(published / "prasanna2020.csv", rows.Published),
        read(published / "prasanna2020_structure.csv", rows.PublishedStructure),
        read(published / "prasanna2020_places.csv", rows.Place),
        read(published / "prasanna2020_overlaps.csv", rows.Overlap),
        read(hans, rows.HansScore),
        read_patterns(patterns, published, config.patterns.tasks),
        read_chen(published),
        read(stability / "beyond.csv", rows.Agreement),
        read(stability / "movement.csv", rows.Movement),
    )
    record = json.loads((encoder / "encoder.json").read_text(encoding="utf-8"))

    sections = report.build(results, config)
    for table in (table for section in sections for table in section.tables):
        write(tables_out / f"{table.name}.csv", tables.to_csv(table.records, table.missing))
        write(tables_out / f"{table.name}.md", tables.to_markdown(table))
        write(tables_out / f"{table.name}.tex", tables.to_tex(table))
    for figure in (figure for section in sections for figure in section.figures):
        write(figures_out / f"{figure.name}.csv", tables.to_csv(figure.records, figure.missing))
        if figure.svg:
            write(figures_out / f"{figure.name}.svg", figure.svg)
    for kind in curves.CURVES:
        means = curves.mean_scores(kind, found, config)
        write(figures_out / f"scores_mean_{kind}.csv", tables.to_csv(means))
    content = page.Content(
        report.scope(found, record, config),
        report.cards_of(sections, config),
        deviations.deviations(record["num_prunable"], results.tasks, config),
        sections,
    )
    links = folders(page_out, tables_out, figures_out)
    write(page_out, page.to_html(content, config, links))
    links = folders(readme_out, tables_out, figures_out)
    write(readme_out, page.to_readme(content, config, links))


def read(path: Path, kind: type[Row]) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            return rows.parse(kind, csv.DictReader(file))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def read_patterns(folder: Path, published: Path, tasks: Sequence[str]) -> PatternResults:
    def of_tasks(name: str, kind: type[Row]) -> list[Row]:
        return [row for task in tasks for row in read(folder / "tasks" / task / name, kind)]

    return PatternResults(
        read(folder / "networks" / "confusion.csv", pattern_rows.Confusion),
        of_tasks("shares.csv", pattern_rows.PatternShare),
        of_tasks("heads.csv", pattern_rows.HeadPatterns),
        of_tasks("agreement.csv", pattern_rows.NetworkAgreement),
        read(published / "prasanna2020_patterns.csv", pattern_rows.PublishedShare),
        read(published / "prasanna2020_pattern_correlation.csv", pattern_rows.PublishedCorrelation),
    )


def read_chen(published: Path) -> ChenResults:
    return ChenResults(
        read(published / "chen2020_table2.csv", chen_rows.PublishedTicket),
        read(published / "chen2020_figure2.csv", chen_rows.PublishedTransfer),
        read(published / "chen2020_dark.csv", chen_rows.PublishedDark),
        read(published / "chen2020_strict.csv", chen_rows.PublishedStrict),
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def folders(page: Path, *others: Path) -> tuple[str, str]:
    """The other folders as links from the page."""
    first, second = (Path(os.path.relpath(other, page.parent)).as_posix() for other in others)
    return first, second


if __name__ == "__main__":
    cli.run(main)
