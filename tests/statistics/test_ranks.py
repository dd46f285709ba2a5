"""Kendall's tau: by hand, by scipy, and with ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from stages.tickets.statistics import ranks


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3], [1, 2, 3], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3], [1, 3, 2], 1 / 3),  # two of three pairs agree, one does not
        ([1, 2, 2], [1, 2, 3], 2 / 3),  # a pair that is equal on one side adds nothing
    ],
)
def test_by_hand(first: list[float], second: list[float], tau: float) -> None:
    assert ranks.kendall(np.array(first, float), np.array(second, float)) == pytest.approx(tau)


@given(st.integers(2, 1200), st.integers(0, 1000))
def test_it_is_that_of_scipy_without_ties(number: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = generator.permutation(number).astype(float)
    second = first + generator.normal(0, number / 4, number)
    assert ranks.kendall(first, second) == pytest.approx(kendalltau(first, second).statistic)


def test_only_ranks_count() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(40), generator.random(40)
    assert ranks.kendall(np.exp(first), 3 * second) == ranks.kendall(first, second)


def test_what_has_no_rank() -> None:
    assert ranks.kendall(np.ones(1), np.ones(1)) is None
    with pytest.raises(ValueError, match="shapes"):
        ranks.kendall(np.ones(2), np.ones(3))
