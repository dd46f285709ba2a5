"""Write a budget as plain text or as JSON."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from stages.tickets.plan import flops
from stages.tickets.plan.budget import STORED, Budget, hours, summed, total
from stages.tickets.plan.sizes import Sizes

UNKNOWN = "–"  # an en dash, if the lengths of examples are not known
UNITS = (("EFLOP", 1e18), ("PFLOP", 1e15), ("TFLOP", 1e12))
WORDS = """\
A training is three forward passes over its examples, for a backward pass is two; predictions after it
count with it. Padded: every text to the most tokens, an upper bound; this project pads to the longest of
a batch of like length."""
AGAIN = """\
Again: settings, command or paths differ, or what is read is made anew; where that comes out the same
bytes, DVC stops there. Changes of code are not looked at."""


@dataclass(frozen=True)
class Plan:
    """All contents of the printed plan of a study."""

    study: str
    params: str
    """File of the study, and the changes made to it."""
    sizes: Sizes
    budget: Budget
    against: str | None
    """Name of the study that it is compared with; None for no comparison."""
    rates: Mapping[str, float]
    """Sustained rates in TFLOP/s, by the name of the hardware."""


def text(plan: Plan) -> str:
    """Write the budget as plain text."""
    shape, costs, budget = plan.sizes.shape, plan.budget.costs, plan.budget
    everything = total(costs)
    stored = {kind: everything[kind] for kind in STORED if everything[kind]}
    encoder = (
        f"Encoder: {shape.layers} layers, hidden {shape.hidden:,}, MLP {shape.mlp:,}; "
        f"{shape.layer_weights:,} weights in the matrices of its layers, {shape.prunable:,} prunable "
        f"(from: {plan.sizes.encoder})"
    )
    parts = [
        f"{plan.study} ({plan.params})\n{encoder}",
        table(costs, "stage"),
        f"{tasks(plan)}\n{WORDS}",
        times(everything, budget.seconds, plan.rates),
        f"Stored in the DVC cache, at most {size(sum(stored.values()))}: "
        + ", ".join(f"{kind} {size(number)}" for kind, number in stored.items()),
        "\n".join(f"Not counted: {reason}." for reason in budget.not_counted),
    ]
    running = costs[costs["change"] != ""]
    if plan.against and running.empty and not budget.gone:
        parts.append(f"Compared with {plan.against}: no stage is new, gone or run again.")
    elif plan.against:
        gone = Counter(name.split("@")[0] for name in budget.gone)
        lines = [f"Compared with {plan.against}:", table(running, "change", "stage"), AGAIN]
        lines += [f"Gone: {number:,} of {stage}." for stage, number in gone.items()]
        parts += ["\n".join(lines), times(total(running), budget.seconds_of_change, plan.rates)]
    return "\n\n".join(part for part in parts if part)


def table(costs: pd.DataFrame, *columns: str) -> str:
    """Write a table of stages, trainings and FLOPs by columns of `costs`, with totals."""
    everything = total(costs)
    unit, scale = next((unit for unit in UNITS if everything["padded"] >= unit[1]), UNITS[-1])
    rows = pd.concat([summed(costs, *columns), everything.to_frame("all").T])
    names = [" ".join(key) if isinstance(key, tuple) else key for key in rows.index]
    shown = {
        "stages": [f"{number:,.0f}" for number in rows["stages"]],
        "trainings": [f"{number:,.0f}" for number in rows["trainings"]],
        f"{unit}, padded": [short(number / scale) for number in rows["padded"]],
        f"{unit}, real lengths": [short(number / scale) for number in rows["real"]],
    }
    return pd.DataFrame(shown, index=names).to_string()


def tasks(plan: Plan) -> str:
    """Write a table with the training of each task, and the source of the task's size."""
    rows = {}
    for task, examples in plan.sizes.examples.items():
        recipe = plan.sizes.recipes[task]
        operations = flops.training(plan.sizes.shape, examples, recipe)
        rows[task] = {
            "examples": f"{examples.train:,}",
            "steps": f"{flops.num_steps(examples.train, recipe):,}",
            "tokens at most": str(examples.longest),
            "on average": f"{examples.lengths.mean:.1f}" if examples.lengths else UNKNOWN,
            "TFLOP a training, padded": short(operations / 1e12),
            "examples from": plan.sizes.sources[task],
        }
    return pd.DataFrame.from_dict(rows, orient="index").to_string() if rows else ""


def times(everything: "pd.Series[Any]", seconds: float, rates: Mapping[str, float]) -> str:
    """Write the hours of trainings and predictions at all rates, and the time of DVC itself."""
    rows = {
        f"{name}: {rate:g} TFLOP/s": {
            "padded": duration(hours(everything["padded"], rate)),
            "real lengths": duration(hours(everything["real"], rate)),
        }
        for name, rate in rates.items()
    }
    return (
        pd.DataFrame.from_dict(rows, orient="index").to_string()
        + f"\nDVC itself and the start of {everything['stages']:,.0f} stages: about "
        f"{duration(seconds / 3600)} more, an estimate."
    )


def short(number: float) -> str:
    """Write a number with three digits, or all before the point: 0.0123, 4.56, 1,234; NaN is a dash."""
    if math.isnan(number):
        return UNKNOWN
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def duration(time: float) -> str:
    """Write a time, given in hours, in seconds, minutes or hours; NaN is a dash."""
    if math.isnan(time):
        return UNKNOWN
    if time < 1 / 40:
        return f"{short(3600 * time)} s"
    return f"{short(60 * time)} min" if time < 1.5 else f"{short(time)} h"


def size(number: float) -> str:
    """Write a number of bytes in decimal units."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if number >= scale:
            return f"{short(number / scale)} {unit}"
    return f"{short(number / 1e3)} kB"


def record(plan: Plan) -> dict[str, Any]:
    """Return the budget for JSON; FLOPs are None if the lengths of examples are not known."""
    costs, budget = plan.budget.costs, plan.budget
    running = {kind: list(costs.index[costs["change"] == kind]) for kind in ("new", "again")}
    return {
        "study": plan.study,
        "params": plan.params,
        "encoder": asdict(plan.sizes.shape) | {"prunable": plan.sizes.shape.prunable},
        "tasks": {task: asdict(examples) for task, examples in plan.sizes.examples.items()},
        "from": {"encoder": plan.sizes.encoder} | plan.sizes.sources,
        "all": _native(summed(costs.assign(all="all"), "all"))[0],
        "stages": _native(costs.reset_index(names="name")),
        "not_counted": list(budget.not_counted),
        "tflops": dict(plan.rates),
        "dvc_seconds": round(budget.seconds),
        "against": plan.against,
        "change": running | {"gone": list(budget.gone)} if plan.against else None,
    }


def _native(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    return rows.astype(object).where(rows.notna(), None).to_dict("records")
