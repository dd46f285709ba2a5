"""Place a model on its device, prepare its inputs, and compute its logits."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.utils.generic import ModelOutput

from stages.tickets.encoder import cpu
from stages.tickets.encoder.checkpoint import BERTS
from stages.tickets.encoder.pooling import PooledClassifier, takes_types
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import LABELLED

OWN_ATTENTION = "scratchcard"
PLAIN_ATTENTION = (*BERTS, "albert", "distilbert")
"""Types of models whose attention is scaled products without bias, with as many keys as queries."""


def device() -> torch.device:
    """Return the CUDA device if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def place_(model: PreTrainedModel, kind: Kind) -> torch.device:
    """Move `model` to the device and choose the cheapest computation there; its results stay the same.

    On the CPU it gets the dropout of `cpu`, and the attention of `cpu` if it has plain scaled products;
    on a GPU it uses torch's fused functions. If the classifier reads only the first token, the last layer
    computes no other token beyond its attention.

    Returns:
        The device.
    """
    where = device()
    nn.Module.to(model, where)
    if where.type == "cpu":
        cpu.use_dropout_(model)
        if (
            model.config.model_type in PLAIN_ATTENTION
            and model.config._attn_implementation != OWN_ATTENTION
        ):
            AttentionInterface.register(OWN_ATTENTION, cpu.attention)
            AttentionMaskInterface.register(OWN_ATTENTION, sdpa_mask)
            model.set_attn_implementation(OWN_ATTENTION)
    reads_first = kind in LABELLED and not isinstance(model, PooledClassifier)
    if reads_first and model.config.model_type in BERTS:
        after_attention = model.base_model.encoder.layer[-1].attention.output  # type: ignore[union-attr,index]
        if cpu.first_token not in after_attention._forward_pre_hooks.values():
            after_attention.register_forward_pre_hook(cpu.first_token)
    return where


def inputs_of(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], full: bool
) -> dict[str, Tensor]:
    """Choose the inputs that `model` takes; token types only if it has several or pools segments.

    Given a mask of tokens (examples, tokens), transformers looks in every batch for padding, for which
    the host would wait for a GPU. So models that accept a mask for attention get it ready-made, or none
    if there is no padding.

    Args:
        model: any model of transformers.
        inputs: `input_ids`, `token_type_ids` and `attention_mask`, (examples, tokens).
        full: whether no example is padded.
    """
    taken = dict(inputs)
    if not takes_types(model.config):
        taken.pop("token_type_ids", None)
    if model.config.model_type in BERTS:
        there = taken.pop("attention_mask")
        if not full:
            taken["attention_mask"] = there.bool()[:, None, None, :]
    return taken


def logits_of(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], hidden: Tensor | None = None
) -> Tensor:
    """Compute the logits of a batch; for masked language modelling, those of hidden words only.

    The decoder over a vocabulary costs more than the encoder below it, so it sees no other words. The
    logits of padding are minus infinity for spans, since no answer starts or ends there.

    Args:
        model: a classifier, masked language model or model for spans of transformers.
        inputs: the inputs that `model` takes, (examples, tokens).
        hidden: numbers of the hidden words among examples * tokens, in any order; None for other models.

    Returns:
        (examples, outputs), or for hidden words (words, vocabulary) in the order of `hidden`, or for
        spans (examples, tokens, 2), logits of start and end.
    """
    if hidden is None:
        output = model(**inputs)
        return _of_spans(output, inputs) if "start_logits" in output else output.logits

    def only_hidden(_: nn.Module, __: object, output: ModelOutput) -> ModelOutput:
        states = output["last_hidden_state"]
        output["last_hidden_state"] = states.reshape(1, -1, states.shape[-1])[:, hidden]
        return output

    hook = model.base_model.register_forward_hook(only_hidden)
    try:
        return model(**inputs).logits[0]  # type: ignore[no-any-return]
    finally:
        hook.remove()


def _of_spans(output: ModelOutput, inputs: Mapping[str, Tensor]) -> Tensor:
    logits = torch.stack([output["start_logits"], output["end_logits"]], dim=-1)
    there = inputs.get("attention_mask")  # (examples, tokens), or with two axes of 1 between
    if there is None:
        return logits
    return logits.masked_fill(there.reshape(logits.shape[:2]).logical_not()[..., None], -torch.inf)
