"""Tables of scores from all stored predictions, and the few numbers that `dvc metrics` shows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.plan import manifest
from stages.tickets.report import metrics as numbers
from stages.tickets.report import rows, scoring
from stages.tickets.report.scores import Scores


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    rounds: tuple[settings.Round, ...]
    transfer: settings.Transfer
    tickets: settings.Tickets


def main(
    manifest_file: Annotated[Path, typer.Option("--manifest", help="What `check` wrote.")],
    scores_out: Annotated[Path, typer.Option("--scores")],
    metrics_out: Annotated[Path, typer.Option("--metrics")],
    sizes_out: Annotated[Path, typer.Option("--subnetworks")],
    tasks_out: Annotated[Path, typer.Option("--tasks")],
    hans_out: Annotated[Path, typer.Option("--hans")],
) -> None:
    config = cli.read(Params)
    study = manifest.load(manifest_file)
    examples = {
        task: scoring.load_examples(study.place("prepared", task=task)) for task in config.tasks
    }
    scores, on_hans = scoring.score(scoring.predicted(study, examples), examples)
    files.save_table(scores, scoring.SCORES, scores_out)
    files.save_table(on_hans, scoring.HANS, hans_out)
    files.save_table(scoring.sizes(study), scoring.SIZES, sizes_out)
    files.save_table(scoring.described(examples), scoring.TASKS, tasks_out)
    metrics = numbers.headlines(Scores(rows.read(scores_out, rows.ScoreRow)), config)
    metrics_out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metrics, indent=1, allow_nan=False)  # in DVC's order
    metrics_out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    cli.run(main)
