"""Forms of a trained model: lower precision, zeros, and without the heads and MLPs that are dropped."""

import copy
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from stages.tickets.encoder import removal
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import load_weights_, prunable_parameters
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure


def bf16(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy whose weights and activations have bfloat16, with 8 bits of mantissa for 24.

    A classifier on means of tokens, which are taken in float32, stays as it is.
    """
    made: PreTrainedModel = copy.deepcopy(model).train(mode=False)
    nn.Module.to(made, torch.bfloat16)
    if isinstance(made, PooledClassifier):
        nn.Module.to(made.classifier, torch.float32)
    made.config.dtype = torch.bfloat16
    return made


def int8(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy in which torch has quantized every linear layer: 8 bits, on the CPU alone.

    Weights are whole numbers times one scale per matrix. Activations become whole numbers batch by
    batch, with the range of the batch, so what else is in a batch moves a prediction a little. Torch
    calls this deprecated in favour of torchao, but has it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: PreTrainedModel = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            copy.deepcopy(model).train(mode=False), {nn.Linear}, dtype=torch.qint8
        )
    return made


PRECISIONS: Mapping[str, Callable[[PreTrainedModel], PreTrainedModel]] = {
    "bf16": bf16,
    "int8": int8,
}
"""Ways to run a trained model in lower precision, by the names of `sizes.lower.precisions`."""


def with_zeros(
    model: PreTrainedModel, encoder: Encoder, mask: Mask, weights: Path | None = None
) -> PreTrainedModel:
    """Return a copy in which the weights that a mask drops are 0; time and memory stay the same.

    Args:
        model: model of a task.
        encoder: theta_0.
        mask: survivors, bool, by name in the base model.
        weights: file of the weights to take, as `save_weights` wrote it; None for those of `model`.
    """
    made: PreTrainedModel = copy.deepcopy(model).train(mode=False)
    if weights:
        load_weights_(made, encoder, weights)
    with torch.no_grad():
        for name, parameter in prunable_parameters(made, encoder).items():
            parameter.mul_(torch.from_numpy(mask[name]))
    return made


def without(model: PreTrainedModel, structure: Structure) -> PreTrainedModel:
    """Return a copy without the heads and MLPs that a structure drops."""
    made: PreTrainedModel = copy.deepcopy(model).train(mode=False)
    removal.remove_(made, structure)
    return made
