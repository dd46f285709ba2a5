"""What the file of a model holds: its tensors, each as it is or packed, and how many bytes they take.

All forms of a model are counted in one way: every parameter, embeddings and classifier too, in one file
of safetensors, tied ones once. What is packed is several tensors, and an entry says how they are read.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets import output
from stages.tickets.encoder import parameters
from stages.tickets.pruning.masks import Mask
from stages.tickets.sizes.packed_model import ENTRIES, GRID

DYNAMIC = torch.ao.nn.quantized.dynamic.Linear
"""Linear layers of torch whose weights are whole numbers of 8 bits."""


@dataclass(frozen=True)
class Packed:
    """What the file of a model holds."""

    tensors: Mapping[str, Tensor]
    entries: Mapping[str, Mapping[str, Any]]
    """How tensors that are packed are read, by the name of the parameter."""

    @property
    def num_bytes(self) -> int:
        """Bytes of the tensors; a file has its header besides, about 100 bytes a tensor."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def save(self, path: Path) -> None:
        """Write the file that `load` reads."""
        about = {ENTRIES: json.dumps(self.entries, sort_keys=True)}
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.tensors.items()}
        with output.written(path) as part:
            save_file(tensors, part, metadata=about)


def of(model: PreTrainedModel) -> Packed:
    """Take every parameter as it is, and of layers that torch has quantized whole numbers and scale."""
    tensors: dict[str, Tensor] = dict(parameters.by_name(model))
    entries = {}
    for name, layer in layers_of(model).items():
        weight, bias = layer.weight(), layer.bias()
        tensors[f"{name}.weight.codes"] = weight.int_repr()
        tensors[f"{name}.weight.scale"] = torch.tensor(weight.q_scale(), dtype=torch.float64)
        entries[f"{name}.weight"] = {"as": "dynamic"}
        if bias is not None:
            tensors[f"{name}.bias"] = bias.clone()  # that of a decoder is tied to another
    return Packed(tensors, entries)


def sparse(model: PreTrainedModel, mask: Mask) -> Packed:
    """Pack the matrices of a mask into a bit per weight and the kept values.

    Args:
        model: model of a task, in which dropped weights are 0.
        mask: survivors, bool, by name in the base model; matrices that the model lacks are left out.
    """
    tensors: dict[str, Tensor] = dict(parameters.by_name(model))
    entries = {}
    for name, kept in mask.items():
        full = f"{model.base_model_prefix}.{name}"
        if full in tensors:
            weight = tensors.pop(full)
            tensors[f"{full}.mask"] = torch.from_numpy(np.packbits(kept))
            tensors[f"{full}.values"] = weight[torch.from_numpy(kept)]
            entries[full] = {"as": "sparse", "shape": list(kept.shape)}
    return Packed(tensors, entries)


def whole_numbers(
    stored: Mapping[str, Tensor],
    columns: Mapping[str, int],
    bits: Callable[[str], int],
    activations: int,
) -> Packed:
    """Take what `quantized.stored` has stored, with an entry for each matrix and for each grid.

    Args:
        stored: tensors by name.
        columns: columns of each parameter by name.
        bits: returns the bits of the numbers of a matrix by its name.
        activations: bits of activations.
    """
    tensors = dict(stored)
    entries: dict[str, dict[str, Any]] = {}
    for name in stored:
        if name in columns and f"{name}.scale" in stored:
            tensors[f"{name}.codes"] = tensors.pop(name)
            entries[name] = {"as": "rows", "bits": bits(name), "columns": columns[name]}
        elif name.endswith(f"{GRID}.scale"):
            entries[name.removesuffix(".scale")] = {"as": "grid", "bits": activations}
    return Packed(tensors, entries)


def layers_of(model: nn.Module) -> dict[str, Any]:
    """Return the linear layers that torch has quantized, by name."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, DYNAMIC)}


def in_memory(model: PreTrainedModel) -> int:
    """Count the bytes of the weights of a model as it runs, each once; zeros count as any number."""
    layers = layers_of(model).values()
    biases = [bias for layer in layers if (bias := layer.bias()) is not None]
    floats = {
        tensor.data_ptr(): tensor for tensor in [*parameters.by_name(model).values(), *biases]
    }
    numbers: int = sum(layer.weight().numel() for layer in layers)
    return numbers + sum(int(tensor.nbytes) for tensor in floats.values())
