"""Estimate what a study will cost before anything runs, and tell what a change reruns.

This is a command, not a stage: `uv run python -m stages plan`.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.plan import budget, committed, lineage, sizes, wording
from stages.tickets.plan import stages as expansion


def main(
    file: Annotated[
        Path, typer.Option("--params", help="Read the study from this file.")
    ] = cli.PARAMS,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-S",
            help="Change a setting first, such as train.epochs=2; repeat it for more.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Compare with this params file; the default is FILE without --set, or as committed."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            help="Give the time at so many sustained TFLOP/s; the default is a table of examples.",
        ),
    ] = None,
    encoder_config: Annotated[
        Path | None,
        typer.Option(
            help="Read the sizes of the encoder from this config.json, if they are not known."
        ),
    ] = None,
    results: Annotated[Path, typer.Option(help="Look here for what `dvc repro` has made.")] = Path(
        "results"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    content = settings.content(file, changes or ())
    study, parsing = settings.checked(content, str(file)), expansion.parsing(Path(expansion.CONFIG))
    pipeline = expansion.read(Path())
    stages = expansion.expand(pipeline, content, parsing)
    locked = expansion.locked(Path()) if results.exists() else {}
    sized = sizes.measure(study, content, results, locked, encoder_config)
    other, name = None, None
    if against or changes:
        name = str(against or file)
        other = expansion.expand(pipeline, settings.content(against or file), parsing)
    elif file == cli.PARAMS and (before := committed.pipeline(Path())):
        old = committed.content(Path(), str(file))
        if old is not None:
            other, name = expansion.expand(before, old, parsing), f"{file} as committed"
    compared = lineage.changes(stages if other is None else other, stages)
    plan = wording.Plan(
        study.study,
        " ".join([str(file), *(f"-S {change}" for change in changes or ())]),
        sized,
        budget.budget(stages, sized, compared),
        name,
        {"given": rate} if rate else budget.RATES,
    )
    if as_json:
        print(json.dumps(wording.record(plan), indent=1, sort_keys=True, allow_nan=False))
    else:
        print(wording.text(plan))


if __name__ == "__main__":
    cli.run(main, computes=False)
