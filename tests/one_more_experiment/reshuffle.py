"""Train the last ticket's mask after it was shuffled within every matrix."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.pruning import reshuffled


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    mask: Annotated[Path, typer.Option(help="Of the ticket.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    shuffled = reshuffled.shuffle(files.load_mask(mask), loaded.noise.mask)
    run = loaded.train(loaded.model(weights), shuffled)
    files.save_run(run.predictions, run.losses, out)


if __name__ == "__main__":
    cli.run(main)
