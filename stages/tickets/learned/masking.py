"""Relaxed samples of Bernoulli masks, their prior, and a model whose matrices are read through masks."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformers import PreTrainedModel

Factor = Callable[[], Tensor]
"""A function that returns what a matrix is multiplied by, in its shape."""


def divergence(logits: Tensor, prior: float) -> Tensor:
    """Compute KL(Bernoulli(p) || Bernoulli(prior)) in nats for every weight, with p = sigmoid(logit).

    It is p log(p / prior) + (1 - p) log((1 - p) / (1 - prior)), in logarithms of the sigmoid, so that it
    is exact for large logits, too.

    Args:
        logits: finite numbers of any shape.
        prior: in (0, 1).
    """
    of_kept = functional.logsigmoid(logits) - math.log(prior)
    of_dropped = functional.logsigmoid(-logits) - math.log1p(-prior)
    return torch.sigmoid(logits) * of_kept + torch.sigmoid(-logits) * of_dropped


def relaxed(logits: Tensor, temperature: float, uniform: Tensor) -> Tensor:
    """Return soft samples of masks, in [0, 1], by the binary Gumbel-softmax.

    The softmax of two logarithms of probabilities with Gumbel noise, over a temperature, is the sigmoid
    of the logit with logistic noise over it. A sample is above 1/2 with the probability of the weight, at
    any temperature; its mean is not that probability.

    Args:
        logits: one per weight.
        temperature: above 0.
        uniform: numbers in [0, 1), of the shape of the logits.
    """
    return torch.sigmoid((logits + torch.logit(uniform)) / temperature)


@dataclass
class Samples:
    """Source of soft samples, whose temperature may change on the way."""

    generator: torch.Generator
    temperature: float

    def of(self, logits: Tensor) -> Tensor:
        """Draw a soft mask, anew in every call; its gradient goes to the logits."""
        uniform = torch.rand(
            logits.shape, generator=self.generator, device=logits.device, dtype=logits.dtype
        )
        return relaxed(logits, self.temperature, uniform)


class _Times(nn.Module):
    """What a matrix is read through."""

    def __init__(self, factor: Factor) -> None:
        super().__init__()
        self._factor = factor

    def forward(self, weights: Tensor) -> Tensor:
        return weights * self._factor()


@contextmanager
def multiplied_(model: PreTrainedModel, factors: Mapping[str, Factor]) -> Iterator[None]:
    """Multiply matrices of a model in every forward pass of a `with` block; its weights stay.

    Args:
        model: afterwards it has the same parameters as before.
        factors: functions by name of the matrix in the base model.
    """
    places = {
        name: (model.base_model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2])
        for name in factors
    }
    try:
        for name, factor in factors.items():
            # Its check would draw a sample, which would be missing later.
            parametrize.register_parametrization(*places[name], _Times(factor), unsafe=True)
        yield
    finally:
        for module, kind in places.values():
            if parametrize.is_parametrized(module, kind):
                parametrize.remove_parametrizations(module, kind, leave_parametrized=False)


@contextmanager
def frozen_(model: PreTrainedModel, head: list[nn.Parameter]) -> Iterator[None]:
    """Let nothing of a model but some of its parameters have a gradient in a `with` block."""
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    trained = {id(parameter) for parameter in head}
    for parameter, _ in flags:
        parameter.requires_grad_(id(parameter) in trained)
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
            if id(parameter) not in trained:
                parameter.grad = None
