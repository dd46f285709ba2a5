"""Compute the loss and the error on a random plane around a trained network."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, networks
from stages.tickets import files
from stages.tickets.landscapes import planes
from stages.tickets.settings.noise import stable_seed
from stages.tickets.training import objective


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round", help="Take the network of this round.")],
    split: Annotated[str, typer.Option(help="Take examples of this split.")],
    examples: Annotated[int, typer.Option("--number", help="Take so many examples.")],
    draw: Annotated[int, typer.Option(help="Draw the examples by this seed.")],
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    reach: Annotated[float, typer.Option(help="Go as far as this coordinate.")],
    directions: Annotated[int, typer.Option(help="Draw the directions by this seed.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the dense weights from this folder.")],
    rounds: Annotated[Path, typer.Option(help="Read masks and weights of rounds here.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    network = networks.load(loaded, weights, rounds, number)
    sample = objective.sample(loaded.prepared, split, examples, loaded.recipe.masked, draw)
    batches = objective.batches(network.model, loaded.prepared, sample, objective.BATCH)
    seeds = stable_seed("direction", directions, 1), stable_seed("direction", directions, 2)
    plane = planes.around(network.weights, network.kept, seeds)
    at = np.round(np.linspace(-reach, reach, resolution), 12)
    made = planes.surface(plane, batches, at, at, task)
    loss, error = objective.evaluate(batches, network.weights)
    files.save_arrays(vars(made), out / "surface.safetensors")
    files.save_record(
        {
            "directions": seeds,
            "error": error,
            "examples": len(sample),
            "loss": loss,
            "sparsity": network.sparsity,
            "split": split,
        },
        out / "record.json",
    )


if __name__ == "__main__":
    cli.run(main)
