"""Prune iteratively by magnitude on several tasks at once, up to the round of transfer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import theta
from stages.tickets.training import multitask
from stages.tickets.training.multitask import Part


@dataclass(frozen=True)
class Params:
    """Sections read; dvc.yaml tracks the round of `transfer` and the tasks of `multitask` alone."""

    rounds: tuple[settings.Round, ...]
    transfer: settings.Transfer
    multitask: settings.Multitask


def main(
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option(help="Read the splits of all tasks here.")],
    out: Annotated[Path, typer.Option(help="Write the masks of all rounds.")],
) -> None:
    config = cli.read(Params)
    read = theta.load(theta_0)
    loaded = [inputs.beside(read, task, seed, prepared / task) for task in config.multitask.tasks]
    parts = [Part(each.prepared, each.noise, each.recipe) for each in loaded]
    wanted = [after for after in config.rounds if after.to <= config.transfer.round]
    rounds = multitask.chain(read, parts, [after.sparsity for after in wanted])
    for after, made in zip(wanted, rounds, strict=True):
        folder = out / f"round-{after.to}"
        files.save_mask(made.mask, folder / "mask.safetensors")
        files.save_record({"losses": made.losses}, folder / "history.json")


if __name__ == "__main__":
    cli.run(main)
