"""Importance and magnitude, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.sections import importance
from tests.made_up import config, study


def test_magnitudes_of_kept_and_dropped_by_hand() -> None:
    """Made up: heads .020, .021, .022, .023, of which the first is dropped; MLPs run the other way."""
    made = study(config(1, 3, 1))
    rows = importance.measure(made.results)
    heads, mlps = rows
    assert heads.kept is not None
    assert heads.dropped is not None
    assert heads.gap is not None
    means = [heads.kept.mean, heads.dropped.mean, heads.gap.mean]
    assert means == pytest.approx([0.022, 0.020, 0.002])
    assert heads.correlations == pytest.approx((1, 1, 1))
    assert mlps.correlations == pytest.approx((-1, -1, -1))
    assert "1.00 over heads (n=3 models), −1.00 over MLPs" in importance.answer(rows, made.results)
    table = importance.magnitude_table(rows, made.results)
    assert table.rows[0] == (
        "entailment", "heads", "22.00 ± 0.00", "20.00 ± 0.00", "+2.00 [+2.00, +2.00]",
        "1.00 ± 0.00", "3",
    )  # fmt: skip


def test_a_seed_that_kept_all_has_no_difference() -> None:
    made = study(config(1, 1, 1))
    kept = [row for row in made.importance if row.kept]
    heads = importance.measure(replace(made, importance=kept).results)[0]
    assert heads.kept is not None
    assert (heads.dropped, heads.gap) == (None, None)
