"""Train the mask of a source task on a target task, from the target's theta_i."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files


def main(
    source: Annotated[str, typer.Option()],
    target: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    point: Annotated[int, typer.Option(help="i of theta_i, per cent of the dense training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option(help="Of the target.")],
    weights: Annotated[Path, typer.Option(help="theta_i of the target.")],
    mask: Annotated[Path, typer.Option(help="Of the source.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    if source == target:  # the ticket on its own task: its chain trains that one
        files.save_record({"trained_by": "the chain of the task itself"}, out / "own.json")
        return
    loaded = inputs.load(target, seed, theta_0, prepared)
    loaded.train(weights, files.load_mask(mask), point, out)


if __name__ == "__main__":
    cli.run(main)
