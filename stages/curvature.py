"""Estimate the curvature of the loss at a trained network, by layer and type of matrix."""

from typing import Annotated

import typer

from stages.launch import cli, networks
from stages.launch.networks import Measured
from stages.tickets import files
from stages.tickets.landscapes import by_matrix, curvature
from stages.tickets.settings.noise import stable_seed


def measure(
    at: Measured,
    probes: Annotated[int, typer.Option(help="Take so many random vectors for each batch.")],
    signs: Annotated[int, typer.Option(help="Draw the vectors by this seed.")],
) -> None:
    batches, weights, kept = at.batches(), at.network.weights, at.network.kept
    seed = stable_seed("probe", at.task, at.seed, at.number, signs)
    diagonal = curvature.hutchinson(batches, weights, kept, probes, seed, at.task)
    squares = curvature.fisher(at.batches(1), weights, kept, at.task)
    rows = by_matrix.rows(diagonal, squares, kept)
    files.save_table(rows, by_matrix.COLUMNS, at.out / "curvature.csv")
    about = {"probes": probes, "signs": seed}
    files.save_record(at.record(batches) | about, at.out / "record.json")


app = networks.application(measure)

if __name__ == "__main__":
    cli.run(app)
