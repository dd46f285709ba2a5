"""Means over pairs of seeds: by hand, and against a simulation in which the truth is known."""

from itertools import combinations

import numpy as np
import pytest

from stages.tickets.statistics import jackknife
from stages.tickets.statistics.intervals import summarize


def test_three_pairs_of_three_seeds_have_twice_the_error_of_three_seeds() -> None:
    values = {("1", "2"): 1.0, ("1", "3"): 2.0, ("2", "3"): 6.0}
    pairs = jackknife.over_pairs(values, 0.95)
    independent = summarize(list(values.values()), 0.95)
    assert (pairs.mean, pairs.std, pairs.n) == (independent.mean, independent.std, 3)
    assert pairs.high is not None
    assert pairs.low is not None
    assert independent.high is not None
    assert pairs.high - pairs.mean == pytest.approx(2 * (independent.high - independent.mean))
    assert pairs.mean - pairs.low == pytest.approx(pairs.high - pairs.mean)


def test_two_seeds_have_no_interval() -> None:
    summary = jackknife.over_pairs({("1", "2"): 3.0}, 0.95)
    assert (summary.mean, summary.low, summary.high) == (3.0, None, None)


def test_the_choice_of_examples_widens_the_interval() -> None:
    values = {("1", "2"): 1.0, ("1", "3"): 1.0, ("2", "3"): 1.0}
    alone = jackknife.over_pairs(values, 0.95)
    assert alone.high == alone.low == 1.0
    assert jackknife.over_pairs(values, 0.95, 0.5).high == pytest.approx(1 + 1.959964 * 0.5)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """A pair has the sum of what its two seeds have; intervals for independent values are too short."""
    generator = np.random.default_rng(0)
    covered = {"pairs": 0, "independent": 0}
    for _ in range(500):
        seeds = generator.normal(size=5)
        values = {
            (str(i), str(j)): float(seeds[i] + seeds[j]) for i, j in combinations(range(5), 2)
        }
        for name, summary in (
            ("pairs", jackknife.over_pairs(values, 0.95)),
            ("independent", summarize(list(values.values()), 0.95)),
        ):
            assert summary.low is not None
            assert summary.high is not None
            covered[name] += summary.low < 0 < summary.high
    assert 0.93 * 500 < covered["pairs"] < 0.97 * 500
    assert covered["independent"] < 0.85 * 500
