"""Write a complete params.yaml from a study in studies/, with all or some of its tasks and seeds.

This is a command, not a stage: `uv run python -m stages study` lists the studies.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import output, settings
from stages.tickets.settings import compose

STUDIES = Path("studies")
HEADER = """\
# The study that `dvc repro` runs, composed of studies/off.yaml and studies/{name}.yaml by
#   python -m stages study {command}
# Every number that moves a result is here. stages/tickets/settings says what is allowed.
"""


def listing() -> str:
    """List the names of all studies with their titles, a line each."""
    titles = {path.stem: compose.read(path).get("title") for path in compose.studies(STUDIES)}
    width = max(map(len, titles), default=0)
    return "\n".join(f"{name:{width}}  {title}" for name, title in titles.items())


def study_file(name: str) -> Path:
    """Return the file of a study.

    Raises:
        UserError: there is no study of that name.
    """
    files = {path.stem: path for path in compose.studies(STUDIES)}
    if name not in files:
        raise settings.UserError(f"there is no study {name!r}, allowed are {', '.join(files)}")
    return files[name]


def words(text: str | None) -> list[str] | None:
    """Split a text at its commas; None if there is no text."""
    return None if text is None else [word.strip() for word in text.split(",")]


def numbers(text: str | None) -> list[int] | None:
    """Read seeds from the command line, separated by commas; None if there is no text.

    Raises:
        UserError: a seed is no whole number from 0.
    """
    for word in words(text) or ():
        if not word.isdecimal():
            raise settings.UserError(f"--seeds has {word!r}, allowed are whole numbers from 0")
    return None if text is None else [int(word) for word in words(text) or ()]


def main(
    name: Annotated[
        str | None, typer.Argument(help="Compose the study of this name; without a name, list all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write this file, such as params.yaml.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-S",
            help="Change a setting first, such as train.epochs=2; repeat it for more.",
        ),
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Keep these tasks alone, such as rte,mrpc.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Keep these seeds alone, such as 1,2.")] = None,
) -> None:
    if name is None:
        print(listing())
        return
    file = study_file(name)
    content = compose.composed(file, changes or (), words(tasks), numbers(seeds))
    settings.checked(compose.plain(content), str(file))
    options = [option for change in changes or () for option in ("-S", change)]
    options += ["--tasks", tasks] if tasks else []
    options += ["--seeds", seeds] if seeds else []
    text = HEADER.format(name=name, command=shlex.join([name, *options])) + compose.dump(content)
    if out is None:
        sys.stdout.write(text)
    else:
        output.save_text(text, out)


if __name__ == "__main__":
    cli.run(main, computes=False)
