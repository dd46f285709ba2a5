"""Fisher's exact test: the lady tasting tea, by the definition, and beside SciPy."""

from itertools import product

import pytest
from scipy import stats

from stages.tickets.statistics.contingency import fisher_exact


def test_the_lady_tasting_tea() -> None:
    """Of 70 ways to choose four cups of eight one is right, and 16 are right but for one pair."""
    assert fisher_exact(4, 0, 0, 4) == pytest.approx(2 / 70)
    assert fisher_exact(3, 1, 1, 3) == pytest.approx(34 / 70)
    assert fisher_exact(2, 2, 2, 2) == 1


def test_it_is_that_of_scipy() -> None:
    compared = 0
    for counts in product((0, 1, 4, 9), repeat=4):
        both, first, second, neither = counts
        p = fisher_exact(*counts)
        if p is None:
            assert 0 in (both + first, second + neither, both + second, first + neither)
            continue
        compared += 1
        assert p == pytest.approx(stats.fisher_exact([[both, first], [second, neither]]).pvalue)
    assert compared > 200
