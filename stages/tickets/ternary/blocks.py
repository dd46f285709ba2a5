"""Blocks of a matrix: its tiles of one size, their norms, and which of them are kept."""

import torch
from torch import Tensor

from stages.tickets.pruning.masks import survivors_at
from stages.tickets.ternary.sizing import Block


def cut(weights: Tensor, block: Block) -> Tensor:
    """Cut a matrix into blocks: (rows of blocks, columns of blocks, rows, columns of a block)."""
    rows, columns = block.number(weights.shape)
    return weights.reshape(rows, block.rows, columns, block.columns).swapaxes(1, 2)


def joined(blocks: Tensor) -> Tensor:
    """Put blocks together again, see `cut`."""
    rows, columns, height, width = blocks.shape
    return blocks.swapaxes(1, 2).reshape(rows * height, columns * width)


def spread(values: Tensor, block: Block) -> Tensor:
    """Give every weight the value of its block.

    Args:
        values: a number per block, (rows of blocks, columns of blocks).
        block: size of the blocks.
    """
    return values.repeat_interleave(block.rows, 0).repeat_interleave(block.columns, 1)


def norms(weights: Tensor, block: Block) -> Tensor:
    """Compute the Euclidean norms of all blocks; the gradient of one that is zero is zero."""
    made: Tensor = torch.linalg.vector_norm(cut(weights, block), dim=(2, 3))
    return made


def kept(of_blocks: Tensor, sparsity: float, balanced: bool = False) -> Tensor:
    """Keep exactly round((1 - sparsity) * n) of n blocks, those with the largest norms.

    Equal norms go in row-major order, the first are dropped first.

    Args:
        of_blocks: norms, (rows of blocks, columns of blocks).
        sparsity: share of the blocks that are dropped, in [0, 1).
        balanced: every column keeps so many of its blocks.

    Returns:
        True for each kept block, in the shape of `of_blocks`.

    Raises:
        ValueError: a norm is NaN.
    """
    if of_blocks.isnan().any():
        raise ValueError("the norm of a block is NaN, so blocks cannot be ranked")
    ranked = of_blocks if balanced else of_blocks.reshape(-1, 1)
    num_dropped = len(ranked) - survivors_at(sparsity, len(ranked))
    dropped = ranked.argsort(dim=0, stable=True)[:num_dropped]
    stays = torch.ones_like(ranked, dtype=torch.bool).scatter_(0, dropped, value=False)
    return stays.reshape(of_blocks.shape)
