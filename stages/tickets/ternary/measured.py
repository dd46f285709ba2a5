"""What a training to ternary blocks ends in: counts of blocks and weights, and compression ratios."""

from typing import NamedTuple

from stages.tickets.settings.ternary import Arm
from stages.tickets.ternary.packed import Taken
from stages.tickets.ternary.training import Trained


class Place(NamedTuple):
    """What a training is of: the first columns of its tables."""

    task: str
    seed: int
    arm: Arm
    blocks: str
    """Geometry of the blocks, see `sizing.of`."""
    percent: int
    """Per cent of the blocks that are dropped."""


PLACE = Place._fields
SIZE = (
    "weights", "kept_weights", "zero_weights", "num_blocks", "kept_blocks",
    "zero_at_freeze", "zero_among_dropped", "empty_blocks", "paper", "counted", "model",
)  # fmt: skip
"""Counts over all matrices in blocks: weights; those in kept blocks, and of these the ones that are 0;
blocks, and kept ones; blocks whose ternary values were all 0 when blocks were fixed, which the paper
drops, and how many of them were dropped; kept blocks whose weights are all 0 in the end. Then the three
ratios of `accounting.Ratios`."""


def size_of(taken: Taken, trained: Trained) -> dict[str, int | float]:
    """Count the columns SIZE of a trained model."""
    counts = dict.fromkeys(SIZE, 0)
    for stored, name in zip(taken.in_blocks.values(), sorted(trained.kept), strict=True):
        kept, zero, matrix = trained.kept[name], trained.zero[name], stored.matrix
        counts["weights"] += matrix.weights
        counts["kept_weights"] += matrix.stored
        counts["zero_weights"] += matrix.stored - int((stored.signs != 0).sum())
        counts["num_blocks"] += matrix.blocks
        counts["kept_blocks"] += matrix.kept
        counts["zero_at_freeze"] += int(zero.sum())
        counts["zero_among_dropped"] += int((zero & ~kept).sum())
        counts["empty_blocks"] += matrix.kept - stored.blocks_in_use
    return {**counts, **vars(taken.ratios)}
