"""Scores over seeds: means, intervals and paired differences."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from scipy.special import stdtr, stdtrit  # scipy.stats says the same and takes a second to load

Key = TypeVar("Key")
Seed = int | None
"""None: nothing in it depends on a seed."""


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation and interval of the mean over n seeds; None for n = 1."""

    mean: float
    std: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.high is None else self.high - self.mean


@dataclass(frozen=True)
class Difference(Summary):
    """Summary of paired differences, and the two-sided p value of the paired t test."""

    p: float | None
    """None where t is not defined: one pair, or all differences equal."""


def summarize(values: Collection[float], confidence: float) -> Summary:
    """Mean of `values`, with the interval of Student's t for `confidence`.

    The interval is mean +- t(1 - (1 - confidence) / 2, n - 1) * std / sqrt(n), with the standard
    deviation over n - 1. The order of the values does not matter, not even in the last bit.

    Args:
        values: one score per seed, at least one.
        confidence: of the interval, in (0, 1).

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    n = len(values)
    if n == 0:
        raise ValueError("got no value to summarize")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"got the value {value}, need finite ones")
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(mean, None, None, None, n)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * std / math.sqrt(n)
    return Summary(mean, std, mean - half, mean + half, n)


def average(values: Iterable[float]) -> float | None:
    """Mean of the values; None if there are none."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else None


def compare(
    first: Mapping[Key, float], second: Mapping[Key, float], confidence: float
) -> Difference | None:
    """First minus second, seed by seed, over the seeds that both have.

    Returns:
        The summary of the differences with the p value of the paired t test against 0; None where
        they have no seed in common.
    """
    differences = [first[seed] - second[seed] for seed in first if seed in second]
    return summarize_differences(differences, confidence) if differences else None


def summarize_differences(differences: Collection[float], confidence: float) -> Difference:
    """The summary of paired differences, with the two-sided t test of their mean against 0.

    Differences that are equal up to rounding (std below 1e-12) count as equal: t has no value.
    """
    summary = summarize(differences, confidence)
    p = None
    if summary.std is not None and summary.std > 1e-12:
        t = summary.mean / (summary.std / math.sqrt(summary.n))
        p = 2 * float(stdtr(summary.n - 1, -abs(t)))
    return Difference(summary.mean, summary.std, summary.low, summary.high, summary.n, p)


def pooled(
    pairs: Iterable[tuple[Mapping[Seed, float], Mapping[Seed, float]]], confidence: float
) -> tuple[Difference | None, int]:
    """First minus second, by seed the mean over the pairs that have a seed in common.

    Only seeds that all these pairs have count, so that every seed is a mean over the same pairs.

    Args:
        pairs: scores by seed, such as those of a ticket and of its control for every task.
        confidence: of the interval, in (0, 1).

    Returns:
        The summary over seeds, None if no seed has all pairs, and the number of pairs.
    """
    by_pair = [
        {seed: first[seed] - second[seed] for seed in first if seed in second}
        for first, second in pairs
    ]
    by_pair = [differences for differences in by_pair if differences]
    seeds = set.intersection(*map(set, by_pair)) if by_pair else set()
    if not seeds:
        return None, len(by_pair)
    means = [
        sum(differences[seed] for differences in by_pair) / len(by_pair)
        for seed in sorted(seeds, key=str)
    ]
    return summarize_differences(means, confidence), len(by_pair)
