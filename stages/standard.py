"""Prune without rewinding (train, prune, train on); also train its masks from the rewound weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.training import rounds


@dataclass(frozen=True)
class Params:
    rounds: tuple[settings.Round, ...]


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read theta_i, for the masks of --rounds.")],
    trained: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    point: Annotated[int, typer.Option(help="Start at this per cent of the dense run.")],
    out: Annotated[Path, typer.Option()],
    masks_out: Annotated[Path, typer.Option("--masks", help="Write the masks of all rounds.")],
    aliased: Annotated[
        list[int],
        typer.Option(
            "--rounds", default_factory=list, help="Train the masks of these rounds from theta_i."
        ),
    ],
) -> None:
    grid = cli.read(Params).rounds
    loaded = inputs.load(task, seed, theta_0, prepared)
    theta_i = {number: loaded.model(weights) for number in aliased}
    pruned = rounds.standard(
        loaded.model(trained),
        loaded.encoder,
        loaded.prepared,
        [after.sparsity for after in grid],
        loaded.noise,
        loaded.recipe,
    )
    for after, (mask, run) in zip(grid, pruned, strict=True):
        name = f"round-{after.to}"
        files.save_run(run.predictions, run.losses, out / name / "standard")
        files.save_mask(mask, masks_out / name / "mask.safetensors")
        if after.to in theta_i:
            again = loaded.train(theta_i[after.to], mask, point)
            files.save_run(again.predictions, again.losses, out / name / "aliased")


if __name__ == "__main__":
    cli.run(main)
