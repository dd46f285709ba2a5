"""Models with ternary blocks as files: two bits per kept weight, a bit per block, scales; and back.

`model.safetensors` has for a ternary matrix `<name>.codes` (uint8, four weights in a byte, block after
block), `<name>.blocks` (uint8, a bit per block, packed; embeddings have none) and `<name>.scale`
(float32), and all other parameters in float32. `record.json` has the shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets import files
from stages.tickets.encoder import parameters, theta
from stages.tickets.encoder.theta import copy_
from stages.tickets.files import Arrays
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import accounting, blocks
from stages.tickets.ternary.accounting import Matrix, Ratios
from stages.tickets.ternary.sizing import Block

MODEL, RECORD = "model.safetensors", "record.json"
SIGNS = np.array([0, 1, -1, 0], dtype=np.int8)
"""Signs by their codes of two bits; there is no code 3."""


@dataclass(frozen=True)
class Stored:
    """A ternary matrix: signs in blocks or rows, and scales."""

    signs: NDArray[np.int8]
    """-1, 0 and 1 of every weight, (rows, columns); 0 in dropped blocks."""
    scale: NDArray[np.float32]
    """(1, 1), or by row (rows, 1)."""
    kept: NDArray[np.bool_] | None
    """True for each kept block, (rows of blocks, columns of blocks); None for a matrix without blocks."""
    block: Block

    @property
    def values(self) -> NDArray[np.float32]:
        """The weights in float32."""
        made: NDArray[np.float32] = self.signs.astype(np.float32) * self.scale
        return made

    @property
    def blocks_in_use(self) -> int:
        """Number of blocks with a weight that is not 0."""
        signs = blocks.cut(torch.from_numpy(self.signs), self.block)
        return int((signs != 0).any(dim=3).any(dim=2).sum())

    @property
    def matrix(self) -> Matrix:
        """Its sizes."""
        number = 0 if self.kept is None else self.kept.size
        inside = 0 if self.kept is None else int(self.kept.sum())
        return Matrix(self.signs.size, number, inside, self.scale.size)


def store(weights: Tensor, kept: Tensor | None, block: Block | None) -> Stored:
    """Take a matrix apart whose weights are ternary.

    Args:
        weights: float32, (rows, columns).
        kept: True for each kept block; None for a matrix with a scale per row.
        block: size of the blocks; None with `kept`.

    Raises:
        ValueError: it has other values than 0 and a scale with both signs, or a dropped block has one.
    """
    values = weights.detach().cpu().numpy()
    over = 1 if kept is None else None
    scale = np.abs(values).max(axis=over, keepdims=True)
    signs = np.sign(values).astype(np.int8)
    made = Stored(
        signs,
        scale.astype(np.float32),
        None if kept is None else kept.cpu().numpy(),
        block or Block(1, values.shape[1]),
    )
    if not np.array_equal(made.values, values):
        raise ValueError("the weights are not ternary: they have more values than 0 and a scale")
    if kept is not None and block is not None:
        inside = blocks.spread(kept.cpu(), block).numpy()
        if signs[~inside].any():
            raise ValueError("a weight in a dropped block is not 0")
    return made


def pack(stored: Stored) -> Arrays:
    """Pack a matrix into arrays by the ends of their names."""
    cut = blocks.cut(torch.from_numpy(stored.signs), stored.block)
    arrays: Arrays = {"scale": stored.scale}
    if stored.kept is not None:
        arrays["blocks"] = np.packbits(stored.kept)
        cut = cut[torch.from_numpy(stored.kept)]
    codes = (cut.numpy().reshape(-1) % 3).astype(np.uint8)  # -1 becomes 2
    by_four = np.pad(codes, (0, -len(codes) % 4)).reshape(-1, 4)
    arrays["codes"] = np.bitwise_or.reduce(by_four << np.array([0, 2, 4, 6], np.uint8), axis=1)
    return arrays


def unpack(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int], block: Block) -> Stored:
    """Read a matrix from what `pack` has made.

    Raises:
        ValueError: there are more or fewer codes than the kept blocks have weights.
    """
    rows, columns = block.number(torch.Size(shape))
    kept = None
    if "blocks" in arrays:
        bits = np.unpackbits(arrays["blocks"], count=rows * columns)
        kept = bits.view(np.bool_).reshape(rows, columns)
    inside = np.ones((rows, columns), np.bool_) if kept is None else kept
    number = int(inside.sum()) * block.rows * block.columns
    if len(arrays["codes"]) != -(-number // 4):
        raise ValueError(f"{len(arrays['codes'])} bytes of codes are not those of {number} weights")
    codes = (arrays["codes"][:, None] >> np.array([0, 2, 4, 6], np.uint8)) & 3
    signs = np.zeros((rows, columns, block.rows, block.columns), np.int8)
    signs[inside] = SIGNS[codes.reshape(-1)[:number]].reshape(-1, block.rows, block.columns)
    matrix = blocks.joined(torch.from_numpy(signs)).numpy()
    return Stored(matrix, arrays["scale"], kept, block)


# --- models ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """A model taken apart."""

    in_blocks: dict[str, Stored]
    """Matrices in blocks, by their names in the model."""
    by_row: dict[str, Stored]
    """Ternary word embeddings, if there are any."""
    others: dict[str, Tensor]
    """All other parameters, in float32."""

    @property
    def ratios(self) -> Ratios:
        """The three compression ratios."""
        return accounting.ratios(
            (stored.matrix for stored in self.in_blocks.values()),
            (stored.matrix for stored in self.by_row.values()),
            sum(parameter.numel() for parameter in self.others.values()),
        )


def take(
    model: PreTrainedModel, kept: Mapping[str, Tensor], block: Mapping[str, Block], rows: bool
) -> Taken:
    """Take a trained model apart, see `store`.

    Args:
        model: its matrices in blocks are ternary.
        kept: True for each kept block, by the name of the matrix in the base model.
        block: size of the blocks of each of these matrices.
        rows: whether word embeddings are ternary, too.
    """
    prefix, live = model.base_model_prefix, parameters.by_name(model)
    in_blocks = {
        f"{prefix}.{name}": store(live[f"{prefix}.{name}"], kept[name], block[name])
        for name in sorted(kept)
    }
    words = model.get_input_embeddings().get_parameter("weight") if rows else None
    by_row = {name: store(p, None, None) for name, p in live.items() if p is words}
    others = {
        name: parameter.detach().float().cpu()
        for name, parameter in live.items()
        if name not in {**in_blocks, **by_row}
    }
    return Taken(in_blocks, by_row, others)


def save(taken: Taken, prepared: Prepared, record: Mapping[str, Any], folder: Path) -> None:
    """Write a model and what it takes to build it; `record` is added to record.json."""
    arrays: Arrays = {name: parameter.numpy() for name, parameter in taken.others.items()}
    ternary = {**taken.in_blocks, **taken.by_row}
    for name, stored in ternary.items():
        arrays |= {f"{name}.{end}": array for end, array in pack(stored).items()}
    files.save_arrays(arrays, folder / MODEL)
    shapes = {
        name: {"shape": stored.signs.shape, "block": [stored.block.rows, stored.block.columns]}
        for name, stored in ternary.items()
    }
    task = prepared.task
    needed = {"kind": task.kind, "num_labels": task.num_labels, "pairs": prepared.pairs}
    files.save_record({**record, "bits": 2, "task": needed, "matrices": shapes}, folder / RECORD)


def build(encoder: Path, folder: Path) -> PreTrainedModel:
    """Build the model that `save` wrote, on the CPU, in evaluation mode, with weights in float32.

    Args:
        encoder: folder of theta_0, which gives the architecture.
        folder: folder of the stored model.

    Raises:
        FileNotFoundError: there is no such model.
        ValueError: the file does not have the parameters of the model, or not their shapes.
    """
    record, arrays = files.load_record(folder / RECORD), files.load_arrays(folder / MODEL)
    task = record["task"]
    model = theta.build(
        theta.load(encoder), task["kind"], task["num_labels"], 0.0, 0, pairs=task["pairs"]
    )
    values = dict(arrays)
    for name, sizes in record["matrices"].items():
        ends = [end for end in ("codes", "blocks", "scale") if f"{name}.{end}" in arrays]
        packed = {end: values.pop(f"{name}.{end}") for end in ends}
        values[name] = unpack(packed, tuple(sizes["shape"]), Block(*sizes["block"])).values
    live = parameters.by_name(model)
    if values.keys() != live.keys():
        odd = min(values.keys() ^ live.keys())
        raise ValueError(f"{folder / MODEL} and the model differ in {odd!r}")
    with torch.no_grad():
        for name, parameter in live.items():
            copy_(parameter, torch.from_numpy(values[name]), name)
    return model.train(mode=False)  # type: ignore[no-any-return]
