"""Pre-trained encoders: store one as theta_0, load it, and build it with the head of a task.

An encoder folder holds `config.json` and `tokenizer.json` of transformers, the weights of the body
in `weights.safetensors` under the names of its base model, the weights of its MLM head, if it has one,
in `mlm_head.safetensors`, and all else that stages need in `encoder.json`.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from stages.tickets import files, output
from stages.tickets.encoder import parameters, pooling
from stages.tickets.settings import Kind, UserError
from stages.tickets.tasks.task import LABELLED, Vocabulary

DROPOUT_FIELD = re.compile(r"(^|_)p?drop(out)?(_|$)")
"""Names under which configurations have probabilities of dropout, such as `hidden_dropout_prob`,
`seq_classif_dropout` and `attn_pdrop`; `layerdrop`, which drops layers, is none."""
MODELS: dict[Kind, Any] = {
    "classification": AutoModelForSequenceClassification,
    "regression": AutoModelForSequenceClassification,
    "mlm": AutoModelForMaskedLM,
    "span": AutoModelForQuestionAnswering,
}
"""Classes of transformers by kind of task."""


@dataclass(frozen=True)
class Pretrained:
    """An encoder in memory, with its tokenizer."""

    body: PreTrainedModel
    config: PreTrainedConfig
    mlm_head: dict[str, Tensor]
    """Parameters of the MLM model outside the body; empty if the checkpoint has no such head."""
    pooler: bool
    """Whether the pooler comes with the encoder."""
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    longest_input: int | None = None
    """Tokens of the longest input, special ones included; None if there is no such limit, or if the
    settings of the encoder state it."""


@dataclass(frozen=True)
class Encoder:
    """The content of an encoder folder."""

    config: PreTrainedConfig
    weights: dict[str, Tensor]
    """Weights in float32, by name in the base model."""
    mlm_head: dict[str, Tensor]
    """Parameters by name in the MLM model; empty if the checkpoint has no such head."""
    prunable: tuple[str, ...]
    """Names of the prunable matrices among `weights`."""


def prunable_names(body: nn.Module) -> tuple[str, ...]:
    """List the names of the prunable matrices of a base model, by a rule.

    They are the weights of the linear modules inside its stack of layers (queries, keys, values,
    attention outputs, two MLP matrices) and of the pooler; never embeddings, biases, LayerNorm or
    a task's head. bert-base has 73 such matrices with 85,524,480 weights, as in Chen et al. 2020.

    Raises:
        UserError: there is no such matrix, so the model is not built like BERT.
    """
    names = tuple(
        f"{name}.weight"
        for name, module in body.named_modules()
        if isinstance(module, nn.Linear) and in_layer_or_pooler(name)
    )
    if not any(any(part.isdigit() for part in name.split(".")) for name in names):
        raise UserError(
            f"{type(body).__name__} has no linear module in a stack of layers, allowed are "
            "BERT-like encoders of transformers"
        )
    return names


def in_layer_or_pooler(name: str) -> bool:
    """Tell whether a module or parameter of a base model lies in its stack of layers or its pooler."""
    parts = name.split(".")
    return parts[0] == "pooler" or any(part.isdigit() for part in parts)


def content_of(encoder: Pretrained) -> Encoder:
    """Return what an encoder folder holds, in float32.

    A pooler that does not come with the encoder is left out, since it belongs to the task's head.

    Raises:
        UserError: the encoder has no prunable matrix.
    """
    weights = {
        name: parameter.detach().float().contiguous()
        for name, parameter in encoder.body.named_parameters()
        if encoder.pooler or not name.startswith("pooler.")
    }
    head = {name: p.detach().float().contiguous() for name, p in encoder.mlm_head.items()}
    prunable = tuple(name for name in prunable_names(encoder.body) if name in weights)
    return Encoder(encoder.config, weights, head, prunable)


def save(encoder: Pretrained, record: Mapping[str, Any], folder: Path) -> None:
    """Write an encoder folder, see `content_of`; `record` is added to encoder.json."""
    folder.mkdir(parents=True, exist_ok=True)
    content = content_of(encoder)
    with output.written(folder / "weights.safetensors") as part:
        save_file(content.weights, part)
    if content.mlm_head:
        with output.written(folder / "mlm_head.safetensors") as part:
            save_file(content.mlm_head, part)
    encoder.config.name_or_path = ""  # otherwise a path of this machine, or the name on the Hub
    output.save_text(encoder.config.to_json_string(use_diff=False), folder / "config.json")
    encoder.tokenizer.no_truncation()
    encoder.tokenizer.no_padding()
    output.save_text(encoder.tokenizer.to_str(pretty=True), folder / "tokenizer.json")
    files.save_record(
        {
            **record,
            **({} if encoder.longest_input is None else {"longest_input": encoder.longest_input}),
            "word_embeddings": _word_embeddings(encoder.body),
            "prunable": content.prunable,
            "num_prunable": sum(content.weights[name].numel() for name in content.prunable),
            "num_weights": sum(weight.numel() for weight in content.weights.values()),
            "mlm_head": bool(encoder.mlm_head),
            "vocabulary": asdict(encoder.vocabulary),
        },
        folder / "encoder.json",
    )


def _word_embeddings(body: PreTrainedModel) -> str:
    """Return the name of the matrix of word embeddings; it may have more rows than there are words."""
    matrix = body.get_input_embeddings().get_parameter("weight")
    return next(name for name, parameter in body.named_parameters() if parameter is matrix)


def load(folder: Path) -> Encoder:
    """Read an encoder folder."""
    record = files.load_record(folder / "encoder.json")
    mlm_head = folder / "mlm_head.safetensors"
    return Encoder(
        AutoConfig.from_pretrained(folder, trust_remote_code=False),
        load_file(folder / "weights.safetensors"),
        load_file(mlm_head) if mlm_head.exists() else {},
        tuple(record["prunable"]),
    )


def build(
    encoder: Encoder,
    kind: Kind,
    num_labels: int,
    dropout: float,
    head_init: int,
    from_scratch: bool = False,
    pairs: bool = False,
) -> PreTrainedModel:
    """Build theta_0: the encoder with the head of a task, on the CPU, in float32.

    Weights that the encoder lacks (the classifier, a missing pooler or MLM head, or with `from_scratch`
    all weights) are drawn by the model's own initialisation from the seed `head_init`. The global
    generator does not change.

    Args:
        encoder: content of an encoder folder.
        kind: `mlm` for a masked language model, `span` for starts and ends of answers; others give a
            classifier on the first token.
        num_labels: outputs of the classifier; 1 for regression, 2 for `span`.
        dropout: probability of every dropout of the model, in [0, 1).
        head_init: seed of the drawn weights.
        from_scratch: draw all weights, without the pre-trained ones.
        pairs: examples have two texts, which an encoder with `segments` pools apart.

    Raises:
        UserError: transformers has no model for spans of this architecture.
        ValueError: the encoder's weights do not fit the model.
    """
    if kind == "span" and type(encoder.config) not in MODEL_FOR_QUESTION_ANSWERING_MAPPING:
        raise UserError(
            f"transformers has no model for spans of the type {encoder.config.model_type!r}; take "
            "another encoder, or no task that asks for a part of a text"
        )
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    config.num_labels = num_labels
    config.dtype = torch.float32
    for field, value in config.to_dict().items():
        if DROPOUT_FIELD.search(field) and not isinstance(value, bool | str | list | dict):
            setattr(config, field, dropout)
    is_pooled = kind in LABELLED and hasattr(config, pooling.FIELD)
    if is_pooled:
        config.text_pooling_dropout = dropout
        config.text_pooling = config.text_pooling if pairs else "mean"
    with torch.random.fork_rng():
        torch.manual_seed(head_init)
        model: PreTrainedModel = (
            pooling.PooledClassifier(config)
            if is_pooled
            else MODELS[kind].from_config(config, trust_remote_code=False)
        )
    head = encoder.mlm_head if kind == "mlm" else {}
    parameters.mark_head_(model, {*by_full_name(model, encoder), *head})
    if not from_scratch:
        body = dict(model.base_model.named_parameters())
        with torch.no_grad():
            for name, tensor in encoder.weights.items():
                if name in body:
                    copy_(body[name], tensor, name)
                elif not name.startswith("pooler."):
                    raise ValueError(f"{type(model).__name__} has no weights {name!r}")
            for name, tensor in head.items():
                copy_(model.get_parameter(name), tensor, name)
    return model


def by_full_name(model: PreTrainedModel, encoder: Encoder) -> dict[str, Tensor]:
    """Return the encoder's weights under their names in `model`, with the prefix of its body."""
    return {f"{model.base_model_prefix}.{name}": weight for name, weight in encoder.weights.items()}


def copy_(parameter: nn.Parameter, source: Tensor, name: str) -> None:
    """Set `parameter` to `source`; torch's own `copy_` would repeat one row over many.

    Raises:
        ValueError: their shapes differ.
    """
    if parameter.shape != source.shape:
        raise ValueError(
            f"{name} has shape {tuple(source.shape)}, but the model's is {tuple(parameter.shape)}"
        )
    parameter.copy_(source)
