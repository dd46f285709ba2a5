"""The two-way analysis by hand, against least squares, and where there is nothing to divide."""

import numpy as np
import pytest
from scipy import stats

from stages.tickets.statistics import variance


def residual(design: np.ndarray, values: np.ndarray) -> float:
    """Sum of squares that a linear model leaves."""
    found = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(((values - design @ found) ** 2).sum())


def test_masks_that_differ_and_trainings_that_do_not() -> None:
    found = variance.two_way([[0.1, 0.1], [0.3, 0.3]])
    assert found is not None
    assert (found.rows.share, found.columns.share, found.rest.share) == pytest.approx((1, 0, 0))
    assert found.rows.std == pytest.approx(np.std([0.1, 0.3], ddof=1))
    turned = variance.two_way([[0.1, 0.3], [0.1, 0.3]])
    assert turned is not None
    assert (turned.rows.share, turned.columns.share) == pytest.approx((0, 1))


def test_what_row_and_column_do_together_is_the_rest() -> None:
    found = variance.two_way([[0.0, 1.0], [1.0, 0.0]])
    assert found is not None
    assert found.rest.share == pytest.approx(1)
    assert found.rows.std == 0
    assert found.rows.p == pytest.approx(1)


def test_shares_are_those_of_nested_linear_models() -> None:
    table = np.random.default_rng(0).normal(size=(3, 4)) + np.array([[0.0], [1.0], [3.0]])
    found = variance.two_way(table.tolist())
    assert found is not None
    rows = np.repeat(np.eye(3), 4, axis=0)
    columns = np.tile(np.eye(4), (3, 1))
    values, one = table.ravel(), np.ones((12, 1))
    whole, left = residual(one, values), residual(np.hstack([rows, columns]), values)
    of_rows, of_columns = whole - residual(rows, values), whole - residual(columns, values)
    assert found.rest.share == pytest.approx(left / whole)
    assert found.rows.share == pytest.approx(of_rows / whole)
    assert found.columns.share == pytest.approx(of_columns / whole)
    assert found.rows.p == pytest.approx(stats.f.sf((of_rows / 2) / (left / 6), 2, 6))
    assert found.columns.p == pytest.approx(stats.f.sf((of_columns / 3) / (left / 6), 3, 6))


def test_without_any_effect_shares_are_those_of_chance_on_average() -> None:
    generator = np.random.default_rng(1)
    found = [variance.two_way(generator.normal(size=(3, 3)).tolist()) for _ in range(2000)]
    shares = [one.rows.share for one in found if one]
    assert np.mean(shares) == pytest.approx(0.25, abs=0.02)
    assert found[0] is not None
    assert found[0].rows.chance == 0.25
    assert found[0].rest.chance == 0.5


@pytest.mark.parametrize("cells", [[[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.2]], [[0.1], [0.2]], []])
def test_nothing_to_divide(cells: list[list[float]]) -> None:
    assert variance.two_way(cells) is None


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rows have \[2, 1\] cells"):
        variance.two_way([[0.1, 0.2], [0.3]])
