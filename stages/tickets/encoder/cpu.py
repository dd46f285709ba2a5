"""Dropout and attention of transformers, in fewer passes over memory on the CPU.

On the CPU, torch's dropout takes a tenth of a step, since it draws a Bernoulli number per value, and the
backward pass of its fused attention in bfloat16 takes half as long again as plain matrix products.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEVELS = 1 << 16
"""Probabilities of dropout are multiples of 1 / LEVELS."""


def survival(like: Tensor, probability: float) -> Tensor:
    """Draw the factors of dropout: 0 with `probability`, else the factor that keeps the mean.

    A quarter of a 64-bit number of torch's global generator decides on each value. `probability` is
    rounded to a multiple of 2**-16, and the factor belongs to the rounded probability.

    Args:
        like: gives shape, dtype and device.
        probability: probability of dropping a value, in [0, 1).

    Returns:
        Factors, each 0 or 1 / (1 - probability), in the shape of `like`.
    """
    threshold = min(round(probability * LEVELS), LEVELS - 1)
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device)
    quarters = words.random_(-(2**63), None).view(torch.int16)[: like.numel()].view(like.shape)
    kept = quarters >= threshold - LEVELS // 2
    return kept.to(like.dtype).mul_(LEVELS / (LEVELS - threshold))


class Dropout(nn.Dropout):
    """A module like nn.Dropout that draws a quarter of the random numbers."""

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
    """Compute scaled dot-product attention, with the interface that transformers expects.

    Args:
        query, key, value: (examples, heads, tokens, size).
        attention_mask: bool, (examples, 1, 1 or tokens, tokens), False for tokens that get no
            attention; None if all get some.
        scaling: factor of the scores; None for size ** -0.5.
        dropout: probability of dropout on the attention weights, in [0, 1).

    Returns:
        The output, (examples, tokens, heads, size), and the attention weights, (examples, heads,
        tokens, tokens).
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
    """Exchange every nn.Dropout of `model` for a cheaper module; neither has weights."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                cheaper = Dropout(child.p)
                setattr(parent, name, cheaper.train(child.training))


def first_token(_: nn.Module, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Keep the first token of states (examples, tokens, size); this is a hook before a module."""
    return tuple(state[:, :1] for state in states)
