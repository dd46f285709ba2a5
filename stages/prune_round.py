"""One round of iterative magnitude pruning: train a round's subnetwork, drop its weakest weights."""

from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts, encoder, masks


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
    point: Annotated[int, typer.Option("--rewind_to", help="i, per cent of the dense training.")],
    out: Annotated[Path, typer.Option()],
    keep: Annotated[
        list[int],
        typer.Option(
            "--keep_weights", default_factory=list, help="Rounds whose weights are stored."
        ),
    ],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    survivors = artifacts.load_mask(mask)
    if before == 0:  # the subnetwork of round 0 is dense, and fine-tune has trained it
        model = loaded.model(trained)
    else:
        model = loaded.train(weights, survivors, point, out / "before")
        if before in keep:
            encoder.save_weights(model, loaded.encoder, out / "before" / "weights.safetensors")
    ranked = encoder.prunable_weights(model, loaded.encoder)
    pruned = masks.prune_by_magnitude(ranked, survivors, sparsity)
    artifacts.save_mask(pruned, out / "mask.safetensors")


if __name__ == "__main__":
    cli.run(main)
