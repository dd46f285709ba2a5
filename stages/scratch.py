"""Train the dense architecture from random weights: what the pre-training is worth."""

from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts, evaluation, training


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    model = loaded.model(from_scratch=True)
    losses = training.fit_(model, loaded.prepared, loaded.noise, loaded.recipe)
    artifacts.save_run(evaluation.predict(model, loaded.prepared), losses, out)


if __name__ == "__main__":
    cli.run(main)
