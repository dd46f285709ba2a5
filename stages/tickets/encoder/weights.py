"""Weights of a model built from theta_0: find the prunable ones, set, save, load and rewind them.

The body is the part that comes with the encoder. The head is the rest: a classifier and a pooler that is
drawn with it, or the head of masked language modelling.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets import output
from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder, by_full_name, copy_, in_layer_or_pooler


def prunable_parameters(model: PreTrainedModel, encoder: Encoder) -> dict[str, nn.Parameter]:
    """Return the prunable matrices of `model` as its live parameters, by name in the base model."""
    body = dict(model.base_model.named_parameters())
    return {name: body[name] for name in encoder.prunable if name in body}


def linear_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return weights and biases of all linear modules in the layers, by name in the base model.

    Prasanna et al. 2020 prune these, and neither embeddings nor LayerNorms, pooler or classifier.
    """
    return {
        f"{name}.{kind}": parameter
        for name, module in model.base_model.named_modules()
        if isinstance(module, nn.Linear) and any(part.isdigit() for part in name.split("."))
        for kind, parameter in module.named_parameters()
    }


def prunable_weights(model: PreTrainedModel, encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """Copy the weights to rank, those of every prunable matrix of the encoder, to the CPU.

    If `model` lacks a matrix of the encoder (the pooler under masked language modelling and for spans),
    its pre-trained values are ranked, so that masks of all tasks cover the same matrices. In the authors'
    library such a matrix keeps those values too (Chen et al. 2020).
    """
    return to_rank(prunable_parameters(model, encoder), encoder)


def to_rank(live: Mapping[str, nn.Parameter], encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """Copy the weights to rank, see `prunable_weights`, from live matrices by name.

    The matrices may belong to several models.
    """
    return {
        name: live.get(name, encoder.weights[name]).detach().float().cpu().numpy().copy()
        for name in encoder.prunable
    }


def set_prunable_(
    model: PreTrainedModel, encoder: Encoder, weights: Mapping[str, NDArray[np.float32]]
) -> None:
    """Set the prunable matrices of `model` to `weights`, by name in the base model."""
    with torch.no_grad():
        for name, parameter in prunable_parameters(model, encoder).items():
            copy_(parameter, torch.from_numpy(weights[name]), name)


def draw_anew_(
    model: PreTrainedModel, encoder: Encoder, drawn: PreTrainedModel, layers: bool
) -> None:
    """Set the pre-trained weights of `model` to the weights of `drawn`; the classifier stays.

    Args:
        model: theta_i.
        encoder: tells which weights are pre-trained: body, and head of masked language modelling.
        drawn: the same model without pre-training, see `theta.build`.
        layers: set only the layers and a pooler; embeddings and the head of a language model stay.
    """
    prefix = f"{model.base_model_prefix}."
    names = {
        f"{prefix}{name}" for name in encoder.weights if not layers or in_layer_or_pooler(name)
    }
    names |= set() if layers else set(encoder.mlm_head)
    source = parameters.by_name(drawn)
    with torch.no_grad():
        for name, parameter in parameters.by_name(model).items():
            if name in names:
                copy_(parameter, source[name], name)


def head_parameters(model: PreTrainedModel, encoder: Encoder) -> dict[str, nn.Parameter]:
    """Return the live parameters of `model` outside the encoder's body, by name.

    They are a classifier and a pooler that is drawn with it, or the head of masked language modelling.
    """
    body = by_full_name(model, encoder)
    return {name: p for name, p in parameters.by_name(model).items() if name not in body}


def save_head(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Write the head of `model`, see `head_parameters`."""
    head = head_parameters(model, encoder)
    with output.written(path) as part:
        save_file({name: p.detach().cpu().contiguous() for name, p in head.items()}, part)


def load_head_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set the head of `model` to the one that `save_head` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds another kind of head.
    """
    stored, head = _stored(path), head_parameters(model, encoder)
    if stored.keys() != head.keys():
        raise ValueError(f"{path} has {sorted(stored)}, the model {sorted(head)}")
    with torch.no_grad():
        for name, parameter in head.items():
            copy_(parameter, stored[name], name)


def load_body_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set the body of `model` from a file that `save_weights` wrote for any task; the head stays.

    The head is defined by `head_parameters`. Weights that the file lacks come from the encoder, so a
    pooler that the task of the file does not use has its pre-trained weights.
    """
    pretrained = by_full_name(model, encoder)
    sources = pretrained | _stored(path)
    with torch.no_grad():
        for name, parameter in parameters.by_name(model).items():
            if name in pretrained:
                copy_(parameter, sources[name], name)


def save_weights(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Write each parameter of `model` that the encoder lacks or that differs from the encoder's.

    The file of theta_0 thus holds little more than the classifier.
    """
    pretrained = by_full_name(model, encoder)
    changed = {}
    for name, parameter in parameters.by_name(model).items():
        tensor, known = parameter.detach().cpu(), pretrained.get(name)
        if known is None or not torch.equal(tensor, known):
            changed[name] = tensor.contiguous()
    with output.written(path) as part:
        save_file(changed, part)


def load_weights_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set all weights of `model` from the file that `save_weights` wrote, and else from the encoder.

    Values are copied, so the file's content never shares memory with weights that train.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: names or shapes in file, encoder and model do not fit together.
    """
    stored, live = _stored(path), parameters.by_name(model)
    unknown = sorted(stored.keys() - live.keys())
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which {type(model).__name__} has not")
    sources = by_full_name(model, encoder) | stored
    with torch.no_grad():
        for name, parameter in live.items():
            if name not in sources:
                raise ValueError(f"{path} lacks {name!r}, which the encoder does not bring")
            copy_(parameter, sources[name], name)


def _stored(path: Path) -> dict[str, Tensor]:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; `dvc repro` makes it")
    return load_file(path)
