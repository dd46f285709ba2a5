"""Compute the loss and the error on the plane through theta_0 and the networks of two seeds."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, networks, options
from stages.tickets import files
from stages.tickets.landscapes import pairs, planes
from stages.tickets.training import objective


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
    other: Annotated[int, typer.Option(help="Take the second network of this seed.")],
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    low: Annotated[float, typer.Option(help="Start at this coordinate.")],
    high: Annotated[float, typer.Option(help="Go up to this coordinate.")],
    points: Annotated[list[int], typer.Option(help="Read theta_i at these per cents.")],
    other_weights: Annotated[Path, typer.Option(help="Read weights of the other seed.")],
    other_rounds: Annotated[Path, typer.Option(help="Read rounds of the other seed.")],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    at = networks.measured(loaded, weights, rounds, number, split, examples, draw)
    second = inputs.load(task, other, theta_0, prepared)
    end = networks.load(second, other_weights, other_rounds, number)
    stored = {}
    for of_seed, its_inputs, folder in ((seed, loaded, weights), (other, second, other_weights)):
        for point in points if number == 0 else ():
            if point > 0 or of_seed == other:  # theta_0 of the first seed is the origin
                model = its_inputs.model(folder / f"theta-{point}.safetensors")
                stored[f"theta_{point}, seed {of_seed}"] = objective.weights_of(model)
    batches = at.batches()
    kept = {name: mask | end.kept[name] for name, mask in at.network.kept.items()}
    start = objective.weights_of(loaded.model())
    plane = planes.through(start, at.network.weights, end.weights, kept)
    places = np.round(np.linspace(low, high, resolution), 12)
    made = planes.surface(plane, batches, places, places, task)
    files.save_arrays(vars(made), out / "surface.safetensors")
    marks = pairs.marks(plane, batches, (seed, other), stored)
    files.save_table(marks, pairs.MARKS, out / "marks.csv")
    about = {"examples": len(at.sample), "split": split}
    files.save_record(pairs.path(plane, batches, kept) | about, out / "record.json")


if __name__ == "__main__":
    cli.run(main)
