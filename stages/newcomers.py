"""Compare masks that were found on sets with tickets, one-shot masks, and what lies at the threshold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.launch import cli, options
from stages.tickets import files, settings
from stages.tickets.plan import manifest as manifests
from stages.tickets.plan.manifest import Manifest
from stages.tickets.statistics import newcomers

PLACE = ("task", "arm", "seed", "mask_seed", "round", "sparsity")
MOVEMENT = ("steps", "move_50", "move_99", "distance", "jaccard_at_least")
"""What is taken from movement.json."""
REAL = "real"
"""Arm of tickets of the chain, here those of other seeds."""


@dataclass(frozen=True)
class Params:
    rounds: tuple[settings.Round, ...]


def arms(study: Manifest, task: str) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yield the place of every mask that is compared with a ticket, and its folder but for the round.

    For each seed, these are the masks that were found on sets, and then tickets of other seeds.
    """
    chains = [entry for entry in study.places.get("set_masks", ()) if entry["task"] == task]
    tickets = [entry for entry in study.places["masks"] if entry["source"] == task]
    for seed in dict.fromkeys(entry["seed"] for entry in chains):
        own = [(entry["source"], entry) for entry in chains if entry["seed"] == seed]
        others = [(REAL, entry) for entry in tickets if entry["seed"] != seed]
        for arm, entry in (*own, *others):
            place = {"task": task, "arm": arm, "seed": seed, "mask_seed": entry["seed"]}
            yield place, Path(entry["folder"])


def main(
    task: options.Task,
    manifest: options.Manifest,
    encoder: options.Encoder,
    out: options.Out,
) -> None:
    config, study = cli.read(Params), manifests.load(manifest)
    rows: list[dict[str, Any]] = []
    theta_0 = files.load_arrays(encoder / "weights.safetensors")
    smallest = next(e for e in study.places["masks"] if e["source"] == "one-shot")["seed"]
    for place, folder in arms(study, task):
        for after in config.rounds:
            name = f"round-{after.to}/mask.safetensors"
            mask = files.load_mask(folder / name)
            real = files.load_mask(study.mask(task, place["seed"], after.to))
            one_shot = files.load_mask(study.mask("one-shot", smallest, after.to))
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
