"""Hash the code that decides what each script computes: one file per script, which DVC compares."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, hashes
from stages.tickets import output


def to_text(files: Mapping[str, str]) -> str:
    """Write the digests of the files that a script uses, as DVC hashes them."""
    return json.dumps(files, indent=1, sort_keys=True) + "\n"


def main(
    sources: Annotated[Path, typer.Option(help="Folder of the scripts.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    digests = hashes.by_script(sources)
    for script, files in digests.items():
        output.save_text(to_text(files), out / f"{script}.json")


if __name__ == "__main__":
    cli.run(main)
