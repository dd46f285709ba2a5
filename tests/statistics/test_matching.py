"""The three rules by hand, their order, and Holm's p values against a definition by sets."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.settings import Tickets
from stages.tickets.statistics import intervals, matching
from stages.tickets.statistics.intervals import Seed

DENSE: dict[Seed, float] = {1: 0.8, 2: 0.9, 3: 1.0}  # mean 0.9, standard deviation 0.1


def rule(name: str, margin: float = 0.02) -> Tickets:
    return Tickets.model_validate(
        {"rule": name, "margin": margin, "transfer_margin": 0.025, "confidence": 0.95}
    )


def by_seed(*values: float) -> dict[Seed, float]:
    return dict(enumerate(values, start=1))


def matches(
    ticket: dict[Seed, float], dense: dict[Seed, float], by: Tickets, examples: float = 0.0
) -> bool:
    """Apply a rule to scores by seed, whose difference has this error of examples."""
    gains = [ticket[seed] - dense[seed] for seed in ticket]
    return matching.matches(
        intervals.summarize(ticket.values(), 0.95),
        intervals.summarize(dense.values(), 0.95),
        intervals.summarize_differences(gains, 0.95, examples),
        by,
    )


@pytest.mark.parametrize(
    ("name", "ticket", "dense", "expected"),
    [
        ("one_std", by_seed(0.8, 0.8, 0.8), DENSE, True),
        ("one_std", by_seed(0.8, 0.8, 0.799), DENSE, False),
        ("one_std", by_seed(0.8), by_seed(0.8), True),
        ("one_std", by_seed(0.799), by_seed(0.8), False),  # of one seed the deviation counts as 0
        ("strict", by_seed(0.9, 0.9, 0.9), DENSE, True),
        ("strict", by_seed(0.9, 0.9, 0.899), DENSE, False),
        ("strict", by_seed(0.8), by_seed(0.8), True),
        # Every difference is -0.019, then -0.021: no spread, so the interval is a point.
        ("non_inferiority", by_seed(0.781, 0.881, 0.981), DENSE, True),
        ("non_inferiority", by_seed(0.779, 0.879, 0.979), DENSE, False),
        # The mean is that of dense, but 4.30 * 0.1 / sqrt(3) = 0.25 below it may be true.
        ("non_inferiority", by_seed(0.9, 0.9, 0.9), DENSE, False),
        ("non_inferiority", by_seed(0.9), by_seed(0.8), False),  # one pair has no interval
    ],
)
def test_the_rules_by_hand(
    name: str, ticket: dict[Seed, float], dense: dict[Seed, float], expected: bool
) -> None:
    assert matches(ticket, dense, rule(name)) is expected


def test_the_margin_decides_non_inferiority() -> None:
    assert matches(by_seed(0.9, 0.9, 0.9), DENSE, rule("non_inferiority", 0.26))
    assert not matches(by_seed(0.9, 0.9, 0.9), DENSE, rule("non_inferiority", 0.24))


def test_six_digits_of_a_file_do_not_break_a_tie() -> None:
    """181 of 277 right on every seed, and 180, 181 and 182: the same mean, before it is rounded."""
    dense = by_seed(*[round(181 / 277, 6)] * 3)
    ticket = by_seed(*(round(right / 277, 6) for right in (180, 181, 182)))
    assert sum(ticket.values()) < sum(dense.values())
    assert matches(ticket, dense, rule("strict"))
    assert not matches(by_seed(*[0.65342] * 3), dense, rule("strict"))


SCORES = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(lambda found: by_seed(*found))


@given(SCORES, SCORES)
def test_what_is_strict_matches_within_a_standard_deviation(
    ticket: dict[Seed, float], dense: dict[Seed, float]
) -> None:
    if matches(ticket, dense, rule("strict")):
        assert matches(ticket, dense, rule("one_std"))


def test_examples_widen_the_interval_of_non_inferiority() -> None:
    """Equal differences of 0 have no spread over seeds; other examples may move them by 1.96 errors."""
    assert matches(DENSE, DENSE, rule("non_inferiority", 0.02), 0.010)
    assert not matches(DENSE, DENSE, rule("non_inferiority", 0.02), 0.011)
    gain = intervals.summarize([0.1, 0.1], 0.95)
    assert not matching.matches(gain, gain, None, rule("non_inferiority"))  # no seed in common


def test_holm_by_hand() -> None:  # 4 x .01, 3 x .02; 2 x .03 = .06 is not below it; 1 x .04 is
    assert matching.holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx(
        [0.06, 0.04, None, 0.06, 0.06]
    )


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    """A hypothesis is rejected when every set with it is, at its least p times its size."""
    places = range(len(p_values))
    for place, found in enumerate(matching.holm(p_values)):
        closed = max(
            min(1.0, size * min(p_values[one] for one in chosen))
            for size in range(1, len(p_values) + 1)
            for chosen in combinations(places, size)
            if place in chosen
        )
        assert found == pytest.approx(closed)


@pytest.mark.parametrize(("least", "p"), [(1, 4 * 0.01), (2, 3 * 0.02), (3, 2 * 0.3), (4, 0.9)])
def test_partial_conjunction_by_hand(least: int, p: float) -> None:
    assert matching.partial_conjunction([0.3, 0.01, 0.9, 0.02], least) == pytest.approx(p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_to_show_that_more_effects_are_there_is_harder_than_one(p_values: list[float]) -> None:
    every = matching.partial_conjunction(p_values, len(p_values))
    assert every == max(p_values)
    one = matching.partial_conjunction(p_values, 1)
    assert one == min(1, len(p_values) * min(p_values))


def test_the_average_is_that_of_what_is_known() -> None:
    assert intervals.average([1.0, None, 4.0]) == 2.5
    assert intervals.average([None]) is intervals.average([]) is None
