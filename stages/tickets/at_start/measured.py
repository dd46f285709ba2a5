"""What a mask at initialisation does: matrices collapse, paths are left, flow is lost."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.at_start import flow, linear, scores
from stages.tickets.at_start.linear import FIRST, KEY, QUERY, SECOND, Linear
from stages.tickets.at_start.scores import Rule, Untrained
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Scope, Step, Steps, in_matrix

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


def followed(start: Untrained, rule: Rule, how: Steps) -> dict[str, Any]:
    """Prune on until one weight is left for each matrix, or a matrix is empty.

    Args:
        start, rule: as in `scores.prune`.
        how: iterations, schedule and scope; its compression does not matter.

    Returns:
        The `critical` compression, see there, the `maximal` one, which leaves a weight for each matrix,
        and the seed `head_init` of the classifier, which from random weights is that of all weights.
    """
    dense = masks.dense(prunable_weights(start.model, start.encoder))
    maximal = masks.num_weights(dense) / len(dense)
    reached = critical(scores.prune(start, rule, replace(how, compression=maximal)), how.scope)
    return {"critical": reached, "maximal": maximal, "head_init": start.seeds.head_init}


def critical(taken: Iterable[Step], scope: Scope) -> float:
    """Return the highest compression on a way before a matrix is empty.

    Within a step weights leave in the order of their scores, so the matrix whose largest score is lowest
    says how many weights have to stay. Equal scores count as leaving together.

    Args:
        taken: steps of a mask, of which no more are taken than are needed.
        scope: how they rank weights.

    Tanaka et al. 2020, Sec. 3; of a score that is computed once this does not depend on the way.
    """
    reached = 1.0
    for step in taken:
        size = masks.num_weights(step.before)
        if all(kept.any() for kept in step.after.values()):
            reached = size / masks.num_survivors(step.after)
            continue
        ranked = in_matrix(step.scores, step.before) if scope == "matrix" else step.scores
        weakest = min(ranked[name][kept].max() for name, kept in step.before.items())
        needed = sum(
            int((ranked[name][kept] >= weakest).sum()) for name, kept in step.before.items()
        )
        return size / needed
    return reached


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


def walked(taken: Iterator[Step], rule: Rule) -> tuple[Step, Step, list[dict[str, Any]]]:
    """Take all steps of a mask, at least one; return the first, the last, and a row of each."""
    first = last = next(taken)
    rows = [by_step(1, first, rule)]
    for number, last in enumerate(taken, 2):
        rows.append(by_step(number, last, rule))
    return first, last, rows


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


def neurons(values: Weights) -> dict[str, NDArray[np.float32]]:
    """Add up the scores of the weights that lead into and out of every neuron of the MLPs.

    Returns:
        Arrays `in` and `out`, (neurons,), layer by layer; empty if the model is not built like BERT.
    """
    layers = [name.removesuffix(FIRST) for name in values if name.endswith(FIRST)]
    into = [values[layer + FIRST].sum(1) for layer in layers]
    out = [values[layer + SECOND].sum(0) for layer in layers]
    return {name: _joined(sums) for name, sums in (("in", into), ("out", out))}


def _joined(sums: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0), *sums]).astype(np.float32)
