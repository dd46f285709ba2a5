"""Compute the loss and the error on a random plane around a trained network."""

from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, networks, options
from stages.tickets import files
from stages.tickets.landscapes import planes
from stages.tickets.settings.noise import stable_seed


def main(
    task: options.Task,
    seed: options.Seed,
    number: options.Round,
    split: options.Split,
    examples: options.Number,
    draw: options.Draw,
    theta_0: options.Encoder,
    prepared: options.Prepared,
    weights: options.Weights,
    rounds: options.Rounds,
    out: options.Out,
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    reach: Annotated[float, typer.Option(help="Go as far as this coordinate.")],
    directions: Annotated[int, typer.Option(help="Draw the directions by this seed.")],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    at = networks.measured(loaded, weights, rounds, number, split, examples, draw)
    batches = at.batches()
    seeds = stable_seed("direction", directions, 1), stable_seed("direction", directions, 2)
    plane = planes.around(at.network.weights, at.network.kept, seeds)
    places = np.round(np.linspace(-reach, reach, resolution), 12)
    made = planes.surface(plane, batches, places, places, task)
    files.save_arrays(vars(made), out / "surface.safetensors")
    files.save_record(at.record(batches) | {"directions": seeds}, out / "record.json")


if __name__ == "__main__":
    cli.run(main)
