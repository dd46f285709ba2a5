"""Load a compressed model from its folder: `config.json`, and tensors in `packed.safetensors`.

This file lies in the folder of every such model and needs numpy, safetensors, torch and transformers.
"""

import json
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import safe_open
from torch import Tensor, nn

ENTRIES = "packed"
"""Key of the file's metadata: how the tensors of a parameter become that parameter."""
FILE = "packed.safetensors"


class NoHeads(nn.Module):
    """A self-attention without heads, which returns its input."""

    def forward(self, states: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
        return states, None


class NoContext(nn.Module):
    """A self-attention whose heads are dropped while its output keeps a bias."""

    def forward(self, states: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
        return states[..., :0], None


class OnlyNorm(nn.Module):
    """The output of a removed attention or MLP: LayerNorm of the residual path."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.LayerNorm = norm

    def forward(self, _: Tensor, states: Tensor) -> Tensor:
        normalised: Tensor = self.LayerNorm(states)
        return normalised


def load(folder: str | Path = ".") -> Any:  # noqa: ANN401
    """Build the model on the CPU, ready to predict."""
    folder = Path(folder)
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    name = config.architectures[0]
    kind = getattr(transformers, name, None) or getattr(import_module("pooled"), name)
    model, weights = kind(config), tensors(folder / FILE)
    layers = getattr(getattr(model.base_model, "encoder", None), "layer", ())
    paths = {id(module): path for path, module in model.named_modules()}
    for layer in layers:
        _cut(layer, paths[id(layer)], weights)
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and f"{path}.weight" in weights:
            _fit(model, path, module, weights)
    given = {id(parameter) for name, parameter in _named(model) if name in weights}
    for name, parameter in _named(model):
        if id(parameter) not in given:
            raise ValueError(f"{folder / FILE} lacks {name}")
        if name in weights:
            parameter.data = weights[name]
    return model.train(mode=False)


def tensors(path: Path) -> dict[str, Tensor]:
    """Read every parameter by name, unpacked."""
    with safe_open(path, "pt") as file:
        entries = json.loads(file.metadata()[ENTRIES])
        packed = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, entry in entries.items():
        start = f"{name}."
        parts = {key: packed.pop(key) for key in list(packed) if key.startswith(start)}
        packed[name] = _unpacked(entry, {key.removeprefix(start): parts[key] for key in parts})
    return packed


def _unpacked(entry: dict[str, Any], parts: dict[str, Tensor]) -> Tensor:
    if entry["as"] == "sparse":
        rows, columns = entry["shape"]
        bits = np.unpackbits(parts["mask"].numpy(), count=rows * columns)
        weight = torch.zeros(rows * columns, dtype=parts["values"].dtype)
        weight[torch.from_numpy(bits.astype(bool))] = parts["values"]
        return weight.view(rows, columns)
    with warnings.catch_warnings():  # torch will replace these whole numbers by others some day
        warnings.simplefilter("ignore")
        return torch._make_per_tensor_quantized_tensor(parts["codes"], float(parts["scale"]), 0)


def _cut(layer: nn.Module, path: str, weights: dict[str, Tensor]) -> None:
    attention, query = layer.attention, weights.get(f"{path}.attention.self.query.weight")
    if query is None:
        attention.self, attention.output = NoHeads(), OnlyNorm(attention.output.LayerNorm)
    elif len(query) == 0:
        attention.self = NoContext()
    if f"{path}.intermediate.dense.weight" not in weights:
        layer.intermediate, layer.output = nn.Identity(), OnlyNorm(layer.output.LayerNorm)


def _fit(model: nn.Module, path: str, module: nn.Linear, weights: dict[str, Tensor]) -> None:
    weight, parent = weights[f"{path}.weight"], path.rpartition(".")
    if weight.is_quantized:
        del weights[f"{path}.weight"]
        new: Any = torch.ao.nn.quantized.dynamic.Linear(*reversed(weight.shape))
        new.set_weight_bias(weight, weights.pop(f"{path}.bias", None))
    elif weight.shape != module.weight.shape:
        new = nn.Linear(*reversed(weight.shape), bias=module.bias is not None)
    else:
        return
    setattr(model.get_submodule(parent[0]), parent[2], new)


def _named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """List parameters by name; a tied one comes under each of its names."""
    return list(model.named_parameters(remove_duplicate=False))
