"""An encoder made linear, through which synaptic flow is conserved.

BERT itself conserves no flow: LayerNorm undoes any scale, softmax any shift, and GELU and tanh are not
homogeneous. So here the embeddings are bypassed by a vector of ones, every weight is its magnitude,
biases are left out, LayerNorm multiplies by the magnitude of its weight, and GELU, tanh and dropout
pass on what they get. One token is enough, since attention averages equal tokens. R is the sum over the
pooler, or over the last layer if the encoder brings no pooler; a classifier is no part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.at_start.flow import Total
from stages.tickets.encoder import checkpoint, device
from stages.tickets.settings import UserError

Attention = Literal["third", "exclude"]
QUERY, KEY, VALUE = (f"attention.self.{name}.weight" for name in ("query", "key", "value"))
OUT = "attention.output.dense.weight"
FIRST, SECOND = "intermediate.dense.weight", "output.dense.weight"
NORMS = "attention.output.LayerNorm.weight", "output.LayerNorm.weight"
POOLER = "pooler.dense.weight"


@dataclass(frozen=True)
class Linear:
    """The network of the flow, as a function of the magnitudes of the prunable matrices."""

    layers: tuple[str, ...]
    """Beginnings of the names of all parameters of a layer, such as `encoder.layer.0.`, in order."""
    norms: tuple[tuple[Tensor, Tensor], ...]
    """Magnitudes of the weights of the two LayerNorms of each layer, float64, (hidden,)."""
    heads: int
    """Number of heads in each layer."""
    attention: Attention
    """third: a head passes on its values times a gate of the value 1, the product of its queries and
    keys over itself, and each of the three gets a third of the gradient, so that their scores together
    are those of the output. exclude: queries and keys are no part of the flow, since the softmax of
    equal tokens does not depend on them."""
    skips: Tensor
    """Factors of the two residual connections of each layer, float64, (layers, 2): 1 as in BERT, 0 for
    a chain of matrices. A connection is an edge of the network that is never pruned."""

    def __call__(self, weights: Mapping[str, Tensor]) -> Total:
        """Compute R.

        After every layer the states are divided by their mean, which multiplies all scores by the same
        number, since all paths pass each LayerNorm; so R cannot leave the range of float64.

        Args:
            weights: magnitudes by name, float64; the pooler may be missing.
        """
        states, exponent = torch.ones_like(self.norms[0][0]), 0.0
        for layer, norms, skips in zip(self.layers, self.norms, self.skips, strict=True):
            attended = weights[layer + OUT] @ self._context(weights, layer, states)
            states = (attended + skips[0] * states) * norms[0]
            read = weights[layer + SECOND] @ (weights[layer + FIRST] @ states)
            states = (read + skips[1] * states) * norms[1]
            scale = states.detach().mean()
            if scale > 0:
                states = states / scale
                exponent += float(scale.log10())
        pooled = weights[POOLER] @ states if POOLER in weights else states
        return Total(pooled.sum(), exponent)

    def _context(self, weights: Mapping[str, Tensor], layer: str, states: Tensor) -> Tensor:
        values = weights[layer + VALUE] @ states
        if self.attention == "exclude":
            return values
        queries, keys = weights[layer + QUERY] @ states, weights[layer + KEY] @ states
        by_head = [third(part).reshape(self.heads, -1) for part in (queries, keys, values)]
        queries, keys, values = by_head
        products = (queries * keys).sum(-1, keepdim=True)
        # A head without queries or keys has the product 0, and passes on nothing.
        constant = products.detach()
        gates: Tensor = products / constant.where(constant > 0, 1)
        return (gates * values).flatten()


def third(values: Tensor) -> Tensor:
    """Return the values with a third of their gradient."""
    return values / 3 + (2 * values / 3).detach()


def supported(model: PreTrainedModel) -> bool:
    """Tell whether `made_linear` knows the architecture of a model."""
    return model.config.model_type in checkpoint.BERTS


def made_linear(model: PreTrainedModel, attention: Attention, residual: bool) -> Linear:
    """Return the network of the flow through the layers and the pooler of a model.

    Args:
        model: a model built like BERT.
        attention: how queries and keys take part, see `Linear`.
        residual: whether residual connections are kept.

    Raises:
        UserError: the model is not built like BERT.
    """
    if not supported(model):
        raise UserError(
            f"synaptic flow is not defined for an encoder of the type {model.config.model_type!r}, "
            f"allowed are {', '.join(checkpoint.BERTS)}; leave synflow out of at_initialisation.masks"
        )
    where = device.device()
    names = tuple(f"encoder.layer.{layer}." for layer in range(model.config.num_hidden_layers))
    body = dict(model.base_model.named_parameters())
    norms = [
        tuple(body[layer + norm].detach().abs().double().to(where) for norm in NORMS)
        for layer in names
    ]
    skips = torch.full((len(names), 2), float(residual), dtype=torch.float64, device=where)
    return Linear(
        names,
        tuple((first, second) for first, second in norms),
        model.config.num_attention_heads,
        attention,
        skips,
    )


def paths(network: Linear) -> Linear:
    """Return the network whose R, for weights of 0 and 1, is above 0 if a path leads to the output.

    A path goes through kept weights and residual connections. A head without queries or keys attends to
    all tokens alike, so it passes on its values.
    """
    ones = tuple(
        (torch.ones_like(first), torch.ones_like(second)) for first, second in network.norms
    )
    return replace(network, norms=ones, attention="exclude")
