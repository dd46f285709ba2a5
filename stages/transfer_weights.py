"""Train a source's mask and weights, from one point of its dense training, on a target task."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.training import subnetwork


def main(
    source: Annotated[str, typer.Option()],
    target: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option(help="Of the target.")],
    weights: Annotated[Path, typer.Option(help="theta_i of the source.")],
    mask: Annotated[Path, typer.Option(help="Of the source.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    del source  # its files are `weights` and `mask`
    loaded = inputs.load(target, seed, theta_0, prepared)
    model = loaded.model()
    theta.load_body_(model, loaded.encoder, weights)
    run = subnetwork.train_(
        model,
        loaded.encoder,
        loaded.prepared,
        files.load_mask(mask),
        loaded.noise,
        loaded.recipe,
    )
    files.save_run(run.predictions, run.losses, out)


if __name__ == "__main__":
    cli.run(main)
