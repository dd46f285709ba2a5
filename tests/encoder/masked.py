"""A model with zeros in place of the heads and MLPs that `removal` cuts out, for comparisons."""

import numpy as np
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder.gates import layers_of
from stages.tickets.pruning.structure import Structure


def masked_(model: PreTrainedModel, structure: Structure) -> None:
    """Set to zero what `structure` drops: `model` keeps its shapes, and its output equals removal's.

    Zeros replace the columns of a dropped head in the attention's output matrix, all of that matrix
    and its bias in a layer without heads, and the output matrix and bias of a dropped MLP.
    """
    size = model.config.hidden_size // model.config.num_attention_heads
    layers = zip(layers_of(model), structure.heads, structure.mlps, strict=True)
    with torch.no_grad():
        for layer, heads, mlp in layers:
            dense = layer.get_submodule("attention.output.dense")
            dense.get_parameter("weight")[:, torch.from_numpy(np.repeat(~heads, size))] = 0
            if not heads.any():
                dense.get_parameter("bias").zero_()
            if not mlp:
                for parameter in layer.get_submodule("output.dense").parameters():
                    parameter.zero_()
