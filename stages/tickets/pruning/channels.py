"""Channels of an encoder that can be cut out: attention heads, and neurons of MLPs.

A neuron of an MLP is an input of its second matrix, after the activation function. The paper of the
method (Zhang, Colbert, Das 2022) prunes channels of convolutions; heads and neurons are what the layers
of an encoder have in their place. The residual stream is shared by all layers, so it stays as wide as it
is.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning.structure import Structure


@dataclass(frozen=True)
class Channels:
    """Kept heads, bool (layers, heads), and kept neurons of MLPs, bool (layers, neurons)."""

    heads: NDArray[np.bool_]
    neurons: NDArray[np.bool_]

    @property
    def num_heads(self) -> int:
        """Number of kept heads."""
        return int(np.count_nonzero(self.heads))

    @property
    def num_neurons(self) -> int:
        """Number of kept neurons."""
        return int(np.count_nonzero(self.neurons))

    @property
    def structure(self) -> Structure:
        """Heads as they are, and an MLP for each layer that keeps any neuron."""
        return Structure(self.heads, np.count_nonzero(self.neurons, axis=1) > 0)


def whole(num_layers: int, num_heads: int, num_neurons: int) -> Channels:
    """Return the channels that keep all heads and neurons.

    Args:
        num_layers: number of layers.
        num_heads: heads of each layer.
        num_neurons: neurons of each layer's MLP.
    """
    return Channels(
        np.ones((num_layers, num_heads), np.bool_), np.ones((num_layers, num_neurons), np.bool_)
    )


def kept_at(sparsity: float, number: int) -> int:
    """Return how many of `number` channels of a layer stay: number - round(sparsity * number).

    The product is exact in decimals, and halves go to even, so 0 drops nothing and 1 everything.

    Raises:
        ValueError: `sparsity` is not in [0, 1].
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity is {sparsity}, allowed is 0 <= sparsity <= 1")
    return number - round(Fraction(repr(float(sparsity))) * number)


def keep_largest(importance: NDArray[np.floating[Any]], sparsity: float) -> NDArray[np.bool_]:
    """Keep the channels of a layer with the largest importance, exactly `kept_at` of them.

    Of equal channels the earlier stay.

    Args:
        importance: a number per channel of a layer, (channels,).
        sparsity: share of the channels that is dropped, in [0, 1].

    Returns:
        Kept channels, bool (channels,).

    Raises:
        ValueError: an importance is NaN, or `sparsity` is out of range.
    """
    if np.isnan(importance).any():
        raise ValueError("the importance of a channel is NaN, so channels cannot be ranked")
    kept = np.zeros(importance.shape, np.bool_)
    kept[np.argsort(-importance, kind="stable")[: kept_at(sparsity, importance.size)]] = True
    return kept


def random_at(like: Channels, sparsity: float, generator: np.random.Generator) -> Channels:
    """Draw channels uniformly within every layer, exactly `kept_at` of them in each.

    Args:
        like: gives the numbers of layers, heads and neurons.
        sparsity: share of the channels that is dropped, in [0, 1].
        generator: source of the draw, of heads first.
    """
    return Channels(
        *(
            np.array([keep_largest(draw, sparsity) for draw in generator.random(part.shape)])
            for part in (like.heads, like.neurons)
        )
    )


def check_shape(channels: Channels, num_layers: int, num_heads: int, num_neurons: int) -> None:
    """Raise ValueError unless `channels` has these numbers of layers, heads and neurons."""
    shapes = channels.heads.shape, channels.neurons.shape
    wanted = (num_layers, num_heads), (num_layers, num_neurons)
    if shapes != wanted:
        raise ValueError(
            f"heads and neurons have shapes {shapes[0]} and {shapes[1]}, "
            f"but the model's are {wanted[0]} and {wanted[1]}"
        )
