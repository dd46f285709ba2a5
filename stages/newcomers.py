"""Compare masks that were found on sets with tickets, one-shot masks, and what lies at the threshold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.statistics import newcomers

PLACE = ("task", "arm", "seed", "mask_seed", "round", "sparsity")
MOVEMENT = ("steps", "move_50", "move_99", "distance", "jaccard_at_least")
"""What is taken from movement.json."""
REAL, SHORT = "real", "real-short"
"""Arms of tickets of the chain, here those of other seeds, and of real examples with few steps."""


@dataclass(frozen=True)
class Params:
    distil: settings.Distil
    rounds: tuple[settings.Round, ...]
    seeds: tuple[int, ...]


def arms(config: Params, rounds: Path, runs: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yield the place of every mask that is compared with a ticket, and its folder but for the round."""
    distil = config.distil
    for task in distil.tasks:
        for seed in distil.seeds:
            for arm in (*distil.methods, SHORT):
                place = {"task": task, "arm": arm, "seed": seed, "mask_seed": seed}
                yield place, runs / "distilled" / task / arm / f"seed-{seed}"
            for other in config.seeds:
                place = {"task": task, "arm": REAL, "seed": seed, "mask_seed": other}
                if other != seed:
                    yield place, rounds / task / f"seed-{other}"


def main(
    rounds: Annotated[Path, typer.Option(help="Read tickets and one-shot masks.")],
    runs: Annotated[Path, typer.Option(help="Read masks that were found on sets.")],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    rows: list[dict[str, Any]] = []
    theta_0 = files.load_arrays(encoder / "weights.safetensors") if config.distil.tasks else {}
    for place, folder in arms(config, rounds, runs):
        for after in config.rounds:
            name = f"round-{after.to}/mask.safetensors"
            mask = files.load_mask(folder / name)
            real = files.load_mask(rounds / place["task"] / f"seed-{place['seed']}" / name)
            one_shot = files.load_mask(rounds / "one-shot" / f"seed-{config.seeds[0]}" / name)
            prunable = {matrix: theta_0[matrix] for matrix in mask}
            moved = files.load_record((folder / name).with_name("movement.json"))
            rows.append(
                place
                | {"round": after.to, "sparsity": after.sparsity}
                | newcomers.compare(mask, real, one_shot, prunable)
                | {key: moved[key] for key in MOVEMENT}
            )
    columns = (*PLACE, *newcomers.COLUMNS, *MOVEMENT)
    files.save_table(rows, columns, out / "masks.csv")


if __name__ == "__main__":
    cli.run(main)
