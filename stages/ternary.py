"""Train a task to ternary blocks by one arm, at several block sparsities, and pack the models."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.settings.ternary import Arm
from stages.tickets.ternary import course, measured, packed, training
from stages.tickets.ternary.measured import PLACE, Place


@dataclass(frozen=True)
class Params:
    ternary: settings.Ternary


def train(loaded: Inputs, place: Place, asked: settings.Ternary, out: Path) -> None:
    """Train at one sparsity, and write predictions, the packed model, and how the training went."""
    model, prepared, rule = loaded.model(), loaded.prepared, asked.rule
    how = place.arm, place.blocks, place.percent / 100, rule
    trained = training.train_(model, loaded.encoder, prepared, *how, loaded.noise, loaded.recipe)
    files.save_run(trained.run.predictions, trained.run.losses, out)
    taken = packed.take(model, trained.kept, trained.block, rule.embeddings == "ternary")
    size = measured.size_of(taken, trained)
    packed.save(taken, prepared, {"arm": place.arm, **size}, out)
    subnetwork = {"kept": size["kept_weights"], "prunable": size["weights"]}
    files.save_record(subnetwork, out / "subnetwork.json")
    coordinates = place._asdict()
    files.save_table([coordinates | size], (*PLACE, *measured.SIZE), out / "size.csv")
    rows = course.over_matrices(trained.by_step, trained.start, trained.freeze, trained.total)
    along = [coordinates | row for row in rows]
    files.save_table(along, (*PLACE, *course.COURSE), out / "course.csv")
    by_matrix = course.rows_of(trained.by_step)
    files.save_table(by_matrix, ("step", "matrix", *course.MATRIX), out / "matrices.csv")


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    arm: Annotated[str, typer.Option(help="Train by this arm, such as lasso.")],
    blocks: Annotated[str, typer.Option(help="Drop blocks of this shape, such as 16x16.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    asked, loaded = cli.read(Params).ternary, inputs.load(task, seed, theta_0, prepared)
    places = [Place(task, seed, cast(Arm, arm), blocks, percent) for percent in asked.sparsities]
    jobs = {
        f"{arm} {blocks} {place.percent}": partial(
            train, loaded, place, asked, out / f"percent-{place.percent}"
        )
        for place in places
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
