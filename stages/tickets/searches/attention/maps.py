"""Attention maps of a model that is built like BERT: raw, and weighted by norms of values."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder.gates import layers_of

Maps = list[list[NDArray[np.float32]]]
"""Maps by example and layer, (heads of the layer, tokens, tokens); row i is the attention of token i."""


def attention_maps(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> tuple[Maps, Maps]:
    """Compute the maps of every head on every example of one batch, between real tokens alone.

    Raw maps hold alpha_ij, in rows of sum 1. Normed maps hold ||alpha_ij f(x_j)||; `transformed` is f.
    Dropout is off. The model does not change, nor does its kind of attention or its mode.

    Args:
        model: on its device. Heads may have been removed from it, even all heads of a layer; heads
            behind closed gates have maps like all others.
        inputs: `input_ids` and `attention_mask`, (examples, tokens), the mask 1 or True at real tokens;
            and `token_type_ids` if the model has several types, else a pair would be read as one text.

    Returns:
        The raw maps and the normed maps.

    Raises:
        ValueError: the model is not built like BERT, or one of the inputs is missing.

    Kobayashi et al. 2020, Sec. 3; Prasanna et al. 2020, whose code leaves out the token types.
    """
    taken = _taken(model, inputs)
    raw: dict[int, Tensor] = {}
    normed: dict[int, Tensor] = {}

    def note(number: int, layer: nn.Module) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
            raw[number] = output[1]  # (examples, heads, tokens, tokens)
            heads = range(num_heads(model, layer))
            norms = [transformed(model, layer, given[0], head).norm(dim=-1) for head in heads]
            normed[number] = output[1] * torch.stack(norms, 1)[:, :, None]

        return hook

    layers = layers_of(model)
    kind, training = model.config._attn_implementation, model.training
    hooks = [
        layer.get_submodule("attention.self").register_forward_hook(note(number, layer))
        for number, layer in enumerate(layers)
        if num_heads(model, layer)
    ]
    try:
        model.set_attn_implementation("eager")  # fused attention does not return its weights
        with torch.inference_mode():
            model.train(mode=False)(**taken)
    finally:
        model.train(training)
        model.set_attn_implementation(kind)
        for handle in hooks:
            handle.remove()
    return _cut(raw, len(layers), taken), _cut(normed, len(layers), taken)


def num_heads(model: PreTrainedModel, layer: nn.Module) -> int:
    """Count the heads that a layer still has, by the rows of its value matrix; 0 without a matrix."""
    try:
        value = layer.get_parameter("attention.self.value.weight")
    except AttributeError:
        return 0
    return len(value) // _head_size(model)


def transformed(model: PreTrainedModel, layer: nn.Module, states: Tensor, head: int) -> Tensor:
    """Compute f(x) = (x W_V + b_V) W_O of a head: what a token passes on if it gets all attention.

    W_O holds the columns of the attention's output matrix (out, in) that multiply the head's values. The
    code of Prasanna et al. 2020 takes rows instead, which mixes the heads. The output bias belongs to
    no head and is left out.

    Args:
        model: the model of the layer.
        layer: a layer with at least head + 1 heads.
        states: inputs of the layer, (examples, tokens, hidden).
        head: number of the head among those that the layer still has, from 0.

    Returns:
        Transformed values, (examples, tokens, hidden).
    """
    size = _head_size(model)
    own = slice(head * size, (head + 1) * size)
    value = layer.get_parameter("attention.self.value.weight")
    bias = layer.get_parameter("attention.self.value.bias")
    output = layer.get_parameter("attention.output.dense.weight")
    values = nn.functional.linear(states, value[own], bias[own])
    return nn.functional.linear(values, output[:, own])


def _head_size(model: PreTrainedModel) -> int:
    """Return the size of a head, which does not change if other heads are removed."""
    return int(model.config.hidden_size // model.config.num_attention_heads)


def _taken(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Choose the inputs that the model takes, on its device, with a mask for eager attention."""
    names = ["input_ids", "attention_mask"]
    if getattr(model.config, "type_vocab_size", 0) > 1:
        names.append("token_type_ids")
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ValueError(f"inputs lack {', '.join(missing)}, got {', '.join(sorted(inputs))}")
    return {name: inputs[name].to(model.device) for name in names}


def _cut(maps: Mapping[int, Tensor], num_layers: int, inputs: Mapping[str, Tensor]) -> Maps:
    """Keep the rows and columns of real tokens, by example and layer."""
    is_real = inputs["attention_mask"].bool().cpu().numpy()
    none = np.zeros((len(is_real), 0, is_real.shape[1], is_real.shape[1]), np.float32)
    layers = [
        maps[number].float().cpu().numpy() if number in maps else none
        for number in range(num_layers)
    ]
    return [
        [layer[example][:, real][:, :, real] for layer in layers]
        for example, real in enumerate(is_real)
    ]
