"""Make two masks per round that depend on no task: by pre-trained magnitude, and at random."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.pruning import masks
from stages.tickets.settings import noise as seeds


@dataclass(frozen=True)
class Params:
    seeds: tuple[int, ...]
    rounds: tuple[settings.Round, ...]
    noise: settings.Noise


def main(
    theta_0: Annotated[Path, typer.Option("--encoder")],
    one_shot: Annotated[Path, typer.Option("--one-shot")],
    drawn: Annotated[Path, typer.Option("--random-mask")],
) -> None:
    config = cli.read(Params)
    prunable = files.load_record(theta_0 / "encoder.json")["prunable"]
    stored = files.load_arrays(theta_0 / "weights.safetensors")
    weights = {name: stored[name] for name in prunable}
    for after in config.rounds:
        smallest = masks.prune_by_magnitude(weights, masks.dense(weights), after.sparsity)
        for seed in config.seeds:
            noise = seeds.derive(config.noise, "random-mask", seed)
            other = masks.random_like(smallest, noise.mask_generator(after.to))
            for folder, mask in ((one_shot, smallest), (drawn, other)):
                place = folder / f"seed-{seed}" / f"round-{after.to}"
                files.save_mask(mask, place / "mask.safetensors")


if __name__ == "__main__":
    cli.run(main)
