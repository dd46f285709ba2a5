"""Train a ticket and its controls, each of exactly its size, from where the rounds restarted."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.pruning.masks import Mask
from stages.tickets.training import controls, subnetwork


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round", help="Of the ticket.")],
    point: Annotated[int, typer.Option(help="i of theta_i, per cent of the dense training.")],
    kinds: Annotated[list[str], typer.Option(help="Such as ticket, random, reinitialised.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    mask: Annotated[Path, typer.Option(help="Of the ticket.")],
    out: Annotated[Path, typer.Option()],
    trained: Annotated[
        Path | None, typer.Option(help="Weights of the dense run, for one-shot-fine-tuned.")
    ] = None,
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    ticket = files.load_mask(mask)
    models = controls.Models(
        unpretrained=lambda drawn_by: theta.build(
            loaded.encoder,
            loaded.prepared.task.kind,
            loaded.prepared.task.num_labels,
            loaded.recipe.dropout,
            drawn_by,
            from_scratch=True,
        ),
        fine_tuned=lambda: loaded.model(trained),
    )
    jobs = [
        partial(train, kind, loaded, weights, ticket, models, number, point, out / kind)
        for kind in kinds
    ]
    side_by_side.run(jobs, loaded.recipe.threads)


def train(
    kind: str,
    loaded: Inputs,
    weights: Path,
    ticket: Mask,
    models: controls.Models,
    number: int,
    point: int,
    out: Path,
) -> None:
    """One of them; its mask is written where it is not the ticket's."""
    start = controls.controlled(
        kind,
        controls.Start(loaded.model(weights), ticket),
        loaded.encoder,
        models,
        loaded.noise,
        number,
    )
    run = subnetwork.train_(
        start.model,
        loaded.encoder,
        loaded.prepared,
        start.mask,
        loaded.noise,
        loaded.recipe,
        point,
    )
    files.save_run(run.predictions, run.losses, out)
    if start.mask is not ticket:
        files.save_mask(start.mask, out / "mask.safetensors")


if __name__ == "__main__":
    cli.run(main)
