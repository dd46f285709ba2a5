"""Train on labels of which some are flipped, densely or under masks of one size, and score on the way."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, side_by_side, starts
from stages.launch.inputs import Inputs
from stages.launch.options import Encoder, Out, Prepared, Seed, Task
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.learned import flips
from stages.tickets.pruning import rivals
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings.noise import stable_seed


@dataclass(frozen=True)
class Params:
    learned_masks: settings.LearnedMasks


def train(
    loaded: Inputs, seed: int, config: Params, mask: Mask | None, share: float, out: Path
) -> None:
    """Train on one share of flipped labels, and write the curve and the predictions."""
    prepared, asked = loaded.prepared, config.learned_masks
    drawn_by = stable_seed("flipped labels", prepared.task.name, seed)
    own, classes = prepared.train.labels, prepared.task.num_labels
    labels = flips.flipped(own, classes, share, drawn_by)
    watch = flips.Watch(asked.noise.points, asked.noise.sample, drawn_by)
    model = starts.at(loaded, asked.start, seed)
    watched = flips.train_(
        model, loaded.encoder, prepared, labels, mask, loaded.noise, loaded.recipe, watch
    )
    files.save_run(watched.run.predictions, watched.run.losses, out)
    files.save_table(watched.points, flips.POINT, out / "curve.csv")


def main(
    task: Task,
    seed: Seed,
    theta_0: Encoder,
    prepared: Prepared,
    out: Out,
    learned: Annotated[
        Path | None, typer.Option(help="Train this mask and others of its size, or else no mask.")
    ] = None,
    ticket: Annotated[Path | None, typer.Option(help="Take the ticket's mask.")] = None,
) -> None:
    config, loaded = cli.read(Params), inputs.load(task, seed, theta_0, prepared)
    asked, arms = config.learned_masks, dict[str, Mask | None](dense=None)
    if learned and ticket:
        mask = files.load_mask(learned)
        weights = prunable_weights(starts.at(loaded, asked.start, seed), loaded.encoder)
        generator = np.random.default_rng([loaded.noise.mask, stable_seed("on noise")])
        arms = {**rivals.on_noise(mask, files.load_mask(ticket), weights, generator)}
    jobs = {
        f"{name} {share}": partial(
            train, loaded, seed, config, mask, share, out / f"share-{share}" / name
        )
        for share in asked.noise.shares
        for name, mask in arms.items()
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
