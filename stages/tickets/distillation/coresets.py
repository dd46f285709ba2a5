"""Sets that nothing is learned for: random examples, herded examples, and noise.

They are the controls of learned sets, of the same size.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.tickets.distillation.sets import Sequences, check_kind
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared


def classes(prepared: Prepared, per_class: int) -> list[NDArray[np.int64]]:
    """List the training examples of every class by number; a task of scores has one class.

    Raises:
        UserError: a class has fewer than `per_class` examples, or the task has no labels.
    """
    check_kind(prepared.task)
    labels = prepared.train.labels
    is_scored = prepared.task.kind == "regression"
    groups = [
        np.flatnonzero(np.ones(len(labels)) if is_scored else labels == number)
        for number in range(prepared.task.num_labels)
    ]
    for number, group in enumerate(groups):
        if len(group) < per_class:
            place = "" if is_scored else f"class {number} of "
            raise UserError(
                f"distil.set.per_class is {per_class}, but {place}task {prepared.task.name!r} has "
                f"{len(group)} training examples, so allowed is at most {len(group)}"
            )
    return groups


def random(
    groups: Sequence[NDArray[np.int64]], per_class: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `per_class` examples of every class without replacement, in ascending order."""
    picks = [generator.choice(group, per_class, replace=False) for group in groups]
    return np.sort(np.concatenate(picks))


def herding(
    features: NDArray[np.floating], groups: Sequence[NDArray[np.int64]], per_class: int
) -> NDArray[np.int64]:
    """Pick `per_class` examples of every class so that their mean stays near the mean of the class.

    The k-th pick brings the sum of the features nearest to k times the mean of the class. Equals go in
    order of their numbers. Welling 2009; Rebuffi et al. 2017, Algorithm 4.

    Args:
        features: of all training examples, (examples, size).
        groups: numbers of the examples of every class.
        per_class: at most the size of the smallest class.

    Returns:
        Numbers of the examples, class by class in the order of the picks.
    """
    picks: list[int] = []
    for group in groups:
        of_class = features[group].astype(np.float64)
        mean, total = of_class.mean(axis=0), np.zeros(of_class.shape[1])
        left = np.ones(len(group), dtype=np.bool_)
        for number in range(1, per_class + 1):
            distances = np.linalg.norm(total + of_class - number * mean, axis=1)
            pick = int(np.where(left, distances, np.inf).argmin())
            left[pick] = False
            total += of_class[pick]
            picks.append(int(group[pick]))
    return np.array(picks, dtype=np.int64)


def noise(sequences: Sequences, std: float, generator: np.random.Generator) -> Sequences:
    """Replace embeddings by Gaussian noise, and shuffle the labels; lengths and token types stay.

    Args:
        sequences: a set of real examples.
        std: standard deviation of the noise.
        generator: source of the draws.
    """
    drawn = generator.standard_normal(sequences.embeddings.shape, dtype=np.float32)
    embeddings = np.where(sequences.there[..., None], drawn * np.float32(std), np.float32(0))
    return replace(sequences, embeddings=embeddings, labels=generator.permutation(sequences.labels))
