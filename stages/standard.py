"""Standard pruning: train, prune, train on, never rewinding; and its masks on the pre-trained weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import theta
from stages.tickets.pruning import masks
from stages.tickets.training import subnetwork


@dataclass(frozen=True)
class Params:
    rounds: tuple[settings.Round, ...]


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i, for the masks named in --rounds.")],
    trained: Annotated[Path, typer.Option(help="Weights of the dense run after training.")],
    point: Annotated[int, typer.Option(help="i of theta_i, per cent of the dense training.")],
    out: Annotated[Path, typer.Option()],
    masks_out: Annotated[Path, typer.Option("--masks", help="Folder of rounds.")],
    aliased: Annotated[
        list[int],
        typer.Option("--rounds", default_factory=list, help="Whose mask is trained from theta_i."),
    ],
) -> None:
    config = cli.read(Params)
    loaded = inputs.load(task, seed, theta_0, prepared)
    if aliased:
        loaded.model(weights)  # a file that is missing is missed before any work
    model = loaded.model(trained)
    mask = masks.dense(theta.prunable_weights(model, loaded.encoder))
    for after in config.rounds:
        ranked = theta.prunable_weights(model, loaded.encoder)
        mask = masks.prune_by_magnitude(ranked, mask, after.sparsity)
        run = subnetwork.train_(
            model, loaded.encoder, loaded.prepared, mask, loaded.noise, loaded.recipe
        )
        folder = out / f"round-{after.to}"
        files.save_run(run.predictions, run.losses, folder / "standard")
        files.save_mask(mask, masks_out / f"round-{after.to}" / "mask.safetensors")
        if after.to in aliased:
            loaded.train(weights, mask, point, folder / "aliased")


if __name__ == "__main__":
    cli.run(main)
