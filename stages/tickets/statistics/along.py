"""What every example adds to an error or a loss at every point of a path, by kind of task and split."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from stages.tickets.files import Arrays, Split
from stages.tickets.statistics import barriers
from stages.tickets.statistics.barriers import Values
from stages.tickets.tasks import deviations, hans, scores, squad
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import NOT_SCORED, Task

DECIDED = "accuracy"
"""Metric whose barriers have a verdict: the threshold of Frankle et al. 2020 is made for it."""
LOSS = "loss"
OWN = ("logits", "tokens", "losses")
"""Arrays of a walk under the heads of the networks, see `predict.predict`."""
REFIT = "refit"
HEADS = ("own", REFIT)


@dataclass(frozen=True)
class Examples:
    """A split that was walked over, with its labels."""

    name: str
    split: Split
    asked: Asked | None
    """The questions of spans; None for other tasks, and for training examples."""


def path_of(arrays: Arrays, split: str, head: str) -> Arrays:
    """Return what a walk has of a split under the networks' heads, or under heads fitted anew.

    Its arrays, `logits` or `tokens` and `losses`, have the points of the path as their first axis. It is
    empty if the walk has nothing of the kind.
    """
    if head == REFIT:
        key = f"{split}.{REFIT}"
        return {"logits": arrays[key]} if key in arrays else {}
    return {key: arrays[f"{split}.{key}"] for key in OWN if f"{split}.{key}" in arrays}


def metrics(task: Task, examples: Examples) -> tuple[str, ...]:
    """List what is measured along a path: accuracy for classes, the headline, and the loss.

    HANS has no loss, as its labels are not the task's. The texts of training answers are not kept, so
    spans have no error on training examples.
    """
    if examples.name == hans.SPLIT:
        return (DECIDED,)
    if task.kind == "span" and examples.asked is None:
        return (LOSS,)
    first = (DECIDED,) if task.kind == "classification" else ()
    return tuple(dict.fromkeys((*first, task.metrics[0], LOSS)))


def values(task: Task, examples: Examples, path: Arrays, metric: str) -> Values:
    """Compute what every example adds to an error or loss at every point; its mean is the curve.

    For accuracy and loss that is exact. For other scores an example adds the score and its deviation,
    see `deviations`. Examples of masked language modelling are sentences, and of spans questions, or
    windows on training examples: hidden words of a sentence and windows of a question belong together.

    Args:
        task, examples: what the path is of.
        path: see `path_of`.
        metric: a metric of the task, or `loss`.

    Returns:
        (points, examples), in points of error, nats, or squares for the loss of a regression.
    """
    if metric == LOSS:
        return _losses(task, examples, path)
    split, asked = examples.split, examples.asked
    if examples.name == hans.SPLIT:
        wrong = (path["logits"].argmax(-1) != 0) != (split.labels != 0)
        errors: Values = 100.0 * wrong.astype(np.float64)
        return errors
    if task.kind == "span":
        assert asked is not None
        measure = squad.f1 if metric == "answer_f1" else squad.exact_match
        rows = [
            list(map(measure, squad.answers(asked, point, split.starts), asked.golds))
            for point in path["logits"]
        ]
        return 100 - 100 * np.array(rows, np.float64)
    of_metric = replace(task, metrics=(metric,))  # type: ignore[arg-type]
    added = []
    for point in _points(path):
        score = scores.score(of_metric, point, "it", split)[0].value
        added.append(100 - 100 * (score + deviations.deviations(of_metric, point, "it", split)))
    return np.array(added)


def _points(path: Arrays) -> Iterable[Arrays]:
    number = len(next(iter(path.values())))
    return ({f"it.{key}": array[at] for key, array in path.items()} for at in range(number))


def _losses(task: Task, examples: Examples, path: Arrays) -> Values:
    split = examples.split
    if task.kind == "mlm":
        return _grouped(path["losses"].astype(np.float64), sentences(split), len(split))
    wide = path["logits"].astype(np.float64)
    if task.kind == "regression":
        squares: Values = (wide[..., 0] - split.labels) ** 2
        return squares
    if task.kind == "classification":
        losses: Values = -log_softmax(wide, axis=-1)[:, np.arange(len(split)), split.labels]
        return losses
    windows = _of_windows(wide, split)
    if examples.asked is None:
        return windows
    return _grouped(windows, examples.asked.question, len(examples.asked.ids))


def _of_windows(logits: Values, split: Split) -> Values:
    """Compute the cross-entropy of every window, mean of start and end, see `squad.loss`.

    Args:
        logits: (points, tokens, 2).
        split: the windows.

    Returns:
        (points, windows).
    """
    first = split.starts[:-1]
    highest = np.maximum.reduceat(logits, first, axis=1)
    shifted = np.exp(logits - np.repeat(highest, split.lengths, axis=1))
    log_total = np.log(np.add.reduceat(shifted, first, axis=1)) + highest
    right = logits[:, first[:, None] + split.labels, [0, 1]]
    losses: Values = (log_total - right).mean(axis=-1)
    return losses


def sentences(split: Split) -> NDArray[np.int64]:
    """Return the number of the sentence of every hidden word."""
    hidden = np.flatnonzero(split.labels != NOT_SCORED)
    return np.searchsorted(split.starts, hidden, side="right") - 1


def _grouped(parts: Values, group: NDArray[np.int64], number: int) -> Values:
    """Compute what groups of parts add to the mean over parts, (points, groups), with that mean."""
    means = parts.mean(axis=1)
    sums = [np.bincount(group, row - mean, number) for row, mean in zip(parts, means, strict=True)]
    added: Values = means[:, None] + np.array(sums) * (number / parts.shape[1])
    return added


def has_learned(task: Task, examples: Examples, arrays: Arrays, confidence: float) -> bool:
    """Tell whether the networks at both ends of a path are better than a constant, on a split.

    Classes and hidden words have to be surely more often right than the most frequent one. A regression
    has to be better than the mean label. Spans, which have no such baseline, must not be one answer or
    one place for all questions.
    """
    ends = [{key: array[[at]] for key, array in arrays.items()} for at in (0, -1)]
    return all(_has_learned(task, examples, next(iter(_points(end))), confidence) for end in ends)


def _has_learned(task: Task, examples: Examples, end: Arrays, confidence: float) -> bool:
    split = examples.split
    if task.kind == "span":
        return not scores.score(task, end, "it", split, examples.asked)[0].collapsed
    if task.kind == "mlm":
        labels = split.labels[split.labels != NOT_SCORED]
        groups = sentences(split)
        return barriers.above_majority(end["it.tokens"], labels, confidence, groups)
    logits = end["it.logits"]
    if task.kind == "regression":
        return not scores.no_better_than_a_constant(split.labels, logits[:, 0])
    return barriers.above_majority(logits.argmax(-1), split.labels, confidence)
