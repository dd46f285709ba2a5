"""What a model with ternary blocks weighs, in bits: three compression ratios, of which none is hidden."""

from collections.abc import Iterable
from dataclasses import dataclass

FULL, TERNARY, SCALE, PER_BLOCK = 32, 2, 32, 1
"""Bits of a weight in float32, of a ternary one, of a scale, and of a block that is kept or not."""


@dataclass(frozen=True)
class Matrix:
    """A ternary matrix."""

    weights: int
    blocks: int
    """Number of its blocks, all of one size; 0 if all of it is kept and no block is marked."""
    kept: int = 0
    """Number of its kept blocks."""
    scales: int = 1

    @property
    def stored(self) -> int:
        """Number of weights in kept blocks."""
        return self.weights // self.blocks * self.kept if self.blocks else self.weights


@dataclass(frozen=True)
class Ratios:
    """Bits in float32 over bits here."""

    paper: float
    """Of the matrices in blocks, two bits for each kept weight and nothing else: 16 / (1 - sparsity)."""
    counted: float
    """Of the same, with a bit per block and the scales."""
    model: float
    """Of all parameters, with those that stay in float32."""


def bits(matrix: Matrix) -> int:
    """Count the bits of a ternary matrix with its scales and a bit per block."""
    return TERNARY * matrix.stored + PER_BLOCK * matrix.blocks + SCALE * matrix.scales


def ratios(in_blocks: Iterable[Matrix], by_row: Iterable[Matrix], others: int) -> Ratios:
    """Compute the three ratios of a model.

    Args:
        in_blocks: matrices of which blocks are dropped.
        by_row: ternary embeddings, with a scale per row.
        others: number of all other parameters, in float32.
    """
    listed, rows = list(in_blocks), list(by_row)
    full = FULL * sum(matrix.weights for matrix in listed)
    every = full + FULL * (sum(matrix.weights for matrix in rows) + others)
    counted = sum(map(bits, listed))
    return Ratios(
        full / (TERNARY * sum(matrix.stored for matrix in listed)),
        full / counted,
        every / (counted + sum(map(bits, rows)) + FULL * others),
    )
