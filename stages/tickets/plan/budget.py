"""The cost of a study: trainings, floating-point operations, bytes, hours."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stages.tickets.plan import flops, work
from stages.tickets.plan.done import Work
from stages.tickets.plan.lineage import Changes
from stages.tickets.plan.sizes import Sizes
from stages.tickets.plan.stages import Stage

RATES: Mapping[str, float] = {
    "a CPU core, miniature": 0.04,
    "a CPU core, bf16": 0.1,
    "V100, fp32": 8,
    "V100, mixed precision": 35,
    "A100, bf16": 110,
    "H200, bf16": 250,
}
"""Examples of sustained rates in TFLOP/s, by what reaches them.

Rates of a core were measured on trainings of this project at real lengths, on one thread of an AMD EPYC.
An idle machine reached 0.03 to 0.046 for the miniature's encoder in fp32, and a busy machine half of it.
A busy machine reached 0.035 for MiniLM in fp32, 0.093 in bf16, and 0.11 for bert-base in bf16. Rates of
GPUs are guesses for large batches, not measured; for batches of short texts expect half to a quarter."""
START_SECONDS = 0.7
"""Seconds per stage for the start of its process and the part of DVC's work that stays constant."""
ENTRY_SECONDS = 0.012
"""Seconds per entry of a dvc.lock, which DVC 3.67 writes anew after every stage, on two cores."""
STORED = ("encoder", "tokenised splits", "dense weights", "predictions", "masks")
NUMBERS = ("stages", "trainings", "padded", "real", *STORED)


@dataclass(frozen=True)
class Budget:
    """The costs of the stages of a study, the parts not counted, and the stages that a change reruns."""

    costs: pd.DataFrame
    """A row per stage, indexed by its name, in the order of dvc.yaml, with the columns `stage` (its name
    in dvc.yaml), `task`, `change` and NUMBERS.

    `change` is `new` or `again` if the stage would run, else empty. `padded` are FLOPs with every example
    padded to the longest allowed, `real` are FLOPs at the real lengths of examples, NaN if these are not
    known. The columns STORED are bytes."""
    gone: tuple[str, ...]
    """Names of stages that the study no longer has."""
    not_counted: tuple[str, ...]
    """Parts of the cost that are not counted, a sentence each."""
    seconds: float
    """Estimated time of DVC itself for all stages, in seconds."""
    seconds_of_change: float
    """Estimated time of DVC itself for the stages that would run, in seconds."""


def budget(stages: Sequence[Stage], sizes: Sizes, changes: Changes) -> Budget:
    """Compute the cost of `stages`, all stages of a study."""
    kinds = dict.fromkeys(changes.new, "new") | dict.fromkeys(changes.stale, "again")
    costs = [cost(stage, sizes) for stage in stages]
    rows = [
        row | {"change": kinds.get(name, "")}
        for name, (row, _) in zip(names(stages), costs, strict=True)
    ]
    running = [stage for stage in stages if stage.name in kinds]
    return Budget(
        pd.DataFrame(rows, index=names(stages)),
        changes.gone,
        tuple(dict.fromkeys(reason for _, reasons in costs for reason in reasons)),
        overhead(stages, stages),
        overhead(running, stages),
    )


def names(stages: Iterable[Stage]) -> list[str]:
    return [stage.name for stage in stages]


def summed(costs: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Sum NUMBERS by columns, in the order of dvc.yaml; a sum with NaN is NaN."""
    return costs.groupby(list(columns), sort=False)[list(NUMBERS)].sum(skipna=False)


def total(costs: pd.DataFrame) -> "pd.Series[Any]":
    """Sum NUMBERS over all stages; a sum with NaN is NaN."""
    return costs[list(NUMBERS)].sum(skipna=False)


def cost(stage: Stage, sizes: Sizes) -> tuple[dict[str, Any], list[str]]:
    """Make a row of `Budget.costs`, and list the parts of the stage not counted, a sentence each."""
    tasks = work.tasks_of(stage)
    row: dict[str, Any] = dict.fromkeys(NUMBERS, 0)
    row |= {
        "stage": stage.group,
        "task": work.task_of(stage),
        "stages": 1,
        "padded": 0.0,
        "real": 0.0,
    }
    done = work.of(stage)
    reasons = [done.left_out] if done.left_out else []
    row["encoder"] = done.encoders * flops.encoder_bytes(sizes.shape)
    row["masks"] = done.masks * flops.mask_bytes(sizes.shape)
    if done.trainings or done.predictions or done.weights or done.splits:
        for task in tasks or (stage.name,):
            row["trainings"] += done.trainings
            if task in sizes.examples:
                _add_(row, done, task, sizes)
            else:
                reasons.append(f"FLOPs and bytes of {task}: its number of examples is not known")
    return row, reasons


def _add_(row: dict[str, Any], done: Work, task: str, sizes: Sizes) -> None:
    """Add the costs that depend on the examples of a task to `row`."""
    shape, examples, recipe = sizes.shape, sizes.examples[task], sizes.recipes[task]
    for column, is_padded in (("padded", True), ("real", False)):
        if done.trainings:  # otherwise 0 times NaN would give NaN
            each = flops.training(shape, examples, recipe, done.percent, is_padded)
            row[column] += done.trainings * each
        if done.predictions:
            row[column] += done.predictions * flops.prediction(shape, examples, is_padded)
    row["tokenised splits"] += done.splits * flops.split_bytes(examples)
    row["dense weights"] += done.weights * flops.weights_bytes(shape, examples)
    row["dense weights"] += done.heads * flops.head_bytes(shape, examples)
    row["predictions"] += done.predictions * flops.prediction_bytes(examples)


def hours(operations: float, rate: float) -> float:
    """Return the time in hours of a number of FLOPs at a sustained rate in TFLOP/s."""
    return operations / (rate * 1e12) / 3600


def overhead(running: Iterable[Stage], stages: Iterable[Stage]) -> float:
    """Estimate the seconds that DVC and the start of processes take in addition to the work of stages.

    After each stage of a dvc.yaml, DVC writes all of the dvc.lock beside it anew, so that the time grows
    with the number of entries.

    Args:
        running: stages that run, which have no entry in dvc.lock yet.
        stages: all stages of the study, which have entries in the end.
    """
    runs, entries = (Counter(stage.file for stage in group) for group in (running, stages))
    return sum(
        number * (START_SECONDS + ENTRY_SECONDS * (entries[file] - (number - 1) / 2))
        for file, number in runs.items()
    )
