"""Hash the code that decides what each script computes: one file per script, which DVC compares."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, hashes


def to_text(files: Mapping[str, str], numerics: str) -> str:
    """Write the digests of the files that a script uses and its numerics, as DVC hashes them."""
    return json.dumps({**files, "numerics": numerics}, indent=1, sort_keys=True) + "\n"


def main(
    sources: Annotated[Path, typer.Option(help="Folder of the scripts.")],
    out: Annotated[Path, typer.Option()],
    numerics: Annotated[str, typer.Option(help="Kernels that all scripts compute with.")],
) -> None:
    digests = hashes.by_script(sources)
    out.mkdir(parents=True, exist_ok=True)
    for script, files in digests.items():
        (out / f"{script}.json").write_text(to_text(files, numerics), encoding="utf-8")


if __name__ == "__main__":
    cli.run(main, computes=False)
