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
END = {"critical": 30.0, "maximal": 50.0, "head_init": 7, "other": 1}


def test_the_row_of_a_mask() -> None:
    steps = [StepRow(0.25), StepRow(1.5), StepRow(0.5)]
    row = collapse.of_mask(
        RECORD, 7, steps, {"in": np.arange(4.0), "out": 9 - 2 * np.arange(4.0)}, END
    )
    assert row["in_out_correlation"] == pytest.approx(-1)
    assert tuple(row) == collapse.MASK
    assert (row["collapsed"], row["matrices"], row["largest_cut"]) == (2, 7, 1.5)
    assert (row["connected"], row["connected_without_residual"]) == (True, False)
    assert (row["critical"], row["maximal"], row["head_init"]) == (30.0, 50.0, 7)
    assert (row["flow_after"], row["flow_without_residual_after"]) == (1.0, None)


def test_a_mask_without_flow_has_empty_cells() -> None:
    record = {key: RECORD[key] for key in ("prunable", "kept", "collapsed")}
    row = collapse.of_mask(record, 7, [StepRow(None)], {"in": np.zeros(0), "out": np.zeros(0)}, END)
    assert tuple(row) == collapse.MASK
    assert {row[key] for key in collapse.MASK[4:-3]} == {None}


def test_a_side_that_does_not_vary_has_no_correlation() -> None:
    assert collapse.correlation(np.ones(5), np.arange(5.0)) is None
    assert collapse.correlation(np.arange(5.0), np.zeros(5)) is None


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (3, 3), (200, 200), (201, 101), (9216, 197)])
def test_neurons_are_evenly_spaced_and_few(number: int, shown: int) -> None:
    pairs = collapse.of_neurons({"in": np.arange(1.0 * number), "out": -np.arange(1.0 * number)})
    assert len(pairs) == shown
    assert all(pair["into"] == -pair["out_of"] for pair in pairs)
    assert len(np.unique(np.diff([pair["into"] for pair in pairs]))) <= 1
