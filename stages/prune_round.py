"""One round of iterative magnitude pruning: train a round's subnetwork, drop its weakest weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts, encoder, masks, params, subnetworks


@dataclass(frozen=True)
class Params:
    noise: params.Noise
    train: params.Train
    override: params.Override
    imp: params.Imp


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    before: Annotated[int, typer.Option("--round", help="The round whose subnetwork is trained.")],
    sparsity: Annotated[float, typer.Option(help="Of the new mask.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    trained: Annotated[Path, typer.Option(help="Weights of the dense run after training.")],
    mask: Annotated[Path, typer.Option(help="Of that round.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params, task)
    loaded = inputs.load(config, task, seed, theta_0, prepared)
    survivors = artifacts.load_mask(mask)
    if before == 0:  # the subnetwork of round 0 is dense, and fine-tune has trained it
        model = loaded.model(trained)
    else:
        point = config.imp.rewind_to
        model = loaded.model(weights)
        run = subnetworks.train_(
            model, loaded.encoder, loaded.prepared, survivors, loaded.noise, loaded.recipe, point
        )
        artifacts.save_run(run.predictions, run.losses, out / "before")
        if before in config.imp.keep_weights:
            encoder.save_weights(model, loaded.encoder, out / "before" / "weights.safetensors")
    ranked = encoder.prunable_weights(model, loaded.encoder)
    pruned = masks.prune_by_magnitude(ranked, survivors, sparsity)
    artifacts.save_mask(pruned, out / "mask.safetensors")


if __name__ == "__main__":
    cli.run(main)
