"""Estimate the curvature of the loss at a trained network, by layer and type of matrix."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, networks
from stages.tickets import files
from stages.tickets.landscapes import by_matrix, curvature
from stages.tickets.settings.noise import stable_seed
from stages.tickets.training import objective


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round", help="Take the network of this round.")],
    split: Annotated[str, typer.Option(help="Take examples of this split.")],
    examples: Annotated[int, typer.Option("--number", help="Take so many examples.")],
    draw: Annotated[int, typer.Option(help="Draw the examples by this seed.")],
    probes: Annotated[int, typer.Option(help="Take so many random vectors for each batch.")],
    signs: Annotated[int, typer.Option(help="Draw the vectors by this seed.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the dense weights from this folder.")],
    rounds: Annotated[Path, typer.Option(help="Read masks and weights of rounds here.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    network = networks.load(loaded, weights, rounds, number)
    sample = objective.sample(loaded.prepared, split, examples, loaded.recipe.masked, draw)
    batches, single = (
        objective.batches(network.model, loaded.prepared, sample, size)
        for size in (objective.BATCH, 1)
    )
    seed_of_signs = stable_seed("probe", task, seed, number, signs)
    at, kept = network.weights, network.kept
    diagonal = curvature.hutchinson(batches, at, kept, probes, seed_of_signs, task)
    squares = curvature.fisher(single, at, kept, task)
    rows = by_matrix.rows(diagonal, squares, kept)
    files.save_table(rows, by_matrix.COLUMNS, out / "curvature.csv")
    loss, error = objective.evaluate(batches, at)
    files.save_record(
        {
            "error": error,
            "examples": len(sample),
            "loss": loss,
            "probes": probes,
            "signs": seed_of_signs,
            "sparsity": network.sparsity,
            "split": split,
        },
        out / "record.json",
    )


if __name__ == "__main__":
    cli.run(main)
