"""Matrices of small whole numbers, with as many of them in a byte as it holds."""

import torch
from torch import Tensor

BYTE = 8
"""Bits of a byte."""


def packed(numbers: Tensor, bits: int) -> Tensor:
    """Put the numbers of each row into bytes, the first into the lowest bits; a row ends with zeros.

    Args:
        numbers: whole numbers from -2^(bits - 1) to 2^(bits - 1) - 1, int8, (rows, columns).
        bits: 8, 4 or 2.

    Returns:
        int8 as given for 8 bits; else uint8, (rows, ceil(columns * bits / 8)).
    """
    if bits == BYTE:
        return numbers
    each = BYTE // bits
    codes = (numbers.to(torch.int16) & ((1 << bits) - 1)).to(torch.uint8)
    codes = torch.nn.functional.pad(codes, (0, -numbers.shape[1] % each))
    shifts = torch.arange(0, BYTE, bits, dtype=torch.uint8)
    grouped: Tensor = codes.unflatten(1, (-1, each))  # type: ignore[no-untyped-call]
    return (grouped << shifts).sum(-1, dtype=torch.uint8)


def unpacked(stored: Tensor, bits: int, columns: int) -> Tensor:
    """Return the numbers that `packed` has put into bytes, int8, (rows, columns)."""
    if bits == BYTE:
        return stored
    shifts = torch.arange(0, BYTE, bits, dtype=torch.uint8)
    codes = (stored[..., None] >> shifts & ((1 << bits) - 1)).flatten(1)[:, :columns]
    half = 1 << (bits - 1)
    return ((codes.to(torch.int16) ^ half) - half).to(torch.int8)
