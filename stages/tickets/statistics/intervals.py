"""Scores over seeds: means, intervals and paired differences."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit  # scipy.stats takes a second to load

Key = TypeVar("Key")
ROUNDING = 1e-12
"""Differences of scores up to this are rounding."""
Seed = int | None
"""Seed of a run; None if nothing in the run depends on a seed."""


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation and interval of the mean over n seeds; None for n = 1.

    The interval is about other seeds and, if `examples` is known, other examples of the same task. Half
    of it is the root of the sum of two squares: Student's half interval over n seeds, and the normal one
    of the examples. For three or five seeds this keeps its confidence in the simulations of
    tests/benchmarks/verdicts.py; the seeds alone do not, a bootstrap of three seeds cannot, and one
    Student quantile for the sum of both variances (Satterthwaite) is too narrow if seeds matter most.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    n: int
    examples: float = 0.0
    """Standard error of the mean that comes from the choice of examples; 0 if it is unknown."""

    @property
    def half(self) -> float | None:
        """Half the width of the interval; None for n = 1."""
        return None if self.high is None else self.high - self.mean

    @property
    def has_spread(self) -> bool:
        """Whether seeds or examples differ by more than rounding; False for n = 1."""
        return self.std is not None and max(self.std, self.examples) > ROUNDING

    def above(self, bound: float, confidence: float) -> bool:
        """Tell whether the interval lies above a bound; for n = 1 it is that of the examples alone."""
        if self.low is not None:
            return self.low > bound
        return self.mean - float(ndtri((1 + confidence) / 2)) * self.examples > bound

    def beyond(self, bound: float, *, above: bool) -> float:
        """Return the one-sided p value for a true mean above a bound, or below it.

        It is the tail in which the interval ends at the bound, at least 0.5 if the mean is on the other
        side, and 1 if there is no interval. Without any spread it is 0, or 1 on the other side.
        """
        distance = self.mean - bound if above else bound - self.mean
        if not self.has_spread:
            return 0.0 if self.std is not None and distance > ROUNDING else 1.0
        assert self.std is not None
        error = self.std / math.sqrt(self.n)
        if not self.examples:
            return float(stdtr(self.n - 1, -distance / error))
        low, high = 1e-12, 0.5
        for _ in range(60):
            tail = math.sqrt(low * high)
            inside = self._half(error, tail) > abs(distance)
            low, high = (tail, high) if inside else (low, tail)
        return high if distance >= 0 else 1 - high

    def _half(self, error: float, tail: float) -> float:
        """Return half the interval that leaves `tail` on each side; `error` is that of the seeds."""
        return math.hypot(
            float(stdtrit(self.n - 1, 1 - tail)) * error, float(ndtri(1 - tail)) * self.examples
        )


def beside(ours: Summary, std: float | None, n: int, confidence: float) -> Summary:
    """Widen an interval by that of another mean, whose standard deviation over n runs is known.

    Half the interval of the difference of the two means is the root of the sum of two squares: of ours,
    and of Student's half interval of the other. Without a deviation, or without ours, nothing changes.
    """
    if std is None or n < 2 or ours.half is None:
        return ours
    half = math.hypot(ours.half, float(stdtrit(n - 1, (1 + confidence) / 2)) * std / math.sqrt(n))
    return replace(ours, low=ours.mean - half, high=ours.mean + half)


class Difference(Summary):
    """Summary of paired differences."""

    @property
    def p(self) -> float | None:
        """Two-sided p value of the test against 0; None for one pair, or if all differences are equal."""
        sides = self.beyond(0.0, above=True), self.beyond(0.0, above=False)
        return 2 * min(sides) if self.has_spread else None


def summarize(values: Collection[float], confidence: float, examples: float = 0.0) -> Summary:
    """Compute the mean of `values`, with the interval that `Summary` describes.

    Without `examples` it is mean +- t(1 - (1 - confidence) / 2, n - 1) * std / sqrt(n), with the standard
    deviation over n - 1. The order of the values does not matter, not even in the last bit.

    Args:
        values: one score per seed, at least one.
        confidence: confidence of the interval, in (0, 1).
        examples: standard error that comes from the choice of examples, see `error_of_examples`.

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    return Summary(*_spread(values, confidence, examples))


def _spread(
    values: Collection[float], confidence: float, examples: float
) -> tuple[float, float | None, float | None, float | None, int, float]:
    n = len(values)
    if n == 0:
        raise ValueError("got no value to summarize")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"got the value {value}, need finite ones")
    mean = math.fsum(values) / n
    if n == 1:
        return mean, None, None, None, n, examples
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * std / math.sqrt(n)
    if examples:
        half = math.hypot(half, float(ndtri((1 + confidence) / 2)) * examples)
    return mean, std, mean - half, mean + half, n, examples


def error_of_examples(deviations: NDArray[np.floating[Any]], seeds_differ: bool = True) -> float:
    """Estimate the standard error of a mean over seeds that comes from the choice of examples.

    A crossed design: an example adds to the mean what it adds in every seed, and noise of its own in
    each. The variance of the first is that of the examples' means less what the noise gives these, over
    the number of examples, and not below 0. The noise is in the spread over seeds already, unless all
    seeds have the same score by chance, as two on a few hundred examples often have.

    Args:
        deviations: what each example adds to a score, or to a difference of scores, less the score, by
            seed and example; every row has the mean 0.
        seeds_differ: whether the scores of the seeds do; else the noise is left in.
    """
    seeds, examples = deviations.shape
    if examples < 2:
        return 0.0
    means = deviations.mean(axis=0, dtype=np.float64)
    variance = float((means**2).sum()) / (examples - 1)
    if seeds > 1 and seeds_differ:
        noise = float(((deviations - means) ** 2).sum()) / ((seeds - 1) * (examples - 1))
        variance = max(0.0, variance - noise / seeds)
    return float(f"{math.sqrt(variance / examples):.9g}")  # no last bits of sums


def average(values: Iterable[float | None]) -> float | None:
    """Compute the mean of the values that are known; None if none is."""
    listed = [value for value in values if value is not None]
    return math.fsum(listed) / len(listed) if listed else None


def compare(
    first: Mapping[Key, float], second: Mapping[Key, float], confidence: float
) -> Difference | None:
    """Subtract second from first scores, seed by seed, over the seeds that they share.

    Returns:
        The summary of the differences; None if no seed is shared.
    """
    differences = [first[seed] - second[seed] for seed in first if seed in second]
    return summarize_differences(differences, confidence) if differences else None


def summarize_differences(
    differences: Collection[float], confidence: float, examples: float = 0.0
) -> Difference:
    """Summarise paired differences as `summarize` does values."""
    return Difference(*_spread(differences, confidence, examples))
