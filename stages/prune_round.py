"""Do one round of iterative magnitude pruning: train the subnetwork, drop its smallest weights."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.encoder.weights import load_head_, save_head, save_weights
from stages.tickets.training import rounds

CLASSIFIER = "classifier.safetensors"


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    before: Annotated[int, typer.Option("--round", help="Train the subnetwork of this round.")],
    sparsity: Annotated[float, typer.Option(help="Prune to this sparsity.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Start from theta_i.")],
    trained: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    ticket: Annotated[Path, typer.Option(help="Read that round from this folder.")],
    point: Annotated[
        int, typer.Option("--rewind_to", help="Start at this per cent of the dense run.")
    ],
    decay_over: Annotated[
        int, typer.Option("--decay_over", help="Let the learning rate decay over so many rounds.")
    ],
    classifier: Annotated[
        Literal["rewound", "carried"], typer.Option(help="Choose its way from round to round.")
    ],
    out: Annotated[Path, typer.Option()],
    keep: Annotated[
        list[int],
        typer.Option(
            "--keep_weights", default_factory=list, help="Store the weights of these rounds."
        ),
    ],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    encoder, survivors = loaded.encoder, files.load_mask(ticket / "mask.safetensors")
    theta_i = loaded.model(weights)
    if before > 0 and classifier == "carried":
        load_head_(theta_i, encoder, ticket / CLASSIFIER)
    # The subnetwork of round 0 is dense; `fine_tune` has trained it.
    dense = loaded.model(trained) if before == 0 and decay_over == 1 else None
    made = rounds.prune_round(
        theta_i,
        encoder,
        loaded.prepared,
        survivors,
        sparsity,
        loaded.noise,
        loaded.recipe,
        point,
        decay_over,
        dense,
    )
    if made.run:
        files.save_run(made.run.predictions, made.run.losses, out / "before")
        if before in keep:
            save_weights(theta_i, encoder, out / "before" / "weights.safetensors")
    if classifier == "carried":
        save_head(dense or theta_i, encoder, out / CLASSIFIER)
    files.save_mask(made.mask, out / "mask.safetensors")
    files.save_record(made.movement, out / "movement.json")


if __name__ == "__main__":
    cli.run(main)
