"""Numbers as text: points, signs, intervals, and one seed."""

import pytest

from stages.tickets.report import words as formatting
from stages.tickets.report.words import NOT_RUN
from stages.tickets.statistics import intervals


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8134, "81.3"), (-0.0004, "0.0"), (-0.25, "−25.0"), (1.0, "100.0")],
)
def test_points(value: float, text: str) -> None:
    assert formatting.points(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.012, "+1.2"), (-0.012, "−1.2"), (0.0, "0.0")])
def test_differences_have_a_sign(value: float, text: str) -> None:
    assert formatting.signed(value) == text


def test_one_seed_is_said_and_has_no_interval() -> None:
    one = intervals.summarize([0.5], 0.95)
    assert formatting.mean(one) == formatting.spread(one) == "50.0 (n=1)"
    assert formatting.difference(intervals.compare({1: 0.5}, {1: 0.4}, 0.95)) == "+10.0 (n=1)"
    assert formatting.mean(None) == NOT_RUN


def test_a_p_value_is_there_or_says_why_not() -> None:
    assert formatting.p_value(intervals.summarize_differences([0.1], 0.95)) == "n=1"
    assert formatting.p_value(intervals.summarize_differences([0.1, 0.1], 0.95)) == "equal pairs"
    assert formatting.p_value(intervals.summarize_differences([0.1, 0.3], 0.95)) == "0.295"
    assert (
        formatting.p_value(intervals.summarize_differences([0.1] * 9 + [0.11], 0.95)) == "< 0.001"
    )


def test_one_is_singular() -> None:
    assert [formatting.count(number, "seed") for number in (1, 3)] == ["1 seed", "3 seeds"]
