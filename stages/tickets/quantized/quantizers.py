"""Uniform quantizers: a running range, the grid that it spans, and rounding to that grid.

As in Zhang, Colbert and Das 2022, weights have a symmetric grid per row, whose scale is the running mean
of the largest magnitude over 2^(bits - 1), and activations an asymmetric grid per tensor over the running
means of the least and the greatest value of a batch. Every batch counts alike, whatever its size.

Their published code differs in three points. It throws the result of the clamp away, so nothing
saturates. It clips the value of gradients in place of dropping those of values outside the range. And it
divides the range of activations by 2^bits, so that the greatest value is no level. Here a range has
2^bits levels, and thus 2^bits - 1 steps, of which both ends are levels: with 2 bits the other rule would
cut off a quarter of it. The grid of weights is that of integers in two's complement, as there, so that of
two weights of the largest magnitude only the negative one is a level.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

TINY = 2.0**-60
"""Least scale, so that a row of zeros has one."""


class _Rounded(torch.autograd.Function):
    """Rounding to a grid, whose gradient is 1 inside the range and 0 outside (straight-through)."""

    @staticmethod
    def forward(
        context: Any,  # noqa: ANN401  of torch
        values: Tensor,
        scale: Tensor,
        zero: Tensor | int,
        low: int,
        high: int,
    ) -> Tensor:
        free, kept = _levels(values, scale, zero, low, high)
        context.save_for_backward(free == kept)
        return kept.mul_(scale)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (inside,) = context.saved_tensors
        return gradients[0] * inside, None, None, None, None


def _levels(
    values: Tensor, scale: Tensor, zero: Tensor | int, low: int, high: int
) -> tuple[Tensor, Tensor]:
    """Return the whole numbers of levels, less that of zero, before and after the clamp."""
    free = (values * scale.reciprocal()).round_()
    return free, free.clamp(low - zero, high - zero)  # type: ignore[arg-type]


def rounded(values: Tensor, scale: Tensor, zero: Tensor | int, low: int, high: int) -> Tensor:
    """Return (q - zero) * scale, with q = clamp(round(values / scale) + zero, low, high).

    Halves go to even, and the clamp is applied. The gradient of a value is that of its result if it was
    not clamped, else 0. `torch.fake_quantize_per_channel_affine` computes the same.

    Args:
        values: of any shape.
        scale: above 0, broadcast over `values`.
        zero: level of the value 0, a whole number in [low, high].
        low: number of the lowest level.
        high: number of the highest level.
    """
    made: Tensor = _Rounded.apply(values, scale, zero, low, high)  # type: ignore[no-untyped-call]
    return made


def power_of_two(scale: Tensor) -> Tensor:
    """Return the least power of two that is not below a scale, exactly."""
    mantissa, exponent = torch.frexp(scale)
    return torch.ldexp(torch.ones_like(scale), exponent - (mantissa == 0.5).int())


@dataclass
class Mode:
    """What all quantizers of a model do in its next pass."""

    follows: bool = False
    """Whether ranges follow what comes in a training; never in predictions."""
    calibrates: bool = False
    """Whether ranges see what comes, which passes as it is, without rounding."""
    there: Tensor | None = None
    """Which tokens are no padding, bool (examples, tokens); None if all are."""


class Quantizer(nn.Module):
    """A running range, and the grid that it spans."""

    def __init__(self, mode: Mode, bits: int, whole_shifts: bool, like: Tensor) -> None:
        """
        Args:
            mode: that of the model.
            bits: at least 2.
            whole_shifts: take powers of two as scales.
            like: gives shape, dtype and device of the ends of the range.
        """
        super().__init__()
        self.mode, self.bits, self.whole_shifts, self.seen = mode, bits, whole_shifts, 0
        self.register_buffer("low", torch.zeros_like(like))
        self.register_buffer("high", torch.zeros_like(like))
        self.low: Tensor
        self.high: Tensor

    def see_(self, low: Tensor, high: Tensor) -> None:
        """Let the ends of the range be the means of all that were seen."""
        self.seen += 1
        self.low.add_((low - self.low) / self.seen)
        self.high.add_((high - self.high) / self.seen)

    @property
    def watches(self) -> bool:
        """Whether the next pass changes the range."""
        return self.mode.calibrates or (self.mode.follows and self.training)

    def _scale(self, steps: int) -> Tensor:
        if not self.seen:
            raise ValueError(
                "a quantizer has seen nothing, so it has no range: calibrate the model"
            )
        scale = ((self.high - self.low) / steps).clamp_min(TINY)
        return power_of_two(scale) if self.whole_shifts else scale


class Rows(Quantizer):
    """Quantizer of a matrix: levels -2^(bits - 1) to 2^(bits - 1) - 1, with a scale for every row."""

    def __init__(self, mode: Mode, bits: int, whole_shifts: bool, matrix: Tensor) -> None:
        """
        Args:
            mode: that of the model.
            bits: at least 2.
            whole_shifts: take powers of two as scales.
            matrix: (rows, columns), whose ranges are the first that are seen.
        """
        super().__init__(mode, bits, whole_shifts, matrix.detach()[:, 0])
        self.see_rows_(matrix)

    def see_rows_(self, matrix: Tensor) -> None:
        """See the largest magnitude of every row; the low end stays 0."""
        largest = matrix.detach().abs().amax(1)
        self.see_(torch.zeros_like(largest), largest)

    def scales(self) -> Tensor:
        """Return the scale of every row, (rows,)."""
        return self._scale(1 << (self.bits - 1))

    def integers(self, matrix: Tensor) -> Tensor:
        """Return the levels of a matrix, int8; times `scales` they are what `forward` returns."""
        half = 1 << (self.bits - 1)
        with torch.no_grad():
            return _levels(matrix, self.scales()[:, None], 0, -half, half - 1)[1].to(torch.int8)

    def forward(self, matrix: Tensor, numbers: Tensor | None = None) -> Tensor:
        """Round a matrix, or its rows of some numbers alone, (..., columns) for numbers (...)."""
        if self.watches:
            self.see_rows_(matrix)
        values = matrix if numbers is None else nn.functional.embedding(numbers, matrix)
        if self.mode.calibrates:
            return values
        scales = self.scales() if numbers is None else self.scales()[numbers]
        half = 1 << (self.bits - 1)
        return rounded(values, scales[..., None], 0, -half, half - 1)


class Values(Quantizer):
    """Quantizer of a tensor of activations: levels 0 to 2^bits - 1 over a range that holds 0."""

    def see_values_(self, values: Tensor) -> None:
        """See the least and the greatest value of tokens that are no padding."""
        given, there = values.detach(), self.mode.there
        if there is not None and given.ndim == 3:
            # The last layer of a classifier may compute the first token alone.
            there = there[:, : given.shape[1], None]
            low = given.masked_fill(~there, torch.inf).amin()
            high = given.masked_fill(~there, -torch.inf).amax()
        else:
            low, high = given.aminmax()
        self.see_(low.clamp_max(0), high.clamp_min(0))

    def grid(self) -> tuple[Tensor, Tensor]:
        """Return the scale and the level of 0, which moves the range by half a step at most."""
        last = (1 << self.bits) - 1
        scale = self._scale(last)
        return scale, (self.low / scale).round_().neg_().clamp_(0, last)

    def forward(self, values: Tensor) -> Tensor:
        """Round values, in the precision of the range."""
        given = values.to(self.low.dtype)
        if self.watches:
            self.see_values_(given)
        if self.mode.calibrates:
            return values
        return rounded(given, *self.grid(), 0, (1 << self.bits) - 1)


class Fixed(nn.Module):
    """The grid of a quantizer of activations, as it is stored."""

    def __init__(self, scale: Tensor, zero: Tensor, bits: int) -> None:
        super().__init__()
        self.last = (1 << bits) - 1
        self.register_buffer("scale", scale)
        self.register_buffer("zero", zero.to(scale.dtype))
        self.scale: Tensor
        self.zero: Tensor

    def forward(self, values: Tensor) -> Tensor:
        """Round values."""
        return rounded(values.to(self.scale.dtype), self.scale, self.zero, 0, self.last)
