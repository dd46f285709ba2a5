"""Train the last subnetwork from theta_i, the weights at one point of the dense training."""

from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    point: Annotated[int, typer.Option(help="i, per cent of the dense training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    mask: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    loaded.train(weights, artifacts.load_mask(mask), point, out)


if __name__ == "__main__":
    cli.run(main)
