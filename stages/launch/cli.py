"""The start of every stage: check params.yaml, read its sections, report errors in one sentence."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import typer

from stages.launch import guard, numerics

PARAMS = Path("params.yaml")

T = TypeVar("T")


def application(**options: Any) -> typer.Typer:  # noqa: ANN401
    """Make an application for `run`, which reports its errors; `options` go to Typer."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)


def run(main: Callable[..., None] | typer.Typer, *, computes: bool = True) -> None:
    """Run a stage's `main`, or the sub-commands of an application, with options from the command line.

    An error that the user can mend becomes one sentence on stderr and exit code 1, any other a traceback.
    For --help, the docstring of the module of `main` says what it does.

    Args:
        main: takes the options as its arguments, or is an application.
        computes: whether results may depend on the processor, so that `numerics` has to hold.
    """
    app = main if isinstance(main, typer.Typer) else application()
    if not isinstance(main, typer.Typer):
        documentation = main.__globals__["__doc__"] or ""
        app.command(help=documentation.partition("\n\n")[0])(main)
    name = Path(sys.argv[0]).stem
    try:
        guard.imported(numerics.hold(PARAMS) if computes else None)
        app(prog_name=f"python -m stages {name}")
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        print(f"{name.replace('_', '-')}: {error}", file=sys.stderr)
        sys.exit(1)


def _is_for_the_user(error: Exception) -> bool:
    """Tell errors that a user can mend, such as wrong settings, a full disk or a diverged training."""
    # By their names, since some stages import neither settings nor safetensors.
    names = {kind.__name__ for kind in type(error).__mro__}
    mended = not names.isdisjoint({"UserError", "SafetensorError"})
    return mended or isinstance(error, guard.MovedError | numerics.NumericsError | OSError)


def content() -> dict[str, Any]:
    """Read all of params.yaml, unchecked, for a stage that tracks the whole file."""
    sections = _content()
    guard.remember(_content, {(): sections})
    return sections


def read(sections: Callable[..., T], task: str | None = None) -> T:
    """Read the sections of params.yaml that the fields of the dataclass `sections` name.

    All of the file is checked first. If a section has one entry per task, such as `override`, the field
    holds the entry of `task` alone, as dvc.yaml tracks it, or None if there is none.
    """
    from stages.tickets import settings  # noqa: PLC0415  some stages start without it

    everything = _content()
    study = settings.checked(everything, str(PARAMS))
    read_sections: dict[str, Any] = {}
    tracked: dict[tuple[str, ...], object] = {}
    for field in fields(sections):  # type: ignore[arg-type]
        section, values = getattr(study, field.name), everything[field.name]
        if isinstance(section, dict):
            read_sections[field.name] = section.get(task)
            tracked[field.name, str(task)] = values.get(task)
        else:
            read_sections[field.name] = section
            tracked[field.name,] = values
    guard.remember(_content, tracked)
    return sections(**read_sections)


def _content() -> dict[str, Any]:
    from stages.tickets import settings  # noqa: PLC0415  some stages start without it

    return settings.content(PARAMS)
