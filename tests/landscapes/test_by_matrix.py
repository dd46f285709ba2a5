"""Curvature by matrix, layer, type and altogether, on numbers worked by hand."""

import numpy as np
import pytest
import torch

from stages.tickets.landscapes import by_matrix
from stages.tickets.landscapes.curvature import Diagonal

NAMES = (
    "bert.encoder.layer.0.attention.self.query.weight",
    "bert.encoder.layer.1.attention.self.query.weight",
    "bert.encoder.layer.1.output.dense.weight",
    "bert.pooler.dense.weight",
)


def test_matrices_are_grouped_by_layer_and_by_type_and_a_pooler_has_no_layer() -> None:
    assert by_matrix.groups(NAMES) == {
        (0, "attention.self.query"): [0],
        (0, "all"): [0],
        (None, "attention.self.query"): [0, 1],
        (None, "all"): [0, 1, 2, 3],
        (1, "attention.self.query"): [1],
        (1, "all"): [1, 2],
        (1, "output.dense"): [2],
        (None, "output.dense"): [2],
        (None, "pooler.dense"): [3],
    }


def test_errors_of_sums_are_those_of_the_sums_by_sample() -> None:
    """Of two batches of two samples, the means are 2 and 10 and the variances 2 and 18."""
    total, error = by_matrix.total(np.array([[1.0, 3.0], [7.0, 13.0]]))
    assert (total, error) == (12, pytest.approx(10**0.5))
    alone = by_matrix.total(np.array([[4.0], [5.0]]))
    assert alone[0] == 9
    assert np.isnan(alone[1])


def test_rows_count_kept_weights_alone() -> None:
    """Of 3, -1 and -5, each with error 1, the last is surely negative; the -100 is dropped."""
    kept = {NAMES[1]: torch.tensor([[True, True]]), NAMES[2]: torch.tensor([[True, False]])}
    values = {NAMES[1]: torch.tensor([[3.0, -1.0]]), NAMES[2]: torch.tensor([[-5.0, -100.0]])}
    errors = {name: torch.ones(1, 2) for name in kept}
    sums = np.array([[[1.0, 2.0], [3.0, -4.0]]])  # samples of a batch, by matrix
    hessian = Diagonal(values, errors, sums, 2 * sums)
    fisher = Diagonal(values, errors, 3 * sums, 4 * sums)
    rows = {(row["layer"], row["matrix"]): row for row in by_matrix.rows(hessian, fisher, kept)}
    assert all(set(row) == set(by_matrix.COLUMNS) for row in rows.values())
    layer = rows[1, "all"]
    assert (layer["size"], layer["kept"]) == (4, 3)
    assert layer["sum"] == 1  # samples 3 and -1
    assert layer["sum_error"] == pytest.approx(2)
    single = [rows[1, name]["sum_error"] for name in ("attention.self.query", "output.dense")]
    assert single == pytest.approx([1, 3])  # 2 is neither their sum nor the root of their squares
    assert (layer["scaled"], layer["fisher"], layer["fisher_scaled"]) == (2, 3, 4)
    assert layer["positive"] == 3
    assert layer["negative"] == pytest.approx(2 / 3)
    assert layer["surely_negative"] == pytest.approx(1 / 3)
    assert layer["relative_error"] == pytest.approx((1 / (35 / 3)) ** 0.5)


def test_a_matrix_without_survivors_has_zeros() -> None:
    kept = {NAMES[0]: torch.zeros(1, 2, dtype=torch.bool)}
    nothing = {NAMES[0]: torch.zeros(1, 2)}
    of_none = Diagonal(nothing, nothing, np.zeros((1, 2, 1)), np.zeros((1, 2, 1)))
    (row, *_) = by_matrix.rows(of_none, of_none, kept)
    assert row["kept"] == row["sum"] == row["negative"] == row["relative_error"] == 0
