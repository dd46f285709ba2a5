"""How far masks agree across seeds and tasks, beside chance, and where the weights are dropped."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import agreement
from stages.tickets.statistics.agreement import Agreement

PAIRWISE = {"jaccard": agreement.jaccard, "cohen_kappa": agreement.cohen_kappa}


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: tuple[settings.Round, ...]


def compare(masks: dict[tuple[str, int], Mask], config: Params) -> Iterator[dict[str, Any]]:
    """Agreement of the masks of one round: of seeds within a task, of tasks within a seed."""

    for task in config.tasks:
        for one, two in combinations(config.seeds, 2):
            for measure, function in PAIRWISE.items():
                found = function(masks[task, one], masks[task, two])
                yield _row("seeds", task, "", f"{one} {two}", measure, found)
        if len(config.seeds) > 1:
            found = agreement.fleiss_kappa([masks[task, seed] for seed in config.seeds])
            seeds = " ".join(map(str, config.seeds))
            yield _row("seeds", task, "", seeds, "fleiss_kappa", found)
    for seed in config.seeds:
        for one_task, other in combinations(config.tasks, 2):
            for measure, function in PAIRWISE.items():
                found = function(masks[one_task, seed], masks[other, seed])
                yield _row("tasks", one_task, other, str(seed), measure, found)
        if len(config.tasks) > 1:
            found = agreement.fleiss_kappa([masks[task, seed] for task in config.tasks])
            yield _row("tasks", "", "", str(seed), "fleiss_kappa", found)


def beyond(
    masks: dict[tuple[str, int], Mask], one_shot: Mask, config: Params
) -> Iterator[dict[str, Any]]:
    """Masks of one round beside the one-shot mask: how far each agrees with it, and pairs beyond it."""
    for (task, seed), mask in masks.items():
        yield _row("one_shot", task, "", str(seed), "jaccard", agreement.jaccard(mask, one_shot))
    pairs = [
        (("seeds", task, "", f"{one} {two}"), masks[task, one], masks[task, two])
        for task in config.tasks
        for one, two in combinations(config.seeds, 2)
    ]
    pairs += [
        (("tasks", first, second, str(seed)), masks[first, seed], masks[second, seed])
        for seed in config.seeds
        for first, second in combinations(config.tasks, 2)
    ]
    for where, one_mask, other in pairs:
        found = agreement.beyond(one_mask, other, one_shot)
        for measure, value in zip(("brought_back", "taken_out"), found, strict=True):
            yield _row(*where, measure, value)


def _row(
    axis: str, first: str, second: str, seeds: str, measure: str, found: Agreement
) -> dict[str, Any]:
    return {
        "axis": axis, "first": first, "second": second, "seeds": seeds, "measure": measure,
        "value": found.value, "floor": found.floor, "floor_by_matrix": found.floor_by_matrix,
    }  # fmt: skip


def layers(masks: dict[tuple[str, int], Mask]) -> Iterator[dict[str, Any]]:
    """Size and survivors of every matrix: its number of layer, and its name within the layer."""
    for (task, seed), mask in masks.items():
        for name, kept in mask.items():
            inside = re.search(r"\.(\d+)\.(.+)\.weight$", name)
            yield {
                "task": task,
                "seed": seed,
                "layer": int(inside[1]) if inside else None,
                "matrix": inside[2] if inside else name.removesuffix(".weight"),
                "size": kept.size,
                "kept": int(kept.sum()),
            }


def main(
    rounds: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    agreements, besides, moved, densities = [], [], [], []
    for after in config.rounds:
        masks = {
            (task, seed): files.load_mask(
                rounds / task / f"seed-{seed}" / f"round-{after.to}" / "mask.safetensors"
            )
            for task in config.tasks
            for seed in config.seeds
        }
        where = {"round": after.to, "sparsity": after.sparsity}
        agreements += [where | row for row in compare(masks, config)]
        smallest = rounds / "one-shot" / f"seed-{config.seeds[0]}" / f"round-{after.to}"
        one_shot = files.load_mask(smallest / "mask.safetensors")
        besides += [where | row for row in beyond(masks, one_shot, config)]
        moved += [
            {"task": task, "seed": seed}
            | where
            | files.load_record(
                rounds / task / f"seed-{seed}" / f"round-{after.to}" / "movement.json"
            )
            for task, seed in masks
        ]
        densities += [where | row for row in layers(masks)]
    out.mkdir(parents=True, exist_ok=True)
    compared = ["axis", "round", "sparsity", "first", "second", "seeds", "measure"]
    compared += ["value", "floor", "floor_by_matrix"]
    _write(pd.DataFrame(agreements, columns=compared), out / "agreement.csv")
    _write(pd.DataFrame(besides, columns=compared), out / "beyond.csv")
    _write(pd.DataFrame(moved), out / "movement.csv")
    columns = ["task", "seed", "round", "sparsity", "layer", "matrix", "size", "kept"]
    _write(pd.DataFrame(densities, columns=columns).astype({"layer": "Int64"}), out / "layers.csv")


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    cli.run(main)
