"""Train the last subnetwork from theta_i, the weights at one point of the dense training."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.training import subnetwork


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    point: Annotated[int, typer.Option(help="i, per cent of the dense training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    mask: Annotated[Path, typer.Option()],
    source: Annotated[
        Literal["dense", "sparse"], typer.Option(help="Whose training theta_i is taken from.")
    ],
    start: Annotated[Path, typer.Option(help="theta_0, from which the sparse training starts.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    survivors = files.load_mask(mask)
    model = loaded.model(weights if source == "dense" else start)
    run_of = (model, loaded.encoder, loaded.prepared, survivors, loaded.noise, loaded.recipe, point)
    if source == "sparse":
        subnetwork.to_sparse_theta_(*run_of)
    run = subnetwork.train_(*run_of)
    files.save_run(run.predictions, run.losses, out)


if __name__ == "__main__":
    cli.run(main)
