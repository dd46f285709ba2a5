"""Train the last ticket, and random masks of exactly the sizes of tickets, from theta_i."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask


@dataclass(frozen=True)
class Params:
    rounds: tuple[settings.Round, ...]
    random: settings.Random


def train(loaded: Inputs, weights: Path, survivors: Mask, point: int, out: Path) -> None:
    run = loaded.train(loaded.model(weights), survivors, point)
    files.save_run(run.predictions, run.losses, out)


def train_random(
    loaded: Inputs, weights: Path, ticket: Mask, after: settings.Round, point: int, out: Path
) -> None:
    """Draw a mask of the size that tickets have after a round, write it, and train it."""
    drawn = masks.random_like(ticket, loaded.noise.mask_generator(after.to), after.sparsity)
    files.save_mask(drawn, out / "mask.safetensors")
    train(loaded, weights, drawn, point, out)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    point: Annotated[int, typer.Option(help="Start at this per cent of the dense run.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Start from theta_i.")],
    mask: Annotated[Path, typer.Option(help="Take the mask of the last ticket.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    loaded = inputs.load(task, seed, theta_0, prepared)
    ticket = files.load_mask(mask)
    jobs = {"ticket": partial(train, loaded, weights, ticket, point, out / "ticket")}
    for after in config.rounds:
        if after.to in config.random.rounds:
            folder = out / "random" / f"round-{after.to}"
            job = partial(train_random, loaded, weights, ticket, after, point, folder)
            jobs[f"random, round {after.to}"] = job
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
