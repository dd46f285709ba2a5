"""Fine-tune theta_0, and choose and cut heads and neurons on the way."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.greedy import choosing, compact, windows
from stages.tickets.greedy.choosing import Order


@dataclass(frozen=True)
class Params:
    greedy: settings.Greedy


def train(loaded: Inputs, order: Order, sparsity: float, keeps: bool, out: Path) -> None:
    """Train one model, and write its predictions and what is left of it."""
    model, draws = loaded.model(), choosing.draws(order, sparsity, loaded.noise.mask)
    made = windows.train_(
        order, model, loaded.prepared, sparsity, loaded.noise, loaded.recipe, draws
    )
    files.save_run(made.run.predictions, made.run.losses, out)
    compact.save(model, made.channels, loaded.prepared, out, weights=keeps)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    order: Annotated[str, typer.Option(help="Choose channels in this order.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    asked, loaded = cli.read(Params).greedy, inputs.load(task, seed, theta_0, prepared)
    compact.whole(loaded.encoder.config)  # says what is wrong with the encoder before any work
    kept, job = asked.keep_weights if order == "greedy" else (), partial(train, loaded)
    jobs = {
        f"{order} {sparsity}": partial(
            job, cast(Order, order), sparsity, sparsity in kept, out / f"sparsity-{sparsity}"
        )
        for sparsity in asked.sparsities
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
