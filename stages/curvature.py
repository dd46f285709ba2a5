"""Estimate the curvature of the loss at a trained network, by layer and type of matrix."""

from typing import Annotated

import typer

from stages.launch import cli, inputs, networks, options
from stages.tickets import files
from stages.tickets.landscapes import by_matrix, curvature
from stages.tickets.settings.noise import stable_seed


def main(
    task: options.Task,
    seed: options.Seed,
    number: options.Round,
    split: options.Split,
    examples: options.Number,
    draw: options.Draw,
    theta_0: options.Encoder,
    prepared: options.Prepared,
    weights: options.Weights,
    rounds: options.Rounds,
    out: options.Out,
    probes: Annotated[int, typer.Option(help="Take so many random vectors for each batch.")],
    signs: Annotated[int, typer.Option(help="Draw the vectors by this seed.")],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    at = networks.measured(loaded, weights, rounds, number, split, examples, draw)
    batches, around = at.batches(), (at.network.weights, at.network.kept)
    drawn_by = stable_seed("probe", task, seed, number, signs)
    diagonal = curvature.hutchinson(batches, *around, probes, drawn_by, task)
    squares = curvature.fisher(at.batches(1), *around, task)
    rows = by_matrix.rows(diagonal, squares, at.network.kept)
    files.save_table(rows, by_matrix.COLUMNS, out / "curvature.csv")
    about = {"probes": probes, "signs": drawn_by}
    files.save_record(at.record(batches) | about, out / "record.json")


if __name__ == "__main__":
    cli.run(main)
