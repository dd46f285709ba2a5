"""Hash the code that decides what each script computes: one file per script, which DVC compares."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, guard, hashes
from stages.launch.hashes import Digests
from stages.tickets import output


def to_text(files: Mapping[str, Digests], numerics: str) -> str:
    """Write the digests of the code of a script's files and its numerics, as DVC hashes them."""
    code = {name: digests.code for name, digests in files.items()}
    return json.dumps({**code, "numerics": numerics}, indent=1, sort_keys=True) + "\n"


def main(
    sources: Annotated[Path, typer.Option(help="Hash the scripts of this folder.")],
    out: Annotated[Path, typer.Option()],
    numerics: Annotated[str, typer.Option(help="Note these kernels of all scripts.")],
) -> None:
    hashed = hashes.by_script(sources)
    for script, files in hashed.items():
        output.save_text(to_text(files, numerics), out / f"{script}.json")
    used = {name: digests.content for files in hashed.values() for name, digests in files.items()}
    lines = [f"{digest}  {name}\n" for name, digest in sorted(used.items())]
    output.save_text("".join(lines), out / guard.BYTES)  # spares the guard a parse


if __name__ == "__main__":
    cli.run(main, computes=False)
