"""Hash the code that decides what each script computes: one file per script, which DVC compares."""

import json
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, hashes


def main(
    sources: Annotated[Path, typer.Option(help="Folder of the scripts.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    digests = hashes.by_script(sources)
    out.mkdir(parents=True, exist_ok=True)
    for script, files in digests.items():
        text = json.dumps(files, indent=1, sort_keys=True)
        (out / f"{script}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    cli.run(main)
