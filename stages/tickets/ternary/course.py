"""What scales, norms and zeros do along a training: does a penalty move the grid of ternary values?

The penalty acts on the weights that train, and blocks become zero in the ternary ones, so both are noted.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from torch import Tensor

from stages.tickets.settings.ternary import Threshold
from stages.tickets.ternary import blocks
from stages.tickets.ternary.quantizer import grid, ternary
from stages.tickets.ternary.sizing import Block

Stats = Mapping[str, float]
GRID = ("scale", "largest", "norm")
"""The scale of the ternary values, the largest magnitude, and the mean norm of the blocks."""
SHARES = ("pushed", "latent_blocks", "ternary_blocks", "ternary_weights")
"""Shares of the blocks whose norm is under the ratio times the mean norm, which a clipped penalty pushes;
of the blocks whose norm is under a thousandth of the mean; of the blocks whose ternary weights are all 0;
and of the weights whose ternary values are 0."""
MATRIX = (*GRID, *SHARES)
COURSE = ("step", "share", "is_start", "is_freeze", *GRID, *SHARES)
TINY = 1e-3


def measure(
    weights: Tensor, block: Block, rule: Threshold, ratio: float, mask: Tensor | None = None
) -> dict[str, float]:
    """Measure the columns MATRIX of a matrix, as if it became ternary now.

    Args:
        weights: the weights that train, (rows, columns).
        block: size of its blocks.
        rule: see `Threshold`.
        ratio: threshold of a clipped penalty in mean norms.
        mask: 1 for each kept weight and else 0; None for all.
    """
    seen = weights.detach() if mask is None else weights.detach() * mask
    norms, values = blocks.norms(seen, block), ternary(seen, rule, mask)
    mean = norms.mean()
    return {
        "scale": float(grid(seen, rule, mask).scale),
        "largest": float(seen.abs().max()),
        "norm": float(mean),
        "pushed": float((norms < ratio * mean).float().mean()),
        "latent_blocks": float((norms < TINY * mean).float().mean()),
        "ternary_blocks": float((blocks.norms(values, block) == 0).float().mean()),
        "ternary_weights": float((values == 0).float().mean()),
    }


def over_matrices(
    by_step: Mapping[int, Mapping[str, Stats]], start: int, freeze: int, total: int
) -> list[dict[str, float | int | bool]]:
    """Make a row with the columns COURSE per step: means over matrices, of GRID relative to a step.

    Args:
        by_step: what `measure` gives, by step and matrix.
        start: the step whose scales and norms are 1, when weights become ternary.
        freeze: the step when blocks are fixed; its row is of before.
        total: number of steps of the training.
    """
    first = by_step[start]

    def relative(now: Mapping[str, Stats], name: str) -> float:
        return fmean(now[matrix][name] / (first[matrix][name] or 1.0) for matrix in now)

    return [
        {
            "step": step,
            "share": step / total,
            "is_start": step == start,
            "is_freeze": step == freeze,
        }
        | {name: relative(now, name) for name in GRID}
        | {name: fmean(of_matrix[name] for of_matrix in now.values()) for name in SHARES}
        for step, now in by_step.items()
    ]


def rows_of(by_step: Mapping[int, Mapping[str, Stats]]) -> list[dict[str, float | int | str]]:
    """Make a row per step and matrix, with the columns `step`, `matrix` and MATRIX."""
    return [
        {"step": step, "matrix": matrix, **stats}
        for step, now in by_step.items()
        for matrix, stats in now.items()
    ]


def steps_of(total: int, points: int, also: Sequence[int]) -> set[int]:
    """List the steps at which a training is measured: evenly spread, its beginning, and some others."""
    return {round(total * point / points) for point in range(points + 1)} | set(also)
