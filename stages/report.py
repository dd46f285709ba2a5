"""Write the report of a study: tables, figures, one page, and a README."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.output import save_text
from stages.tickets.report import page, results, sections
from stages.tickets.report.sections import scores
from stages.tickets.report.table import to_csv, to_markdown, to_tex


def main(
    manifest: Annotated[Path, typer.Option(help="Read what `check` wrote.")],
    measured: Annotated[Path, typer.Option(help="Read what the experiments measured.")],
    encoder: Annotated[Path, typer.Option(help="Read encoder.json from this folder.")],
    published: Annotated[Path, typer.Option(help="Read the published numbers.")],
    report: Annotated[Path, typer.Option(help="Read scores.csv here, and write all.")],
) -> None:
    study = settings.checked(cli.content(), str(cli.PARAMS))
    read = results.load(study, manifest, report, measured, encoder, published)
    parts = sections.build(read, study)
    for table in (table for section in parts for table in section.tables):
        save_text(to_csv(table.records, table.missing), report / "tables" / f"{table.name}.csv")
        save_text(to_markdown(table), report / "tables" / f"{table.name}.md")
        save_text(to_tex(table), report / "tables" / f"{table.name}.tex")
    for figure in (figure for section in parts for figure in section.figures):
        save_text(to_csv(figure.records, figure.missing), report / "figures" / f"{figure.name}.csv")
        if figure.svg:
            save_text(figure.svg, report / "figures" / f"{figure.name}.svg")
    for kind in scores.CURVES:
        line = scores.mean_scores(kind, read, study)
        save_text(to_csv(line), report / "figures" / f"scores_mean_{kind}.csv")
    content = page.content(parts, read, study)
    save_text(page.to_html(content), report / "index.html")
    save_text(page.to_readme(content), report / "README.md")


if __name__ == "__main__":
    cli.run(main)
