"""Train the last ticket from other points of the training than the one from which rounds restart."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.pruning.masks import Mask
from stages.tickets.training import subnetwork as subnetworks


@dataclass(frozen=True)
class Params:
    rewind: settings.Rewind


def train(
    loaded: Inputs, weights: Path, ticket: Mask, is_sparse: bool, point: int, out: Path
) -> None:
    """Train the ticket from theta_i of the dense training, or from that of its own."""
    model = loaded.model(weights / f"theta-{0 if is_sparse else point}.safetensors")
    if is_sparse:
        subnetworks.to_sparse_theta_(
            model, loaded.encoder, loaded.prepared, ticket, loaded.noise, loaded.recipe, point
        )
    run = loaded.train(model, ticket, point)
    files.save_run(run.predictions, run.losses, out)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read theta_i for every i.")],
    mask: Annotated[Path, typer.Option(help="Take the mask of the last ticket.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    rewind = cli.read(Params).rewind
    loaded = inputs.load(task, seed, theta_0, prepared)
    ticket, is_sparse = files.load_mask(mask), rewind.source == "sparse"
    jobs = {
        f"point {point}": partial(
            train, loaded, weights, ticket, is_sparse, point, out / f"point-{point}"
        )
        for point in rewind.points
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
