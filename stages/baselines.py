"""Predict every task from averaged word vectors, without the encoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.tasks import baselines
from stages.tickets.tasks import task as tasks


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    baselines: settings.Baselines


def main(
    encoder: Annotated[Path, typer.Option()],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    record = files.load_record(encoder / "encoder.json")
    embeddings = files.load_arrays(encoder / "weights.safetensors")[record["word_embeddings"]]
    out.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):  # with more, the last bits depend on how many cores there are
        for task in config.tasks:
            data = tasks.load_prepared(prepared / task)
            if data.task.kind in tasks.LABELLED:
                arrays = baselines.from_word_vectors(data, embeddings, config.baselines)
                files.save_arrays(arrays, out / f"{task}.safetensors")


if __name__ == "__main__":
    cli.run(main)
