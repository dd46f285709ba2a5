"""Chains of matrices, whose synaptic flow has a closed form."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.at_start import flow
from stages.tickets.at_start.flow import Total
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Score


def chain(weights: Mapping[str, Tensor]) -> Total:
    """R of the matrices in the order of their names, for an input of ones."""
    first, *others = (weights[name] for name in sorted(weights))
    states = first.sum(1)
    for matrix in others:
        states = matrix @ states
    return Total(states.sum())


def closed_form(values: Weights) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """R and all scores, by the flow from the input times the weight times the flow from the output."""
    names = sorted(values)
    before = [np.ones(values[names[0]].shape[1])]
    for name in names:
        before.append(np.abs(values[name]) @ before[-1])
    scores, after = {}, np.ones(values[names[-1]].shape[0])
    for name, states in zip(reversed(names), reversed(before[:-1]), strict=True):
        scores[name] = after[:, None] * np.abs(values[name]) * states
        after = np.abs(values[name]).T @ after
    return float(before[-1].sum()), scores


def random_chain(sizes: tuple[int, ...], seed: int) -> dict[str, NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return {
        f"{i}": generator.standard_normal(pair) / pair[1] ** 0.5 for i, pair in enumerate(pairs)
    }


def scoring(weights: Weights) -> Score:
    def score(mask: Mask) -> Weights:
        return flow.through(chain, flow.magnitudes(weights, mask)).shares

    return score
