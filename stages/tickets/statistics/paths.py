"""Rows about walks between two networks: curves, barriers over seeds, and what the two ends share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from stages.tickets.files import Arrays, Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.statistics import barriers
from stages.tickets.statistics.barriers import MEASURES, Values
from stages.tickets.tasks import deviations, scores
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared, Task

Row = dict[str, Any]
PLACE = ("task", "net", "round", "point", "arm", "steps")
"""What walks of several seeds share; point is None and arm `stored` between stored networks."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "curves": (*PLACE, "seeds", "split", "head", "metric", "alpha", "value"),
    "barriers": (
        *PLACE, "split", "head", "metric", "measure", "n", "mean", "std", "low", "high", "examples",
        "verdict",
    ),
    "ends": (
        *PLACE, "seeds", "learned", "disagreement", "chance", "divergence", "middle", "average",
        "distance", "ratio", "cosine", "union", "jaccard",
    ),
}  # fmt: skip
"""Columns of every table.

Metrics are errors in points, 100 less 100 times the score, and the loss in nats. `examples` is the
standard error of the mean that comes from the choice of examples. `head` is `own`, or
`refit` for a head fitted anew at every point. `middle` and `average` are accuracies of averaged weights
and of averaged logits."""
NUMBERS = ("mean", "std", "low", "high", "examples")
"""Fields of a summary that are columns of barriers."""
HEADS = {"own": "logits", "refit": "refit"}
SPLITS = ("validation", "train")
DECIDED = "accuracy"
"""Metric whose barriers have a verdict: the threshold of Frankle et al. 2020 is made for it."""


@dataclass(frozen=True)
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
    walks: Sequence[Walk], prepared: Mapping[str, Prepared], threshold: float, confidence: float
) -> dict[str, list[Row]]:
    """Make the rows of all tables, by the table's name in COLUMNS.

    Args:
        walks: all walks; those of one place are those of several seeds.
        prepared: the tasks by name.
        threshold: barrier in points of error under which copies are stable.
        confidence: of all intervals.
    """
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    places = dict.fromkeys(tuple(walk.place.values()) for walk in walks)
    for place in places:
        group = [walk for walk in walks if tuple(walk.place.values()) == place]
        of_task = prepared[group[0].place["task"]]
        splits = splits_of(of_task, group[0].arrays)
        learned = [has_learned(walk, of_task.task, splits, confidence) for walk in group]
        rows["ends"] += [
            ends(walk, of_task.task, splits["validation"], known)
            for walk, known in zip(group, learned, strict=True)
        ]
        for split, head, metric in _kinds(group[0].arrays, of_task.task):
            curves = [
                values(of_task.task, splits[split], walk.arrays[f"{split}.{HEADS[head]}"], metric)
                for walk in group
            ]
            kind = {"split": split, "head": head, "metric": metric}
            for walk, curve in zip(group, curves, strict=True):
                rows["curves"] += _curve(walk, kind, curve)
            used = [curve for curve, known in zip(curves, learned, strict=True) if known]
            rows["barriers"] += _barriers(group[0].place | kind, used, threshold, confidence)
    return rows


def _kinds(arrays: Arrays, task: Task) -> Iterator[tuple[str, str, str]]:
    """List split, head and metric of all curves of a walk."""
    for split in SPLITS:
        for head, array in HEADS.items():
            if f"{split}.{array}" in arrays:
                yield from ((split, head, metric) for metric in metrics(task))


def metrics(task: Task) -> tuple[str, ...]:
    """List what is measured along a path: accuracy for classes, the headline, and the loss."""
    first = (DECIDED,) if task.kind == "classification" else ()
    return tuple(dict.fromkeys((*first, task.metrics[0], "loss")))


def splits_of(prepared: Prepared, arrays: Arrays) -> dict[str, Split]:
    """Return the splits that a walk was over, with their labels."""
    sample = tasks.take(prepared.train, arrays["train.rows"])
    return {"validation": prepared.evaluated["validation"], "train": sample}


def values(task: Task, split: Split, logits: NDArray[np.floating], metric: str) -> Values:
    """Compute what every example adds to an error or loss at every point; its mean is the curve.

    For accuracy and loss that is exact. For other scores an example adds the score and its deviation,
    see `deviations`.

    Args:
        task, split: what the logits are of.
        logits: (points, examples, outputs).
        metric: a metric of the task, or `loss`.

    Returns:
        (points, examples), in points of error, nats, or squares for the loss of a regression.
    """
    wide, labels = logits.astype(np.float64), split.labels
    if metric == "loss" and task.kind == "regression":
        squares: Values = (wide[..., 0] - labels) ** 2
        return squares
    if metric == "loss":
        losses: Values = -log_softmax(wide, axis=-1)[:, np.arange(len(labels)), labels]
        return losses
    of_metric = replace(task, metrics=(metric,))  # type: ignore[arg-type]
    rows = []
    for point in logits:
        arrays = {"it.logits": point}
        score = scores.score(of_metric, arrays, "it", split)[0].value
        rows.append(100 - 100 * (score + deviations.deviations(of_metric, arrays, "it", split)))
    return np.array(rows)


def has_learned(walk: Walk, task: Task, splits: Mapping[str, Split], confidence: float) -> bool:
    """Tell whether the networks at both ends are better than a constant, on the validation split."""
    labels, logits = splits["validation"].labels, walk.arrays["validation.logits"]
    if task.kind == "regression":
        return not any(
            scores.no_better_than_a_constant(labels, end[:, 0]) for end in (logits[0], logits[-1])
        )
    return all(
        barriers.above_majority(end.argmax(-1), labels, confidence)
        for end in (logits[0], logits[-1])
    )


def _curve(walk: Walk, kind: Row, curve: Values) -> Iterator[Row]:
    means = curve.mean(axis=1)
    for step, value in enumerate(means):
        alpha = step / (len(means) - 1)
        yield walk.place | {"seeds": walk.seeds} | kind | {"alpha": alpha, "value": float(value)}


def _barriers(
    place: Row, curves: Sequence[Values], threshold: float, confidence: float
) -> Iterator[Row]:
    """Summarise the barriers of the pairs whose ends have learned something."""
    draws = (
        barriers.resampled(
            curves, MEASURES, stable_seed("bootstrap", place["task"], place["split"])
        )
        if curves
        else {}
    )
    for name, measure in MEASURES.items():
        summary = None
        if curves:
            each = [float(measure(curve.mean(axis=1))) for curve in curves]
            summary = barriers.over_seeds(each, draws[name], confidence)
        is_decided = place["metric"] == DECIDED and name in ("chord", "error_barrier")
        numbers = {key: getattr(summary, key, None) for key in NUMBERS}
        yield (
            place
            | numbers
            | {
                "measure": name,
                "n": len(curves),
                "verdict": barriers.verdict(summary, threshold) if is_decided else "",
            }
        )


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
