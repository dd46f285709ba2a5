"""Correlations of two numbers per item: of yes and no from counts, and of ranks beside chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr  # scipy.stats says the same and takes a second to load

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """A coefficient in [-1, 1] and its two-sided p value."""

    value: float
    p: float
    n: int
    """Pairs of numbers."""


def pearson_of_counts(n: int, first: int, second: int, shared: int) -> Correlation | None:
    """Pearson's correlation of two properties of n items, from how many items have them.

    The p value is that of the t test with n - 2 degrees of freedom, which takes items for independent.

    Args:
        n: number of items.
        first: items with the first property.
        second: items with the second.
        shared: items with both.

    Returns:
        The correlation; None if all or no items have one of the properties, or n < 3.

    Raises:
        ValueError: there are no such items.
    """
    if not (0 <= shared <= min(first, second) and first + second - shared <= n):
        raise ValueError(f"of {n} items, {first} and {second} and {shared} with both is impossible")
    spread = first * (n - first) * second * (n - second)
    if spread == 0 or n < 3:
        return None
    r = (n * shared - first * second) / math.sqrt(spread)
    rest = 1 - r * r
    t = math.inf if rest <= 0 else abs(r) * math.sqrt((n - 2) / rest)
    return Correlation(r, 2 * float(stdtr(n - 2, -t)), n)


def spearman(
    groups: Sequence[tuple[Values, Values]], permutations: int, generator: np.random.Generator
) -> Correlation | None:
    """Mean over groups of Spearman's rank correlation within each, with a permutation test.

    Ties have the mean of their ranks. Groups in which all numbers of one side are equal are left out.
    The p value is (1 + k) / (1 + permutations), with k permutations of the second side, within all groups
    at once, whose mean is at least as far from 0.

    Args:
        groups: two numbers for each item, as two arrays (items,).
        permutations: number of permutations.
        generator: draws the permutations.

    Returns:
        The correlation, with n the items of the groups that count; None if no group does.

    Raises:
        ValueError: the two sides of a group are not of one length.
    """
    for left, right in groups:
        if left.shape != right.shape or left.ndim != 1:
            raise ValueError(f"the sides of a group have shapes {left.shape} and {right.shape}")
    ranked = [
        (_standardised(left), _standardised(right))
        for left, right in groups
        if len(left) and np.ptp(left) > 0 and np.ptp(right) > 0
    ]
    if not ranked:
        return None
    value = float(np.mean([left @ right for left, right in ranked]))
    drawn = np.zeros(permutations)
    for left, right in ranked:
        drawn += generator.permuted(np.tile(right, (permutations, 1)), axis=1) @ left / len(ranked)
    extreme = int(np.count_nonzero(np.abs(drawn) >= abs(value) - 1e-12))
    num_items = sum(len(left) for left, _ in ranked)
    return Correlation(value, (1 + extreme) / (1 + permutations), num_items)


def of_ranks(first: Values, second: Values) -> float | None:
    """Spearman's correlation; None if all numbers of one side are equal, or there are none."""
    if not len(first) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(_standardised(first) @ _standardised(second))


def p_of_sum(
    groups: Sequence[tuple[Values, Values]], permutations: int, generator: np.random.Generator
) -> float:
    """p value of the sum of products of two numbers per item, under random pairs within groups.

    It is (1 + k) / (1 + permutations), with k permutations of the second side, within all groups at once,
    whose sum is at least as far from the expected sum as the observed one.

    Args:
        groups: two numbers for each item, as two arrays (items,).
        permutations: number of permutations.
        generator: draws the permutations.
    """
    expected = sum(float(left.mean() * right.sum()) for left, right in groups)
    observed = sum(float(left @ right) for left, right in groups)
    drawn = np.zeros(permutations)
    for left, right in groups:
        drawn += generator.permuted(np.tile(right, (permutations, 1)), axis=1) @ left
    extreme = int(np.count_nonzero(np.abs(drawn - expected) >= abs(observed - expected) - 1e-9))
    return (1 + extreme) / (1 + permutations)


def _standardised(values: Values) -> Values:
    """Ranks, shifted to mean 0 and scaled to length 1, so that products are correlations."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    centred: Values = ranks - ranks.mean()
    centred /= np.linalg.norm(centred)
    return centred
