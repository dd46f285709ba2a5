"""Train two copies of a network with other noise, and walk from one to the other."""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.copies import Copy, walk
from stages.tickets import settings
from stages.tickets.training import copies


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    net: Annotated[settings.Net, typer.Option(help="Train this.")],
    number: Annotated[int, typer.Option("--round", help="Take the ticket of this round.")],
    point: Annotated[int, typer.Option(help="Start at this per cent of the dense run.")],
    arm: Annotated[settings.Arm, typer.Option(help="Let the copies differ in this noise.")],
    steps: Annotated[str, typer.Option(help="Train the rest of the steps, or all.")],
    grid: Annotated[int, typer.Option(help="Walk over so many points.")],
    sample: Annotated[int, typer.Option("--train_sample", help="Walk so many of train.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Start from theta_k.")],
    mask: Annotated[Path, typer.Option(help="Take the mask of the ticket.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    other = replace(loaded, noise=copies.second(loaded.noise, arm, task, seed))
    unlike = "head_init" in copies.AXES[arm]
    first = Copy(loaded, net, weights, mask if number else None, number)
    second = replace(first, loaded=other, weights=None if unlike else weights)
    at = point if steps == "rest" else 0
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:  # weights stay until the path is walked
        trained = {Path(folder, f"copy-{i}"): copy for i, copy in enumerate((first, second), 1)}
        jobs = {
            file.name: partial(copy.train, at, out / file.name, file)
            for file, copy in trained.items()
        }
        side_by_side.run(jobs, loaded.recipe.threads)
        ends = [copy.end(file) for file, copy in trained.items()]
    walk(loaded, (ends[0], ends[1]), grid, sample, unlike, out)


if __name__ == "__main__":
    cli.run(main)
