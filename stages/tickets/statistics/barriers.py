"""How far error or loss rises along a line between two trained networks, and how far the two agree.

A curve holds values f at evenly spaced places of a path, from its first end to its second. Functions of
curves take arrays (..., points) of two points at least, and return arrays (...).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, rel_entr

from stages.tickets.statistics.intervals import Summary, error_of_examples, summarize

Values = NDArray[np.float64]
Measure = Callable[[Values], Values]
RESAMPLES = 1000


def error_barrier(curve: Values) -> Values:
    """Subtract the mean of the ends from the highest value: the instability of Frankle et al. 2020.

    Unlike ends alone give a barrier of half their difference.
    """
    height: Values = curve.max(axis=-1) - _mean_of_ends(curve)
    return height


def chord_barrier(curve: Values) -> Values:
    """Return the largest rise above the straight line between the two end values, at least 0.

    Entezari et al. 2021.
    """
    chord = np.linspace(curve[..., 0], curve[..., -1], curve.shape[-1], axis=-1)
    above: Values = np.max(curve - chord, axis=-1, initial=0.0)
    return above


def convexity_gap(curve: Values) -> Values:
    """Return the largest `chord_barrier` of any part of the path; 0 if the curve is convex.

    It sees a ridge that lies below the chord. Juneja et al. 2022.
    """
    last = curve.shape[-1]
    parts = [
        chord_barrier(curve[..., start : end + 1])
        for start in range(last)
        for end in range(start + 1, last)
    ]
    highest: Values = np.max(parts, axis=0)
    return highest


def middle_gap(curve: Values) -> Values:
    """Subtract the mean of the ends from the value at one half: -d'Hd / 8 for a quadratic of Hessian H.

    Raises:
        ValueError: the number of points is even, so that one half is not among them.
    """
    if curve.shape[-1] % 2 == 0:
        raise ValueError(f"the curve has {curve.shape[-1]} points, allowed are odd numbers")
    middle: Values = curve[..., curve.shape[-1] // 2] - _mean_of_ends(curve)
    return middle


def dip(curve: Values) -> Values:
    """Subtract the lowest value from the mean of the ends; above 0 an average is better than both."""
    depth: Values = _mean_of_ends(curve) - curve.min(axis=-1)
    return depth


def _mean_of_ends(curve: Values) -> Values:
    ends: Values = (curve[..., 0] + curve[..., -1]) / 2
    return ends


MEASURES: Mapping[str, Measure] = {
    "chord": chord_barrier,
    "error_barrier": error_barrier,
    "convexity": convexity_gap,
    "middle": middle_gap,
    "dip": dip,
}
"""Measures of a curve by name; the first is the headline."""

# --- uncertainty -----------------------------------------------------------------------------


def resampled(
    curves: Sequence[Values], measures: Mapping[str, Measure], seed: int, number: int = RESAMPLES
) -> dict[str, Values]:
    """Compute measures of curves on examples drawn anew with replacement.

    A resample takes the same examples at all points of all curves, so what makes an example hard
    everywhere cancels.

    Args:
        curves: value of each example, (points, examples), one array per pair of networks; all are of the
            same examples.
        measures: measures of a curve by name.
        seed: of the draws.
        number: number of resamples.

    Returns:
        Arrays (pairs, resamples) by the name of the measure.
    """
    generator, examples = np.random.default_rng(seed), curves[0].shape[1]
    stacked = np.concatenate(curves)
    means = np.empty((number, len(stacked)))
    for draw in range(number):
        chosen = generator.integers(examples, size=examples)
        means[draw] = stacked @ np.bincount(chosen, minlength=examples) / examples
    drawn = means.reshape(number, len(curves), -1).swapaxes(0, 1)
    return {name: measure(drawn) for name, measure in measures.items()}


def quantiles(draws: Values, confidence: float) -> tuple[float, float]:
    """Return the interval of resamples that leaves half of 1 - confidence on each side."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def over_seeds(barriers: Sequence[float], draws: Values, confidence: float) -> Summary:
    """Summarise the barriers of several seeds, with the error that comes from the choice of examples.

    Args:
        barriers: one per seed.
        draws: the same barrier on resamples of the examples, (seeds, resamples), see `resampled`.
        confidence: confidence of the interval, in (0, 1).
    """
    return summarize(barriers, confidence, error_of_draws(draws))


def error_of_draws(draws: Values) -> float:
    """Return the standard error of the mean over seeds that comes from the choice of examples."""
    return float(f"{float(draws.mean(axis=0).std()):.9g}")  # no last bits of sums


def verdict(barrier: Summary | None, threshold: float) -> str:
    """Say whether copies are stable: all of the interval of the barrier lies below the threshold.

    They are unstable if all of it lies above. Frankle et al. 2020 compare the mean alone.

    Args:
        barrier: of the error, over seeds; None if an end of a path is at chance, see `above_majority`.
        threshold: in the unit of the barrier; 2 points of error in the paper.

    Returns:
        `stable`, `unstable`, `unclear` (also without an interval), or `at chance`.
    """
    if barrier is None:
        return "at chance"
    if barrier.low is None or barrier.high is None:
        return "unclear"
    if barrier.high < threshold:
        return "stable"
    return "unstable" if barrier.low > threshold else "unclear"


def above_majority(
    predicted: NDArray[np.integer],
    labels: NDArray[np.integer],
    confidence: float,
    groups: NDArray[np.integer] | None = None,
) -> bool:
    """Tell whether predictions are surely right more often than the most frequent label.

    Two networks at chance have no barrier between them, whatever they have learned: two opposite
    constants have an error of one half all along the line.

    Args:
        predicted, labels: class numbers (examples,).
        confidence: of the normal interval of the paired difference, in (0, 1).
        groups: number of the group of every example, such as the sentence of a hidden word; examples of
            a group are not independent. None for groups of one.
    """
    majority = np.bincount(labels).argmax()
    gains = (predicted == labels).astype(np.float64) - (labels == majority)
    mean = float(gains.mean())
    deviations = gains - mean
    if groups is not None:
        sums = np.bincount(groups, deviations)
        deviations = sums * (len(sums) / len(gains))
    half = float(ndtri((1 + confidence) / 2)) * error_of_examples(deviations[None])
    return mean - half > 0


# --- what two networks compute ---------------------------------------------------------------


@dataclass(frozen=True)
class Disagreement:
    """The share of examples on which two networks differ, and what chance gives, both in [0, 1]."""

    value: float
    chance: float


def disagreement(
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    labels: NDArray[np.integer],
    num_labels: int,
) -> Disagreement:
    """Compare the predicted classes of two networks.

    Chance lets them err on independent examples, with every wrong class as likely as the others: for two
    classes it is e1 (1 - e2) + e2 (1 - e1), of their errors e1 and e2.

    Args:
        first, second, labels: class numbers (examples,).
        num_labels: number of classes, two at least.
    """
    e1, e2 = float(np.mean(first != labels)), float(np.mean(second != labels))
    return Disagreement(float(np.mean(first != second)), chance_disagreement(e1, e2, num_labels))


def chance_disagreement(e1: float, e2: float, num_labels: int = 2) -> float:
    """Return the expected disagreement of networks that err independently, see `disagreement`."""
    return e1 * (1 - e2) + e2 * (1 - e1) + e1 * e2 * (1 - 1 / (num_labels - 1))


def divergence(first: Values, second: Values) -> float:
    """Return the mean Jensen-Shannon divergence of two predictions in nats, in [0, log 2].

    Args:
        first, second: probabilities (examples, classes).
    """
    middle = (first + second) / 2
    both_ways = rel_entr(first, middle) + rel_entr(second, middle)
    return float(both_ways.sum(axis=-1).mean() / 2)


def average_accuracy(first: Values, second: Values, labels: NDArray[np.integer]) -> float:
    """Return the accuracy of the mean of two networks' logits (examples, classes), in [0, 1]."""
    return float(np.mean((first + second).argmax(axis=-1) == labels))
