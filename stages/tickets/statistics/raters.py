"""How far a few masks over the same few elements agree, beside the agreement of permuted masks.

A mask is a rater; it rates elements (heads, MLPs) as kept or dropped. Votes are bool, (..., masks,
elements), with at least two masks and one element. Axes before these two are repetitions, and each gets
a value of its own. `agreement` measures the same on masks of millions of weights; it computes chance,
while this module draws it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc  # scipy.stats says the same and takes a second to load

Values: TypeAlias = NDArray[np.float64]
QUANTILE = 0.95
"""Quantile of the permuted values that is `upper`."""


@dataclass(frozen=True)
class Measured:
    """A measure of agreement, and its values by chance.

    Chance is every mask permuted by itself, uniformly over all elements: its size stays. `floor` is
    the mean of the permuted values; `upper` is the smallest of them that 95 % do not exceed.
    """

    value: float
    floor: float
    upper: float

    @property
    def above_chance(self) -> bool:
        """Whether the value exceeds `upper`; differences under 1e-12 are rounding."""
        return self.value > self.upper + 1e-12


@dataclass(frozen=True)
class Cochran:
    """Cochran's Q, and its p value by chi-square with one degree of freedom less than masks."""

    q: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """How far two or more masks agree; Cohen's kappa and Jaccard are means over all pairs."""

    fleiss_kappa: Measured
    cohen_kappa: Measured
    jaccard: Measured
    krippendorff_alpha: Measured
    cochran: Cochran | None
    """None if all masks are the same."""


def compare(
    masks: Sequence[NDArray[np.bool_]], num_permutations: int, generator: np.random.Generator
) -> Comparison:
    """All measures of the same masks, their chance from the same permutations.

    Args:
        masks: two or more of one shape; the place of an element in it does not matter.
        num_permutations: at least 1; 1000 leave a standard error of the floor of 3 % of the spread
            by chance.
        generator: draws the permutations.

    Raises:
        ValueError: fewer than two masks, shapes differ, there is no element, or no permutation.

    Prasanna et al. 2020 give Fleiss' kappa, Krippendorff's alpha and Cochran's Q of the masks of
    five seeds, without chance; Cohen's kappa and Jaccard are ours.
    """
    if num_permutations < 1:
        raise ValueError(f"num_permutations is {num_permutations}, allowed is 1 or more")
    votes = _votes(masks)
    repeated = np.broadcast_to(votes, (num_permutations, *votes.shape))
    permuted = generator.permuted(repeated, axis=-1)

    def measured(measure: Callable[[NDArray[np.bool_]], Values]) -> Measured:
        by_chance = measure(permuted)
        upper = np.quantile(by_chance, QUANTILE, method="inverted_cdf")
        return Measured(float(measure(votes)), float(by_chance.mean()), float(upper))

    return Comparison(
        measured(fleiss_kappa),
        measured(cohen_kappa),
        measured(jaccard),
        measured(krippendorff_alpha),
        cochran_q(votes),
    )


def fleiss_kappa(votes: NDArray[np.bool_]) -> Values:
    """Fleiss' kappa; 1 if all masks keep everything or all drop everything. Fleiss 1971."""
    raters, num = votes.shape[-2:]
    kept = votes.sum(axis=-2)
    dropped = raters - kept
    agreeing = (kept * (kept - 1) + dropped * (dropped - 1)).sum(axis=-1)
    density = kept.sum(axis=-1) / (raters * num)
    return _beyond(agreeing / (raters * (raters - 1) * num), density**2 + (1 - density) ** 2)


def cohen_kappa(votes: NDArray[np.bool_]) -> Values:
    """Cohen's kappa, mean over all pairs of masks.

    A pair has 1 if both masks keep everything or both drop everything, and 0 if only one does.
    Cohen 1960.
    """
    num = votes.shape[-1]
    first, second, shared = _pairs(votes)
    agreeing = num - first - second + 2 * shared
    by_chance = (first * second + (num - first) * (num - second)) / num**2
    return np.asarray(_beyond(agreeing / num, by_chance).mean(axis=-1))


def jaccard(votes: NDArray[np.bool_]) -> Values:
    """Elements that both keep over elements that either keeps, mean over all pairs of masks.

    A pair that keeps nothing has 1.
    """
    first, second, shared = _pairs(votes)
    return np.asarray(_ratio(shared, first + second - shared).mean(axis=-1))


def krippendorff_alpha(votes: NDArray[np.bool_]) -> Values:
    """Krippendorff's alpha for nominal data without gaps: 1 - observed / expected disagreement.

    Of the N = masks * elements votes, pairs of the same element make the observed share of unlike
    pairs, and all pairs of different votes the expected one. So 1 - alpha is (1 - 1 / N) times
    1 - Fleiss' kappa. Krippendorff leaves alpha undefined without unlike votes; we take 1, as for the
    kappas.

    Krippendorff 2004, ch. 11; Prasanna et al. 2020 also take it over all masks of two tasks.
    """
    raters, num = votes.shape[-2:]
    kept = votes.sum(axis=-2)
    all_votes, all_kept = raters * num, kept.sum(axis=-1)
    observed = 2 * (kept * (raters - kept)).sum(axis=-1) / ((raters - 1) * all_votes)
    expected = 2 * all_kept * (all_votes - all_kept) / (all_votes * (all_votes - 1))
    return 1 - np.where(expected > 0, _ratio(observed, expected), 0.0)


def cochran_q(votes: NDArray[np.bool_]) -> Cochran | None:
    """Cochran's Q over masks as treatments and elements as blocks.

    It compares the number of elements that each mask keeps, and not which ones: masks of one size
    have Q = 0 and p = 1 even if they have nothing in common, so a large p is no sign of stability.

    Args:
        votes: (masks, elements), no repetitions.

    Returns:
        None if all masks are the same, since Q is 0 / 0 then.

    Cochran 1950; Prasanna et al. 2020 call masks of five seeds, or of two, different if p < 0.05.
    """
    raters = len(votes)
    sizes, kept = votes.sum(axis=1), votes.sum(axis=0)
    within = int((kept * (raters - kept)).sum())
    if within == 0:
        return None
    between = int(raters * (sizes**2).sum() - sizes.sum() ** 2)
    q = (raters - 1) * between / within
    return Cochran(q, float(chdtrc(raters - 1, q)))


def _votes(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    if len(masks) < 2:
        raise ValueError(f"agreement needs at least two masks, got {len(masks)}")
    shapes = {mask.shape for mask in masks}
    if len(shapes) > 1:
        raise ValueError(f"masks have shapes {sorted(shapes)}, need one")
    if masks[0].size == 0:
        raise ValueError(f"masks have shape {masks[0].shape}, which holds no element")
    return np.stack([mask.reshape(-1) for mask in masks])


def _pairs(
    votes: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each pair of masks the elements kept by the first, the second, and both; each (..., pairs)."""
    rows, columns = np.triu_indices(votes.shape[-2], 1)
    numbers = votes.astype(np.float64)  # a product of float matrices is fast, and exact for counts
    shared = (numbers @ numbers.swapaxes(-1, -2)).astype(np.int64)
    sizes = votes.sum(axis=-1)
    return sizes[..., rows], sizes[..., columns], shared[..., rows, columns]


def _beyond(observed: Values, expected: Values) -> Values:
    """Kappa: agreement beyond chance over the most that is possible beyond chance; 1 if that is 0."""
    return _ratio(observed - expected, 1 - expected)


def _ratio(part: NDArray[np.number], total: NDArray[np.number]) -> Values:
    """`part` / `total`; 1 where `total` is 0."""
    part, total = np.asarray(part, np.float64), np.asarray(total, np.float64)
    ratio: Values = np.divide(part, total, out=np.ones_like(part), where=total != 0)
    return ratio
