"""MiniLM for a machine that cannot fetch its package: weights as float16 there, as float32 when used."""

import shutil
from pathlib import Path
from typing import Annotated, Literal

import typer
from safetensors.torch import load_file, save_file

from stages.tickets.encoder import checkpoint
from tests.benchmarks.workload import MINILM

FILES = (
    "config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
WEIGHTS = "model.safetensors"


def main(
    what: Annotated[Literal["pack", "unpack"], typer.Argument()],
    package: Annotated[Path, typer.Argument(help="Folder of the package to write or to mend.")],
) -> None:
    """Write a package with float16 weights, or turn its weights back into float32.

    Rounding to float16 changes a weight by 5e-4 of its value at most, and smaller ones than 6e-5 by more.
    """
    folder = package / MINILM.path
    if what == "pack":
        source = checkpoint.folder_of(MINILM)
        (package / "__init__.py").write_text("", encoding="utf-8")
        for name in FILES:
            shutil.copy(source / name, folder / name)
        weights = {
            name: weight.half() if weight.is_floating_point() else weight
            for name, weight in load_file(source / WEIGHTS).items()
        }
    else:
        weights = {
            name: weight.float() if weight.is_floating_point() else weight
            for name, weight in load_file(folder / WEIGHTS).items()
        }
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    typer.run(main)
