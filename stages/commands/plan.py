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
from stages.tickets import settings as params
from stages.tickets.plan import budget_tables, expansion, flops, lineage, sizes, work
from stages.tickets.plan.budget_tables import Change, Plan

PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
SETTINGS = Path(".dvc/config")


def committed(file: Path) -> Any:  # noqa: ANN401
    """Content of a YAML file as last committed; None where git has none."""
    found = subprocess.run(
        ["git", "show", f"HEAD:./{file.as_posix()}"], capture_output=True, check=False
    )
    return YAML(typ="safe").load(found.stdout) if found.returncode == 0 else None


def before(
    file: Path, against: Path | None, changed: bool
) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """What the study is compared with: a name for it, its settings, and its dvc.yaml; None for nothing.

    Args:
        file: params of the study.
        against: the params file to compare with, if the user names one.
        changed: the study is `file` with changes, so that it is compared with `file` itself.
    """
    pipeline = YAML(typ="safe").load(PIPELINE)
    if against or changed:
        other = against or file
        return str(other), params.content(other), pipeline
    if file != cli.PARAMS:
        return None
    old, old_pipeline = committed(file), committed(PIPELINE)
    if not (isinstance(old, dict) and isinstance(old_pipeline, dict)):
        return None
    return f"{file} as committed", old, old_pipeline


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
        float | None, typer.Option(help="Sustained TFLOP/s; else a table of examples.")
    ] = None,
    encoder_config: Annotated[
        Path | None, typer.Option(help="config.json of an encoder whose sizes are not known.")
    ] = None,
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    if rate is not None and rate <= 0:
        raise params.ParamsError(f"--rate is {rate:g}, allowed are more than 0 TFLOP/s")
    content = params.content(file, changes or ())
    study = params.checked(content, str(file))
    settings = expansion.parsing(SETTINGS)
    stages = expansion.expand(YAML(typ="safe").load(PIPELINE), content, settings)
    made = results / "encoder"
    locked = YAML(typ="safe").load(LOCK)["stages"] if made.exists() and LOCK.exists() else {}
    found = sizes.measure(study, content, results, locked, encoder_config)
    costed = work.Study(found.shape, found.examples, found.recipes, found.unknown)
    change = None
    compared = before(file, against, bool(changes))
    if compared:
        name, old, old_pipeline = compared
        names = lineage.changes(expansion.expand(old_pipeline, old, settings), stages)
        new, stale = (
            work.budget([stage for stage in stages if stage.name in kind], costed)
            for kind in (set(names.new), set(names.stale))
        )
        change = Change(name, names, new, stale)
    plan = Plan(
        study.study,
        " ".join([str(file), *(f"-S {text}" for text in changes or ())]),
        found.encoder,
        found.sources,
        costed,
        work.budget(stages, costed),
        {"given": rate} if rate else flops.RATES,
        change,
    )
    if as_json:
        print(json.dumps(budget_tables.record(plan), indent=1, sort_keys=True, allow_nan=False))
    else:
        print(budget_tables.text(plan))


if __name__ == "__main__":
    cli.run(main)
