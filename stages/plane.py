"""Compute the loss and the error on the plane through theta_0 and the networks of two seeds."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, networks
from stages.launch.networks import Measured
from stages.tickets import files
from stages.tickets.landscapes import pairs, planes
from stages.tickets.training import objective


def measure(
    at: Measured,
    other: Annotated[int, typer.Option(help="Take the second network of this seed.")],
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    low: Annotated[float, typer.Option(help="Start at this coordinate.")],
    high: Annotated[float, typer.Option(help="Go up to this coordinate.")],
    points: Annotated[list[int], typer.Option(help="Read theta_i at these per cents.")],
    other_weights: Annotated[Path, typer.Option(help="Read weights of the other seed.")],
    other_rounds: Annotated[Path, typer.Option(help="Read rounds of the other seed.")],
) -> None:
    second = inputs.load(at.task, other, at.encoder, at.prepared)
    end = networks.load(second, other_weights, other_rounds, at.number)
    stored = {}
    for seed, loaded, of in (
        (at.seed, at.loaded, at.weights),
        (other, second, other_weights),
    ):
        for point in points if at.number == 0 else ():
            if point > 0 or seed == other:  # theta_0 of the first seed is the origin
                model = loaded.model(of / f"theta-{point}.safetensors")
                stored[f"theta_{point}, seed {seed}"] = objective.weights_of(model)
    batches = at.batches()
    kept = {name: mask | end.kept[name] for name, mask in at.network.kept.items()}
    start = objective.weights_of(at.loaded.model())
    plane = planes.through(start, at.network.weights, end.weights, kept)
    places = np.round(np.linspace(low, high, resolution), 12)
    made = planes.surface(plane, batches, places, places, at.task)
    files.save_arrays(vars(made), at.out / "surface.safetensors")
    marks = pairs.marks(plane, batches, (at.seed, other), stored)
    files.save_table(marks, pairs.MARKS, at.out / "marks.csv")
    about = {"examples": len(at.sample), "split": at.split}
    files.save_record(pairs.path(plane, batches, kept) | about, at.out / "record.json")


app = networks.application(measure)

if __name__ == "__main__":
    cli.run(app)
