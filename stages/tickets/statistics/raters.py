"""Measures of the agreement of a few masks over few elements, beside the agreement of permuted masks.

A mask is a rater; it rates elements (heads, MLPs) as kept or dropped. Votes are bool, (..., masks,
elements), with at least two masks and one element. Axes before these two are repetitions, and each gets
a value of its own. For masks of millions of weights, `agreement` has the same measures; it computes
agreement by chance, while this module draws permutations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc  # scipy.stats has it too, but takes a second to load

Values: TypeAlias = NDArray[np.float64]
QUANTILE = 0.95
"""Quantile of the permuted values that `upper` is, in (0, 1)."""


@dataclass(frozen=True)
class Measured:
    """A measure of agreement, and its values by chance.

    For chance, every mask is permuted on its own, uniformly over all elements, so its size stays. `floor`
    is the mean of the permuted values; `upper` is the smallest permuted value that 95 % do not exceed.
    """

    value: float
    floor: float
    upper: float

    @property
    def above_chance(self) -> bool:
        """Whether the value exceeds `upper`; differences under 1e-12 count as rounding."""
        return self.value > self.upper + 1e-12


@dataclass(frozen=True)
class Cochran:
    """Cochran's Q, and its p value by chi-square with (number of masks - 1) degrees of freedom."""

    q: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """The agreement of two or more masks; Cohen's kappa and Jaccard are means over all pairs."""

    fleiss_kappa: Measured
    cohen_kappa: Measured
    jaccard: Measured
    krippendorff_alpha: Measured
    cochran: Cochran | None
    """Cochran's test of equal sizes; None if all masks are the same."""


def compare(
    masks: Sequence[NDArray[np.bool_]], num_permutations: int, generator: np.random.Generator
) -> Comparison:
    """Compute all measures for the same masks, and chance from the same permutations.

    Args:
        masks: two or more masks of one shape; positions of elements do not matter.
        num_permutations: at least 1; with 1000, the standard error of the floor is 3 % of the spread
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
    """Compute Fleiss' kappa; 1 if all masks keep everything or all drop everything. Fleiss 1971."""
    raters, num = votes.shape[-2:]
    kept = votes.sum(axis=-2)
    dropped = raters - kept
    agreeing = (kept * (kept - 1) + dropped * (dropped - 1)).sum(axis=-1)
    density = kept.sum(axis=-1) / (raters * num)
    return _beyond(agreeing / (raters * (raters - 1) * num), density**2 + (1 - density) ** 2)


def cohen_kappa(votes: NDArray[np.bool_]) -> Values:
    """Compute Cohen's kappa, mean over all pairs of masks.

    A pair has 1 if the two masks keep everything or drop everything, and 0 if only one of them does.
    Cohen 1960.
    """
    num = votes.shape[-1]
    first, second, shared = _pairs(votes)
    agreeing = num - first - second + 2 * shared
    by_chance = (first * second + (num - first) * (num - second)) / num**2
    return np.asarray(_beyond(agreeing / num, by_chance).mean(axis=-1))


def jaccard(votes: NDArray[np.bool_]) -> Values:
    """Compute the Jaccard similarity, mean over all pairs of masks.

    It is the number of shared kept elements over that of elements kept by either mask, or 1 if none is.
    """
    first, second, shared = _pairs(votes)
    return np.asarray(_ratio(shared, first + second - shared).mean(axis=-1))


def krippendorff_alpha(votes: NDArray[np.bool_]) -> Values:
    """Compute Krippendorff's alpha, 1 - observed / expected disagreement, for nominal data without gaps.

    There are N = masks * elements votes. The observed disagreement is the share of unlike pairs among
    pairs of votes on the same element, the expected one is the share among all pairs of votes. So
    1 - alpha is (1 - 1 / N) times 1 - Fleiss' kappa. Krippendorff leaves alpha undefined if all votes are
    alike; we take 1, as for the kappas.

    Krippendorff 2004, ch. 11; Prasanna et al. 2020 also compute it over all masks of two tasks.
    """
    raters, num = votes.shape[-2:]
    kept = votes.sum(axis=-2)
    all_votes, all_kept = raters * num, kept.sum(axis=-1)
    observed = 2 * (kept * (raters - kept)).sum(axis=-1) / ((raters - 1) * all_votes)
    expected = 2 * all_kept * (all_votes - all_kept) / (all_votes * (all_votes - 1))
    return 1 - np.where(expected > 0, _ratio(observed, expected), 0.0)


def cochran_q(votes: NDArray[np.bool_]) -> Cochran | None:
    """Compute Cochran's Q over masks as treatments and elements as blocks.

    It compares the number of elements that each mask keeps, and not which ones: masks of one size
    have Q = 0 and p = 1 even if they share no element, so a large p is no sign of stability.

    Args:
        votes: (masks, elements), without repetitions.

    Returns:
        Q and its p value; None if all masks are the same, since Q is 0 / 0 then.

    Cochran 1950; Prasanna et al. 2020 call masks of five or two seeds different if p < 0.05.
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
    """Count the elements that the first, the second and both masks of each pair keep; (..., pairs)."""
    rows, columns = np.triu_indices(votes.shape[-2], 1)
    numbers = votes.astype(np.float64)  # products of float matrices are fast, and exact for counts
    shared = (numbers @ numbers.swapaxes(-1, -2)).astype(np.int64)
    sizes = votes.sum(axis=-1)
    return sizes[..., rows], sizes[..., columns], shared[..., rows, columns]


def _beyond(observed: Values, expected: Values) -> Values:
    """Divide the agreement beyond chance by the largest possible one (a kappa); 1 if that is 0."""
    return _ratio(observed - expected, 1 - expected)


def _ratio(part: NDArray[np.number], total: NDArray[np.number]) -> Values:
    """Divide `part` by `total`, value by value; 1 for a `total` of 0."""
    part, total = np.asarray(part, np.float64), np.asarray(total, np.float64)
    ratio: Values = np.divide(part, total, out=np.ones_like(part), where=total != 0)
    return ratio
