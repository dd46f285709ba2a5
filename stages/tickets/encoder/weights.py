"""Weights of a model that theta_0 was built into: which are prunable, set, stored, rewound.

The body is what the encoder brings, the head what it does not: a classifier and a pooler that is drawn
with it, or the head of masked language modelling.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder, copy_, in_layer_or_pooler


def prunable_parameters(model: PreTrainedModel, encoder: Encoder) -> dict[str, nn.Parameter]:
    """The prunable matrices that `model` has, live, by name in the base model."""
    body = dict(model.base_model.named_parameters())
    return {name: body[name] for name in encoder.prunable if name in body}


def linear_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Weights and biases of all linear modules in the layers, by name in the base model; no pooler.

    Prasanna et al. 2020 prune biases too, and neither embeddings nor LayerNorms, pooler, classifier.
    """
    return {
        f"{name}.{kind}": parameter
        for name, module in model.base_model.named_modules()
        if isinstance(module, nn.Linear) and any(part.isdigit() for part in name.split("."))
        for kind, parameter in module.named_parameters()
    }


def prunable_weights(model: PreTrainedModel, encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """The weights to rank: of every prunable matrix of the encoder, copied to the CPU.

    A matrix that the encoder has and `model` does not (the pooler under masked language modelling and
    for spans) comes with its pre-trained values, so that masks of all tasks cover the same matrices;
    with the authors' library it kept those values too (Chen et al. 2020).
    """
    return to_rank(prunable_parameters(model, encoder), encoder)


def to_rank(live: Mapping[str, nn.Parameter], encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """The weights to rank, as `prunable_weights` says, of live matrices by name.

    Several models may share them.
    """
    return {
        name: live.get(name, encoder.weights[name]).detach().float().cpu().numpy().copy()
        for name in encoder.prunable
    }


def set_prunable_(
    model: PreTrainedModel, encoder: Encoder, weights: Mapping[str, NDArray[np.float32]]
) -> None:
    """Set the prunable matrices that `model` has to `weights`, by name in the base model."""
    with torch.no_grad():
        for name, parameter in prunable_parameters(model, encoder).items():
            copy_(parameter, torch.from_numpy(weights[name]), name)


def draw_anew_(
    model: PreTrainedModel, encoder: Encoder, drawn: PreTrainedModel, layers: bool
) -> None:
    """Set what of `model` is pre-trained to the weights of `drawn`; the classifier stays.

    Args:
        model: theta_i.
        encoder: says what is pre-trained: the body, and for masked language modelling its head.
        drawn: the same model with no pre-training, see `build`.
        layers: only the layers and a pooler; embeddings and the head of a language model stay.
    """
    prefix = f"{model.base_model_prefix}."
    names = {
        f"{prefix}{name}" for name in encoder.weights if not layers or in_layer_or_pooler(name)
    }
    names |= set() if layers else set(encoder.mlm_head)
    source = dict(drawn.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in names:
                copy_(parameter, source[name], name)


def head_parameters(model: PreTrainedModel, encoder: Encoder) -> dict[str, nn.Parameter]:
    """The parameters of `model` that the encoder's body does not bring, live, by name.

    They are its classifier and a pooler that is drawn with it, or the head of masked language modelling.
    """
    body = _by_full_name(model, encoder)
    return {name: p for name, p in model.named_parameters() if name not in body}


def save_head(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Write the head of `model`, as `head_parameters` says what it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = head_parameters(model, encoder)
    save_file({name: p.detach().cpu().contiguous() for name, p in head.items()}, path)


def load_head_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set what of `model` is no body to what `save_head` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is of another head.
    """
    stored, parameters = _stored(path), head_parameters(model, encoder)
    if stored.keys() != parameters.keys():
        raise ValueError(f"{path} has {sorted(stored)}, the model {sorted(parameters)}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            copy_(parameter, stored[name], name)


def load_body_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set the body of `model` to that of a file that `save_weights` wrote for any task; the head stays.

    The head is what `head_parameters` says. What the file does not hold is the encoder's, so a pooler
    that the task of the file does not use has its pre-trained weights.
    """
    pretrained = _by_full_name(model, encoder)
    sources = pretrained | _stored(path)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in pretrained:
                copy_(parameter, sources[name], name)


def save_weights(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Write the parameters of `model` that are not those of the encoder, bit for bit.

    theta_0 is thus a file with little more than the classifier in it.
    """
    pretrained = _by_full_name(model, encoder)
    changed = {}
    for name, parameter in model.named_parameters():
        tensor, known = parameter.detach().cpu(), pretrained.get(name)
        if known is None or not torch.equal(tensor, known):
            changed[name] = tensor.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(changed, path)


def load_weights_(model: PreTrainedModel, encoder: Encoder, path: Path) -> None:
    """Set all of `model` to the weights that `save_weights` wrote: the encoder's and the file's.

    Values are copied, so the file's content never shares memory with weights that train.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: file, encoder and model do not fit together.
    """
    stored, parameters = _stored(path), dict(model.named_parameters())
    unknown = sorted(stored.keys() - parameters.keys())
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which {type(model).__name__} has not")
    sources = _by_full_name(model, encoder) | stored
    with torch.no_grad():
        for name, parameter in parameters.items():
            if name not in sources:
                raise ValueError(f"{path} lacks {name!r}, which the encoder does not bring")
            copy_(parameter, sources[name], name)


def _stored(path: Path) -> dict[str, Tensor]:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; `dvc repro` makes it")
    return load_file(path)


def _by_full_name(model: PreTrainedModel, encoder: Encoder) -> dict[str, Tensor]:
    """The encoder's weights under the names that they have in `model`, its body's prefix included."""
    return {f"{model.base_model_prefix}.{name}": weight for name, weight in encoder.weights.items()}
