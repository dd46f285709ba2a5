"""Compute scores from stored predictions, without a model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from stages.tickets.files import Arrays, Split
from stages.tickets.tasks import squad
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import NOT_SCORED, Task

SMALL_SPREAD = 0.05
"""Share of the labels' standard deviation under which predictions of a regression have collapsed."""


@dataclass(frozen=True)
class Score:
    metric: str
    value: float
    num_examples: int
    collapsed: bool
    """Whether the prediction is the same for every example: one class or one word. For spans it is one
    answer to every question (the empty answer counts), or the same most likely start and end in every
    window, such as [CLS]. For regression see `no_better_than_a_constant`."""


def score(
    task: Task, predictions: Arrays, prefix: str, split: Split, asked: Asked | None = None
) -> list[Score]:
    """Compute all metrics of a task on one split, the headline first, the mean loss last.

    Accuracy, F1 of class 1, Matthews, Pearson and Spearman are the official metrics of GLUE (Wang et
    al. 2018); a correlation with a constant is 0. `masked_accuracy` is the share of hidden words that
    are predicted. `answer_f1` and `exact_match` are the metrics of SQuAD v1.1 (see `squad`), means over
    questions. The loss is the cross-entropy in nats, or the mean squared error for regression. For spans
    it is the cross-entropy of the first right answer, mean over windows and over start and end.

    Args:
        task: kind and metrics.
        predictions: arrays in the format of `predict.predict`.
        prefix: the predictions of this split are stored as `<prefix>.logits` and so on.
        split: the split with its labels.
        asked: the questions of spans; None for other tasks.

    Raises:
        ValueError: predictions and labels differ in number.
    """
    if task.kind == "span":
        assert asked is not None
        return _of_spans(task, predictions[f"{prefix}.logits"], prefix, split, asked)
    if task.kind == "mlm":
        labels = split.labels[split.labels != NOT_SCORED]
        predicted, losses = predictions[f"{prefix}.tokens"], predictions[f"{prefix}.losses"]
    else:
        labels, logits = split.labels, predictions[f"{prefix}.logits"].astype(np.float64)
        if task.kind == "regression":
            predicted = logits[:, 0]
            losses = (predicted - labels) ** 2 if len(predicted) == len(labels) else predicted
        else:
            predicted = logits.argmax(-1)
            losses = _cross_entropy(logits, labels) if len(predicted) == len(labels) else predicted
    if len(predicted) != len(labels):
        raise ValueError(f"{prefix} has {len(predicted)} predictions for {len(labels)} labels")
    is_constant = bool((predicted == predicted[0]).all())
    values: list[tuple[str, float]] = [
        (metric, _value(metric, labels, predicted, is_constant)) for metric in task.metrics
    ]
    values.append(("loss", float(np.mean(losses))))
    collapsed = is_constant
    if task.kind == "regression":
        collapsed = is_constant or no_better_than_a_constant(labels, predicted)
    return [Score(metric, value, len(labels), collapsed) for metric, value in values]


def no_better_than_a_constant(labels: NDArray[np.generic], predicted: NDArray[np.generic]) -> bool:
    """Tell whether a regression has learned next to nothing on a split.

    Its predictions then spread less than SMALL_SPREAD of the labels' standard deviation, or their mean
    squared error is not below that of the best constant, which is the labels' variance. The correlation
    alone does not tell, since it can be high for predictions that are almost the same.

    Args:
        labels: numbers (examples,).
        predicted: numbers (examples,).
    """
    wanted, given = labels.astype(np.float64), predicted.astype(np.float64)
    small = float(given.std()) < SMALL_SPREAD * float(wanted.std())
    return small or float(np.mean((given - wanted) ** 2)) >= float(wanted.var())


def _of_spans(
    task: Task, logits: NDArray[np.float32], prefix: str, split: Split, asked: Asked
) -> list[Score]:
    if len(logits) != len(split.ids):
        raise ValueError(f"{prefix} has {len(logits)} predictions for {len(split.ids)} tokens")
    answers = squad.answers(asked, logits, split.starts)
    peaks = squad.most_likely(logits, split.starts)
    collapsed = len(set(answers)) == 1 or bool((peaks == peaks[0]).all())
    measures = {"answer_f1": squad.f1, "exact_match": squad.exact_match}
    values = {
        metric: float(np.mean(list(map(measures[metric], answers, asked.golds))))
        for metric in task.metrics
    } | {"loss": squad.loss(logits, split.starts, split.labels)}
    return [Score(metric, value, len(answers), collapsed) for metric, value in values.items()]


def stopping_score(task: Task, logits: NDArray[np.floating], labels: NDArray[np.generic]) -> float:
    """Compute the score that stops a search of Prasanna et al. 2020; higher is better.

    It is Matthews if that is the headline, else accuracy. For regression it is the mean of Pearson and
    Spearman, or 0 if all predictions are equal.
    """
    if task.kind == "regression":
        predicted: NDArray[np.generic] = logits[:, 0].astype(np.float64)
        is_constant = bool((predicted == predicted[0]).all())
        pearson, spearman = (
            _value(metric, labels, predicted, is_constant) for metric in ("pearson", "spearman")
        )
        return (pearson + spearman) / 2
    metric = "matthews" if task.metrics[0] == "matthews" else "accuracy"
    return _value(metric, labels, logits.argmax(-1), False)


def _value(
    metric: str, labels: NDArray[np.generic], predicted: NDArray[np.generic], is_constant: bool
) -> float:
    match metric:
        case "accuracy" | "masked_accuracy":
            return float(accuracy_score(labels, predicted))
        case "f1":
            return float(f1_score(labels, predicted, zero_division=0))
        case "matthews":
            return float(matthews_corrcoef(labels, predicted))
        case "pearson" | "spearman" if is_constant or len(set(labels.tolist())) == 1:
            return 0.0
        case "pearson":
            return float(pearsonr(labels, predicted).statistic)
        case "spearman":
            return float(spearmanr(labels, predicted).statistic)
        case _:
            raise ValueError(f"metric is {metric!r}, which is none that is known")


def _cross_entropy(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(-1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(-1))
    losses: NDArray[np.float64] = log_total - shifted[np.arange(len(labels)), labels]
    return losses
