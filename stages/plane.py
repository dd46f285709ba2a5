"""Compute the loss and the error on the plane through theta_0 and the networks of two seeds."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, networks
from stages.tickets import files
from stages.tickets.landscapes import pairs, planes
from stages.tickets.training import objective


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    other: Annotated[int, typer.Option(help="Take the second network of this seed.")],
    number: Annotated[int, typer.Option("--round", help="Take the networks of this round.")],
    split: Annotated[str, typer.Option(help="Take examples of this split.")],
    examples: Annotated[int, typer.Option("--number", help="Take so many examples.")],
    draw: Annotated[int, typer.Option(help="Draw the examples by this seed.")],
    resolution: Annotated[int, typer.Option(help="Take so many points a side.")],
    low: Annotated[float, typer.Option(help="Start at this coordinate.")],
    high: Annotated[float, typer.Option(help="Go up to this coordinate.")],
    points: Annotated[list[int], typer.Option(help="Read theta_i at these per cents.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the dense weights from this folder.")],
    rounds: Annotated[Path, typer.Option(help="Read masks and weights of rounds here.")],
    other_weights: Annotated[Path, typer.Option(help="Read weights of the other seed.")],
    other_rounds: Annotated[Path, typer.Option(help="Read rounds of the other seed.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    pair = [inputs.load(task, each, theta_0, prepared) for each in (seed, other)]
    folders = [(weights, rounds), (other_weights, other_rounds)]
    trained = [networks.load(loaded, *of, number) for loaded, of in zip(pair, folders, strict=True)]
    start = objective.weights_of(pair[0].model())
    stored = {}
    for each, loaded, (of, _) in zip((seed, other), pair, folders, strict=True):
        for point in points if number == 0 else ():
            if point > 0 or each == other:  # theta_0 of the first seed is the origin
                model = loaded.model(of / f"theta-{point}.safetensors")
                stored[f"theta_{point}, seed {each}"] = objective.weights_of(model)
    sample = objective.sample(pair[0].prepared, split, examples, pair[0].recipe.masked, draw)
    batches = objective.batches(trained[0].model, pair[0].prepared, sample, objective.BATCH)
    kept = {name: mask | trained[1].kept[name] for name, mask in trained[0].kept.items()}
    plane = planes.through(start, trained[0].weights, trained[1].weights, kept)
    at = np.round(np.linspace(low, high, resolution), 12)
    made = planes.surface(plane, batches, at, at, task)
    files.save_arrays(vars(made), out / "surface.safetensors")
    marks = pairs.marks(plane, batches, (seed, other), stored)
    files.save_table(marks, pairs.MARKS, out / "marks.csv")
    record = pairs.path(plane, batches, kept)
    files.save_record(record | {"examples": len(sample), "split": split}, out / "record.json")


if __name__ == "__main__":
    cli.run(main)
