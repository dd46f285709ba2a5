"""Train a ticket and its controls, each of exactly the ticket's size, from theta_i."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.pruning.masks import Mask
from stages.tickets.training import controls
from stages.tickets.training.controls import Models, Start


def train(
    loaded: Inputs,
    models: Models,
    weights: Path,
    ticket: Mask,
    number: int,
    point: int,
    out: Path,
    kind: str,
) -> None:
    """Train the ticket or one control; write its mask if that is not the ticket's."""
    theta_i = Start(loaded.model(weights), ticket)
    start = controls.controlled(kind, theta_i, loaded.encoder, models, loaded.noise, number)
    run = loaded.train(start.model, start.mask, point)
    files.save_run(run.predictions, run.losses, out / kind)
    if start.mask is not ticket:
        files.save_mask(start.mask, out / kind / "mask.safetensors")


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round", help="Take the ticket of this round.")],
    point: Annotated[int, typer.Option(help="Start at this per cent of the dense run.")],
    kinds: Annotated[list[str], typer.Option(help="Train these, such as ticket or random.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Start from theta_i.")],
    mask: Annotated[Path, typer.Option(help="Take the mask of the ticket.")],
    out: Annotated[Path, typer.Option()],
    trained: Annotated[
        Path | None, typer.Option(help="Rank these weights for one-shot-fine-tuned.")
    ] = None,
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    models = Models(
        unpretrained=lambda drawn_by: loaded.model(from_scratch=True, drawn_by=drawn_by),
        fine_tuned=lambda: loaded.model(trained),
    )
    ticket = files.load_mask(mask)
    jobs = {
        kind: partial(train, loaded, models, weights, ticket, number, point, out, kind)
        for kind in kinds
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
