"""Shuffle the pre-trained weights: controls that test whether the positions of weights matter.

Chen et al. 2020, Table 2, speak of shuffled weights; the authors' code permutes whole layers. Weights are
float arrays by matrix name, as for masks. Biases, LayerNorm and embeddings are not shuffled.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Matrices = Mapping[str, NDArray[np.float32]]
Shuffle = Callable[[Matrices, np.random.Generator], dict[str, NDArray[np.float32]]]


def within_matrix(
    weights: Matrices, generator: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Shuffle the weights of every matrix."""
    return {
        name: generator.permuted(weights[name].reshape(-1)).reshape(weights[name].shape)
        for name in sorted(weights)
    }


def within_layer(
    weights: Matrices, generator: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Shuffle the weights of each layer over all its matrices; a pooler is a layer of its own."""
    groups: dict[str, list[str]] = {}
    for name in sorted(weights):
        groups.setdefault(_layer(name) or name, []).append(name)
    shuffled = {}
    for names in groups.values():
        pooled = generator.permuted(np.concatenate([weights[name].reshape(-1) for name in names]))
        ends = np.cumsum([weights[name].size for name in names])[:-1]
        for name, piece in zip(names, np.split(pooled, ends), strict=True):
            shuffled[name] = piece.reshape(weights[name].shape)
    return shuffled


def layers(weights: Matrices, generator: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Permute whole layers at random, into another order than their own; each keeps its matrices.

    Raises:
        ValueError: there are fewer than two layers.
    """
    numbers = sorted({layer for name in weights if (layer := _layer(name))}, key=int)
    if len(numbers) < 2:
        raise ValueError(
            f"shuffled-layers needs two layers at least, the encoder has {len(numbers)}"
        )
    order = list(numbers)
    while order == numbers:
        order = generator.permutation(numbers).tolist()
    source = dict(zip(numbers, order, strict=True))
    return {
        name: weights[
            re.sub(r"\.\d+\.", f".{source[layer]}.", name, count=1) if layer else name
        ].copy()
        for name in weights
        for layer in [_layer(name)]
    }


def _layer(name: str) -> str | None:
    layer = re.search(r"\.(\d+)\.", name)
    return layer[1] if layer else None


BY_NAME: Mapping[str, Shuffle] = {
    "shuffled-within-matrix": within_matrix,
    "shuffled-within-layer": within_layer,
    "shuffled-layers": layers,
}
