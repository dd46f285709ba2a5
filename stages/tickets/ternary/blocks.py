"""Blocks of a matrix: its tiles of one size, their norms, and which of them are kept."""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from stages.tickets.encoder import checkpoint
from stages.tickets.pruning.masks import survivors_at
from stages.tickets.settings import UserError

HEAD = "head"
WRITES = "output.dense.weight"
"""End of the names of matrices that write to the hidden states, and read heads or neurons."""


@dataclass(frozen=True)
class Block:
    """The size of a block: `rows` outputs by `columns` inputs."""

    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"

    def number(self, shape: torch.Size) -> tuple[int, int]:
        """Count the rows and the columns of blocks in a matrix that they divide."""
        return shape[0] // self.rows, shape[1] // self.columns


def of(geometry: str, matrix: str, config: PreTrainedConfig) -> Block:
    """Return the size of the blocks of a matrix.

    A head is as many rows of queries, keys and values as it has dimensions, and as many columns of the
    attention's output matrix. MLPs are cut alike: as many neurons, with all of their inputs or outputs.

    Args:
        geometry: rows x columns, such as 1x16, or `head`.
        matrix: name of the matrix in the base model.
        config: configuration of the encoder.

    Raises:
        UserError: heads are asked for of an encoder that is not built like BERT.
    """
    if geometry != HEAD:
        rows, columns = map(int, geometry.split("x"))
        return Block(rows, columns)
    if config.model_type not in checkpoint.BERTS:
        raise UserError(
            f"ternary.blocks has 'head', but the encoder is of the type {config.model_type!r}, allowed "
            f"with heads are {', '.join(checkpoint.BERTS)}; take blocks such as 16x16"
        )
    hidden = int(config.hidden_size)
    size = hidden // int(config.num_attention_heads)
    return Block(hidden, size) if matrix.endswith(WRITES) else Block(size, hidden)


def check(
    matrix: str, shape: torch.Size, block: Block, sparsity: float, balanced: bool = False
) -> None:
    """Refuse blocks that do not divide a matrix, and a sparsity at which no block is left.

    Raises:
        UserError: one of both is so.
    """
    if shape[0] % block.rows or shape[1] % block.columns:
        raise UserError(
            f"ternary.blocks has blocks of {block}, which do not divide {matrix} of {shape[0]} x "
            f"{shape[1]}; take blocks whose sides divide both"
        )
    rows, columns = block.number(shape)
    number = rows if balanced else rows * columns
    if survivors_at(sparsity, number) == 0:
        raise UserError(
            f"ternary.sparsities has {100 * sparsity:g}, which leaves none of {number} blocks of "
            f"{block} {'in a column ' if balanced else ''}in {matrix}; take fewer per cent, or smaller "
            "blocks"
        )


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
    """
    ranked = of_blocks if balanced else of_blocks.reshape(-1, 1)
    num_dropped = len(ranked) - survivors_at(sparsity, len(ranked))
    dropped = ranked.argsort(dim=0, stable=True)[:num_dropped]
    stays = torch.ones_like(ranked, dtype=torch.bool).scatter_(0, dropped, value=False)
    return stays.reshape(of_blocks.shape)
