"""The diagonal of the Hessian by Hutchinson's estimate, squared gradients beside it, and one direction.

All of it is about the mean loss over some examples as a function of the kept weights of some matrices,
while all other weights stay fixed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from stages.tickets.training.objective import Batch, Weights


@dataclass(frozen=True)
class Diagonal:
    """An estimate by weight, and what its samples sum up to in every matrix."""

    values: Mapping[str, Tensor]
    """Means over samples by weight, float64; 0 for dropped weights."""
    errors: Mapping[str, Tensor]
    """Their standard errors; NaN with a single sample."""
    sums: NDArray[np.float64]
    """Sum of each sample over the kept weights of each matrix, (batches, samples, matrices); batches add
    up."""
    scaled: NDArray[np.float64]
    """The same with every weight's value times the square of the weight, which does not change if another
    layer takes over a scale."""


class _Running:
    """Mean and squared deviations of samples as they come (Welford 1962), and their sums by matrix."""

    def __init__(self, weights: Weights) -> None:
        self._squares = {name: weight.detach().double() ** 2 for name, weight in weights.items()}
        self.mean = {name: torch.zeros_like(square) for name, square in self._squares.items()}
        self._deviations = {name: torch.zeros_like(mean) for name, mean in self.mean.items()}
        self.sums: list[list[float]] = []
        self.scaled: list[list[float]] = []

    def add(self, sample: Weights) -> None:
        number = len(self.sums) + 1
        for name, values in sample.items():
            before = values - self.mean[name]
            self.mean[name] += before / number
            self._deviations[name] += before * (values - self.mean[name])
        self.sums.append([float(values.sum()) for values in sample.values()])
        self.scaled.append(
            [float((values * self._squares[name]).sum()) for name, values in sample.items()]
        )

    def variance(self, name: str) -> Tensor:
        """Estimate the variance of the mean by weight."""
        number = len(self.sums)
        return self._deviations[name] / (number * (number - 1) if number > 1 else math.nan)


def _combined(parts: Sequence[_Running], names: Sequence[str]) -> Diagonal:
    """Add up the means of independent samples of several batches, and their variances."""
    values = {name: torch.stack([part.mean[name] for part in parts]).sum(0) for name in names}
    variances = {
        name: torch.stack([part.variance(name) for part in parts]).sum(0) for name in names
    }
    return Diagonal(
        values,
        {name: variance.sqrt() for name, variance in variances.items()},
        np.array([part.sums for part in parts]),
        np.array([part.scaled for part in parts]),
    )


def hutchinson(
    batches: Sequence[Batch],
    weights: Weights,
    kept: Mapping[str, Tensor],
    probes: int,
    seed: int,
    name: str = "",
) -> Diagonal:
    """Estimate the diagonal of the Hessian over the kept weights: the mean of z * Hz.

    Every entry of a probe z is 1 or -1 at random, and 0 for dropped weights. The estimate is unbiased,
    and its variance is the sum of H_ij ** 2 over all other kept weights j, divided by the number of
    probes. Every batch has probes of its own, for which its gradient is computed once; H is then its
    Hessian times its share of the examples, and the variances of batches add up.

    Args:
        batches: the examples; the loss is the mean over all of them.
        weights: all weights by name, dropped ones 0, or at least those of `kept`.
        kept: masks of the matrices by name, bool.
        probes: number of probes for each batch; two at least for standard errors.
        seed: of the probes.
        name: shown beside the progress.

    Bekas et al. 2007, Sec. 2.
    """
    generator = np.random.default_rng(seed)
    total = _number(batches, weights)
    parts = []
    for batch in tqdm(batches, name, unit="batch", mininterval=5):
        leaves = _leaves(weights, kept)
        losses, _ = batch({**weights, **leaves})
        gradient = torch.autograd.grad(
            losses.sum() / total, [*leaves.values()], create_graph=True, materialize_grads=True
        )
        running = _Running(leaves)
        for _ in range(probes):
            probe = {key: _signs(generator, mask, leaves[key]) for key, mask in kept.items()}
            product = torch.autograd.grad(
                gradient,
                [*leaves.values()],
                [*probe.values()],
                retain_graph=True,
                materialize_grads=True,
            )
            running.add(
                {
                    key: probe[key].double() * part.double()
                    for key, part in zip(leaves, product, strict=True)
                }
            )
        parts.append(running)
    return _combined(parts, [*kept])


def fisher(
    batches: Sequence[Batch], weights: Weights, kept: Mapping[str, Tensor], name: str = ""
) -> Diagonal:
    """Compute the mean over examples of the squared gradient of an example's loss: never negative.

    It is the diagonal of the empirical Fisher matrix, with the labels of the data. It equals that of the
    Hessian only in expectation over the model's own labels and if the second derivatives of the logits
    vanish, so it is a companion and no estimate of it (Kunstner et al. 2019).

    Args:
        batches: the examples; batches of one example cost least.
        weights, kept, name: as in `hutchinson`.
    """
    running = _Running({key: weights[key] for key in kept})
    for batch in tqdm(batches, name, unit="example", mininterval=5):
        leaves = _leaves(weights, kept)
        losses, _ = batch({**weights, **leaves})
        for number, loss in enumerate(losses):
            gradient = torch.autograd.grad(
                loss,
                [*leaves.values()],
                retain_graph=number + 1 < len(losses),
                materialize_grads=True,
            )
            running.add(
                {
                    key: part.double() ** 2 * kept[key]
                    for key, part in zip(leaves, gradient, strict=True)
                }
            )
    return _combined([running], [*kept])


def along(batches: Sequence[Batch], weights: Weights, direction: Weights) -> float:
    """Compute d'Hd of the mean loss at `weights`, the second derivative along a direction d.

    On a path f(a) = L(W + a * d), and for a quadratic loss, it is -8 times the mid gap
    f(1/2) - (f(0) + f(1)) / 2 at every point.

    Args:
        batches: the examples.
        weights: all weights by name at a point of the path.
        direction: the end of the path minus its start, by name; weights without one do not move.
    """
    total = _number(batches, weights)
    curvature = 0.0
    for batch in batches:
        leaves = _leaves(weights, direction)
        losses, _ = batch({**weights, **leaves})
        gradient = torch.autograd.grad(
            losses.sum() / total, [*leaves.values()], create_graph=True, materialize_grads=True
        )
        steps = [direction[key].to(leaf.dtype) for key, leaf in leaves.items()]
        product = torch.autograd.grad(gradient, [*leaves.values()], steps, materialize_grads=True)
        curvature += sum(
            float((step.double() * part.double()).sum())
            for step, part in zip(steps, product, strict=True)
        )
    return curvature


def _leaves(weights: Weights, names: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: weights[name].detach().clone().requires_grad_() for name in names}


def _number(batches: Sequence[Batch], weights: Weights) -> int:
    """Count the examples of all batches."""
    with torch.no_grad():
        return sum(len(batch(weights)[0]) for batch in batches)


def _signs(generator: np.random.Generator, kept: Tensor, like: Tensor) -> Tensor:
    """Draw 1 and -1 with equal chances for kept weights, and 0 for dropped ones."""
    bits = generator.integers(0, 2, tuple(kept.shape), dtype=np.int8)
    return (2 * torch.from_numpy(bits).to(like.device, like.dtype) - 1) * kept
