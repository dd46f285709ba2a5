"""What is known of a mask at initialisation as a row."""

import numpy as np
import pytest

from stages.tickets.statistics import collapse
from stages.tickets.statistics.collapse import StepRow

RECORD = {
    "prunable": 100, "kept": 10, "collapsed": ["a", "b"],
    "flow": {"before": 3.0, "after": 1.0, "connected": True},
    "flow_without_residual": {"before": 2.0, "after": None, "connected": False},
}  # fmt: skip


def test_the_row_of_a_mask() -> None:
    steps = [StepRow(0.25), StepRow(1.5), StepRow(0.5)]
    row = collapse.of_mask(RECORD, 7, steps, {"in": np.arange(4.0), "out": 9 - 2 * np.arange(4.0)})
    assert row["in_out_correlation"] == pytest.approx(-1)
    assert tuple(row) == collapse.MASK
    assert (row["collapsed"], row["matrices"], row["largest_cut"]) == (2, 7, 1.5)
    assert (row["connected"], row["connected_without_residual"]) == (True, False)
    assert (row["flow_after"], row["flow_without_residual_after"]) == (1.0, None)


def test_a_mask_without_flow_has_empty_cells() -> None:
    record = {key: RECORD[key] for key in ("prunable", "kept", "collapsed")}
    row = collapse.of_mask(record, 7, [StepRow(None)], {"in": np.zeros(0), "out": np.zeros(0)})
    assert tuple(row) == collapse.MASK
    assert {row[key] for key in collapse.MASK[4:]} == {None}


def test_a_side_that_does_not_vary_has_no_correlation() -> None:
    assert collapse.correlation(np.ones(5), np.arange(5.0)) is None
    assert collapse.correlation(np.arange(5.0), np.zeros(5)) is None
