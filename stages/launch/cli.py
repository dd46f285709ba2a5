"""What every stage does before and around its work: check params.yaml, read its sections, fail well."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import typer

from stages.tickets import settings

PARAMS = Path("params.yaml")

T = TypeVar("T")


def application(**options: Any) -> typer.Typer:  # noqa: ANN401
    """An application for `run`, whose errors it words; `options` are those of Typer."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)


def run(main: Callable[..., None] | typer.Typer) -> None:
    """Run a stage's `main`, or the sub-commands of an application, with options from the command line.

    What a user can mend ends as one sentence on stderr and exit code 1; the rest as a traceback.
    """
    app = main if isinstance(main, typer.Typer) else application()
    if app is not main:
        app.command()(main)
    stage = Path(sys.argv[0]).stem.replace("_", "-")
    try:
        app()
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        print(f"{stage}: {error}", file=sys.stderr)
        sys.exit(1)


def _is_for_the_user(error: Exception) -> bool:
    """Whether the user can mend it: wrong settings, unusable input, a full disk, a diverged training."""
    named = type(error).__name__ == "SafetensorError"  # not imported everywhere
    return named or isinstance(error, settings.UserError | OSError)


def read(sections: Callable[..., T], task: str | None = None) -> T:
    """The sections of params.yaml that are the fields of the dataclass `sections`.

    The whole file is checked first. Of a section with one entry per task, such as `override`, the
    field is the entry of `task` alone, as dvc.yaml tracks it; None if it has none.
    """
    study = settings.load(PARAMS)
    read_sections: dict[str, Any] = {}
    for field in fields(sections):  # type: ignore[arg-type]
        section = getattr(study, field.name)
        read_sections[field.name] = section.get(task) if isinstance(section, dict) else section
    return sections(**read_sections)
