"""Quantizers on a model: the linear modules of its layers and of a pooler, and maybe its embeddings.

LayerNorms, the softmax of attention, biases and the classifier stay in floats. Modules change their class
and keep their parameters, names and hooks, so trainings, predictions, files of weights and masks of
channels work as on a model without quantizers.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.quantized.bits import Bits
from stages.tickets.quantized.quantizers import Fixed, Mode, Rows, Values
from stages.tickets.settings.quantized import FULL
from stages.tickets.training.objective import ModelBatch


class QuantizedLinear(nn.Linear):
    """A linear module whose weights and inputs are rounded in every pass."""

    rows: Rows | None
    values: Values | Fixed | None

    def forward(self, states: Tensor) -> Tensor:
        # For others, torch chooses between two kernels by whether weights have gradients.
        given = states.contiguous() if self.values is None else self.values(states)
        weight = self.weight if self.rows is None else self.rows(self.weight)
        return nn.functional.linear(given, weight, self.bias)


class QuantizedEmbedding(nn.Embedding):
    """A table whose rows are rounded when they are looked up; its padding is a row like others."""

    rows: Rows

    def forward(self, numbers: Tensor) -> Tensor:
        made: Tensor = self.rows(self.weight, numbers)
        return made


MODE = "_mode_of_quantizers"
"""Attribute of a model with the `Mode` of its quantizers."""
HOOK = "_hook_of_quantizers"


def attach_(model: PreTrainedModel, bits: Bits, whole_shifts: bool = False) -> None:
    """Put quantizers on a model; weights have their ranges then, activations after `calibrate_`.

    Nothing is put where there are 32 bits, so such a model computes the same bits as before.

    Args:
        model: complete or compact, without quantizers, on any device.
        bits: of every number.
        whole_shifts: take powers of two as scales.

    Raises:
        ValueError: the model has quantizers already.
    """
    if MODE in vars(model):
        raise ValueError(f"{type(model).__name__} has quantizers already")
    mode = Mode()
    for module in linears(model).values():
        if bits.weights == bits.activations == FULL or not module.weight.numel():
            continue
        weight = module.weight
        module.__class__ = QuantizedLinear
        quantized: Any = module
        quantized.rows = quantized.values = None
        if bits.weights != FULL:
            quantized.rows = Rows(mode, bits.weights, whole_shifts, weight)
        if bits.activations != FULL:
            quantized.values = Values(mode, bits.activations, whole_shifts, weight.new_zeros(()))
    if bits.embeddings != FULL:
        for table in embeddings(model).values():
            rows = Rows(mode, bits.embeddings, whole_shifts, table.weight)
            table.__class__ = QuantizedEmbedding
            table.rows = rows

    vars(model)[MODE] = mode
    vars(model)[HOOK] = model.register_forward_pre_hook(_see_padding, with_kwargs=True)


def attach_fixed_(model: PreTrainedModel, grids: Mapping[str, Fixed]) -> None:
    """Put grids of activations on a model whose weights have been rounded.

    Args:
        model: without quantizers.
        grids: by name of the linear module in `model`; others take their inputs as they are.
    """
    for name, module in linears(model).items():
        module.__class__ = QuantizedLinear
        quantized: Any = module
        quantized.rows, quantized.values = None, grids.get(f"{model.base_model_prefix}.{name}")


def _see_padding(model: nn.Module, _: object, inputs: dict[str, Any]) -> None:
    there = inputs.get("attention_mask")  # (examples, tokens), or with two axes of 1 between
    mode: Mode = vars(model)[MODE]  # of this model, which may be a copy
    mode.there = None if there is None else there.reshape(len(there), -1).bool()


def detach_(model: PreTrainedModel) -> None:
    """Take the quantizers of a model off; its weights are those that were rounded in every pass."""
    for module in model.modules():
        if isinstance(module, QuantizedLinear):
            del module.rows, module.values
            setattr(module, "__class__", nn.Linear)  # noqa: B010  mypy takes it for narrower
        elif isinstance(module, QuantizedEmbedding):
            del module.rows
            setattr(module, "__class__", nn.Embedding)  # noqa: B010
    vars(model).pop(HOOK).remove()
    del vars(model)[MODE]


def mode_of(model: PreTrainedModel) -> Mode:
    """Return what the quantizers of a model do, to change it."""
    mode: Mode = vars(model)[MODE]
    return mode


def linears(model: PreTrainedModel) -> dict[str, nn.Linear]:
    """Return the linear modules of the layers and of a pooler, by name in the base model."""
    names = (name.removesuffix(".weight") for name in theta.prunable_names(model.base_model))
    modules = {name: model.base_model.get_submodule(name) for name in names}
    return {name: module for name, module in modules.items() if isinstance(module, nn.Linear)}


def embeddings(model: PreTrainedModel) -> dict[str, nn.Embedding]:
    """Return all tables of the base model, of words, positions and types, by name in it."""
    modules = model.base_model.named_modules()
    return {name: module for name, module in modules if isinstance(module, nn.Embedding)}


@contextmanager
def following(model: PreTrainedModel) -> Iterator[Mode]:
    """Let ranges follow what trainings compute in a `with` block, or until the mode says otherwise."""
    mode = mode_of(model)
    mode.follows = True
    try:
        yield mode
    finally:
        mode.follows = False


def calibrate_(model: PreTrainedModel, given: Iterable[ModelBatch]) -> None:
    """Let all ranges see batches, on which the model computes in floats.

    Args:
        model: with quantizers, in the mode of evaluation, see `objective.batches`.
        given: batches of this model; each counts alike.
    """
    mode = mode_of(model)
    mode.calibrates = True
    try:
        with torch.no_grad():
            for batch in given:
                batch.logits({})
    finally:
        mode.calibrates = False
