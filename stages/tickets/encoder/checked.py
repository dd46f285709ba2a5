"""Checks of a checkpoint in memory: its architecture, and its weights beside those of the model."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)

from stages.tickets.settings import ParamsError

POOLER = "pooler."
MODELS: Mapping[str, Any] = {
    "masked language modelling": MODEL_FOR_MASKED_LM_MAPPING,
    "classification": MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
}
COUNTERS = ("position_ids", "token_type_ids", "inv_freq")
"""Last parts of names under which old checkpoints keep numbers that the model computes itself."""


@dataclass(frozen=True)
class Loaded:
    """The report of transformers after it has read the weights of a checkpoint into a model."""

    model: PreTrainedModel
    missing: frozenset[str]
    """Names of parameters that the file lacks."""
    unexpected: frozenset[str]
    """Names of weights in the file that the model does not take."""
    reshaped: frozenset[tuple[str, tuple[int, ...], tuple[int, ...]]]
    """Names with the shape in the file and in the model, if they differ."""

    @classmethod
    def of(cls, model: PreTrainedModel, report: Mapping[str, Any]) -> "Loaded":
        """Read a report of transformers; names of the body lose the prefix that they have in a head."""
        return cls(
            model,
            frozenset(_bare(model, name) for name in report["missing_keys"]),
            frozenset(
                _bare(model, name)
                for name in report["unexpected_keys"]
                if name.rpartition(".")[2] not in COUNTERS
            ),
            frozenset(
                (_bare(model, name), tuple(stored), tuple(wanted))
                for name, stored, wanted in report["mismatched_keys"]
            ),
        )


def check_type(model_type: str, name: str) -> None:
    """Check that transformers has the models of an encoder for classification and language modelling.

    Args:
        model_type: type of the model in config.json.
        name: name of the encoder in messages.

    Raises:
        ParamsError: it has not.
    """
    if model_type not in CONFIG_MAPPING:
        raise ParamsError(
            f"the encoder {name} has the model_type {model_type!r}, which transformers "
            f"{transformers.__version__} does not know; allowed are BERT-like encoders"
        )
    config = CONFIG_MAPPING[model_type]
    for purpose, models in MODELS.items():
        if config not in models:
            raise ParamsError(
                f"the encoder {name} has the architecture {named(config, model_type)}, for which "
                f"transformers has no model for {purpose}; allowed are BERT-like encoders"
            )


def named(config: type[PreTrainedConfig], model_type: str) -> str:
    """Name an architecture for a message."""
    return f"{config.__name__.removesuffix('Config')} ({model_type})"


def check_weights(
    body: Loaded, language_model: Loaded, head: Mapping[str, Tensor], name: str
) -> tuple[str, ...]:
    """Check that the weights of a checkpoint are those of its model, and that they are finite.

    Args:
        body: the base model. It may lack a pooler.
        language_model: the same with a head for masked language modelling, which may be missing.
        head: that head; empty if the file has none.
        name: name of the encoder in messages.

    Returns:
        Names of the weights in the file that belong to the head of another task.

    Raises:
        ParamsError: the body lacks weights, the file has others for it or others shapes, or a weight is
            not finite.
    """
    kind = type(body.model).__name__
    for weight, stored, wanted in sorted(body.reshaped):
        raise ParamsError(
            f"the encoder {name} has {weight!r} in the shape {stored}, but its {kind} has it in the "
            f"shape {wanted}; allowed are models with all heads and words that their config.json names"
        )
    missing = sorted(weight for weight in body.missing if not weight.startswith(POOLER))
    if missing:
        raise ParamsError(f"the encoder {name} lacks the weights {missing[0]!r} of its {kind}")
    parts = {weight.split(".")[0] for weight, _ in body.model.named_parameters()}
    foreign = sorted(weight for weight in body.unexpected if weight.split(".")[0] in parts)
    if foreign:
        raise ParamsError(
            f"the encoder {name} has weights {foreign[0]!r} ({len(foreign)} such in all), which "
            f"{kind} of transformers does not take, so it would not compute what was pre-trained"
        )
    own = {
        weight: values
        for weight, values in body.model.named_parameters()
        if weight not in body.missing
    }
    for weight, values in (own | {**head}).items():
        if not bool(torch.isfinite(values.detach().float()).all()):
            raise ParamsError(f"the encoder {name} has weights {weight!r} that are not finite")
    return tuple(sorted(body.unexpected & language_model.unexpected))


def has_head(language_model: Loaded, head: Collection[str]) -> bool:
    """Tell whether a checkpoint has all weights of a head for masked language modelling."""
    reshaped = {weight for weight, *_ in language_model.reshaped}
    return not (language_model.missing | reshaped) & {*head}


def counted_from(body: PreTrainedModel) -> int | None:
    """Return the id of padding from which a model counts positions, as RoBERTa does; None for others."""
    starts = [table.padding_idx for table in _positions(body) if table.padding_idx is not None]
    return starts[0] if starts else None


def longest_input(body: PreTrainedModel) -> int | None:
    """Return the length of the longest input in tokens, special ones included; None for any length.

    RoBERTa and its kin give the first token the position after the id of padding, so that 514 positions
    hold 512 tokens.
    """
    lengths = [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
        for table in _positions(body)
    ]
    stated = getattr(body.config, "max_position_embeddings", None)
    if isinstance(stated, int) and stated > 0:
        lengths.append(stated)
    return min(lengths, default=None)


def _positions(body: PreTrainedModel) -> Collection[nn.Embedding]:
    """List the embeddings of positions outside the layers, where others hold distances."""
    return [
        module
        for name, module in body.named_modules()
        if isinstance(module, nn.Embedding)
        and "position" in name.rpartition(".")[2]
        and not any(part.isdigit() for part in name.split("."))
    ]


def _bare(model: PreTrainedModel, name: str) -> str:
    return name.removeprefix(f"{model.base_model_prefix}.")
