"""Classify the attention of every head of a model by networks, on some examples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.files import Arrays, Split
from stages.tickets.searches.attention import network as pattern_network
from stages.tickets.searches.attention.maps import Maps, attention_maps
from stages.tickets.settings import ParamsError
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows

EXAMPLES_PER_BATCH = 16
"""Examples per batch, whose maps are in memory at once: 0.3 GB for bert-base with 128 tokens."""

Key = tuple[str, int]
"""Kind of map (one of MAPS), and seed of the network."""
Classes = dict[Key, NDArray[np.int64]]
"""Numbers of PATTERNS, (examples, layers, heads), by network; ABSENT if the model lacks the head."""


@dataclass(frozen=True)
class Networks:
    """Trained networks, and the limits on the maps and examples that they take."""

    by_key: Mapping[Key, nn.Module]
    size: int
    """Number of rows and columns that maps are padded to."""
    lengths: tuple[int, int]
    """Fewest and most tokens of an example."""


def networks(weights: Mapping[Key, Arrays], size: int, lengths: tuple[int, int]) -> Networks:
    """Build networks with the given weights, on the device."""
    by_key: dict[Key, nn.Module] = {}
    for key, arrays in weights.items():
        by_key[key] = pattern_network.build(torch.Generator())
        by_key[key].load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})
        by_key[key].to(device.device())
    return Networks(by_key, size, lengths)


def examples_of(prepared: Prepared, split: str, number: int, allowed: tuple[int, int]) -> Split:
    """Draw examples of one split, the same for all models of a task.

    Args:
        prepared: task and data.
        split: name of an evaluated split.
        number: number of examples to draw, see `draw`.
        allowed: fewest and most tokens.

    Raises:
        ParamsError: no example has an allowed length.
    """
    examples, name = prepared.evaluated[split], prepared.task.name
    generator = np.random.default_rng(stable_seed("patterns", name, split))
    try:
        return tasks.take(examples, draw(examples.lengths, number, allowed, generator))
    except ValueError as error:
        raise ParamsError(
            f"patterns.network.lengths is {list(allowed)}, but {error} in {split} of {name!r}"
        ) from None


def draw(
    lengths: NDArray[np.int64],
    number: int,
    allowed: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw examples of an allowed length; take all of these if there are fewer than `number`.

    Args:
        lengths: numbers of tokens of every example, (examples,).
        number: number of examples to draw.
        allowed: fewest and most tokens.
        generator: draws the examples.

    Returns:
        Numbers of examples in ascending order.

    Raises:
        ValueError: no example has an allowed length.

    Prasanna et al. 2020 draw 100, with at least as many tokens as the shortest labelled map had.
    """
    fewest, most = allowed
    usable = np.flatnonzero((lengths >= fewest) & (lengths <= most))
    if len(usable) == 0:
        raise ValueError(f"no example has {fewest} to {most} tokens")
    return np.sort(generator.choice(usable, min(number, len(usable)), replace=False))


def classify(
    model: PreTrainedModel,
    examples: Split,
    pad: int,
    heads: NDArray[np.bool_],
    networks: Networks,
) -> Classes:
    """Classify every head on every example, by every network on its kind of maps.

    Args:
        model: a model of transformers, from which heads may have been removed. `device.place_` must not
            have placed it, since the last layer would then leave out most tokens.
        examples: examples of lengths that the networks take; their token types count.
        pad: id of the padding.
        heads: (layers, heads), True for the heads of the complete model that `model` still has.
        networks: networks on the device.

    Prasanna et al. 2020, Sec. 6; their code leaves out the token types.
    """
    place = device.device()
    nn.Module.to(model, place)
    rows = Rows.of(examples, pad, place)
    order = np.argsort(examples.lengths, kind="stable")
    classes: dict[Key, list[NDArray[np.int64]]] = {key: [] for key in networks.by_key}
    for start in range(0, len(order), EXAMPLES_PER_BATCH):
        batch = order[start : start + EXAMPLES_PER_BATCH]
        length = int(examples.lengths[batch].max())
        inputs, _ = rows.padded(torch.from_numpy(batch).to(place), length)
        raw, normed = attention_maps(model, inputs)
        kinds: dict[str, Maps] = {"raw": raw, "normed": normed}
        for key, network in networks.by_key.items():
            classes[key].append(
                pattern_network.classify_heads(network, kinds[key[0]], heads, networks.size)
            )
    back = np.argsort(order, kind="stable")
    return {key: np.concatenate(parts)[back] for key, parts in classes.items()}
