"""Write tables of what the searches kept: size, place, importance, and agreement."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.statistics import searched
from stages.tickets.statistics.searched import KeptWeights


@dataclass(frozen=True)
class Params:
    search: settings.Search


def main(
    runs: Annotated[Path, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params).search
    folders = {
        (task, seed): runs / "search" / task / f"seed-{seed}"
        for task in config.tasks
        for seed in config.seeds
    }
    variants: tuple[str, ...] = config.rule.variants if folders else ()
    traces = {
        variant: {
            key: files.load_record(folder / variant / "trace.json")
            for key, folder in folders.items()
        }
        for variant in variants
    }
    structures = {
        variant: {
            key: files.load_structure(folder / variant / "structure.safetensors")
            for key, folder in folders.items()
        }
        for variant in variants
        if variant != "magnitude"
    }
    weights: dict[searched.Key, KeptWeights] = {}
    if "magnitude" in variants:
        num_heads = files.load_record(encoder / "config.json")["num_attention_heads"]
        for key, folder in folders.items():
            mask = files.load_mask(folder / "magnitude" / "mask.safetensors")
            weights[key] = searched.kept_weights(mask, num_heads)
    joint = structures.get("joint", {})
    magnitudes = {key: files.load_arrays(folders[key] / "magnitudes.safetensors") for key in joint}

    tables = searched.tables(structures, weights, traces, magnitudes, config.permutations)
    for name, rows in tables.items():
        files.save_table(rows, searched.COLUMNS[name], out / f"{name}.csv")


if __name__ == "__main__":
    cli.run(main)
