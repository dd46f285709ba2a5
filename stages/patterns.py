"""Count patterns of attention in a task's models: over all heads, and over super-survivors alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import removal
from stages.tickets.pruning import structure
from stages.tickets.searches.attention import counts, heads
from stages.tickets.searches.attention.counts import Subject
from stages.tickets.searches.attention.patterns import MAPS
from stages.tickets.tasks import task as tasks


@dataclass(frozen=True)
class Params:
    search: settings.Search


def main(
    task: Annotated[str, typer.Option()],
    split: Annotated[str, typer.Option()],
    number: Annotated[int, typer.Option(help="Take so many examples.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the task's dense weights.")],
    searched: Annotated[Path, typer.Option(help="Read the task's searches.")],
    trained: Annotated[
        Path, typer.Option("--networks", help="Read the networks from this folder.")
    ],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params).search
    record = files.load_record(trained / "networks.json")
    arrays = {
        (kind, seed): files.load_arrays(trained / f"{kind}-{seed}.safetensors")
        for kind in MAPS
        for seed in record["seeds"]
    }
    networks = heads.networks(arrays, record["size"], tuple(record["lengths"]))
    data = tasks.load_prepared(prepared)
    examples = heads.examples_of(data, split, number, networks.lengths)
    structures = [
        files.load_structure(searched / f"seed-{seed}" / "joint" / "structure.safetensors")
        for seed in config.seeds
    ]
    top = structure.super_survivors(structures)
    rows: dict[str, list[dict[str, Any]]] = {"shares": [], "heads": [], "agreement": []}
    for seed in (*config.seeds, None):
        state = "pre-trained" if seed is None else "fine-tuned"
        path = None if seed is None else weights / f"seed-{seed}" / "trained.safetensors"
        # Attention does not depend on the classifier, so any seed may draw it.
        loaded = inputs.load(task, config.seeds[0] if seed is None else seed, theta_0, prepared)
        torch.set_num_threads(loaded.recipe.threads)
        for scope, kept in {"all": structure.whole(*top.heads.shape), "super": top}.items():
            if not kept.num_heads:  # no head is kept by all seeds
                continue
            model = loaded.model(path)
            removal.remove_(model, kept)
            pad = data.vocabulary.pad
            classes = heads.classify(model, examples, pad, kept.heads, networks)
            subject = Subject(task, seed, state, scope, kept)
            for name, made in counts.rows(subject, classes, structures).items():
                rows[name] += made
    for name, every in rows.items():
        files.save_table(every, counts.COLUMNS[name], out / f"{name}.csv")


if __name__ == "__main__":
    cli.run(main)
