"""A model on its device: how it is placed there, fed and asked."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.utils.generic import ModelOutput

from stages.tickets.encoder import cpu
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import LABELLED

OWN_ATTENTION = "scratchcard"
BERTS = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Types of models built as BERT is: their classifier reads the first token of the last layer alone."""
PLAIN_ATTENTION = (*BERTS, "albert", "distilbert")
"""Types of models whose attention is scaled products with as many keys as queries, and no bias."""


def device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def place_(model: PreTrainedModel, kind: Kind) -> torch.device:
    """Move `model` to the device, and have it do there what costs least; what it says stays the same.

    On the CPU dropout, and attention where it is nothing but scaled products, are those of `cpu`; on a
    GPU torch's fused ones. Where the classifier reads the first token alone, the last layer
    computes no other beyond its attention.

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
    if kind in LABELLED and model.config.model_type in BERTS:
        after_attention = model.base_model.encoder.layer[-1].attention.output  # type: ignore[union-attr,index]
        if cpu.first_token not in after_attention._forward_pre_hooks.values():
            after_attention.register_forward_pre_hook(cpu.first_token)
    return where


def inputs_of(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], full: bool
) -> dict[str, Tensor]:
    """The inputs that `model` takes; token types only where it has any.

    From a mask of tokens (examples, tokens) transformers makes one for attention, and looks at it in
    every batch for padding, for which the host would wait for a GPU: the models that take one have it
    from here, or none where there is no padding.

    Args:
        model: any.
        inputs: `input_ids`, `token_type_ids` and `attention_mask`, (examples, tokens).
        full: no example is padded.
    """
    taken = dict(inputs)
    if getattr(model.config, "type_vocab_size", 0) <= 1:
        taken.pop("token_type_ids", None)
    if model.config.model_type in BERTS:
        there = taken.pop("attention_mask")
        if not full:
            taken["attention_mask"] = there.bool()[:, None, None, :]
    return taken


def logits_of(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], hidden: Tensor | None = None
) -> Tensor:
    """The logits of a batch, for masked language modelling those of hidden words only.

    A decoder over a vocabulary is dearer than the encoder below it, so it sees no other words. No span
    starts or ends in padding: its logits are minus infinity.

    Args:
        model: a classifier, a masked language model or one for spans, of transformers.
        inputs: as `model` takes them, (examples, tokens).
        hidden: numbers of the words among examples * tokens, in any order; None for other models.

    Returns:
        (examples, outputs), or (words, vocabulary) in the order of `hidden`, or for spans
        (examples, tokens, 2), of start and end.
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
