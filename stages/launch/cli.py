"""The start of every stage: check params.yaml, read its sections, report errors in one sentence."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import typer

from stages.launch import numerics
from stages.tickets import settings

PARAMS = Path("params.yaml")

T = TypeVar("T")


def application(**options: Any) -> typer.Typer:  # noqa: ANN401
    """Make an application for `run`, which reports its errors; `options` go to Typer."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)


def run(main: Callable[..., None] | typer.Typer, *, computes: bool = True) -> None:
    """Run a stage's `main`, or the sub-commands of an application, with options from the command line.

    An error that the user can mend becomes one sentence on stderr and exit code 1, any other a traceback.

    Args:
        main: takes the options as its arguments, or is an application.
        computes: whether results may depend on the processor, so that `numerics` has to hold.
    """
    app = main if isinstance(main, typer.Typer) else application()
    if app is not main:
        app.command()(main)
    stage = Path(sys.argv[0]).stem.replace("_", "-")
    try:
        if computes:
            numerics.hold(PARAMS)
        app()
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        print(f"{stage}: {error}", file=sys.stderr)
        sys.exit(1)


def _is_for_the_user(error: Exception) -> bool:
    """Tell errors that a user can mend, such as wrong settings, a full disk or a diverged training."""
    named = type(error).__name__ == "SafetensorError"  # some stages do not import safetensors
    return named or isinstance(error, settings.UserError | numerics.NumericsError | OSError)


def read(sections: Callable[..., T], task: str | None = None) -> T:
    """Read the sections of params.yaml that the fields of the dataclass `sections` name.

    All of the file is checked first. If a section has one entry per task, such as `override`, the field
    holds the entry of `task` alone, as dvc.yaml tracks it, or None if there is none.
    """
    study = settings.load(PARAMS)
    read_sections: dict[str, Any] = {}
    for field in fields(sections):  # type: ignore[arg-type]
        section = getattr(study, field.name)
        read_sections[field.name] = section.get(task) if isinstance(section, dict) else section
    return sections(**read_sections)
