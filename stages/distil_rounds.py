"""Find masks on a set, or in as few steps on real examples, and train them on all real examples."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side, starts
from stages.launch.options import Encoder, Out, Prepared, Seed, Task
from stages.tickets import files, settings
from stages.tickets.distillation import learner, sets
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.training import predict

ON_SET = "on-set"
"""Folder of what the dense model predicts that the first round has trained."""


@dataclass(frozen=True)
class Params:
    distil: settings.Distil
    rounds: tuple[settings.Round, ...]


def main(
    task: Task,
    seed: Seed,
    theta_0: Encoder,
    prepared: Prepared,
    out: Out,
    folder: Annotated[
        Path | None, typer.Option("--set", help="Find masks on this set, not on real examples.")
    ] = None,
) -> None:
    config, loaded = cli.read(Params), inputs.load(task, seed, theta_0, prepared)
    encoder, asked = loaded.encoder, config.distil.masks
    sequences = sets.load(folder / "set.safetensors") if folder else None
    mask = masks.dense(prunable_weights(loaded.model(), encoder))
    jobs = {}
    for after in config.rounds:
        model, place = loaded.model(), out / f"round-{after.to}"
        made = learner.prune_round(
            model,
            encoder,
            loaded.prepared,
            sequences,
            mask,
            after.sparsity,
            loaded.noise,
            loaded.recipe,
            asked.steps,
        )
        if after.before == 0 and made.run:
            files.save_run(predict.predict(model, loaded.prepared), made.run.losses, out / ON_SET)
        mask = made.mask
        files.save_mask(mask, place / "mask.safetensors")
        files.save_record(made.movement, place / "movement.json")
        if after.to in asked.rounds:
            jobs[f"round {after.to}"] = partial(
                starts.train_at, loaded, "pretrained", seed, mask, place
            )
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
