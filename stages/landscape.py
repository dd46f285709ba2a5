"""Compute the loss and the error on a random plane around a trained network."""

from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, networks
from stages.launch.networks import Measured
from stages.tickets import files
from stages.tickets.landscapes import planes
from stages.tickets.settings.noise import stable_seed


def measure(
    at: Measured,
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    reach: Annotated[float, typer.Option(help="Go as far as this coordinate.")],
    directions: Annotated[int, typer.Option(help="Draw the directions by this seed.")],
) -> None:
    batches = at.batches()
    seeds = stable_seed("direction", directions, 1), stable_seed("direction", directions, 2)
    plane = planes.around(at.network.weights, at.network.kept, seeds)
    places = np.round(np.linspace(-reach, reach, resolution), 12)
    made = planes.surface(plane, batches, places, places, at.task)
    files.save_arrays(vars(made), at.out / "surface.safetensors")
    files.save_record(at.record(batches) | {"directions": seeds}, at.out / "record.json")


app = networks.application(measure)

if __name__ == "__main__":
    cli.run(app)
