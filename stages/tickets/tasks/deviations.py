"""What each example adds to a score, for the part of its error that comes from the choice of examples."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from stages.tickets.files import Arrays, Split
from stages.tickets.tasks import squad
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import NOT_SCORED, Task

Values = NDArray[np.float64]


def deviations(
    task: Task, predictions: Arrays, prefix: str, split: Split, asked: Asked | None = None
) -> Values:
    """Compute by example what it adds to the headline score, less the score.

    The score of other examples differs from this one by about the mean of their deviations. For a mean,
    such as accuracy, that is exact; for F1, Matthews and correlations it is the first term of their
    expansion (the influence function), in which Spearman takes the ranks as they are. Hidden words of a
    sentence are no examples of their own: what they add is summed by sentence.

    Args:
        task, predictions, prefix, split, asked: as in `scores.score`, with as many predictions as labels.

    Returns:
        An array (examples,) with the mean 0, of questions for spans and of sentences for hidden words.
    """
    metric = task.metrics[0]
    if task.kind == "span":
        assert asked is not None
        answers = squad.answers(asked, predictions[f"{prefix}.logits"], split.starts)
        measure = squad.f1 if metric == "answer_f1" else squad.exact_match
        return _centred(np.array(list(map(measure, answers, asked.golds)), np.float64))
    if task.kind == "mlm":
        is_hidden = split.labels != NOT_SCORED
        is_right = _centred(predictions[f"{prefix}.tokens"] == split.labels[is_hidden])
        by_token = np.zeros(len(split.labels))
        by_token[is_hidden] = is_right
        sums: Values = np.add.reduceat(by_token, split.starts[:-1])
        return sums * (len(sums) / len(is_right))
    logits = predictions[f"{prefix}.logits"].astype(np.float64)
    if task.kind == "regression":
        sides = split.labels.astype(np.float64), logits[:, 0]
        if metric == "spearman":
            sides = rankdata(sides[0]), rankdata(sides[1])
        return _of_correlation(sides[0][:, None], sides[1][:, None])
    return _of_classes(metric, split.labels, logits.argmax(-1))


def _of_classes(metric: str, labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Values:
    if metric == "matthews":
        classes = np.union1d(labels, predicted)
        return _of_correlation(labels[:, None] == classes, predicted[:, None] == classes)
    if metric == "f1":
        right, named = (labels == 1) & (predicted == 1), (labels == 1) * 1.0 + (predicted == 1)
        score = 2 * right.mean() / named.mean() if named.any() else 0.0
        return _centred((2 * right - score * named) / (named.mean() or 1.0))
    return _centred(predicted == labels)


def _of_correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> Values:
    """Compute the deviations of the correlation of two arrays (examples, columns); 0 of a constant.

    The correlation is the covariance over all columns, by the root of the product of the variances: of
    one column Pearson's, of a column for each class Matthews.
    """
    left, right = (side - side.mean(axis=0, dtype=np.float64) for side in (first, second))
    product, *squares = (
        (a * b).sum(axis=1) for a, b in ((left, right), (left, left), (right, right))
    )
    scales = [square.mean() for square in squares]
    if min(scales) <= 0:
        return np.zeros(len(product))
    scaled = product / np.sqrt(scales[0] * scales[1])
    half = sum(square / scale for square, scale in zip(squares, scales, strict=True)) / 2
    return _centred(scaled - scaled.mean() * half)


def _centred(values: NDArray[np.generic]) -> Values:
    centred: Values = values - values.mean(dtype=np.float64)
    return centred
