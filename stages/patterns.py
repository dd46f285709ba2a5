"""Patterns of attention in a task's models: of all heads, and of super-survivors in a model cut down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import removal
from stages.tickets.files import Split
from stages.tickets.pruning import structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.report.search_rows import MAPS, HeadPatterns, NetworkAgreement, PatternShare
from stages.tickets.searches.attention import (
    heads as head_patterns,
)
from stages.tickets.searches.attention import (
    network as pattern_network,
)
from stages.tickets.searches.attention import (
    patterns,
)
from stages.tickets.searches.attention.heads import Classes, Networks
from stages.tickets.searches.attention.patterns import PATTERNS
from stages.tickets.settings import noise
from stages.tickets.tasks import task as tasks


@dataclass(frozen=True)
class Params:
    search: settings.Search


@dataclass(frozen=True)
class Subject:
    """What is looked at: a model of a task, whole or cut down."""

    task: str
    seed: int | None
    """None: the pre-trained encoder."""
    state: str
    heads: str
    kept: Structure


def shares(subject: Subject, classes: Classes) -> Iterator[PatternShare]:
    """How often each pattern comes, by network."""
    where = (subject.task, subject.seed, subject.state, subject.heads)
    for (kind, network), found in classes.items():
        number = len(found) * subject.kept.num_heads
        for pattern, share in zip(
            PATTERNS, patterns.shares(found, subject.kept.heads), strict=True
        ):
            yield PatternShare(*where, kind, network, pattern, float(share), number)


def by_head(
    subject: Subject, classes: Classes, structures: Sequence[Structure]
) -> Iterator[HeadPatterns]:
    """On how many examples each head shows each pattern, and how many of `structures` keep it."""
    survives = np.sum([one.heads for one in structures], axis=0)
    for (kind, network), found in classes.items():
        where = (subject.task, subject.seed, subject.state, kind, network)
        for (layer, head), kept in np.ndenumerate(survives):
            counts = np.bincount(found[:, layer, head], minlength=len(PATTERNS))
            for pattern, number in zip(PATTERNS, counts, strict=True):
                yield HeadPatterns(
                    *where, layer, head, pattern, int(number), len(found), int(kept), len(structures)
                )  # fmt: skip


def agreements(subject: Subject, classes: Classes) -> Iterator[NetworkAgreement]:
    """How often two networks say the same of a map."""
    where = (subject.task, subject.seed, subject.state, subject.heads)
    for kind in MAPS:
        by_seed = {seed: found for (other, seed), found in classes.items() if other == kind}
        for first, second in combinations(by_seed, 2):
            chosen = subject.kept.heads
            same = by_seed[first][:, chosen] == by_seed[second][:, chosen]
            yield NetworkAgreement(*where, kind, first, second, float(same.mean()), same.size)


def load_networks(folder: Path) -> Networks:
    """What the stage `pattern-network` wrote, on the device."""
    record = files.load_record(folder / "networks.json")
    by_key = {}
    for kind in MAPS:
        for seed in record["seeds"]:
            network = pattern_network.build(torch.Generator())
            arrays = files.load_arrays(folder / f"{kind}-{seed}.safetensors")
            network.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})
            by_key[kind, seed] = network
    networks = Networks(by_key, record["size"], tuple(record["lengths"]))
    networks.place_()
    return networks


def drawn(task: str, split: str, number: int, folder: Path, networks: Networks) -> Split:
    """The examples, the same for all models of a task."""
    examples = tasks.load_prepared(folder).evaluated[split]
    generator = np.random.default_rng(noise.stable_seed("patterns", task, split))
    try:
        chosen = head_patterns.draw(examples.lengths, number, networks.lengths, generator)
    except ValueError as error:
        raise settings.ParamsError(
            f"patterns.network.lengths is {list(networks.lengths)}, but {error} in {split} of {task!r}"
        ) from None
    return tasks.take(examples, chosen)


def main(
    task: Annotated[str, typer.Option()],
    split: Annotated[str, typer.Option()],
    number: Annotated[int, typer.Option(help="Examples.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Folder of the task's dense weights.")],
    searched: Annotated[Path, typer.Option(help="Folder of the task's searches.")],
    trained: Annotated[Path, typer.Option("--networks", help="Folder.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    config, networks = cli.read(Params), load_networks(trained)
    examples = drawn(task, split, number, prepared, networks)
    structures = [
        files.load_structure(searched / f"seed-{seed}" / "joint" / "structure.safetensors")
        for seed in config.search.seeds
    ]
    top = structure.super_survivors(structures)
    models: list[tuple[str, int | None]] = [("fine-tuned", seed) for seed in config.search.seeds]
    share_rows: list[PatternShare] = []
    head_rows: list[HeadPatterns] = []
    agreement_rows: list[NetworkAgreement] = []
    for state, seed in [*models, ("pre-trained", None)]:
        of_classifier = (
            config.search.seeds[0] if seed is None else seed
        )  # attention sees none of it
        loaded = inputs.load(task, of_classifier, theta_0, prepared)
        torch.set_num_threads(loaded.recipe.threads)
        path = None if seed is None else weights / f"seed-{seed}" / "trained.safetensors"
        for heads, kept in {"all": structure.whole(*top.heads.shape), "super": top}.items():
            if not kept.num_heads:  # no seed keeps the heads of another
                continue
            model = loaded.model(path)
            removal.remove_(model, kept)
            subject = Subject(task, seed, state, heads, kept)
            pad = loaded.prepared.vocabulary.pad
            classes = head_patterns.classify(model, examples, pad, kept.heads, networks)
            share_rows += shares(subject, classes)
            agreement_rows += agreements(subject, classes)
            if heads == "all":
                head_rows += by_head(subject, classes, structures)
    out.mkdir(parents=True, exist_ok=True)
    write(share_rows, PatternShare, out / "shares.csv")
    write(head_rows, HeadPatterns, out / "heads.csv")
    write(agreement_rows, NetworkAgreement, out / "agreement.csv")


def write(rows: Sequence[Any], kind: type, path: Path) -> None:
    table = pd.DataFrame(rows, columns=[field.name for field in fields(kind)])
    table["seed"] = table["seed"].astype("Int64")
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    cli.run(main)
