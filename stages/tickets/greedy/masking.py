"""Channels of a complete model that are multiplied by zero, and may change while it trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import gates
from stages.tickets.pruning.channels import Channels

Part = Literal["heads", "neurons"]


@dataclass(frozen=True)
class Site:
    """All heads or all neurons of a layer."""

    layer: int
    part: Part


def sites(num_layers: int) -> list[Site]:
    """List the sites of a model from its input on: heads of layer 0, neurons of layer 0, and so on."""
    return [Site(layer, part) for layer in range(num_layers) for part in ("heads", "neurons")]


def module_of(model: PreTrainedModel, site: Site) -> nn.Module:
    """Return the linear module whose inputs are the channels of a site.

    For heads it is the output matrix of the attention, for neurons the second matrix of the MLP, which
    comes after the activation function.

    Raises:
        ValueError: the model is not built like BERT.
    """
    layer = gates.layers_of(model)[site.layer]
    name = "attention.output.dense" if site.part == "heads" else "output.dense"
    return layer.get_submodule(name)


def kept_at(channels: Channels, site: Site) -> NDArray[np.bool_]:
    """Return the kept channels of a site, (channels,), as a view that may change in place."""
    kept: NDArray[np.bool_] = getattr(channels, site.part)[site.layer]
    return kept


@contextmanager
def masked(model: PreTrainedModel, channels: Channels) -> Iterator[Channels]:
    """Multiply the dropped channels of `model` by zero in a `with` block.

    Args:
        model: a complete model.
        channels: kept at first.

    Yields:
        The channels, as arrays that may change in place, which counts from the next pass on.
    """
    live = Channels(channels.heads.copy(), channels.neurons.copy())

    def multiply(site: Site, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        kept = kept_at(live, site)
        if kept.all():
            return None
        values = given[0]  # (examples, tokens, channels * columns of a channel)
        factors = torch.from_numpy(kept.copy()).to(values.device, values.dtype)
        return (values * factors.repeat_interleave(values.shape[-1] // len(kept)), *given[1:])

    hooks = [
        module_of(model, site).register_forward_pre_hook(partial(multiply, site))
        for site in sites(len(channels.heads))
    ]
    try:
        yield live
    finally:
        for each in hooks:
            each.remove()
