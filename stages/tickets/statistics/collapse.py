"""Rows about masks at initialisation: which collapse, what still flows, and how much is cut at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

PLACE = ("task", "seed", "start", "mask", "compression")
MASK = (
    "prunable", "kept", "matrices", "collapsed", "connected", "connected_without_residual",
    "flow_before", "flow_after", "flow_without_residual_before", "flow_without_residual_after",
    "largest_cut",
)  # fmt: skip
"""Columns of `of_mask`. Flows are logarithms of R to base 10; an empty cell is R = 0, or no flow at all
if the encoder is not built like BERT."""
MATRIX = ("matrix", "size", "kept", "mean_score")


def of_mask(
    record: Mapping[str, Any], matrices: int, steps: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Put what is known of one mask into a row.

    Args:
        record: the record of the mask, as `at_start.measured.record` makes it.
        matrices: number of prunable matrices.
        steps: rows of its steps, with `cut_ratio` as text, empty if scores are no shares of a flow.
    """
    flow, plain = record.get("flow", {}), record.get("flow_without_residual", {})
    cuts = [float(step["cut_ratio"]) for step in steps if step["cut_ratio"]]
    return {
        "prunable": record["prunable"],
        "kept": record["kept"],
        "matrices": matrices,
        "collapsed": len(record["collapsed"]),
        "connected": flow.get("connected"),
        "connected_without_residual": plain.get("connected"),
        "flow_before": flow.get("before"),
        "flow_after": flow.get("after"),
        "flow_without_residual_before": plain.get("before"),
        "flow_without_residual_after": plain.get("after"),
        "largest_cut": max(cuts, default=None),
    }
