"""What a mask at initialisation does: matrices collapse, paths are left, flow is lost."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.at_start import flow, linear
from stages.tickets.at_start.linear import FIRST, KEY, QUERY, SECOND, Linear
from stages.tickets.at_start.scores import Rule
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Step

MATRICES = ("matrix", "size", "kept", "mean_score")
"""Columns of the rows of `by_matrix`."""
STEPS = ("step", "kept", "cut_ratio")
"""Columns of the rows of `by_step`."""


def record(model: PreTrainedModel, encoder: Encoder, mask: Mask) -> dict[str, Any]:
    """Count what a mask keeps, and measure the flow before and after it.

    Returns:
        `kept` and `prunable` weights; names of `collapsed` matrices, which keep none; and, unless the
        model is not built like BERT, for `flow` with and `flow_without_residual` connections the
        logarithm of R `before` and `after`, null for 0, and whether a path leads to the output.
    """
    counted = {
        "kept": masks.num_survivors(mask),
        "prunable": masks.num_weights(mask),
        "collapsed": sorted(name for name, kept in mask.items() if not kept.any()),
    }
    if not linear.supported(model):
        return counted
    weights = prunable_weights(model, encoder)
    for name, residual in (("flow", True), ("flow_without_residual", False)):
        network = linear.made_linear(model, "third", residual)
        counted[name] = {
            "before": _log10(network, weights, masks.dense(weights)),
            "after": _log10(network, weights, mask),
            "connected": is_connected(network, mask),
        }
    return counted


def is_connected(network: Linear, mask: Mask) -> bool:
    """Tell whether a path of kept weights leads from input to output, see `linear.paths`."""
    kept = {name: of_matrix.astype(np.float64) for name, of_matrix in mask.items()}
    return bool(flow.total(linear.paths(network), kept).value > 0)


def _log10(network: Linear, weights: Weights, mask: Mask) -> float | None:
    logarithm = flow.total(network, flow.magnitudes(weights, mask)).log10
    return logarithm if math.isfinite(logarithm) else None


def by_matrix(first: Step, mask: Mask) -> list[dict[str, Any]]:
    """List size, survivors and mean score of every matrix; scores are those of the first step."""
    return [
        {
            "matrix": name,
            "size": kept.size,
            "kept": int(kept.sum()),
            "mean_score": float(first.scores[name].mean()),
        }
        for name, kept in mask.items()
    ]


def by_step(step: int, taken: Step, rule: Rule) -> dict[str, Any]:
    """Count the survivors of a step, and measure which part of the flow it cuts.

    The cut ratio is the sum of the scores of the dropped weights over R; while it is below 1, no matrix
    that all paths go through can collapse. It is None if scores are no shares of a flow.
    """
    cut = None
    if rule.is_flow:
        cut = sum(
            float(taken.scores[name][kept & ~taken.after[name]].sum())
            for name, kept in taken.before.items()
            if rule.qk == "third" or not name.endswith((QUERY, KEY))
        )
    return {"step": step, "kept": masks.num_survivors(taken.after), "cut_ratio": cut}


def neurons(scores: Weights) -> dict[str, NDArray[np.float32]]:
    """Add up the scores of the weights that lead into and out of every neuron of the MLPs.

    Returns:
        Arrays `in` and `out`, (neurons,), layer by layer; empty if the model is not built like BERT.
    """
    layers = [name.removesuffix(FIRST) for name in scores if name.endswith(FIRST)]
    into = [scores[layer + FIRST].sum(1) for layer in layers]
    out = [scores[layer + SECOND].sum(0) for layer in layers]
    return {name: _joined(sums) for name, sums in (("in", into), ("out", out))}


def _joined(sums: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0), *sums]).astype(np.float32)
