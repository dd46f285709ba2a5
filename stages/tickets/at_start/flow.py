"""Synaptic flow: how much of what flows through a network without data passes through each weight.

Tanaka et al. 2020, Sec. 5: R is the output of the network whose weights are their magnitudes, for an
input of ones, and the score of a weight is its magnitude times the gradient of R in it. Of any set of
weights that separates input from output, the scores add up to R.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.encoder import device
from stages.tickets.pruning.masks import Mask, Weights

Magnitudes = Mapping[str, NDArray[np.float64]]


class Total(NamedTuple):
    """R, as a number of moderate size times a power of ten."""

    value: Tensor
    exponent: float = 0.0

    @property
    def log10(self) -> float:
        """Logarithm of R; minus infinity if nothing flows."""
        value = float(self.value.detach())
        return math.log10(value) + self.exponent if value > 0 else -math.inf


Network = Callable[[Mapping[str, Tensor]], Total]
"""A function from the magnitudes of all weights, float64, by matrix name to R."""


@dataclass(frozen=True)
class Flow:
    """R, and the score of every weight as a share of R, at least 0; all are 0 if R is."""

    log10: float
    shares: dict[str, NDArray[np.float64]]


def magnitudes(weights: Weights, mask: Mask) -> dict[str, NDArray[np.float64]]:
    """Return the magnitudes of the survivors in float64, and 0 for each dropped weight."""
    return {name: np.abs(weights[name]).astype(np.float64) * kept for name, kept in mask.items()}


def through(network: Network, values: Magnitudes) -> Flow:
    """Score all weights of a network.

    Args:
        network: differentiable in the weights that it uses; others get the score 0.
        values: magnitudes, see `magnitudes`; names and shapes are those that the network knows.

    Raises:
        ValueError: R or a score is not finite.
    """
    where = device.device()
    leaves = {n: torch.from_numpy(v).to(where).requires_grad_() for n, v in values.items()}
    total = network(leaves)
    gradients = torch.autograd.grad(
        total.value, list(leaves.values()), allow_unused=True, materialize_grads=True
    )
    reached = float(total.value.detach())
    shares = {
        name: (leaf.detach() * gradient / (reached or 1.0)).cpu().numpy()
        for (name, leaf), gradient in zip(leaves.items(), gradients, strict=True)
    }
    if not all(np.isfinite(share).all() for share in shares.values()) or math.isnan(reached):
        raise ValueError("the flow through the network is not finite; its weights are too large")
    return Flow(total.log10, shares)


def total(network: Network, values: Magnitudes) -> Total:
    """Compute R alone."""
    where = device.device()
    with torch.no_grad():
        return network({name: torch.from_numpy(value).to(where) for name, value in values.items()})
