"""Train a subnetwork, given as a mask, on a task, from weights of other stages."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files


def trained_by(task: str, source: str, seed: int, mask_seed: int | None) -> str | None:
    """Tell what else trains a ticket on its own task and noise; None for any other training."""
    if source == task:
        return "the chain of the task itself"
    return "the stage ticket" if mask_seed == seed else None


def main(
    task: Annotated[str, typer.Option("--task", "--target", help="Train this task.")],
    seed: Annotated[int, typer.Option(help="Take the noise of this seed.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option(help="Read the splits of the task.")],
    out: Annotated[Path, typer.Option()],
    weights: Annotated[Path | None, typer.Option(help="Start from theta_i, not theta_0.")] = None,
    body: Annotated[
        bool, typer.Option("--body", help="Take all of --weights but the head.")
    ] = False,
    point: Annotated[int, typer.Option(help="Start at this per cent.")] = 0,
    mask: Annotated[Path | None, typer.Option(help="Train this mask alone.")] = None,
    source: Annotated[str, typer.Option(help="Name the mask's task, if another.")] = "",
    mask_seed: Annotated[int | None, typer.Option(help="Name the mask's seed, if another.")] = None,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="Draw all weights.")] = False,
) -> None:
    own = None if body else trained_by(task, source, seed, mask_seed)
    if own:
        files.save_record({"trained_by": own}, out / "own.json")
        return
    loaded = inputs.load(task, seed, theta_0, prepared)
    survivors = files.load_mask(mask) if mask else None
    model = loaded.model(weights, body=body, from_scratch=from_scratch)
    run = loaded.train(model, survivors, point)
    files.save_run(run.predictions, run.losses, out)


if __name__ == "__main__":
    cli.run(main)
