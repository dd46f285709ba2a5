"""Sizes of blocks of a matrix, and whether they fit it; it needs no torch, so `check` can ask."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from stages.tickets.encoder import checkpoint
from stages.tickets.pruning.masks import survivors_at
from stages.tickets.settings import (
    Encoder,
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    Pretrain,
    Ternary,
    UserError,
)

HEAD = "head"
SIZES = frozenset({"hidden_size", "intermediate_size", "num_attention_heads"})
"""Sizes in a config.json of transformers on which blocks depend."""
WRITES = "output.dense.weight"
"""End of the names of matrices that write to the hidden states, and read heads or neurons."""


@dataclass(frozen=True)
class Block:
    """The size of a block: `rows` outputs by `columns` inputs."""

    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"

    def number(self, shape: Sequence[int]) -> tuple[int, int]:
        """Count the rows and the columns of blocks in a matrix that they divide."""
        return shape[0] // self.rows, shape[1] // self.columns


def of(geometry: str, matrix: str, config: Any) -> Block:  # noqa: ANN401
    """Return the size of the blocks of a matrix.

    A head is as many rows of queries, keys and values as it has dimensions, and as many columns of the
    attention's output matrix. MLPs are cut alike: as many neurons, with all of their inputs or outputs.

    Args:
        geometry: rows x columns, such as 1x16, or `head`.
        matrix: name of the matrix in the base model.
        config: configuration of the encoder, as transformers names its sizes.

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
    matrix: str, shape: Sequence[int], block: Block, sparsity: float, balanced: bool = False
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


def check_study(asked: Ternary, encoder: Encoder) -> None:
    """Refuse blocks that do not fit the matrices of an encoder, if its sizes are known before any work.

    They are known of an encoder that the study pre-trains, and of one on this machine that is built like
    BERT: its matrices are square, but for the two of an MLP.

    Args:
        asked: what a study asks for.
        encoder: source of theta_0.

    Raises:
        UserError: some blocks do not fit, see `of` and `check`.
    """
    if not asked.tasks or isinstance(encoder, HubEncoder):
        return
    config = _config(encoder)
    if config.model_type in checkpoint.BERTS and not vars(config).keys() >= SIZES:
        return  # it has the sizes of its class, which transformers knows
    for geometry in asked.blocks:
        if config.model_type not in checkpoint.BERTS:
            of(geometry, WRITES, config)  # refuses heads
            continue
        hidden, mlp = config.hidden_size, config.intermediate_size
        for matrix, shape in {
            "attention.self.query.weight": (hidden, hidden),
            f"attention.{WRITES}": (hidden, hidden),
            "intermediate.dense.weight": (mlp, hidden),
            WRITES: (hidden, mlp),
        }.items():
            block = of(geometry, matrix, config)
            for percent in asked.sparsities:
                place = f"encoder.layer.0.{matrix}"
                check(place, shape, block, percent / 100, asked.rule.scope == "column")


def _config(encoder: Pretrain | FolderEncoder | PackageEncoder) -> SimpleNamespace:
    """Return the configuration of an encoder, with its sizes as transformers names them."""
    if isinstance(encoder, Pretrain):
        return SimpleNamespace(
            model_type="bert",
            hidden_size=encoder.hidden,
            intermediate_size=encoder.mlp,
            num_attention_heads=encoder.attention_heads,
        )
    file = checkpoint.folder_of(encoder) / checkpoint.CONFIG
    return SimpleNamespace(**json.loads(file.read_text(encoding="utf-8")))
