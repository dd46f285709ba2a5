"""Correlations against scipy.stats, and p values that can be foretold."""

import numpy as np
import pytest
from scipy import stats

from stages.tickets.statistics import correlation


def test_counts_give_the_pearson_correlation_of_the_items() -> None:
    generator = np.random.default_rng(0)
    first = generator.random(200) < 0.3
    second = generator.random(200) < np.where(first, 0.6, 0.4)
    rho = correlation.pearson_of_counts(
        200, int(first.sum()), int(second.sum()), int((first & second).sum())
    )
    expected = stats.pearsonr(first.astype(float), second.astype(float))
    assert rho is not None
    assert rho.value == pytest.approx(expected.statistic)
    assert rho.p == pytest.approx(expected.pvalue)
    assert rho.n == 200


@pytest.mark.parametrize("counts", [(10, 0, 5, 0), (10, 10, 5, 5), (10, 5, 10, 5), (2, 1, 1, 1)])
def test_a_property_of_all_or_of_none_has_no_correlation(
    counts: tuple[int, int, int, int],
) -> None:
    assert correlation.pearson_of_counts(*counts) is None


def test_properties_that_go_together_have_a_correlation_of_1() -> None:
    rho = correlation.pearson_of_counts(10, 4, 4, 4)
    assert rho == correlation.Correlation(1.0, 0.0, 10)


@pytest.mark.parametrize("counts", [(10, 4, 4, 5), (10, 8, 8, 5), (10, 4, 4, -1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        correlation.pearson_of_counts(*counts)


def test_ranks_are_those_of_scipy_with_ties() -> None:
    generator = np.random.default_rng(1)
    left, right = generator.integers(0, 4, 30).astype(float), generator.random(30)
    rho = correlation.spearman([(left, right)], 2000, np.random.default_rng(2))
    expected = stats.spearmanr(left, right)
    assert rho is not None
    assert rho.value == pytest.approx(expected.statistic)
    assert rho.p == pytest.approx(expected.pvalue, abs=0.05)
    assert rho.n == 30


def test_groups_count_alike_and_those_without_order_not_at_all() -> None:
    rising = np.arange(8.0)
    rho = correlation.spearman(
        [(rising, rising**3), (rising, -rising), (rising, np.ones(8))], 99, np.random.default_rng(0)
    )
    assert rho is not None
    assert rho.value == pytest.approx(0)
    assert rho.p == 1
    assert rho.n == 16
    assert correlation.spearman([(rising, np.ones(8))], 99, np.random.default_rng(0)) is None
    with pytest.raises(ValueError, match=r"\(8,\) and \(2,\)"):
        correlation.spearman([(rising, np.ones(2))], 99, np.random.default_rng(0))


def test_a_perfect_order_is_hardly_reached_by_chance() -> None:
    rising = np.arange(8.0)
    rho = correlation.spearman([(rising, rising)], 99, np.random.default_rng(0))
    assert rho is not None
    assert rho.p == 1 / 100
    assert correlation.p_of_sum([(rising, rising)], 99, np.random.default_rng(0)) == 1 / 100


def test_differences_between_groups_alone_are_no_evidence() -> None:
    """All of one group have much of both: within groups there is nothing to permute."""
    groups = [(np.full(8, 9.0), np.ones(8)), (np.ones(8), np.zeros(8))]
    assert correlation.p_of_sum(groups, 99, np.random.default_rng(0)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_correlation_of_ranks_is_that_of_scipy(seed: int) -> None:
    values = [(i * i * 7 + seed * i) % 11 / 3 for i in range(40)]
    others = [(i * 5 + seed) % 13 / 2 + value for i, value in enumerate(values)]
    ours = correlation.of_ranks(np.array(values), np.array(others))
    assert ours == pytest.approx(stats.spearmanr(values, others).statistic)
    assert correlation.of_ranks(np.array(values), np.ones(40)) is None
