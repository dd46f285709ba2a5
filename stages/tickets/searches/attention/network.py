"""A small network that tells the patterns of attention maps apart."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch import Tensor, nn

from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.patterns import PATTERNS, Map, Rule

SMALLEST = 32
"""The least rows and columns that leave one of each after the last convolution."""
MAPS_PER_BATCH = 256
"""Maps that are classified together, without gradients."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    maps: int
    """Number of maps, which are made once for all epochs."""
    size: int
    """Rows and columns that maps are padded to, at least SMALLEST."""
    epochs: int
    batch_size: int
    learning_rate: float
    threads: int
    """Threads of torch on the CPU; results depend on it in the last digits."""


@dataclass(frozen=True)
class Quality:
    """How well a network recognises maps whose class is known."""

    confusion: NDArray[np.int64]
    """(5, 5), numbers of maps by true class (rows) and by predicted class (columns)."""
    accuracy: float
    macro_f1: float
    """Mean of the F1 scores of the five classes; 0 for a class that is never predicted."""


def build(generator: torch.Generator) -> nn.Sequential:
    """Six 3x3 convolutions without padding, pooled after each pair but the last, and two 1x1.

    Weights are Xavier-normal and biases zero, as in the code of Prasanna et al. 2020. The network takes
    (maps, 1, size, size) with a size of at least SMALLEST, and gives logits (maps, 5).

    Args:
        generator: draws the weights, on the CPU; torch's global one is not used.
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
    """A network trained on maps that are made for it.

    The training is Adam on the mean cross-entropy, at a constant learning rate, and every epoch has an
    order of its own. It runs on the CPU, where the result depends on the arguments alone, and leaves the
    global generators as they were.

    Args:
        rule: how the maps are made.
        recipe: how to train.
        seed: seeds maps, initial weights and order.

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
        _lay_out_(network, torch.contiguous_format)  # as safetensors wants it
    return network


def classify(network: nn.Module, maps: Sequence[Map], size: int) -> NDArray[np.int64]:
    """The class of every map.

    Args:
        network: on any device.
        maps: (tokens, tokens) each, of any lengths up to `size`.
        size: what maps are padded to, as for training.

    Returns:
        (maps,), numbers of PATTERNS.
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
    """The class of every head on every example, in the place that the head had in the whole model.

    Args:
        network: on any device.
        maps: by example and layer, (heads of the layer, tokens, tokens).
        heads: (layers, heads), which heads of the whole model there are.
        size: what maps are padded to, as for training.

    Returns:
        (examples, layers, heads), numbers of PATTERNS, or ABSENT if there is no head.

    Raises:
        ValueError: the layers of `maps` have other numbers of heads than `heads`.
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


def evaluate(
    network: nn.Module, maps: Sequence[Map], classes: NDArray[np.int64], size: int
) -> Quality:
    """Compare predictions with the classes of `maps`, none of which should be from the training."""
    predicted, numbers = classify(network, maps, size), range(len(PATTERNS))
    return Quality(
        confusion_matrix(classes, predicted, labels=numbers),
        float(accuracy_score(classes, predicted)),
        float(f1_score(classes, predicted, labels=numbers, average="macro", zero_division=0)),
    )


def _images(maps: Sequence[Map], size: int) -> Tensor:
    """The maps as images, (maps, 1, size, size)."""
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
