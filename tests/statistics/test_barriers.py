"""Barriers of curves by hand, the laws that hold for all curves, and their intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.statistics import barriers
from stages.tickets.statistics.intervals import Summary

CURVES = st.lists(st.floats(0, 100), min_size=2, max_size=12).map(np.array)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 0, 1, 0], (1, 1, 1)),
        ([4, 0, 1, 0, 4], (0, 0, 1)),  # a ridge far below the chord
        ([0, 1, 2, 3, 4], (2, 0, 0)),  # unlike ends alone
        ([5, 9], (2, 0, 0)),
        ([0, 9, 8.5, 9.5, 10], (5, 6.5, 6.5)),  # neither barrier bounds the other
        ([0.1] * 7, (0, 0, 0)),
        ([0, 5, 10, 20, 20, 20, 20], (10, 10, 10)),
    ],
)
def test_barriers_by_hand(values: list[float], expected: tuple[float, float, float]) -> None:
    curve = np.array(values, np.float64)
    measured = [
        float(measure(curve))
        for measure in (barriers.error_barrier, barriers.chord_barrier, barriers.convexity_gap)
    ]
    assert measured == list(expected)


@given(CURVES)
def test_laws_of_all_curves(curve: np.ndarray) -> None:
    frankle = barriers.error_barrier(curve)
    chord, convexity = barriers.chord_barrier(curve), barriers.convexity_gap(curve)
    assert frankle >= abs(curve[-1] - curve[0]) / 2 - 1e-9
    assert convexity >= chord >= 0
    for measure in (*barriers.MEASURES.values(),):
        if measure is barriers.middle_gap and len(curve) % 2 == 0:
            continue
        assert measure(curve[::-1]) == pytest.approx(measure(curve), abs=1e-9)
        pair = np.stack([curve, curve[::-1] + 1])
        assert measure(pair) == pytest.approx([measure(row) for row in pair])


@given(CURVES, st.floats(0, 10))
def test_a_higher_inside_is_no_lower_barrier(curve: np.ndarray, rise: float) -> None:
    higher = curve.copy()
    higher[1:-1] += rise
    for measure in (barriers.error_barrier, barriers.chord_barrier):
        assert measure(higher) >= measure(curve) - 1e-9


def test_the_gap_at_one_half_of_a_quadratic_is_its_curvature() -> None:
    hessian, first, second = np.diag([2.0, 8.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    places = np.linspace(0, 1, 11)[:, None]
    points = (1 - places) * first + places * second
    curve = np.einsum("ai,ij,aj->a", points, hessian, points) / 2
    expected = [1, 0.85, 0.8, 0.85, 1, 1.25, 1.6, 2.05, 2.6, 3.25, 4]
    np.testing.assert_allclose(curve, expected)
    step = first - second
    assert barriers.middle_gap(curve) == pytest.approx(-(step @ hessian @ step) / 8)
    assert barriers.middle_gap(curve) == pytest.approx(-1.25)
    assert barriers.error_barrier(curve) == pytest.approx(1.5)
    assert barriers.convexity_gap(curve) == pytest.approx(0)
    assert barriers.dip(curve) == pytest.approx(2.5 - 0.8)


def test_without_a_point_at_one_half_there_is_no_gap_there() -> None:
    with pytest.raises(ValueError, match="10 points, allowed are odd"):
        barriers.middle_gap(np.zeros(10))


# --- uncertainty -----------------------------------------------------------------------------


def draws_of(*curves: np.ndarray, number: int = 200) -> dict[str, np.ndarray]:
    return barriers.resampled(curves, barriers.MEASURES, seed=0, number=number)


def test_examples_that_are_always_right_leave_no_doubt() -> None:
    for draws in draws_of(np.zeros((5, 40))).values():
        assert barriers.quantiles(draws[0], 0.95) == (0, 0)


def test_one_example_leaves_no_doubt() -> None:
    curve = np.array([0.0, 100.0, 0.0, 0.0, 0.0])[:, None]
    draws = draws_of(curve)
    assert barriers.quantiles(draws["chord"][0], 0.95) == (100, 100)
    assert barriers.over_seeds([100.0, 100.0], np.vstack([draws["chord"]] * 2), 0.95).examples == 0


def test_examples_are_the_same_at_all_points_of_all_curves() -> None:
    difficulty = np.random.default_rng(0).uniform(0, 100, 300)
    parallel = np.array([0.0, 7.0, 0.0])[:, None] + difficulty  # hard examples are so everywhere
    draws = draws_of(parallel, parallel)["chord"]
    np.testing.assert_allclose(draws, 7.0)
    noisy = np.random.default_rng(1).uniform(0, 100, (3, 300))
    alone, again = draws_of(parallel, noisy)["chord"][1], draws_of(noisy)["chord"][0]
    np.testing.assert_allclose(alone, again)
    assert alone.std() > 0.1


def test_the_error_of_examples_is_that_of_a_mean() -> None:
    """The curve [0, x, 0] with x above 0 has the mean of x as its barrier."""
    inside = np.random.default_rng(0).uniform(0, 100, 500)
    curve = np.stack([np.zeros(500), inside, np.zeros(500)])
    (draws,) = barriers.resampled([curve], {"chord": barriers.chord_barrier}, 0).values()
    summary = barriers.over_seeds([float(inside.mean())], draws, 0.95)
    assert summary.examples == pytest.approx(inside.std() / math.sqrt(500), rel=0.1)
    assert summary.low is None  # one seed says nothing about others
    low, high = barriers.quantiles(draws[0], 0.95)
    assert low < inside.mean() < high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 1.9, "stable"), (2.1, 3.0, "unstable"), (1.0, 3.0, "unclear"), (None, None, "unclear")],
)
def test_the_verdict_takes_the_whole_interval(
    low: float | None, high: float | None, expected: str
) -> None:
    assert barriers.verdict(Summary(1.0, 1.0, low, high, 3), 2.0) == expected


def test_opposite_constants_are_at_chance_and_have_no_verdict() -> None:
    labels = np.arange(400) % 2
    for constant in (0, 1):
        assert not barriers.above_majority(np.full(400, constant), labels, 0.95)
    mostly_right = np.where(np.arange(400) % 10 == 0, 1 - labels, labels)
    assert barriers.above_majority(mostly_right, labels, 0.95)
    assert not barriers.above_majority(mostly_right[:10], labels[:10], 0.9999)
    assert barriers.verdict(None, 2.0) == "at chance"


# --- what two networks compute ---------------------------------------------------------------


def test_disagreement_beside_chance() -> None:
    assert barriers.chance_disagreement(0.1, 0.2) == pytest.approx(0.26)
    labels = np.zeros(10, int)
    first, second = labels.copy(), labels.copy()
    first[:1], second[:2] = 1, 1
    measured = barriers.disagreement(first, second, labels, 2)
    assert (measured.value, measured.chance) == pytest.approx((0.1, 0.26))


def test_chance_disagreement_of_three_classes_is_that_of_draws() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=200_000)

    def network(error: float) -> np.ndarray:
        wrong = (labels + generator.integers(1, 3, size=len(labels))) % 3
        return np.where(generator.random(len(labels)) < error, wrong, labels)

    measured = barriers.disagreement(network(0.3), network(0.5), labels, 3)
    assert measured.value == pytest.approx(measured.chance, abs=0.005)


def test_the_divergence_is_symmetric_and_at_most_log_2() -> None:
    one_hot = np.array([[1.0, 0.0], [0.5, 0.5]])
    other = np.array([[0.0, 1.0], [0.5, 0.5]])
    assert barriers.divergence(one_hot, one_hot) == 0
    assert barriers.divergence(one_hot[:1], other[:1]) == pytest.approx(math.log(2))
    assert barriers.divergence(one_hot, other) == pytest.approx(math.log(2) / 2)
    assert barriers.divergence(other, one_hot) == barriers.divergence(one_hot, other)


def test_the_mean_of_logits_can_be_right_where_each_is_wrong_once() -> None:
    first = np.array([[0.0, 3.0], [1.0, 0.0]])
    second = np.array([[1.0, 0.0], [0.0, 3.0]])
    labels = np.array([1, 1])
    assert barriers.average_accuracy(first, second, labels) == 1
    assert barriers.average_accuracy(first, first, labels) == 0.5
