"""Rules by which a ticket matches the dense model, and p values of several tests."""

from collections.abc import Sequence

from stages.tickets.settings import Tickets
from stages.tickets.statistics.intervals import Difference, Summary

RULES = {
    "one_std": "at most one standard deviation of dense below dense",
    "strict": "at least dense",
    "non_inferiority": "interval of ticket − dense above −margin",
}
"""Condition on a ticket's mean, by the name of the rule."""
ROUNDING = 2e-6
"""Largest difference between means of scores of six digits that counts as rounding."""


def matches(ticket: Summary, dense: Summary, gain: Difference | None, rule: Tickets) -> bool:
    """Tell whether a ticket matches the dense model.

    one_std: the ticket's mean is at most one sample standard deviation, over seeds, of the dense scores
    below their mean; with one seed the deviation counts as 0. strict: its mean is at least the dense
    mean. non_inferiority: the interval of the paired differences, over seeds and examples, is above
    -margin; a single pair has no interval and does not match. Differences up to 2e-6 count as rounding.

    Args:
        ticket, dense: scores over seeds.
        gain: ticket minus dense, paired by seed; None if they share none.
        rule: name of the rule, and margin.

    Chen et al. 2020, Table 2 (one_std) and supplement (strict); non_inferiority is ours.
    """
    if rule.rule == "non_inferiority":
        return gain is not None and gain.low is not None and gain.low > -rule.margin
    allowed = (dense.std or 0.0) if rule.rule == "one_std" else 0.0
    return ticket.mean >= dense.mean - allowed - ROUNDING


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p values for their number by Holm's step-down method; None stays and does not count.

    The i-th smallest of m p values, counted from 0, is multiplied by m - i. No corrected value is below
    the corrected value before it, or above 1.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, place) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        corrected[place] = least
    return corrected


def partial_conjunction(p_values: Sequence[float], least: int) -> float:
    """Combine p values into one for the statement that at least so many of the effects are there.

    Of n p values the u-th smallest is multiplied by n - u + 1 (Bonferroni), so whatever depends on
    whatever, the p value is right. With u = n it is the greatest, with u = 1 n times the least.

    Args:
        p_values: one for each effect, at least one.
        least: u, from 1 to n.

    Benjamini & Heller 2008.
    """
    return min(1.0, (len(p_values) - least + 1) * sorted(p_values)[least - 1])
