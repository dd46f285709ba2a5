"""Gates on attention heads and MLPs: 1 keeps an element, 0 drops it; a loss has gradients in gates.

A head's gate multiplies its part of the context, before the attention's output matrix; an MLP's gate
multiplies its output with the bias, before the residual sum (Prasanna et al. 2020, Sec. 3; Michel et al.
2019). A closed gate gives the same output as removal: a layer whose heads are all dropped also loses the
bias of its attention's output.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from stages.tickets.encoder import checkpoint
from stages.tickets.pruning.structure import Structure


@dataclass(frozen=True)
class Gates:
    """Gates as leaves with gradients, (layers, heads) and (layers,); by example, examples come first."""

    heads: Tensor
    mlps: Tensor


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """Return the layers of a model that is built like BERT.

    Raises:
        ValueError: the model is not built like BERT.
    """
    if model.config.model_type not in checkpoint.BERTS:
        raise ValueError(
            f"heads and MLPs of a {model.config.model_type!r} cannot be dropped, allowed are "
            + ", ".join(checkpoint.BERTS)
        )
    layers = model.base_model.encoder.layer  # type: ignore[union-attr]
    assert isinstance(layers, nn.ModuleList)
    return layers


@contextmanager
def gated(
    model: PreTrainedModel,
    structure: Structure,
    num_examples: int | None = None,
    keep_bias: bool = False,
) -> Iterator[Gates]:
    """Put the gates of `structure` into `model` for a `with` block.

    Args:
        model: on its device, with all of its heads.
        structure: heads and MLPs whose gates are 1.
        num_examples: number of examples in each batch, for a gate per example; None for shared gates.
        keep_bias: a layer without heads keeps its output bias, as if attention scores were masked.

    Yields:
        The gates.

    Raises:
        ValueError: `structure` and the model differ in shape.
    """
    layers = layers_of(model)
    num_heads = model.config.num_attention_heads
    if structure.heads.shape != (len(layers), num_heads):
        raise ValueError(
            f"got heads of shape {structure.heads.shape}, the model's is {(len(layers), num_heads)}"
        )
    where = next(model.parameters()).device
    gates = Gates(*(_leaf(kept, num_examples, where) for kept in (structure.heads, structure.mlps)))
    hooks: list[RemovableHandle] = []
    for number, layer in enumerate(layers):
        out = layer.get_submodule("attention.output.dense")
        mlp = layer.get_submodule("output.dense")
        hooks.append(out.register_forward_pre_hook(_on_context(gates.heads, number)))
        if not keep_bias and not structure.heads[number].any():
            hooks.append(out.register_forward_hook(lambda *call: torch.zeros_like(call[2])))
        hooks.append(mlp.register_forward_hook(_on_output(gates.mlps, number)))
    try:
        yield gates
    finally:
        for hook in hooks:
            hook.remove()


def _leaf(kept: NDArray[np.bool_], num_examples: int | None, where: torch.device) -> Tensor:
    gate = torch.from_numpy(kept).to(where, torch.float32)
    if num_examples is not None:
        gate = gate.repeat(num_examples, *[1] * gate.ndim)
    return gate.requires_grad_()


def _on_context(heads: Tensor, layer: int) -> Callable[..., tuple[Tensor, ...]]:
    def hook(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        context = given[0]  # (examples, tokens, hidden)
        gate = heads[..., layer, :]
        by_head = context.unflatten(-1, (gate.shape[-1], -1))  # type: ignore[no-untyped-call]
        gate = gate[:, None, :, None] if gate.ndim == 2 else gate[:, None]
        return ((by_head * gate).flatten(-2), *given[1:])

    return hook


def _on_output(mlps: Tensor, layer: int) -> Callable[..., Tensor]:
    def hook(_: nn.Module, __: object, output: Tensor) -> Tensor:
        gate = mlps[..., layer]
        return output * (gate[:, None, None] if gate.ndim else gate)

    return hook
