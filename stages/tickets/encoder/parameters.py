"""Live parameters of a model by name, each once, and those of its head."""

from collections.abc import Collection

from torch import nn
from transformers import PreTrainedModel

HEAD = "_names_of_head"
"""Attribute of a model with the names of the parameters that theta_0 lacks."""


def by_name(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Return every live parameter once: those of the body by their names in it, then all others.

    A decoder that is tied to word embeddings is part of the body, also if the model lists it first.
    """
    prefix = model.base_model_prefix
    body = {f"{prefix}.{name}": each for name, each in model.base_model.named_parameters()}
    known = {id(parameter) for parameter in body.values()}
    others = model.named_parameters()
    return body | {name: each for name, each in others if id(each) not in known}


def mark_head_(model: PreTrainedModel, known: Collection[str]) -> None:
    """Note on `model` that theta_0 has the parameters `known`, named as by `by_name`, and no others."""
    vars(model)[HEAD] = by_name(model).keys() - set(known)


def head(model: PreTrainedModel) -> list[nn.Parameter]:
    """List the live parameters that theta_0 lacks; none of a model that nothing is noted on."""
    names = vars(model).get(HEAD, ())
    return [parameter for name, parameter in by_name(model).items() if name in names]
