"""Train a random mask of exactly the size of the ticket of one round: the control."""

from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts, masks


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round")],
    point: Annotated[int, typer.Option(help="i of theta_i, per cent of the dense training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    mask: Annotated[Path, typer.Option(help="The ticket of that round.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    drawn = masks.random_like(artifacts.load_mask(mask), loaded.noise.mask_generator(number))
    loaded.train(weights, drawn, point, out)
    artifacts.save_mask(drawn, out / "mask.safetensors")


if __name__ == "__main__":
    cli.run(main)
