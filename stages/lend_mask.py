"""Train the learned mask of a source on a target, beside the source's ticket and random masks."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages.launch import cli, inputs, side_by_side, starts
from stages.launch.options import Encoder, Out, Prepared, Seed
from stages.tickets import files, settings
from stages.tickets.learned.starts import Start
from stages.tickets.pruning import rivals
from stages.tickets.settings.noise import stable_seed


@dataclass(frozen=True)
class Params:
    learned_masks: settings.LearnedMasks


def main(
    source: Annotated[str, typer.Option(help="Name the task of the masks.")],
    target: Annotated[str, typer.Option(help="Train this task.")],
    seed: Seed,
    learned: Annotated[Path, typer.Option(help="Take the source's learned mask.")],
    ticket: Annotated[Path, typer.Option(help="Take the source's ticket.")],
    theta_0: Encoder,
    prepared: Prepared,
    out: Out,
) -> None:
    config, loaded = cli.read(Params).learned_masks, inputs.load(target, seed, theta_0, prepared)
    # The draws are the source's, so that all targets get the same masks.
    generator = np.random.default_rng(stable_seed("lent", source, seed))
    lent = rivals.lent(files.load_mask(learned), files.load_mask(ticket), generator)
    weights: dict[str, Start] = {"same": config.start, "fresh": "fresh"}
    jobs = {
        f"{name} {start}": partial(
            starts.train_at, loaded, weights[start], seed, mask, out / start / name
        )
        for start in config.lend.starts
        for name, mask in lent.items()
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
