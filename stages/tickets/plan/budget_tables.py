"""What a study would cost, in words and tables of plain text, and for machines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stages.tickets.plan import flops as costs
from stages.tickets.plan import work
from stages.tickets.plan.lineage import Changes
from stages.tickets.plan.work import Budget, Cost, Study

UNKNOWN = "–"  # an en dash: the lengths of examples are not known
EXA, PETA, TERA = 1e18, 1e15, 1e12


@dataclass(frozen=True)
class Change:
    """What another study would rerun of this one."""

    against: str
    """What it is compared with."""
    names: Changes
    new: Budget
    stale: Budget


@dataclass(frozen=True)
class Plan:
    """All that the budget says."""

    name: str
    """Of the study."""
    file: str
    """Its params."""
    encoder: str
    """Where the encoder's sizes come from."""
    sources: Mapping[str, str]
    """Where the number of examples comes from, by task."""
    study: Study
    whole: Budget
    rates: Mapping[str, float]
    """Sustained TFLOP/s, by what reaches it."""
    change: Change | None


# --- plain text ------------------------------------------------------------------------------


def text(plan: Plan) -> str:
    """The whole budget, as printed."""
    parts = [
        _head(plan),
        _of_stages(plan),
        _of_tasks(plan),
        _hours(plan.whole.total, plan.whole.total.stages, plan.rates),
        _stored(plan.whole.total),
        _not_counted(plan.whole),
    ]
    if plan.change:
        parts.append(_changed(plan.change, plan.whole.total.stages, plan.rates))
    return "\n\n".join(part for part in parts if part)


def _head(plan: Plan) -> str:
    shape = plan.study.shape
    return (
        f"{plan.name} ({plan.file})\n"
        f"Encoder: {shape.layers} layers, hidden {shape.hidden:,}, MLP {shape.mlp:,}; "
        f"{shape.layer_weights:,} weights in the matrices of its layers, {shape.prunable:,} prunable "
        f"(from: {plan.encoder})"
    )


def _of_stages(plan: Plan) -> str:
    total = plan.whole.total
    unit, scale = _unit(total.padded)
    by_stage = plan.whole.by(0)
    rows = [
        [name, f"{cost.stages:,}", f"{cost.trainings:,}", *_both(cost, scale)]
        for name, cost in [*by_stage.items(), ("all", total)]
    ]
    return table(["stage", "stages", "trainings", f"{unit}, padded", f"{unit}, real lengths"], rows)


def _of_tasks(plan: Plan) -> str:
    study = plan.study
    by_task = plan.whole.by(1)
    unit, scale = _unit(plan.whole.total.padded)
    rows = []
    for task, cost in by_task.items():
        if task not in study.examples:
            if cost.trainings:
                rows.append([task, *[UNKNOWN] * 5, f"{cost.trainings:,}", *[UNKNOWN] * 2, ""])
            continue
        examples, recipe = study.examples[task], study.recipes[task]
        each, per = _unit(costs.training(study.shape, examples, recipe))
        mean = f"{examples.lengths.mean:.1f}" if examples.lengths else UNKNOWN
        rows.append(
            [
                task,
                f"{examples.train:,}",
                f"{costs.num_steps(examples.train, recipe):,}",
                f"{examples.longest}",
                mean,
                f"{short(costs.training(study.shape, examples, recipe) / per)} {each}",
                f"{cost.trainings:,}",
                *_both(cost, scale),
                plan.sources.get(task, ""),
            ]
        )
    header = ["task", "examples", "steps", "tokens at most", "on average", "a training, padded"]
    header += ["trainings", f"{unit}, padded", f"{unit}, real lengths", "examples from"]
    return (
        table(header, rows, left=(0, 9))
        + "\nA training is three forward passes over its examples, for a backward pass is two; "
        "predictions after it count with it.\nPadded: every text to the most tokens, an upper bound; "
        "this project pads to the longest of a batch of like length."
    )


def _hours(total: Cost, stages: int, rates: Mapping[str, float]) -> str:
    rows = [
        [where, f"{rate:g}", *(duration(costs.hours(flops, rate)) for flops in _flops(total))]
        for where, rate in rates.items()
    ]
    seconds = costs.overhead(total.stages, stages)
    return (
        table(["at a sustained rate", "TFLOP/s", "padded", "real lengths"], rows)
        + f"\nDVC itself and the start of {total.stages:,} stages: about {duration(seconds / 3600)} more."
    )


def _stored(total: Cost) -> str:
    rows = [[kind, size(number)] for kind, number in total.stored.items()]
    rows.append(["all", size(sum(total.stored.values()))])
    return table(["stored in the DVC cache", "at most"], rows)


def _not_counted(budget: Budget) -> str:
    return "\n".join(f"Not counted: {sentence}." for sentence in budget.not_counted)


def _changed(change: Change, stages: int, rates: Mapping[str, float]) -> str:
    names = change.names
    if not (names.new or names.gone or names.stale):
        return f"Compared with {change.against}: no stage is new, gone or run again."
    costs_of = {"new": change.new, "again": change.stale}
    total = work.total(budget.total for budget in costs_of.values())
    unit, scale = _unit(total.padded)
    rows = [
        [what, group, f"{cost.stages:,}", f"{cost.trainings:,}", *_both(cost, scale)]
        for what, budget in costs_of.items()
        for group, cost in budget.by(0).items()
    ]
    gone: dict[str, int] = {}
    for name in names.gone:
        gone[name.split("@")[0]] = gone.get(name.split("@")[0], 0) + 1
    rows += [["gone", group, f"{number:,}", "", "", ""] for group, number in gone.items()]
    rows.append(["to run", "", f"{total.stages:,}", f"{total.trainings:,}", *_both(total, scale)])
    found = (
        f"Compared with {change.against}:\n"
        + table(
            ["", "stage", "stages", "trainings", f"{unit}, padded", f"{unit}, real lengths"],
            rows,
            left=(0, 1),
        )
        + "\nAgain: settings, command or paths differ, or what is read is made anew; where that comes "
        "out the same bytes, DVC stops there.\nChanges of code are not looked at."
    )
    return found + "\n\n" + _hours(total, stages, rates)


def _flops(cost: Cost) -> tuple[float, float]:
    return cost.padded, cost.real


def _both(cost: Cost, scale: float) -> list[str]:
    return [short(flops / scale) if work.is_known(flops) else UNKNOWN for flops in _flops(cost)]


def _unit(flops: float) -> tuple[str, float]:
    if flops >= EXA:
        return "EFLOP", EXA
    return ("PFLOP", PETA) if flops >= PETA else ("TFLOP", TERA)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Columns in plain text, two spaces apart; those in `left` start, the others end in line."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def short(number: float) -> str:
    """Three digits, or all before the point: 0.0123, 4.56, 1,234."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def duration(hours: float) -> str:
    """In seconds, minutes or hours, whichever reads best; an en dash for NaN."""
    if not work.is_known(hours):
        return UNKNOWN
    if hours >= 1.5:
        return f"{short(hours)} h"
    return f"{short(60 * hours)} min" if hours >= 1 / 40 else f"{short(3600 * hours)} s"


def size(number: int) -> str:
    """Bytes in decimal units."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if number >= scale:
            return f"{short(number / scale)} {unit}"
    return f"{short(number / 1e3)} kB"


# --- for machines ----------------------------------------------------------------------------


def record(plan: Plan) -> dict[str, Any]:
    """The same as JSON; None where the lengths of examples are not known."""
    study = plan.study
    return {
        "study": plan.name,
        "params": plan.file,
        "encoder": asdict(study.shape) | {"prunable": study.shape.prunable, "from": plan.encoder},
        "tasks": {
            task: asdict(examples)
            | {
                "steps": costs.num_steps(examples.train, study.recipes[task]),
                "from": plan.sources.get(task),
            }
            for task, examples in study.examples.items()
        },
        **_budget(plan.whole),
        "hours": {
            where: {"tflops": rate} | _hours_of(plan.whole.total, rate)
            for where, rate in plan.rates.items()
        },
        "dvc_seconds": round(costs.overhead(plan.whole.total.stages, plan.whole.total.stages)),
        "change": plan.change
        and {
            "against": plan.change.against,
            "gone": list(plan.change.names.gone),
            "new": {"names": list(plan.change.names.new)} | _budget(plan.change.new),
            "again": {"names": list(plan.change.names.stale)} | _budget(plan.change.stale),
        },
    }


def _budget(budget: Budget) -> dict[str, Any]:
    return {
        "all": _cost(budget.total),
        "by_stage_and_task": [
            {"stage": group, "task": task or None} | _cost(cost)
            for (group, task), cost in budget.by_stage.items()
        ],
        "not_counted": list(budget.not_counted),
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "stages": cost.stages,
        "trainings": cost.trainings,
        "flops_padded": cost.padded,
        "flops_real_lengths": cost.real if work.is_known(cost.real) else None,
        "stored_bytes": dict(cost.stored),
    }


def _hours_of(cost: Cost, rate: float) -> dict[str, float | None]:
    padded, real = (costs.hours(flops, rate) for flops in _flops(cost))
    return {"padded": padded, "real_lengths": real if work.is_known(real) else None}
