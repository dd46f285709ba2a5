"""Prune in steps: score the survivors, drop the weakest, and score again, until a size is reached."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning.masks import (
    Mask,
    Weights,
    check_same_matrices,
    keep_largest,
    num_survivors,
    num_weights,
)

Schedule = Literal["exponential", "linear"]
Scope = Literal["global", "matrix"]
Score = Callable[[Mask], Weights]
"""A function from the survivors to a score per weight, of any sign; the largest are kept."""


@dataclass(frozen=True)
class Steps:
    """How a mask is reached."""

    compression: float
    """Number of all weights for each that is kept in the end, above 1."""
    iterations: int
    """Number of times that weights are scored and dropped, at least 1."""
    schedule: Schedule
    """exponential: each step keeps the same share of the survivors; linear: each step drops the same
    number of weights (Tanaka et al. 2020)."""
    scope: Scope
    """global: weights of all matrices are ranked together; matrix: every matrix keeps the same share."""


@dataclass(frozen=True)
class Step:
    """The survivors before and after a step, and the scores by which they were chosen."""

    before: Mask
    scores: Weights
    after: Mask


def survivors_after(step: int, steps: Steps, num_weights: int) -> int:
    """Return the number of survivors after step number `step`, counted from 1; halves go to even.

    It is round(n * c ** (-step / iterations)) of n weights at the compression c with the exponential
    schedule, and round(n * (1 - (1 - 1 / c) * step / iterations)) with the linear one.

    Raises:
        ValueError: the compression is not above 1, or so high that no weight is left.
    """
    kept = 1 / Fraction(repr(float(steps.compression))) if steps.compression > 0 else Fraction(0)
    if not 0 < kept < 1:
        raise ValueError(f"the compression is {steps.compression}, allowed is one above 1")
    if round(kept * num_weights) < 1:
        raise ValueError(
            f"the compression is {steps.compression}, allowed is one that keeps at least 1 of "
            f"{num_weights} weights"
        )
    if steps.schedule == "linear":
        kept = 1 - (1 - kept) * Fraction(step, steps.iterations)
    elif step < steps.iterations:
        kept = Fraction(float(kept) ** (step / steps.iterations))
    return round(kept * num_weights)


def prune(score: Score, mask: Mask, steps: Steps) -> Iterator[Step]:
    """Yield the steps from `mask` to the compression; each mask is a subset of the one before it.

    Every step keeps exactly `survivors_after` weights. Equal scores go in order of matrix name, then
    row-major position.

    Args:
        score: scores all weights of the survivors that it is given.
        mask: the survivors at first, more than each step keeps.
        steps: number, schedule and scope.

    Raises:
        ValueError: `mask` has fewer survivors than a step is to keep, names or shapes of the scores
            differ from those of `mask`, or the score of a survivor is NaN.
    """
    size = num_weights(mask)
    for number in range(1, steps.iterations + 1):
        kept = survivors_after(number, steps, size)
        if kept > num_survivors(mask):
            raise ValueError(f"step {number} keeps {kept} weights of {num_survivors(mask)}")
        scores = score(mask)
        ranked = in_matrix(scores, mask) if steps.scope == "matrix" else scores
        # A share from which `keep_largest` gets this very number: its error is far below 1 / size.
        after = keep_largest(ranked, mask, 1 - kept / size)
        yield Step(mask, scores, after)
        mask = after


def in_matrix(scores: Weights, mask: Mask) -> Weights:
    """Replace each score by the share of its matrix that is not above it, in (0, 1).

    Ranked together, these shares keep the same share of every matrix, up to one weight, and an exact
    number in all. Dropped weights are below all others.
    """
    check_same_matrices(scores, mask)
    shares: dict[str, NDArray[np.float64]] = {}
    for name, kept in mask.items():
        if np.isnan(scores[name][kept]).any():
            raise ValueError("the score of a survivor is NaN, so scores cannot be ranked")
        order = np.lexsort((scores[name].reshape(-1), kept.reshape(-1)))
        shares[name] = with_values(order, (np.arange(kept.size) + 0.5) / kept.size, kept.shape)
    return shares


def with_values(
    order: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return an array of `shape` that has values[i] at the flat place order[i]."""
    placed = np.empty(values.size)
    placed[order] = values
    return placed.reshape(shape)
