"""Predict with the dense model in lower precision, and count the bytes of it and of tickets."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.sizes import forms, packed
from stages.tickets.training import predict

COLUMNS = ("kind", "source", "round", "bytes", "memory")


@dataclass(frozen=True)
class Params:
    rounds: tuple[settings.Round, ...]


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    rounds: Annotated[Path, typer.Option(help="Read the masks of rounds here.")],
    out: Annotated[Path, typer.Option()],
    precisions: Annotated[
        list[str] | None, typer.Option(help="Predict in these, such as int8.")
    ] = None,
) -> None:
    config = cli.read(Params)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # torch has whole numbers of 8 bits on the CPU alone
    loaded = inputs.load(task, seed, theta_0, prepared)
    torch.set_num_threads(loaded.recipe.threads)
    model = loaded.model(weights)
    rows: list[dict[str, Any]] = []

    def add(kind: str, source: str, number: int, held: packed.Packed, memory: int) -> None:
        values = (kind, source, number, held.num_bytes, memory)
        rows.append(dict(zip(COLUMNS, values, strict=True)))

    dense = packed.of(model)
    add("dense", "", 0, dense, packed.in_memory(model))
    for name in precisions or ():
        lower = forms.PRECISIONS[name](model)
        add("precision", name, 0, packed.of(lower), packed.in_memory(lower))
        files.save_arrays(
            predict.predict(lower, loaded.prepared), out / name / "predictions.safetensors"
        )
    for after in config.rounds:
        mask = files.load_mask(rounds / f"round-{after.to}" / "mask.safetensors")
        add("imp", "", after.to, packed.sparse(model, mask), packed.in_memory(model))
    files.save_table(rows, COLUMNS, out / "sizes.csv")


if __name__ == "__main__":
    cli.run(main)
