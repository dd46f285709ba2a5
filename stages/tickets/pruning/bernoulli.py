"""Masks whose entries are Bernoulli variables, by a logit for every weight.

Logits are float arrays by matrix name, of the shapes of the matrices.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Scope

BINS = 20
"""Number of equal parts of [0, 1] into which `histogram` sorts probabilities."""
DECIDED = 0.1
"""Distance from 0 or 1 within which a probability counts as decided."""


def probabilities(logits: Weights) -> dict[str, NDArray[np.floating[Any]]]:
    """Return the probability of every weight to be kept, in [0, 1]."""
    return {name: expit(values) for name, values in logits.items()}


def drawn(logits: Weights, generator: np.random.Generator) -> Mask:
    """Draw a mask that keeps every weight with its own probability, so its size is random, too."""
    sample = {name: generator.random(logits[name].shape) for name in sorted(logits)}
    return {name: sample[name] < p for name, p in probabilities(logits).items()}


def hard(logits: Weights, sparsity: float, scope: Scope, generator: np.random.Generator) -> Mask:
    """Keep the weights of the largest logits, exactly round((1 - sparsity) * n) of n weights.

    Equal logits go in an order that is drawn (Ghosh et al. 2024). Whole matrices may be equal, if a model
    lacks them, and by their order all of one would go before any of the next.

    Args:
        logits: any finite or infinite numbers.
        sparsity: share of all weights that is dropped, in [0, 1).
        scope: global ranks all weights together; with matrix every matrix keeps the same share, up to a
            weight.
        generator: draws the order of equal logits.

    Raises:
        ValueError: a logit is NaN, or `sparsity` is out of range.
    """
    ranked, everything = ranks(logits, generator), masks.dense(logits)
    scores = steps.in_matrix(ranked, everything) if scope == "matrix" else ranked
    return masks.keep_largest(scores, everything, sparsity)


def ranks(logits: Weights, generator: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Return the place of every logit among all, from 0 for the smallest; no two are the same."""
    names = sorted(logits)
    flat = np.concatenate([logits[name].reshape(-1) for name in names])
    if np.isnan(flat).any():
        raise ValueError("a logit is NaN, so logits cannot be ranked")
    order = np.lexsort((generator.random(flat.size), flat))
    places = steps.with_values(order, np.arange(flat.size, dtype=np.float64), flat.shape)
    parts = np.split(places, np.cumsum([logits[name].size for name in names])[:-1])
    placed = dict(zip(names, parts, strict=True))
    return {name: placed[name].reshape(values.shape) for name, values in logits.items()}


def histogram(logits: Weights) -> NDArray[np.int64]:
    """Count the probabilities in each of BINS equal parts of [0, 1]; 1 itself is in the last."""
    total = np.zeros(BINS, dtype=np.int64)
    for values in probabilities(logits).values():
        total += np.histogram(values, bins=BINS, range=(0.0, 1.0))[0]
    return total


def summary(logits: Weights) -> Mapping[str, float]:
    """Return the `mean_probability`, and the share of weights that are `undecided`.

    Undecided are those that are neither within DECIDED of 0 nor of 1; few of them mean that the search
    has converged.
    """
    known = np.concatenate([p.reshape(-1) for p in probabilities(logits).values()])
    undecided = (known > DECIDED) & (known < 1 - DECIDED)
    return {
        "mean_probability": float(known.mean(dtype=np.float64)),
        "undecided": float(undecided.mean()),
    }
