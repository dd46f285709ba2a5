"""Small encoders, whose biases and LayerNorms are random too, and batches with padding."""

import copy
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from stages.tickets.pruning import channels
from stages.tickets.pruning.channels import Channels
from stages.tickets.settings import Kind

LAYERS, HEADS, NEURONS = 3, 4, 12


def small(kind: Kind = "classification", model_type: str = "bert") -> PreTrainedModel:
    return copy.deepcopy(_drawn(kind, model_type))


def config_of(model_type: str, **more: int) -> PreTrainedConfig:
    config: PreTrainedConfig = AutoConfig.for_model(
        model_type,
        vocab_size=50,
        max_position_embeddings=40,
        hidden_size=16,
        embedding_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=NEURONS,
        initializer_range=0.3,
        num_labels=3,
        **more,
    )
    return config


@cache
def _drawn(kind: Kind, model_type: str) -> PreTrainedModel:
    config = config_of(model_type)
    auto = AutoModelForMaskedLM if kind == "mlm" else AutoModelForSequenceClassification
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = auto.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.train(mode=False)  # type: ignore[no-any-return]


def layers_of(model: PreTrainedModel) -> Any:
    """The layers, of which mypy knows little."""
    return model.base_model.encoder.layer  # type: ignore[union-attr]


def batch() -> dict[str, Tensor]:
    """Three examples, one of them padded."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 50, (3, 7), generator=generator)
    there = torch.ones(3, 7, dtype=torch.int64)
    ids[1, 4:], there[1, 4:] = 1, 0
    return {"input_ids": ids, "attention_mask": there}


def few(seed: int = 0, sparsity: float = 0.5, *, empty: int | None = None) -> Channels:
    """Draw channels by layer; one layer may keep none."""
    like = channels.whole(LAYERS, HEADS, NEURONS)
    drawn = channels.random_at(like, sparsity, np.random.default_rng(seed))
    if empty is not None:
        drawn.heads[empty] = drawn.neurons[empty] = False
    return drawn
