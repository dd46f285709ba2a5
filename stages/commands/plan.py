"""What a study will cost, before anything runs, and what a change reruns.

A command and no stage: `uv run python -m stages plan`.
"""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.plan import budget, expansion, lineage, sizes, wording

PIPELINE, LOCK, CONFIG = Path("dvc.yaml"), Path("dvc.lock"), Path(".dvc/config")


def committed(file: Path) -> Any:  # noqa: ANN401
    """Content of a YAML file as last committed; None if git has none."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{file.as_posix()}"], capture_output=True, check=False
    )
    return YAML(typ="safe").load(shown.stdout) if shown.returncode == 0 else None


def main(
    file: Annotated[Path, typer.Option("--params", help="Params of the study.")] = cli.PARAMS,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", "-S", help="Another value, such as train.epochs=2; may be repeated."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Params to compare with; else FILE without --set, or as committed."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1e-9, help="Sustained TFLOP/s; else a table of examples.")
    ] = None,
    encoder_config: Annotated[
        Path | None, typer.Option(help="config.json of an encoder whose sizes are not known.")
    ] = None,
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    content = settings.content(file, changes or ())
    study, parsing = settings.checked(content, str(file)), expansion.parsing(CONFIG)
    pipeline = YAML(typ="safe").load(PIPELINE)
    stages = expansion.expand(pipeline, content, parsing)
    locked = YAML(typ="safe").load(LOCK)["stages"] if results.exists() and LOCK.exists() else {}
    sized = sizes.measure(study, content, results, locked, encoder_config)
    other, name = None, None
    if against or changes:
        name = str(against or file)
        other = expansion.expand(pipeline, settings.content(against or file), parsing)
    elif file == cli.PARAMS and (old := committed(file)) and (before := committed(PIPELINE)):
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
    cli.run(main)
