"""Train the last ticket of one seed with the noise of another: mask seed and training seed apart."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files


def main(
    task: Annotated[str, typer.Option()],
    mask_seed: Annotated[int, typer.Option("--mask-seed", help="Of the mask.")],
    seed: Annotated[int, typer.Option(help="Of the training.")],
    point: Annotated[int, typer.Option(help="i of theta_i, per cent of the dense training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i of the training's seed.")],
    mask: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    if mask_seed == seed:  # the ticket itself, which its own stage trains
        files.save_record({"trained_by": "the stage ticket"}, out / "own.json")
        return
    loaded = inputs.load(task, seed, theta_0, prepared)
    loaded.train(weights, files.load_mask(mask), point, out)


if __name__ == "__main__":
    cli.run(main)
