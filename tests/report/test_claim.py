"""The one rule of all claims: whether a statement holds, and whether two numbers are the same."""

import math

import pytest

from stages.tickets.report import claim
from stages.tickets.report.claim import ABOVE, AT_LEAST, BELOW, CHEN, Bounds, Claim, near
from stages.tickets.settings import Verdict
from stages.tickets.statistics.intervals import Difference, Summary

RULE = Verdict(margin=0.02, widest=0.1)


def summary(mean: float, half: float | None) -> Summary:
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Summary(mean, None, low, high, 1 if half is None else 3)


@pytest.mark.parametrize(
    ("paper", "ours", "verdict"),
    [
        (0.10, summary(0.12, 0.001), "agrees"),  # at the margin
        (0.10, summary(0.121, 0.001), "direction only"),
        (0.10, summary(0.13, 0.05), "agrees"),  # in the interval
        (0.10, summary(0.20, 0.15), "direction only"),  # in one that is too wide, of a sure sign
        (0.10, summary(0.11, 0.15), "undecided"),  # however near
        (0.10, summary(0.30, 0.15), "direction only"),  # wide, but its sign is sure
        (0.30, summary(0.01, 0.08), "differs"),  # it may be 0
        (0.10, summary(-0.05, 0.01), "differs"),
        (0.10, summary(0.30, None), "undecided"),  # one seed
        (-0.10, summary(-0.30, 0.01), "direction only"),
        (0.0, summary(0.30, 0.01), "differs"),
        (0.10, None, ""),
    ],
)
def test_whether_two_differences_are_the_same(
    paper: float, ours: Summary | None, verdict: str
) -> None:
    assert claim.same_number(paper, ours, RULE) == verdict


@pytest.mark.parametrize(
    ("bounds", "ours", "holds"),
    [
        (ABOVE, summary(0.2, 0.1), "yes"),
        (ABOVE, summary(0.1, 0.2), "unclear"),
        (ABOVE, summary(-0.2, 0.1), "no"),
        (ABOVE, summary(0.1, 0.1), "unclear"),  # 0 is not above 0
        (AT_LEAST, summary(0.1, 0.1), "yes"),
        (BELOW, summary(-0.2, 0.1), "yes"),
        (BELOW, summary(0.2, 0.1), "no"),
        (near(0.1), summary(-0.01, 0.03), "yes"),
        (near(0.1), summary(-0.08, 0.03), "unclear"),
        (near(0.1), summary(-0.3, 0.1), "no"),
        (near(0.1), summary(0.0, None), "unclear"),
        ((-0.5, 0.25), summary(-0.125, 0.375), "yes"),  # to both ends
        ((-0.03, 0.02), summary(-0.015, 0.025), "unclear"),
        ((-math.inf, 0.02), summary(0.25, 0.229), "no"),
        (ABOVE, None, "–"),
    ],
)
def test_whether_a_statement_holds(bounds: Bounds, ours: Summary | None, holds: str) -> None:
    assert claim.within(bounds, ours) == holds


def test_scores_agree_or_differ() -> None:
    assert claim.same_score(0.84, summary(0.30, 0.05), RULE) == "differs"
    assert claim.same_score(0.84, summary(0.80, 0.1), RULE) == "agrees"
    assert claim.same_score(0.84, None, RULE) == ""


@pytest.mark.parametrize(
    ("means", "holds"),
    [
        ((0.05, -0.05), "no"),  # their mean is 0
        ((0.005, -0.005), "yes"),
        ((0.005, 0.018), "unclear"),
        ((0.005, 0.018, 0.05), "no"),
    ],
)
def test_the_worst_task_decides(means: tuple[float, ...], holds: str) -> None:
    gains = {
        str(number): Difference(mean, 0.01, mean - 0.005, mean + 0.005, 3, None)
        for number, mean in enumerate(means)
    }
    made = claim.of_worst(Claim("name", "statement", CHEN, ()), (-0.03, 0.02), gains, "not run")
    assert made.holds == holds
    assert made.n == 3
