"""Write the heads and MLPs that all seeds of a task keep, and random and bad counterparts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.pruning import structure
from stages.tickets.settings import noise as seeds


@dataclass(frozen=True)
class Params:
    search: settings.Search
    noise: settings.Noise


def main(
    task: Annotated[str, typer.Option()],
    searched: Annotated[Path, typer.Option(help="Read the task's searches from this folder.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params)
    out.mkdir(parents=True, exist_ok=True)
    if "joint" not in config.search.rule.variants:  # `check` refuses settings that need them
        return
    searches = {
        seed: files.load_structure(searched / f"seed-{seed}" / "joint" / "structure.safetensors")
        for seed in config.search.seeds
    }
    for seed in config.search.seeds:
        noise = seeds.derive(config.noise, task, seed)
        for name in ("super", "super-random", "super-bad"):
            kept = structure.named_super(name, searches, task, noise.mask)
            files.save_structure(kept, out / f"seed-{seed}" / f"{name}.safetensors")


if __name__ == "__main__":
    cli.run(main)
