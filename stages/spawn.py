"""Train two copies of a network with other noise, and walk from one to the other."""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.copies import Copy, copy_run, walk
from stages.launch.options import Encoder, Grid, Out, Prepared, Sample, Seed, Task
from stages.tickets import settings
from stages.tickets.training import copies, refit


def main(
    task: Task,
    seed: Seed,
    net: Annotated[settings.Net, typer.Option(help="Train this kind of network.")],
    number: Annotated[int, typer.Option("--round", help="Take the ticket of this round.")],
    point: Annotated[int, typer.Option(help="Start at this per cent of the dense run.")],
    arm: Annotated[settings.Arm, typer.Option(help="Let the copies differ in this noise.")],
    steps: Annotated[settings.Steps, typer.Option(help="Train the rest of the steps, or all.")],
    grid: Grid,
    sample: Sample,
    theta_0: Encoder,
    prepared: Prepared,
    weights: Annotated[Path, typer.Option(help="Start from these weights.")],
    mask: Annotated[Path, typer.Option(help="Take the mask of the ticket.")],
    out: Out,
    trained: Annotated[
        Path | None, typer.Option(help="Take the weights after the dense run.")
    ] = None,
    dense: Annotated[
        Path | None, typer.Option(help="Take the predictions of the dense run.")
    ] = None,
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    other = replace(loaded, noise=copies.second(loaded.noise, arm, task, seed))
    unlike = "head_init" in copies.AXES[arm]
    if unlike:
        refit.check(loaded.prepared, copies.sampled(loaded.prepared, sample)[0])
    first = Copy(loaded, net, weights, mask if number else None, number)
    second = replace(first, loaded=other, weights=None if unlike else weights)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:  # weights stay until the path is walked
        after = {name: Path(folder, name) for name in ("copy-1", "copy-2")}
        jobs: dict[str, side_by_side.Job] = {
            name: partial(copy.train, point, steps, out / name, after[name])
            for name, copy in zip(after, (first, second), strict=True)
        }
        if trained and dense and copies.is_dense_run(net, point):
            jobs["copy-1"], after["copy-1"] = partial(copy_run, dense, out / "copy-1"), trained
        side_by_side.run(jobs, loaded.recipe.threads)
        ends = first.end(after["copy-1"]), second.end(after["copy-2"])
    walk(loaded, ends, grid, sample, unlike, out)


if __name__ == "__main__":
    cli.run(main)
