"""What a study costs: trainings, floating-point operations, bytes, hours."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stages.tickets.plan import flops, work
from stages.tickets.plan.lineage import Changes, Stage
from stages.tickets.plan.sizes import Sizes

RATES: Mapping[str, float] = {
    "a CPU core, miniature": 0.04,
    "a CPU core, bf16": 0.1,
    "V100, fp32": 8,
    "V100, mixed precision": 35,
    "A100, bf16": 110,
    "H200, bf16": 250,
}
"""TFLOP/s, as examples.

Those of a core were measured on trainings of this project at real lengths, on one thread of an AMD EPYC.
An idle machine reached 0.03 to 0.046 for the miniature's encoder in fp32, a busy one half of that; a busy
one reached 0.035 for MiniLM in fp32, 0.093 in bf16, and 0.11 for bert-base in bf16. Those of GPUs are
guesses for large batches, and none was measured; for batches of short texts expect half to a quarter."""
START_SECONDS = 0.7
"""Start of a process, and DVC's share in a stage that does not depend on the number of stages."""
ENTRY_SECONDS = 0.012
"""Time of DVC 3.67 on two cores for each entry of a dvc.lock, which it writes anew after every stage."""
STORED = ("encoder", "tokenised splits", "dense weights", "predictions", "masks")
NUMBERS = ("stages", "trainings", "padded", "real", *STORED)


@dataclass(frozen=True)
class Budget:
    """What the stages of a study cost, what of it is not counted, and what a change runs."""

    costs: pd.DataFrame
    """A row a stage by its name, in the order of dvc.yaml: `stage` (its name there), `task`, `change` and
    NUMBERS.

    `change` is `new` or `again` if the stage would run, else empty. `padded` are FLOPs if every example
    is padded to the longest allowed, `real` those at the lengths that examples have, NaN if they are not
    known; STORED are bytes."""
    gone: tuple[str, ...]
    """Names of stages that the study has no more."""
    not_counted: tuple[str, ...]
    """A sentence each."""
    seconds: float
    """Time of DVC itself for all stages, an estimate."""
    seconds_of_change: float
    """Time of DVC itself for the stages that would run, likewise."""


def budget(stages: Sequence[Stage], sizes: Sizes, changes: Changes) -> Budget:
    """What `stages`, all of a study, cost."""
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
    """Sums of NUMBERS by columns, in the order of dvc.yaml; NaN stays NaN."""
    return costs.groupby(list(columns), sort=False)[list(NUMBERS)].sum(skipna=False)


def total(costs: pd.DataFrame) -> "pd.Series[Any]":
    """Sums of NUMBERS; NaN stays NaN."""
    return costs[list(NUMBERS)].sum(skipna=False)


def cost(stage: Stage, sizes: Sizes) -> tuple[dict[str, Any], list[str]]:
    """A row of `Budget.costs`, and in a sentence each what of the stage is not counted."""
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
    if done is None:
        return row, [f"stages {stage.group}: what they do is not known here"]
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


def _add_(row: dict[str, Any], done: work.Work, task: str, sizes: Sizes) -> None:
    """Add what depends on the examples of a task."""
    shape, examples, recipe = sizes.shape, sizes.examples[task], sizes.recipes[task]
    for column, is_padded in (("padded", True), ("real", False)):
        if done.trainings:  # 0 times NaN is NaN
            each = flops.training(shape, examples, recipe, done.percent, is_padded)
            row[column] += done.trainings * each
        if done.predictions:
            row[column] += done.predictions * flops.prediction(shape, examples, is_padded)
    row["tokenised splits"] += done.splits * flops.split_bytes(examples)
    row["dense weights"] += done.weights * flops.weights_bytes(shape, examples)
    row["dense weights"] += done.heads * flops.head_bytes(shape, examples)
    row["predictions"] += done.predictions * flops.prediction_bytes(examples)


def hours(operations: float, rate: float) -> float:
    """Time of so many FLOPs at a sustained rate in TFLOP/s."""
    return operations / (rate * 1e12) / 3600


def overhead(running: Iterable[Stage], stages: Iterable[Stage]) -> float:
    """Seconds that DVC and the start of processes take beside what stages do; an estimate.

    DVC writes the whole dvc.lock beside a dvc.yaml anew after each of its stages, so that time grows with
    the entries in there. An address such as pipeline/tickets/dvc.yaml:prune-round@1 says which one it is.

    Args:
        running: stages that run, in whose place dvc.lock has nothing yet.
        stages: all stages of the study, whose entries the lock files have in the end.
    """
    runs, entries = (
        Counter(stage.name.rpartition(":")[0] for stage in group) for group in (running, stages)
    )
    return sum(
        number * (START_SECONDS + ENTRY_SECONDS * (entries[file] - (number - 1) / 2))
        for file, number in runs.items()
    )
