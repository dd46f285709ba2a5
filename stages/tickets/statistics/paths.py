"""Rows about walks between two networks: curves, barriers over seeds, and what the two ends share."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import softmax

from stages.tickets.files import Arrays, Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.statistics import along, barriers, jackknife
from stages.tickets.statistics.along import Examples
from stages.tickets.statistics.barriers import MEASURES, Values
from stages.tickets.statistics.intervals import Summary
from stages.tickets.tasks import hans
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import Prepared, Task

Row = dict[str, Any]
PLACE = ("task", "net", "round", "point", "arm", "steps")
"""What walks of several seeds share; point is None between stored networks."""
MEETING = {"union": "stored", "intersection": "stored-intersection"}
"""Arms of walks between stored networks: with the weights of both masks inside, or with both ends cut to
the weights that both masks keep."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "curves": (*PLACE, "seeds", "split", "head", "metric", "alpha", "value"),
    "barriers": (
        *PLACE, "split", "head", "metric", "measure", "n", "mean", "std", "low", "high", "examples",
        "verdict", "union",
    ),
    "ends": (
        *PLACE, "seeds", "learned", "disagreement", "chance", "divergence", "middle", "average",
        "distance", "ratio", "cosine", "union", "jaccard",
    ),
}  # fmt: skip
"""Columns of every table.

Metrics are errors in points, 100 less 100 times the score, and the loss in nats. `examples` is the
standard error of the mean that comes from the choice of examples. `head` is `own`, or
`refit` for a head fitted anew at every point. `union` is the share of the prunable weights that the masks
of either end keep, and so of those that are not 0 inside the path. `middle` and `average` are accuracies
of averaged weights and of averaged logits."""
NUMBERS = ("mean", "std", "low", "high", "examples")
"""Fields of a summary that are columns of barriers."""
DECIDED_ON = ("validation", "train")
SPLITS = (*DECIDED_ON, hans.SPLIT)
"""Splits with curves; on HANS a barrier has no verdict, since it is about another task."""


@dataclass(frozen=True, eq=False)
class Walk:
    """What a walk has stored."""

    place: Row
    """Values of PLACE."""
    seeds: str
    """Seed of the copies, or the two seeds of stored networks."""
    arrays: Arrays
    """Logits along the path, see `copies.connect`."""
    geometry: Mapping[str, Any]


def tables(
    walks: Sequence[Walk],
    prepared: Mapping[str, Prepared],
    asked: Mapping[str, Asked],
    threshold: float,
    confidence: float,
) -> dict[str, list[Row]]:
    """Make the rows of all tables, by the table's name in COLUMNS.

    Args:
        walks: all walks; those of one place are those of several seeds.
        prepared: the tasks by name.
        asked: the questions of validation, by task of spans.
        threshold: barrier in points of error under which copies are stable.
        confidence: of all intervals.
    """
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    places = dict.fromkeys(tuple(walk.place.values()) for walk in walks)
    for place in places:
        group = [walk for walk in walks if tuple(walk.place.values()) == place]
        name = group[0].place["task"]
        task = prepared[name].task
        splits = splits_of(prepared[name], group[0].arrays, asked.get(name))
        validation = splits["validation"]
        learned = [
            along.has_learned(
                task, validation, along.path_of(walk.arrays, "validation", "own"), confidence
            )
            for walk in group
        ]
        rows["ends"] += [
            ends(walk, task, validation.split, known)
            for walk, known in zip(group, learned, strict=True)
        ]
        for split, head, metric in _kinds(group[0].arrays, task, splits):
            curves = [
                along.values(task, splits[split], along.path_of(walk.arrays, split, head), metric)
                for walk in group
            ]
            kind = {"split": split, "head": head, "metric": metric}
            for walk, curve in zip(group, curves, strict=True):
                rows["curves"] += _curve(walk, kind, curve)
            used = {
                walk: curve
                for walk, curve, known in zip(group, curves, learned, strict=True)
                if known
            }
            rows["barriers"] += _barriers(group, kind, used, threshold, confidence)
    return rows


def _kinds(
    arrays: Arrays, task: Task, splits: Mapping[str, Examples]
) -> Iterator[tuple[str, str, str]]:
    """List split, head and metric of all curves of a walk."""
    for split in SPLITS:
        for head in along.HEADS:
            if split in splits and along.path_of(arrays, split, head):
                yield from ((split, head, metric) for metric in along.metrics(task, splits[split]))


def splits_of(prepared: Prepared, arrays: Arrays, asked: Asked | None) -> dict[str, Examples]:
    """Return the splits that a walk was over, with their labels; `asked` are questions of validation."""
    sample = tasks.take(prepared.train, arrays["train.rows"])
    if "train.labels" in arrays:
        sample = replace(sample, labels=arrays["train.labels"])
    evaluated = {name: prepared.evaluated[name] for name in SPLITS if name in prepared.evaluated}
    return {
        name: Examples(name, split, asked if name == "validation" else None)
        for name, split in {**evaluated, "train": sample}.items()
    }


def _curve(walk: Walk, kind: Row, curve: Values) -> Iterator[Row]:
    means = curve.mean(axis=1)
    for step, value in enumerate(means):
        alpha = step / (len(means) - 1)
        yield walk.place | {"seeds": walk.seeds} | kind | {"alpha": alpha, "value": float(value)}


def _barriers(
    group: Sequence[Walk],
    kind: Row,
    curves: Mapping[Walk, Values],
    threshold: float,
    confidence: float,
) -> Iterator[Row]:
    """Summarise the barriers of the pairs whose ends have learned something."""
    place = group[0].place | kind
    seed = stable_seed("bootstrap", place["task"], place["split"])
    used = list(curves.values())
    draws = barriers.resampled(used, MEASURES, seed) if used else {}
    densities = [walk.geometry["masks"]["union"] for walk in group]
    for name, measure in MEASURES.items():
        summary = None
        if used:
            each = {walk.seeds: float(measure(c.mean(axis=1))) for walk, c in curves.items()}
            summary = _over(each, draws[name], confidence)
        is_decided = (
            place["metric"] == along.DECIDED
            and place["split"] in DECIDED_ON
            and name in ("chord", "error_barrier")
        )
        numbers = {key: getattr(summary, key, None) for key in NUMBERS}
        yield (
            place
            | numbers
            | {
                "measure": name,
                "n": len(curves),
                "verdict": barriers.verdict(summary, threshold) if is_decided else "",
                "union": math.fsum(densities) / len(densities),
            }
        )


def _over(each: Mapping[str, float], draws: Values, confidence: float) -> Summary:
    """Summarise barriers by seed, or by the two seeds of a pair, which several pairs share."""
    pairs = {tuple(seeds.split()): value for seeds, value in each.items()}
    if all(len(pair) == 2 for pair in pairs):
        examples = barriers.error_of_draws(draws)
        return jackknife.over_pairs(pairs, confidence, examples)  # type: ignore[arg-type]
    return barriers.over_seeds(list(each.values()), draws, confidence)


def ends(walk: Walk, task: Task, split: Split, learned: bool) -> Row:
    """Compare what the two networks compute, and where they lie; classes alone can disagree."""
    row: Row = dict.fromkeys(COLUMNS["ends"]) | walk.place
    row |= {"seeds": walk.seeds, "learned": int(learned)}
    layers, masks = walk.geometry["layers"], walk.geometry["masks"]
    row |= {key: layers[key] for key in ("distance", "ratio", "cosine")}
    row |= {key: masks[key] for key in ("union", "jaccard")}
    if task.kind != "classification":
        return row
    logits = walk.arrays["validation.logits"].astype(np.float64)
    first, last, labels = logits[0], logits[-1], split.labels
    differ = barriers.disagreement(first.argmax(-1), last.argmax(-1), labels, task.num_labels)
    return row | {
        "disagreement": differ.value,
        "chance": differ.chance,
        "divergence": barriers.divergence(softmax(first, axis=-1), softmax(last, axis=-1)),
        "middle": float(np.mean(logits[len(logits) // 2].argmax(-1) == labels)),
        "average": barriers.average_accuracy(first, last, labels),
    }
