"""Cut dropped attention heads and MLPs out of a model, so that it is smaller and faster.

As in Prasanna et al. 2020, a head loses its rows of queries, keys and values and its columns of the
attention's output matrix. An attention without heads also loses its output bias. Residual paths and the
two LayerNorms of a layer stay, so a removed attention or MLP leaves the LayerNorm of its input.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from stages.tickets.encoder import checkpoint, pooling
from stages.tickets.pruning.structure import Structure


class NoHeads(nn.Module):
    """A replacement for a self-attention without heads, which returns its input."""

    def forward(self, states: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
        return states, None


class OnlyNorm(nn.Module):
    """A replacement for the output of a removed attention or MLP: LayerNorm of the residual path."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.LayerNorm = norm  # named as in a complete layer, so that weights keep their names

    def forward(self, _: Tensor, states: Tensor) -> Tensor:
        normalised: Tensor = self.LayerNorm(states)
        return normalised


def supported(config: PreTrainedConfig) -> bool:
    """Tell whether heads and MLPs can be removed: the model is an encoder built like BERT."""
    return config.model_type in checkpoint.BERTS and not getattr(config, "is_decoder", False)


def remove_(model: PreTrainedModel, structure: Structure) -> None:
    """Cut the heads and MLPs that `structure` drops out of `model`.

    Kept weights keep their values, but in new parameters, so an optimizer made before holds the old ones.
    If an attention loses all heads, its hooks are lost, but `device.place_` sets its own anew, and
    `output_attentions` shows nothing for that layer.

    Args:
        model: a classifier or masked language model, on any device, with all of its heads and MLPs.
        structure: kept heads (layers, heads) and MLPs (layers,).

    Raises:
        ValueError: the type of the model is not supported, `structure` is of another shape, or the model
            lacks heads or MLPs already. The model is then unchanged.

    Prasanna et al. 2020, Sec. 3. Masked and removed heads give the same output, with one difference: if
    a layer loses all heads, the masks of the paper leave its output bias in.
    """
    for layer, heads, mlp in _layers(model, structure):
        if not heads.any():
            layer.attention.self = NoHeads()
            layer.attention.output = OnlyNorm(layer.attention.output.LayerNorm)
        elif not heads.all():
            _keep_heads_(layer.attention, heads)
        if not mlp:
            layer.intermediate = nn.Identity()
            layer.output = OnlyNorm(layer.output.LayerNorm)


def build(
    config: PreTrainedConfig, structure: Structure, weights: Mapping[str, Tensor]
) -> PreTrainedModel:
    """Build a model without what `structure` drops, on the CPU, in evaluation mode.

    Nothing is drawn, so the global generator does not change.

    Args:
        config: configuration of the complete model; `architectures` names its class, which is of
            transformers or `pooling`.
        structure: kept heads and MLPs.
        weights: all parameters of the smaller model by name, tied ones under any of their names.

    Raises:
        ValueError: there is no such class, its type is not supported, or names or shapes of `weights` are
            not those of the model.
    """
    name = config.architectures[0] if config.architectures else ""
    model_class = getattr(transformers, name, None) or getattr(pooling, name, None)
    if not (isinstance(model_class, type) and issubclass(model_class, PreTrainedModel)):
        raise ValueError(f"architectures is {config.architectures}, of which transformers has none")
    with torch.random.fork_rng(devices=[]):
        model: PreTrainedModel = model_class(config)
    remove_(model, structure)
    state = model.state_dict(keep_vars=True)  # a tied parameter has several names
    for name, weight in weights.items():
        if name not in state or state[name].shape != weight.shape:
            wanted = tuple(state[name].shape) if name in state else None
            raise ValueError(
                f"{name!r} has shape {tuple(weight.shape)}, but the model's is {wanted}"
            )
    given = {id(state[name]) for name in weights}
    missing = [name for name, parameter in state.items() if id(parameter) not in given]
    if missing:
        raise ValueError(f"there is no {missing[0]!r} among the weights")
    if config.dtype is not None:
        nn.Module.to(model, config.dtype)
    model.load_state_dict(weights, strict=False)
    return model.train(mode=False)  # type: ignore[no-any-return]


def num_parameters(config: PreTrainedConfig, structure: Structure) -> int:
    """Count the kept prunable parameters, as Prasanna et al. 2020 do.

    A head has its rows of queries, keys and values with their biases and its columns of the output
    matrix; a layer with any head has the output bias; an MLP has two matrices with their biases. In
    bert-base a head has 196,800, a layer with heads 768, an MLP 4,722,432, and all have 85,017,600.

    Args:
        config: configuration of the complete model.
        structure: kept heads and MLPs.

    Raises:
        ValueError: the type is not supported, or `structure` is of another shape.
    """
    _check(config, structure)
    hidden, mlp = int(config.hidden_size), int(config.intermediate_size)
    size = hidden // int(config.num_attention_heads)
    of_head = 3 * (hidden * size + size) + size * hidden
    of_mlp = (hidden * mlp + mlp) + (mlp * hidden + hidden)
    num_biases = int(np.count_nonzero(structure.heads.any(axis=1)))
    return of_head * structure.num_heads + hidden * num_biases + of_mlp * structure.num_mlps


def _check(config: PreTrainedConfig, structure: Structure) -> None:
    if not supported(config):
        raise ValueError(
            f"heads and MLPs of a {config.model_type!r} cannot be removed, allowed are encoders of the "
            f"types {', '.join(checkpoint.BERTS)}"
        )
    wanted = (config.num_hidden_layers, config.num_attention_heads)
    if structure.heads.shape != wanted or structure.mlps.shape != wanted[:1]:
        raise ValueError(
            f"heads and MLPs have shapes {structure.heads.shape} and {structure.mlps.shape}, "
            f"but the model's are {wanted} and {wanted[:1]}"
        )


def _layers(
    model: PreTrainedModel, structure: Structure
) -> list[tuple[Any, NDArray[np.bool_], np.bool_]]:
    """List complete layers, each with its kept heads, (heads,), and whether its MLP is kept."""
    _check(model.config, structure)
    layers = list(model.base_model.encoder.layer)  # type: ignore[union-attr,arg-type]
    for number, layer in enumerate(layers):
        attention = layer.attention.self
        has_all_heads = (
            getattr(attention, "num_attention_heads", 0) == model.config.num_attention_heads
        )
        if not has_all_heads or isinstance(layer.output, OnlyNorm):
            raise ValueError(f"layer {number} lacks heads or its MLP already")
    return list(zip(layers, structure.heads, structure.mlps, strict=True))


def _rows(attention: Any, heads: NDArray[np.bool_], where: torch.device) -> Tensor:  # noqa: ANN401
    """Return the numbers of the rows of queries, keys and values, and output columns, of `heads`."""
    rows = np.flatnonzero(np.repeat(heads, attention.attention_head_size))
    return torch.from_numpy(rows).to(where)


def _keep_heads_(attention: Any, heads: NDArray[np.bool_]) -> None:  # noqa: ANN401
    """Cut all heads but `heads`, of which there is at least one, out of an attention."""
    own, dense = attention.self, attention.output.dense
    kept = _rows(own, heads, dense.weight.device)
    for linear in (own.query, own.key, own.value):
        linear.weight = _cut(linear.weight, 0, kept)
        linear.bias = _cut(linear.bias, 0, kept)
        linear.out_features = len(kept)
    dense.weight = _cut(dense.weight, 1, kept)
    dense.in_features = len(kept)
    own.num_attention_heads = int(np.count_nonzero(heads))
    own.all_head_size = len(kept)


def _cut(parameter: nn.Parameter, dim: int, kept: Tensor) -> nn.Parameter:
    return nn.Parameter(parameter.detach().index_select(dim, kept), parameter.requires_grad)
