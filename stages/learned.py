"""Write tables of learned masks, and of trainings on flipped labels."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.launch import cli
from stages.launch.options import Manifest, Out, Task
from stages.tickets import files
from stages.tickets.plan import manifest as manifests
from stages.tickets.statistics import learned


def main(
    task: Task,
    kind: Annotated[str, typer.Option(help="Read runs of this kind, learned or noisy.")],
    manifest: Manifest,
    out: Out,
) -> None:
    searches: list[dict[str, Any]] = []
    histograms: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for run in manifests.load(manifest).runs:
        if (run.task, run.kind) != (task, kind):
            continue
        folder, place = Path(run.folder), {"task": run.task, "seed": run.seed, "round": run.round}
        if kind == "learned":
            record = files.load_record(folder / "search.json")
            searches.append(place | {name: record[name] for name in learned.SEARCH})
            histograms += [place | row for row in learned.of_histogram(record["histogram"])]
        else:
            with (folder / "curve.csv").open(encoding="utf-8", newline="") as file:
                points = list(csv.DictReader(file))
            curves += [place | row for row in learned.of_curve(str(run.source), points)]
    if kind == "learned":
        files.save_table(searches, (*learned.PLACE, *learned.SEARCH), out / "searches.csv")
        files.save_table(histograms, (*learned.PLACE, *learned.BIN), out / "histograms.csv")
    else:
        files.save_table(curves, (*learned.PLACE, *learned.CURVE), out / "curves.csv")


if __name__ == "__main__":
    cli.run(main)
