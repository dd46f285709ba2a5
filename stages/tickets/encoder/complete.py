"""A complete trained model from a file or folder of the user's own, checked before it is used."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters, theta
from stages.tickets.encoder.checkpoint import CONFIG
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import ParamsError, expanded

WEIGHTS = ("model.safetensors", "pooled.safetensors")
"""Files of weights in a folder; the second is of a classifier on means of tokens, see `export.model`."""
INDEX = "model.safetensors.index.json"
COMPARED = (
    "model_type", "vocab_size", "max_position_embeddings", "type_vocab_size", "position_embedding_type",
    "pad_token_id", "hidden_size", "dim", "num_hidden_layers", "n_layers", "num_attention_heads",
    "n_heads", "intermediate_size", "hidden_dim", "hidden_act", "activation", "layer_norm_eps",
)  # fmt: skip
"""Keys of config.json that decide what a model computes. Some of them change no shape, such as the
number of attention heads."""


def load_(model: PreTrainedModel, encoder: Encoder, given: str, key: str) -> Path:
    """Set all weights of `model` from a checkpoint: a folder of transformers, or a file of weights.

    Values are cast to float32. Tied weights may stand in it once or several times; integer buffers, such
    as numbers of positions, do not count.

    Args:
        model: of the task, built from the encoder.
        encoder: theta_0, whose configuration a folder has to share.
        given: path of the checkpoint; ~ and $VARIABLES are filled in.
        key: name of the setting in messages.

    Returns:
        The path.

    Raises:
        ParamsError: there is no such checkpoint, it is of another architecture or task, a tensor is
            missing, unknown or of another shape or type, or a value is not finite.
    """
    path = expanded(given, key)
    if not path.exists():
        raise ParamsError(f"{key} is {given!r}, but there is no such file or folder")
    if path.is_dir():
        _check_architecture(path, encoder, key)
    stored = _stored(path, key)
    names = _names(model)
    for name, tensor in stored.items():
        if name not in names:
            if not tensor.is_floating_point():
                continue
            raise ParamsError(
                f"{key}: {path} has the tensor {name!r}, which {type(model).__name__} of this encoder "
                "has not; allowed is a model of the study's encoder with the head of the task"
            )
        _check_tensor(tensor, names[name], f"{key}: {path} has {name!r}")
    with torch.no_grad():
        for name, parameter in parameters.by_name(model).items():
            aliases = [alias for alias, live in names.items() if live is parameter]
            tensors = [stored[alias] for alias in aliases if alias in stored]
            if not tensors:
                raise ParamsError(
                    f"{key}: {path} lacks the tensor {name!r}; allowed is a complete model, as "
                    "save_pretrained of transformers or the export of this project write it"
                )
            if any(not torch.equal(tensor, tensors[0]) for tensor in tensors):
                raise ParamsError(
                    f"{key}: {path} has unlike tensors {' and '.join(map(repr, aliases))}, which are one "
                    "in this model"
                )
            theta.copy_(parameter, tensors[0], name)
    return path


def labels(path: Path) -> list[str] | None:
    """Return the names of the classes in a folder's config.json; None if there are none of its own."""
    if not path.is_dir():
        return None
    named = _config(path, "").get("id2label")
    if not isinstance(named, dict) or all(
        str(name).startswith("LABEL_") for name in named.values()
    ):
        return None
    return [str(named[number]) for number in sorted(named, key=int)]


def digest(path: Path) -> str:
    """Return the SHA-256 of the weights of a checkpoint, over its files in the order of their names."""
    hashed = hashlib.sha256()
    for file in _files(path, ""):
        hashed.update(file.read_bytes())
    return hashed.hexdigest()


def _check_architecture(folder: Path, encoder: Encoder, key: str) -> None:
    config, known = _config(folder, key), encoder.config.to_dict()
    for name in COMPARED:
        if name in config and name in known and config[name] != known[name]:
            raise ParamsError(
                f"{key}: {folder} is of another architecture than the encoder: its {CONFIG} has the "
                f"{name} {config[name]!r}, allowed is {known[name]!r}"
            )


def _check_tensor(tensor: Tensor, live: nn.Parameter, what: str) -> None:
    if tensor.shape != live.shape:
        raise ParamsError(f"{what} of shape {tuple(tensor.shape)}, allowed is {tuple(live.shape)}")
    if not tensor.is_floating_point():
        raise ParamsError(f"{what} of type {tensor.dtype}, allowed are floats")
    if bad := int((~torch.isfinite(tensor)).sum()):
        raise ParamsError(
            f"{what} with {bad} values that are nan or infinite of {tensor.numel()}, allowed are finite "
            "values; did the training diverge?"
        )


def _names(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return the live parameters by all of their names, tied ones under several."""
    return parameters.by_name(model) | dict(model.named_parameters(remove_duplicate=False))


def _config(folder: Path, key: str) -> dict[str, Any]:
    file = folder / CONFIG
    if not file.is_file():
        raise ParamsError(f"{key}: {folder} has no {CONFIG}, allowed is a folder of transformers")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParamsError(f"{key}: {file} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{key}: {file} is no object with keys")
    return content


def _files(path: Path, key: str) -> list[Path]:
    if not path.is_dir():
        return [path]
    if (path / INDEX).is_file():
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
        return sorted({path / name for name in index["weight_map"].values()})
    for name in WEIGHTS:
        if (path / name).is_file():
            return [path / name]
    raise ParamsError(
        f"{key}: {path} has no {' or '.join(WEIGHTS)}, allowed are weights in safetensors; "
        "save_pretrained of transformers writes them"
    )


def _stored(path: Path, key: str) -> dict[str, Tensor]:
    stored: dict[str, Tensor] = {}
    for file in _files(path, key):
        try:
            stored |= load_file(file)
        except (SafetensorError, OSError) as error:
            raise ParamsError(f"{key}: {file} cannot be read as safetensors: {error}") from error
    return stored
