"""Score all stored predictions; write tables and the few numbers that `dvc metrics` shows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import files, output, settings
from stages.tickets.plan import manifest
from stages.tickets.report import metrics as numbers
from stages.tickets.report import scoring
from stages.tickets.report.scores import Scores
from stages.tickets.report.table import to_csv


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    rounds: tuple[settings.Round, ...]
    transfer: settings.Transfer
    tickets: settings.Tickets
    verdict: settings.Verdict


def main(
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Read what `check` wrote.")],
    scores_out: Annotated[Path, typer.Option("--scores")],
    metrics_out: Annotated[Path, typer.Option("--metrics")],
    sizes_out: Annotated[Path, typer.Option("--subnetworks")],
    tasks_out: Annotated[Path, typer.Option("--tasks")],
    hans_out: Annotated[Path, typer.Option("--hans")],
    deviations_out: Annotated[Path, typer.Option("--deviations")],
) -> None:
    config = cli.read(Params)
    study = manifest.load(manifest_file)
    examples = {
        task: scoring.load_examples(study.place("prepared", task=task)) for task in config.tasks
    }
    scores, on_hans, by_example = scoring.score(scoring.predicted(study, examples), examples)
    metrics = numbers.headlines(Scores(scoring.as_rows(scores), by_example), config)
    for path, text in (
        (scores_out, to_csv(scores, header=scoring.SCORES)),
        (hans_out, to_csv(on_hans, header=scoring.HANS)),
        (sizes_out, to_csv(scoring.sizes(study), header=scoring.SIZES)),
        (tasks_out, to_csv(scoring.described(examples), header=scoring.TASKS)),
        (metrics_out, json.dumps(metrics, indent=1, allow_nan=False) + "\n"),  # in DVC's order
    ):
        output.save_text(text, path)
    files.save_arrays(by_example, deviations_out)


if __name__ == "__main__":
    cli.run(main)
