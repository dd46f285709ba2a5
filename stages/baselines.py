"""What every task's word vectors predict without the encoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages import cli
from stages.tickets import artifacts, tasks, word_vectors

EMBEDDINGS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]


def main(
    encoder: Annotated[Path, typer.Option()],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    embeddings = artifacts.load_arrays(encoder / "weights.safetensors")[EMBEDDINGS]
    out.mkdir(parents=True, exist_ok=True)
    for task in cli.read(Params).tasks:
        data = tasks.load_prepared(prepared / task)
        if data.task.kind != "mlm":
            found = word_vectors.predict(data, embeddings)
            artifacts.save_arrays(found, out / f"{task}.safetensors")


if __name__ == "__main__":
    cli.run(main)
