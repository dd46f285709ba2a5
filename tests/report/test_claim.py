"""The rule by which statements hold: bounds and intervals by hand."""

import math

import pytest

from stages.tickets.report.claim import CHEN, Bounds, Claim, of_worst, within
from stages.tickets.statistics.intervals import Difference, Summary


def interval(low: float | None, high: float | None) -> Summary:
    return Summary(0.0, None, low, high, 3)


@pytest.mark.parametrize(
    ("bounds", "measured", "holds"),
    [
        ((0.0, math.inf), interval(0.1, 0.3), "yes"),
        ((0.0, math.inf), interval(-0.1, 0.3), "unclear"),
        ((0.0, math.inf), interval(-0.3, -0.1), "no"),
        ((-math.inf, 0.02), interval(-0.5, 0.02), "yes"),
        ((-math.inf, 0.02), interval(0.021, 0.5), "no"),
        ((-0.03, 0.02), interval(-0.03, 0.02), "yes"),
        ((-0.03, 0.02), interval(-0.04, 0.01), "unclear"),
        ((-0.03, 0.02), interval(None, None), "unclear"),
        ((-0.03, 0.02), None, "–"),
    ],
)
def test_a_statement_holds_by_all_of_the_interval(
    bounds: Bounds, measured: Summary | None, holds: str
) -> None:
    assert within(bounds, measured) == holds


def gain(mean: float, half: float) -> Difference:
    return Difference(mean, 0.01, mean - half, mean + half, 3, None)


@pytest.mark.parametrize(
    ("gains", "holds"),
    [
        ((0.05, -0.05), "no"),  # their mean is 0
        ((0.005, -0.005), "yes"),
        ((0.005, 0.018), "unclear"),
        ((0.005, 0.018, 0.05), "no"),
    ],
)
def test_the_worst_task_decides(gains: tuple[float, ...], holds: str) -> None:
    measured = {str(number): gain(mean, 0.005) for number, mean in enumerate(gains)}
    claim = of_worst(Claim("name", "statement", CHEN, ()), (-0.03, 0.02), measured, "not run")
    assert claim.holds == holds
    assert claim.n == 3
