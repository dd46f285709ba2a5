"""Write the report of a study: tables, figures, one page, and a README."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.report import page, results, sections
from stages.tickets.report.sections import scores
from stages.tickets.report.table import to_csv, to_markdown, to_tex


def main(
    manifest: Annotated[Path, typer.Option(help="What `check` wrote.")],
    measured: Annotated[Path, typer.Option(help="Folder of what the experiments measured.")],
    encoder: Annotated[Path, typer.Option(help="Folder of encoder.json.")],
    published: Annotated[Path, typer.Option(help="Folder of published numbers.")],
    report: Annotated[Path, typer.Option(help="Folder of scores.csv, and of all that is written.")],
) -> None:
    study = settings.load(cli.PARAMS)
    read = results.load(study, manifest, report, measured, encoder, published)
    parts = sections.build(read, study)
    for table in (table for section in parts for table in section.tables):
        write(report / "tables" / f"{table.name}.csv", to_csv(table.records, table.missing))
        write(report / "tables" / f"{table.name}.md", to_markdown(table))
        write(report / "tables" / f"{table.name}.tex", to_tex(table))
    for figure in (figure for section in parts for figure in section.figures):
        write(report / "figures" / f"{figure.name}.csv", to_csv(figure.records, figure.missing))
        if figure.svg:
            write(report / "figures" / f"{figure.name}.svg", figure.svg)
    for kind in scores.CURVES:
        line = scores.mean_scores(kind, read.scores, study)
        write(report / "figures" / f"scores_mean_{kind}.csv", to_csv(line))
    content = page.content(parts, read, study)
    write(report / "index.html", page.to_html(content))
    write(report / "README.md", page.to_readme(content))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    cli.run(main)
