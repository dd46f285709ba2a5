"""Compare masks across seeds and tasks with chance, and count dropped weights by layer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.statistics import stability


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: tuple[settings.Round, ...]


def folder(rounds: Path, source: str, seed: int, number: int) -> Path:
    """Return the folder of a round's mask; `source` is a task or the name of another mask."""
    return rounds / source / f"seed-{seed}" / f"round-{number}"


def main(
    rounds: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    keys = [(task, seed) for task in config.tasks for seed in config.seeds]
    agreements: list[dict[str, Any]] = []
    beyond: list[dict[str, Any]] = []
    movement: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    for after in config.rounds:
        folders = {key: folder(rounds, *key, after.to) for key in keys}
        masks = {key: files.load_mask(folders[key] / "mask.safetensors") for key in keys}
        smallest = folder(rounds, "one-shot", config.seeds[0], after.to)
        one_shot = files.load_mask(smallest / "mask.safetensors")
        place = {"round": after.to, "sparsity": after.sparsity}
        agreements += [place | row for row in stability.agreements(masks)]
        beyond += [place | row for row in stability.beyond(masks, one_shot)]
        layers += [place | row for row in stability.layers(masks)]
        movement += [
            {"task": task, "seed": seed, **place}
            | files.load_record(folders[task, seed] / "movement.json")
            for task, seed in keys
        ]
    files.save_table(agreements, stability.AGREEMENT, out / "agreement.csv")
    files.save_table(beyond, stability.AGREEMENT, out / "beyond.csv")
    files.save_table(movement, list(movement[0]), out / "movement.csv")
    files.save_table(layers, stability.LAYERS, out / "layers.csv")


if __name__ == "__main__":
    cli.run(main)
