"""A penalty on the norms of blocks: a group lasso, or one that is clipped for blocks that are to stay.

A group lasso shrinks all blocks, also those to keep, and with them the largest weight and the scale of
ternary values. Yang, He and Fan 2020 clip the norm of a block at a threshold, which adapts itself to the
mean norm, so that larger blocks are left alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.tickets.ternary import blocks
from stages.tickets.ternary.sizing import Block


@dataclass(frozen=True)
class Penalty:
    """Weight times the sum over blocks of min(norm, ratio * mean norm)."""

    weight: float
    ratio: float
    """Infinity for a group lasso."""
    detach: bool = True
    """Whether the threshold passes no gradient on. In the released scripts it does, so that blocks above
    it are pushed, too, by their share of the mean."""

    def of(self, weights: Tensor, block: Block) -> Tensor:
        """Compute the penalty of a matrix without its weight; a block that is zero has no gradient."""
        norms = blocks.norms(weights, block)
        if math.isinf(self.ratio):
            return norms.sum()
        threshold = self.ratio * norms.mean()
        return torch.minimum(norms, threshold.detach() if self.detach else threshold).sum()

    def hook(self, weights: Tensor, block: Block) -> Callable[[Tensor], Tensor]:
        """Make a hook that adds the gradient of the weighted penalty to that of a loss.

        Args:
            weights: the live matrix that gets the hook.
            block: size of its blocks.
        """

        def add(gradient: Tensor) -> Tensor:
            with torch.enable_grad():
                copied = weights.detach().requires_grad_()
                (more,) = torch.autograd.grad(self.of(copied, block), copied)
            return gradient + self.weight * more

        return add
