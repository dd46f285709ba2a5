"""How much two rankings of the same channels differ."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
BLOCK = 512
"""Number of rows of the table of all pairs that are compared at a time."""


def kendall(first: Values, second: Values) -> float | None:
    """Compute Kendall's tau, 2 / (n (n - 1)) times the sum over pairs of sign(a) * sign(b), in [-1, 1].

    A pair that is equal on a side adds 0, so without ties it is what scipy calls tau-b, and with ties it
    is less (tau-a). Zhang, Colbert and Das 2022 have this formula.

    Args:
        first: a number per item, (items,).
        second: another number per item, (items,).

    Returns:
        The coefficient; None for fewer than two items.

    Raises:
        ValueError: the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"the two sides have shapes {first.shape} and {second.shape}")
    number = len(first)
    if number < 2:
        return None
    total = 0
    for start in range(0, number, BLOCK):  # every pair twice
        rows = slice(start, start + BLOCK)
        signs = [
            (side[rows, None] > side).astype(np.int8) - (side[rows, None] < side).astype(np.int8)
            for side in (first, second)
        ]
        total += int((signs[0] * signs[1]).sum(dtype=np.int64))
    return total / (number * (number - 1))
