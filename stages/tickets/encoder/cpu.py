"""Dropout and attention as transformers has them, in fewer passes over memory on the CPU.

A bernoulli number per value makes dropout a tenth of a step on the CPU, and the backward pass of torch's
fused attention in bfloat16 takes half as long again there as plain products of matrices.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEVELS = 1 << 16
"""Probabilities of dropout are multiples of 1 / LEVELS."""


def survival(like: Tensor, probability: float) -> Tensor:
    """What dropout multiplies with: 0 with `probability`, else what keeps the mean.

    A quarter of a 64-bit number of torch's global generator decides on each value; `probability` is
    rounded to a multiple of 2**-16, and the mean kept is that of the rounded one.

    Args:
        like: gives shape, dtype and device.
        probability: in [0, 1).

    Returns:
        0 or 1 / (1 - probability), drawn anew.
    """
    threshold = min(round(probability * LEVELS), LEVELS - 1)
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device)
    quarters = words.random_(-(2**63), None).view(torch.int16)[: like.numel()].view(like.shape)
    kept = quarters >= threshold - LEVELS // 2
    return kept.to(like.dtype).mul_(LEVELS / (LEVELS - threshold))


class Dropout(nn.Dropout):
    """nn.Dropout with a quarter of the random numbers."""

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return values
        return values * survival(values, self.p)


def attention(
    _: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **__: object,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention, as an attention function of transformers.

    Args:
        query: (examples, heads, tokens, size), as `key` and `value`.
        attention_mask: bool, (examples, 1, 1 or tokens, tokens), False where not to look; None looks
            everywhere.
        scaling: of the scores; None for size ** -0.5.
        dropout: probability, of the weights.

    Returns:
        (examples, tokens, heads, size), and the weights (examples, heads, tokens, tokens).
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = (query * scaling) @ key.transpose(-1, -2)
    if attention_mask is not None:
        unseen = torch.finfo(scores.dtype).min
        scores = scores + torch.where(attention_mask, 0.0, unseen).to(scores.dtype)
    weights = scores.softmax(-1).to(value.dtype)
    if dropout:
        weights = weights * survival(weights, dropout)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def use_dropout_(model: nn.Module) -> None:
    """Exchange every nn.Dropout of `model` for a cheaper one; none has weights."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                cheaper = Dropout(child.p)
                setattr(parent, name, cheaper.train(child.training))


def first_token(_: nn.Module, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """A hook before a module: of states (examples, tokens, size), the first token alone."""
    return tuple(state[:, :1] for state in states)
