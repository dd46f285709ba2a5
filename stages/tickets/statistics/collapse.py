"""Rows about masks at initialisation: which collapse, what still flows, and how much is cut at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLACE = ("task", "seed", "start", "mask", "compression")
MASK = (
    "prunable", "kept", "matrices", "collapsed", "connected", "connected_without_residual",
    "flow_before", "flow_after", "flow_without_residual_before", "flow_without_residual_after",
    "largest_cut", "in_out_correlation", "critical", "maximal", "head_init",
)  # fmt: skip
"""Columns of `of_mask`. Flows are logarithms of R to base 10; an empty cell is R = 0, or no flow at all
if the encoder is not built like BERT."""
MATRIX = ("matrix", "size", "kept", "mean_score")
NEURON = ("into", "out_of")
SHOWN = 200
"""Number of neurons, evenly spaced, that a figure shows of a mask."""


@dataclass(frozen=True)
class MatrixRow:
    """A row of matrices.csv of one mask, with the columns MATRIX."""

    matrix: str
    size: int
    kept: int
    mean_score: float


@dataclass(frozen=True)
class StepRow:
    """What is used of a row of steps.csv of one mask."""

    cut_ratio: float | None
    """Share of the flow that the step cuts; None if scores are no shares of a flow."""


def of_mask(
    record: Mapping[str, Any],
    matrices: int,
    steps: Sequence[StepRow],
    neurons: Mapping[str, NDArray[np.floating]],
    end: Mapping[str, Any],
) -> dict[str, Any]:
    """Put what is known of one mask into a row.

    Args:
        record: the record of the mask, as `at_start.measured.record` makes it.
        matrices: number of prunable matrices.
        steps: its steps.
        neurons: sums of the first scores `in` and `out` of every neuron of the MLPs, (neurons,).
        end: how far the weights can be pruned, as `at_start.measured.followed` makes it.
    """
    flow, plain = record.get("flow", {}), record.get("flow_without_residual", {})
    cuts = [step.cut_ratio for step in steps if step.cut_ratio is not None]
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
        "in_out_correlation": correlation(neurons["in"], neurons["out"]),
        **{name: end[name] for name in ("critical", "maximal", "head_init")},
    }


def of_neurons(neurons: Mapping[str, NDArray[np.floating]]) -> list[dict[str, float]]:
    """Return the sums of scores into and out of at most `SHOWN` neurons, see `of_mask`."""
    step = max(1, -(-len(neurons["in"]) // SHOWN))
    pairs = zip(neurons["in"][::step], neurons["out"][::step], strict=True)
    return [dict(zip(NEURON, map(float, pair), strict=True)) for pair in pairs]


def correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    """Return Pearson's correlation; None of fewer than two values, or if one side does not vary.

    Between what leads into neurons and out of them it is 1 if scores are conserved.
    """
    if len(first) < 2 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])
