"""Ternary weights: the threshold and the scale of a matrix, and how a gradient passes through them.

Yang, He and Fan 2020 set the threshold to 0.05 times the largest magnitude, ternary weight networks (Li
et al. 2016) to 0.7 times the mean magnitude. The scale is the mean magnitude of what is above it, which
is the best in least squares for these weights. Both are computed anew in every step and not learned.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stages.tickets.settings.ternary import Threshold

OF_MAX, OF_MEAN = 0.05, 0.7
CLIP = 1.0
"""Magnitude from which on a weight gets no gradient."""


@dataclass(frozen=True)
class Grid:
    """Threshold and scale, each (1, 1), or by row (rows, 1)."""

    threshold: Tensor
    scale: Tensor


def grid(
    weights: Tensor, rule: Threshold, kept: Tensor | None = None, by_row: bool = False
) -> Grid:
    """Compute threshold and scale of a matrix, or of each of its rows.

    Args:
        weights: (rows, columns); dropped weights are 0.
        rule: see `Threshold`.
        kept: 1 for each kept weight and else 0, so that dropped ones do not enter the mean; None for all.
        by_row: whether every row has its own.
    """
    over = (1,) if by_row else (0, 1)
    sizes = weights.detach().abs()
    if rule == "max":
        threshold = OF_MAX * sizes.amax(over, keepdim=True)
    else:
        counted = torch.ones_like(sizes) if kept is None else kept.to(sizes.dtype)
        number = counted.sum(over, keepdim=True).clamp(min=1)
        threshold = OF_MEAN * sizes.sum(over, keepdim=True) / number
    above = sizes > threshold
    total = (sizes * above).sum(over, keepdim=True)
    return Grid(threshold, total / above.sum(over, keepdim=True).clamp(min=1))


def ternary(
    weights: Tensor, rule: Threshold, kept: Tensor | None = None, by_row: bool = False
) -> Tensor:
    """Replace weights by their scale with their sign, or by 0 up to the threshold; see `grid`.

    The released scripts drop +threshold and keep -threshold; both signs are alike here. A weight that is
    NaN makes all of its matrix, or of its row, NaN, so that a loss shows it.
    """
    values = weights.detach()
    made = grid(values, rule, kept, by_row)
    return torch.where(values.abs() <= made.threshold, 0.0, values.sign() * made.scale)


def straight_through(weights: Tensor, values: Tensor) -> Tensor:
    """Return `values` exactly; their gradient goes to `weights` within the clip, and else nowhere."""
    passed = weights * (weights.detach().abs() < CLIP)
    return values + (passed - passed.detach())


class Reading(nn.Module):
    """How a model reads a matrix: as it is, without dropped blocks, as ternary values, or both."""

    def __init__(self, rule: Threshold, by_row: bool = False) -> None:
        super().__init__()
        self.rule, self.by_row = rule, by_row
        self.is_ternary = False
        self.kept: Tensor | None = None
        """1 for each kept weight and else 0."""

    def forward(self, weights: Tensor) -> Tensor:
        seen = weights if self.kept is None else weights * self.kept
        if not self.is_ternary:
            return seen
        return straight_through(seen, ternary(seen, self.rule, self.kept, self.by_row))
