"""Newcomers and leavers of masks beside a ticket's: ten weights by hand, and laws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import newcomers


def split(flat: np.ndarray) -> dict[str, np.ndarray]:
    """Two matrices of the first four and the last six of ten weights."""
    return {"b": flat[:4].reshape(2, 2), "a": flat[4:].reshape(2, 3)}


def keeping(*numbers: int) -> Mask:
    return split(np.isin(np.arange(10), numbers))


THETA_0 = split(np.array([0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9, -1.0]))
ONE_SHOT = keeping(6, 7, 8, 9)
"""The threshold lies between weights 5 and 6; 5 is the nearest below, 6 the nearest above."""


def compare(mask: Mask, real: Mask) -> dict[str, Any]:
    return newcomers.compare(mask, real, ONE_SHOT, THETA_0)


def test_ten_weights_worked_by_hand() -> None:
    """The ticket brings back 5 and 2 and takes out 6 and 9; the mask 5 and 3, and 8 and 9."""
    assert compare(keeping(3, 5, 6, 7), keeping(2, 5, 7, 8)) == {
        "jaccard_one_shot": 2 / 6,
        "jaccard_real": 2 / 6,
        "newcomers": 2,
        "newcomers_real": 2,
        "newcomers_hit": 1 / 2,
        "newcomers_chance": 2 / 6,
        "newcomers_nearest": 1 / 2,  # 5 and 4
        "leavers": 2,
        "leavers_real": 2,
        "leavers_hit": 1 / 2,
        "leavers_chance": 2 / 4,
        "leavers_nearest": 1 / 2,  # 6 and 7
    }


def test_a_mask_of_the_nearest_hits_what_its_baseline_hits() -> None:
    row = compare(keeping(5, 7, 8, 9), keeping(4, 5, 8, 9))
    assert row["newcomers_hit"] == row["newcomers_nearest"] == 0.5
    assert row["leavers_hit"] == row["leavers_nearest"] == 0.5


def test_the_one_shot_mask_has_no_newcomers_and_hits_none() -> None:
    row = compare(ONE_SHOT, keeping(5, 7, 8, 9))
    assert row["jaccard_one_shot"] == 1
    for name in newcomers.SETS:
        assert row[name] == row[f"{name}_hit"] == row[f"{name}_chance"] == 0
        assert row[f"{name}_nearest"] == 0


def test_of_a_ticket_without_newcomers_no_share_is_known() -> None:
    row = compare(keeping(5, 7, 8, 9), ONE_SHOT)
    for name in newcomers.SETS:
        assert row[f"{name}_hit"] is row[f"{name}_chance"] is row[f"{name}_nearest"] is None


def test_the_columns_are_those_of_the_rows() -> None:
    assert tuple(compare(ONE_SHOT, ONE_SHOT)) == newcomers.COLUMNS


@given(st.integers(0, 10_000))
def test_shares_are_shares_and_a_ticket_hits_all_of_its_own(seed: int) -> None:
    generator = np.random.default_rng(seed)
    theta_0 = split(generator.standard_normal(10))
    kept = int(generator.integers(1, 10))
    one_shot = masks.prune_by_magnitude(theta_0, masks.dense(theta_0), 1 - kept / 10)
    mask, real = (masks.random_like(one_shot, generator) for _ in range(2))
    row = newcomers.compare(mask, real, one_shot, theta_0)
    own = newcomers.compare(real, real, one_shot, theta_0)
    for name in newcomers.SETS:
        for part in ("hit", "chance", "nearest"):
            share = row[f"{name}_{part}"]
            assert share is None or 0 <= share <= 1
        assert own[f"{name}_hit"] in (1, None)
        assert row[name] == row["newcomers"]  # masks of equal size exchange


def test_other_matrices_are_refused() -> None:
    with pytest.raises(ValueError, match="matrices"):
        newcomers.compare({"b": ONE_SHOT["b"]}, ONE_SHOT, ONE_SHOT, THETA_0)
