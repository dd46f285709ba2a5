"""Load a compressed model from its folder: `config.json`, and tensors in `packed.safetensors`.

This file lies in the folder of every such model and needs numpy, safetensors, torch and transformers.
"""

import json
import warnings
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

ENTRIES = "packed"
"""Key of the file's metadata: how the tensors of a parameter become that parameter."""
FILE = "packed.safetensors"
GRID = ".input"
"""End of the name of the grid to which inputs of a linear module are rounded."""


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
    kind = getattr(transformers, name, None) or getattr(_module(folder / "pooled.py"), name)
    model, weights = empty(kind, config), tensors(folder / FILE)
    layers = getattr(getattr(model.base_model, "encoder", None), "layer", ())
    paths = {id(module): path for path, module in model.named_modules()}
    for layer in layers:
        _cut(layer, paths[id(layer)], weights)
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and f"{path}.weight" in weights:
            _fit(model, path, module, weights)
    for path in [name for name in weights if name.endswith(GRID)]:
        module = model.get_submodule(path.removesuffix(GRID))
        module.register_forward_pre_hook(partial(_rounded, weights.pop(path)))
    given = {
        id(parameter): nn.Parameter(weights[name])
        for name, parameter in _named(model)
        if name in weights
    }
    for name, parameter in _named(model):
        if id(parameter) not in given:
            raise ValueError(f"{folder / FILE} lacks {name}")
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, given[id(parameter)])
    return model.train(mode=False)


def _module(path: Path) -> ModuleType:
    """Run a file of Python as a module; another folder may have one of the same name."""
    module = ModuleType(path.stem)
    SourceFileLoader(path.stem, str(path)).exec_module(module)
    return module


def empty(kind: Any, config: Any) -> Any:  # noqa: ANN401
    """Build a model whose parameters have shapes and no memory; its buffers are complete."""

    def on_meta(_: nn.Module, __: str, parameter: nn.Parameter) -> nn.Parameter | None:
        # A tied parameter has been here before and stays what it is.
        return None if parameter.is_meta else nn.Parameter(parameter.to("meta"))

    hook = register_module_parameter_registration_hook(on_meta)  # type: ignore[arg-type]  # may return
    try:
        return kind(config)
    finally:
        hook.remove()


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
    if entry["as"] == "grid":
        last = torch.tensor((1 << entry["bits"]) - 1.0)
        return torch.stack([parts["scale"], parts["zero"].to(torch.float32), last])
    if entry["as"] == "rows":
        numbers = _numbers(parts["codes"], entry["bits"], entry["columns"])
        return numbers * parts["scale"][:, None]
    if entry["as"] == "ternary":
        return _ternary(entry["shape"], entry["block"], parts)
    if entry["as"] == "sparse":
        rows, columns = entry["shape"]
        bits = np.unpackbits(parts["mask"].numpy(), count=rows * columns)
        weight = torch.zeros(rows * columns, dtype=parts["values"].dtype)
        weight[torch.from_numpy(bits.astype(bool))] = parts["values"]
        return weight.view(rows, columns)
    with warnings.catch_warnings():  # torch will replace these whole numbers by others some day
        warnings.simplefilter("ignore")
        return torch._make_per_tensor_quantized_tensor(parts["codes"], float(parts["scale"]), 0)


def _numbers(codes: Tensor, bits: int, columns: int) -> Tensor:
    """Read whole numbers of a few bits, several in a byte, the first in the lowest bits."""
    if bits == 8:
        return codes
    shifts, half = torch.arange(0, 8, bits, dtype=torch.uint8), 1 << (bits - 1)
    numbers = (codes[..., None] >> shifts & (2 * half - 1)).flatten(1)[:, :columns]
    return ((numbers.to(torch.int16) ^ half) - half).to(torch.int8)


def _ternary(shape: list[int], block: list[int], parts: dict[str, Tensor]) -> Tensor:
    """Read signs of two bits block after block, in row-major order; dropped blocks are 0."""
    (rows, columns), (high, wide) = shape, block
    kept = torch.ones(rows // high, columns // wide, dtype=torch.bool)
    if "blocks" in parts:
        bits = np.unpackbits(parts["blocks"].numpy(), count=kept.numel())
        kept = torch.from_numpy(bits.astype(bool)).view(kept.shape)
    codes = (parts["codes"][:, None] >> torch.arange(0, 8, 2, dtype=torch.uint8) & 3).flatten()
    signs = torch.tensor([0.0, 1.0, -1.0, 0.0])[codes[: int(kept.sum()) * high * wide].long()]
    values = torch.zeros(*kept.shape, high, wide)
    values[kept] = signs.view(-1, high, wide)
    return values.transpose(1, 2).reshape(rows, columns) * parts["scale"]


def _rounded(grid: Tensor, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Round what a linear module reads to the grid that it was trained with."""
    scale, zero, last = grid
    levels = (given[0] * scale.reciprocal()).round()
    return (levels.clamp(-zero, last - zero) * scale,)


def _cut(layer: Any, path: str, weights: dict[str, Tensor]) -> None:  # noqa: ANN401
    """Take out what a layer has lost: all heads, with the bias of their output or without, or its MLP."""
    gone = {name for name, _ in layer.named_parameters() if f"{path}.{name}" not in weights}
    attention = layer.attention
    if "attention.output.dense.bias" in gone:
        attention.self, attention.output = NoHeads(), OnlyNorm(attention.output.LayerNorm)
    elif "attention.self.query.weight" in gone:
        attention.self = NoContext()
    if "intermediate.dense.weight" in gone:
        layer.intermediate, layer.output = nn.Identity(), OnlyNorm(layer.output.LayerNorm)


def _fit(model: nn.Module, path: str, module: nn.Linear, weights: dict[str, Tensor]) -> None:
    weight = weights[f"{path}.weight"]
    module.out_features, module.in_features = weight.shape  # some of them may be cut out
    if weight.is_quantized:
        del weights[f"{path}.weight"]
        kind: Any = torch.ao.nn.quantized.dynamic.Linear
        new = kind(*reversed(weight.shape))
        new.set_weight_bias(weight, weights.pop(f"{path}.bias", None))
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, new)


def _named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """List parameters by name; a tied one comes under each of its names."""
    return list(model.named_parameters(remove_duplicate=False))
