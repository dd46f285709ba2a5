"""Patterns of the attention of every head of a model, as networks find them on some examples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.files import Split
from stages.tickets.searches.attention import network as pattern_network
from stages.tickets.searches.attention.maps import Maps, attention_maps
from stages.tickets.training.batches import Rows

EXAMPLES_PER_BATCH = 16
"""All maps of a batch are in memory at once: 0.3 GB for bert-base with 128 tokens."""

Key = tuple[str, int]
"""Kind of map, `raw` or `normed`, and seed of the network."""
Classes = dict[Key, NDArray[np.int64]]
"""(examples, layers, heads), numbers of PATTERNS, ABSENT where the model has no such head."""


@dataclass(frozen=True)
class Networks:
    """Trained networks, and what they take."""

    by_key: Mapping[Key, nn.Module]
    size: int
    """What maps are padded to."""
    lengths: tuple[int, int]
    """Fewest and most tokens of an example."""

    def place_(self) -> None:
        """Move them to the device."""
        for network in self.by_key.values():
            network.to(device.device())


def draw(
    lengths: NDArray[np.int64],
    number: int,
    allowed: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Numbers of examples of an allowed length, in ascending order; all of them where too few.

    Args:
        lengths: of all examples, in tokens.
        number: how many to draw.
        allowed: fewest and most tokens.
        generator: of the draw.

    Raises:
        ValueError: there is no such example.

    Prasanna et al. 2020 draw 100, of at least as many tokens as the shortest labelled map had.
    """
    fewest, most = allowed
    there = np.flatnonzero((lengths >= fewest) & (lengths <= most))
    if len(there) == 0:
        raise ValueError(f"no example has {fewest} to {most} tokens")
    return np.sort(generator.choice(there, min(number, len(there)), replace=False))


def classify(
    model: PreTrainedModel,
    examples: Split,
    pad: int,
    heads: NDArray[np.bool_],
    networks: Networks,
) -> Classes:
    """The pattern of every head on every example, by every network on its kind of maps.

    Args:
        model: as transformers builds it, not placed by `models.place_`, which drops what the last layer
            need not compute; heads may have been removed from it.
        examples: of lengths that the networks take; their token types count.
        pad: id of the padding.
        heads: (layers, heads), the heads of the whole model that `model` has.
        networks: on the device.

    Prasanna et al. 2020, Sec. 6; their code leaves out the token types.
    """
    where = device.device()
    nn.Module.to(model, where)
    rows = Rows.of(examples, pad, where)
    order = np.argsort(examples.lengths, kind="stable")
    found: dict[Key, list[NDArray[np.int64]]] = {key: [] for key in networks.by_key}
    for start in range(0, len(order), EXAMPLES_PER_BATCH):
        batch = order[start : start + EXAMPLES_PER_BATCH]
        length = int(examples.lengths[batch].max())
        inputs, _ = rows.padded(torch.from_numpy(batch).to(where), length)
        raw, normed = attention_maps(model, inputs)
        kinds: dict[str, Maps] = {"raw": raw, "normed": normed}
        for key, network in networks.by_key.items():
            found[key].append(
                pattern_network.classify_heads(network, kinds[key[0]], heads, networks.size)
            )
    back = np.argsort(order, kind="stable")
    return {key: np.concatenate(parts)[back] for key, parts in found.items()}
