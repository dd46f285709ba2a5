"""A small network that tells the patterns of attention maps apart."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from torch import Tensor, nn

from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.patterns import PATTERNS, Map, Rule

SMALLEST = 32
"""Smallest number of rows and columns that leaves one of each after the last convolution."""
MAPS_PER_BATCH = 256
"""Number of maps that are classified together, without gradients."""


@dataclass(frozen=True)
class Recipe:
    """Settings of a network's training."""

    maps: int
    """Number of maps, which are made once for all epochs."""
    size: int
    """Number of rows and columns that maps are padded to, at least SMALLEST."""
    epochs: int
    batch_size: int
    learning_rate: float
    threads: int
    """Number of torch's threads on the CPU; it changes the last digits of results."""


def build(generator: torch.Generator) -> nn.Sequential:
    """Build a network of six 3x3 convolutions, pooled after all pairs but the last, and two 1x1.

    Convolutions have no padding. Weights are Xavier-normal and biases zero, as in the code of Prasanna et
    al. 2020. The network takes (maps, 1, size, size), size >= SMALLEST, and gives logits (maps, 5).

    Args:
        generator: draws the weights, on the CPU; torch's global generator is not used.
    """

    def convolution(num_in: int, num_out: int, width: int) -> nn.Conv2d:
        bare = nn.Conv2d(num_in, num_out, width, device="meta")  # draws nothing
        module = bare.to_empty(device="cpu")
        nn.init.xavier_normal_(module.weight, generator=generator)
        nn.init.zeros_(module.get_parameter("bias"))
        return module

    layers: list[nn.Module] = []
    for num_in, num_out in ((1, 16), (16, 32), (32, 64)):
        layers += [convolution(num_in, num_out, 3), nn.ReLU()]
        layers += [convolution(num_out, num_out, 3), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    layers[-1:] = [convolution(64, 16, 1), nn.AdaptiveAvgPool2d(1)]
    layers += [convolution(16, len(PATTERNS), 1), nn.Flatten()]
    return nn.Sequential(*layers)


def train(rule: Rule, recipe: Recipe, seed: int) -> nn.Sequential:
    """Train a network on maps that are made for it.

    The training is Adam on the mean cross-entropy, at a constant learning rate, and every epoch has an
    order of its own. It runs on the CPU, where the result depends on the arguments alone. The global
    generators do not change.

    Args:
        rule: rule by which maps are made.
        recipe: settings of the training.
        seed: seed of maps, initial weights and order.

    Returns:
        The network after the last step. Prasanna et al. 2020 train for 200 epochs on maps labelled by
        hand, and keep the epoch that is best on a fifth of them.

    Raises:
        ValueError: `recipe.size` is below SMALLEST or below a length of `rule`.
    """
    if recipe.size < SMALLEST:
        raise ValueError(f"size is {recipe.size}, allowed is {SMALLEST} and more")
    maps, classes = patterns.generate(rule, recipe.maps, np.random.default_rng(seed))
    images, labels = _images(maps, recipe.size), torch.from_numpy(classes)
    generator = torch.Generator().manual_seed(seed)
    with _threads(recipe.threads):
        network = build(generator)
        _lay_out_(network, torch.channels_last)  # a quarter faster
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
        for _ in range(recipe.epochs):
            order = torch.randperm(len(maps), generator=generator)
            for batch in torch.split(order, recipe.batch_size):
                loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        _lay_out_(network, torch.contiguous_format)  # safetensors needs it
    return network


def classify(network: nn.Module, maps: Sequence[Map], size: int) -> NDArray[np.int64]:
    """Classify every map.

    Args:
        network: a network on any device.
        maps: maps (tokens, tokens), of any lengths up to `size`.
        size: number of rows and columns that maps are padded to, the same as in training.

    Returns:
        Numbers of PATTERNS, (maps,).
    """
    place = next(network.parameters()).device
    classes = [np.zeros(0, np.int64)]
    with torch.inference_mode():
        for start in range(0, len(maps), MAPS_PER_BATCH):
            images = _images(maps[start : start + MAPS_PER_BATCH], size).to(place)
            classes.append(network(images).argmax(-1).cpu().numpy())
    return np.concatenate(classes)


def classify_heads(
    network: nn.Module,
    maps: Sequence[Sequence[NDArray[np.float32]]],
    heads: NDArray[np.bool_],
    size: int,
) -> NDArray[np.int64]:
    """Classify every head on every example; heads keep their places in the complete model.

    Args:
        network: a network on any device.
        maps: maps by example and layer, (heads of the layer, tokens, tokens).
        heads: (layers, heads), True for the heads of the complete model that exist.
        size: number of rows and columns that maps are padded to, the same as in training.

    Returns:
        Numbers of PATTERNS, (examples, layers, heads), or ABSENT if there is no head.

    Raises:
        ValueError: `maps` and `heads` differ in the numbers of heads by layer.
    """
    expected = heads.sum(-1).tolist()
    for example in maps:
        num_heads = [len(layer) for layer in example]
        if num_heads != expected:
            raise ValueError(f"layers have {num_heads} heads, expected are {expected}")
    flat = [attention for example in maps for layer in example for attention in layer]
    classes = np.full((len(maps), *heads.shape), patterns.ABSENT, np.int64)
    classes[:, heads] = classify(network, flat, size).reshape(len(maps), sum(expected))
    return classes


def confusion(
    network: nn.Module, maps: Sequence[Map], classes: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Count `maps`, which should not be those of the training, (5, 5), by true and predicted class."""
    predicted = classify(network, maps, size)
    counts: NDArray[np.int64] = confusion_matrix(classes, predicted, labels=range(len(PATTERNS)))
    return counts


def _images(maps: Sequence[Map], size: int) -> Tensor:
    """Pad the maps to images, (maps, 1, size, size)."""
    return torch.from_numpy(patterns.padded(maps, size))[:, None]


def _lay_out_(network: nn.Module, layout: torch.memory_format) -> None:
    """Order the values of the network's matrices in memory."""
    network.to(memory_format=layout)  # type: ignore[call-overload]


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch use `number` threads in a `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
