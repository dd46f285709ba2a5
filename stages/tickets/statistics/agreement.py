"""Measures of the agreement of masks, each beside the agreement of random masks of the same density."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning.masks import Mask, check_same_matrices


@dataclass(frozen=True)
class Agreement:
    """A measure of agreement and its expectation by chance, the floors.

    `floor` is the expectation for masks of the same sizes drawn uniformly over all matrices.
    `floor_by_matrix` is the expectation for masks drawn uniformly within every matrix, with the same
    number of survivors in each. Values above the second floor are agreement about single weights.
    """

    value: float
    floor: float
    floor_by_matrix: float


def jaccard(first: Mask, second: Mask) -> Agreement:
    """Divide the number of shared survivors by that of survivors of either mask; 1 if there are none.

    The value is in [0, 1]. The floors are ratios of expected counts: d / (2 - d) for two masks of density
    d. Chen et al. 2020, supplement (mask similarity), computed on masks, not on trained weights.
    """
    check_same_matrices(first, second)
    sizes = np.array([first[name].size for name in sorted(first)], dtype=np.float64)
    return _similarity(first, second, sizes)


def beyond(first: Mask, second: Mask, common: Mask) -> tuple[Agreement, Agreement]:
    """Measure how far two masks agree in their differences from a third mask of about the same size.

    Masks resemble each other because they start from the same pre-trained weights. Training brings back
    weights that `common`, the one-shot mask, drops, and takes out weights that it keeps.

    Returns:
        Jaccard similarity of the weights brought back, and of the weights taken out, in [0, 1]; it is 1
        if the two sets are empty. The floors belong to sets of the same sizes drawn uniformly, over all
        matrices or within each, from the weights that `common` drops or keeps, respectively.
    """
    for mask in (first, second):
        check_same_matrices(mask, common)
    brought, taken = [], []
    for mask in (first, second):
        brought.append({name: mask[name] & ~kept for name, kept in common.items()})
        taken.append({name: ~mask[name] & kept for name, kept in common.items()})
    sizes = np.array([kept.size for _, kept in sorted(common.items())], dtype=np.float64)
    kept = np.array(
        [np.count_nonzero(matrix) for _, matrix in sorted(common.items())], dtype=np.float64
    )
    return (
        _similarity(brought[0], brought[1], sizes - kept),
        _similarity(taken[0], taken[1], kept),
    )


def _similarity(first: Mask, second: Mask, sizes: NDArray[np.float64]) -> Agreement:
    """Compute the Jaccard similarity of sets; chance draws them from `sizes` weights per matrix."""
    _, firsts, seconds, shared = _counts(first, second)

    def ratio(common: float) -> float:
        either = float(firsts.sum() + seconds.sum()) - common
        return common / either if either else 1.0

    by_matrix = np.divide(firsts * seconds, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    total = float(sizes.sum())
    return Agreement(
        ratio(float(shared.sum())),
        ratio(float(firsts.sum()) * float(seconds.sum()) / total if total else 0.0),
        ratio(float(by_matrix.sum())),
    )


def cohen_kappa(first: Mask, second: Mask) -> Agreement:
    """Compute Cohen's kappa of two masks, kept or dropped, over all weights; the floor is 0.

    It is 1 if the two masks keep everything or drop everything, since chance agreement is 1 then.
    Cohen 1960.
    """
    sizes, firsts, seconds, shared = _counts(first, second)
    num = float(sizes.sum())
    p, q = float(firsts.sum()) / num, float(seconds.sum()) / num
    expected = p * q + (1 - p) * (1 - q)

    def kappa(common: float) -> float:
        observed = (num - float(firsts.sum() + seconds.sum()) + 2 * common) / num
        return (observed - expected) / (1 - expected) if expected < 1 else 1.0

    by_matrix = float((firsts * seconds / sizes).sum())
    return Agreement(kappa(float(shared.sum())), 0.0, kappa(by_matrix))


def fleiss_kappa(masks: Sequence[Mask]) -> Agreement:
    """Compute Fleiss' kappa of two or more masks as raters, kept or dropped, over all weights.

    The floor is 0, as for masks of equal density. The value is 1 if all masks keep everything or all
    drop everything. Fleiss 1971.

    Raises:
        ValueError: fewer than two masks, or names or shapes differ.
    """
    if len(masks) < 2:
        raise ValueError(f"Fleiss' kappa needs at least two masks, got {len(masks)}")
    for mask in masks[1:]:
        check_same_matrices(masks[0], mask)
    raters = len(masks)
    names = sorted(masks[0])
    sizes = np.array([masks[0][name].size for name in names], dtype=np.float64)
    densities = np.array(
        [[np.count_nonzero(mask[name]) for name in names] for mask in masks], dtype=np.float64
    )
    density = densities.sum() / (raters * sizes.sum())
    expected = density**2 + (1 - density) ** 2
    if expected == 1:
        return Agreement(1.0, 0.0, 1.0)
    agreeing_pairs = 0
    for name in names:
        votes = np.sum([mask[name] for mask in masks], axis=0, dtype=np.int64)
        agreeing_pairs += int((votes * (votes - 1) + (raters - votes) * (raters - votes - 1)).sum())
    observed = agreeing_pairs / (raters * (raters - 1) * sizes.sum())
    densities /= sizes
    kept = densities.sum(axis=0)
    kept_twice = kept**2 - (densities**2).sum(axis=0)
    dropped_twice = (raters - kept) ** 2 - ((1 - densities) ** 2).sum(axis=0)
    by_chance = float(((kept_twice + dropped_twice) * sizes).sum())
    by_chance /= raters * (raters - 1) * sizes.sum()
    return Agreement(
        (observed - expected) / (1 - expected), 0.0, (by_chance - expected) / (1 - expected)
    )


def _counts(
    first: Mask, second: Mask
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Count for every matrix the weights, survivors of the first mask, of the second, and shared."""
    check_same_matrices(first, second)
    names = sorted(first)
    rows = [
        (
            first[name].size,
            np.count_nonzero(first[name]),
            np.count_nonzero(second[name]),
            np.count_nonzero(first[name] & second[name]),
        )
        for name in names
    ]
    sizes, firsts, seconds, shared = np.array(rows, dtype=np.float64).T
    return sizes, firsts, seconds, shared
