"""Search for the smallest subnetwork of a fine-tuned model that keeps a share of its score untrained.

Prasanna et al. 2020, Sec. 3. The caller passes functions for scores and for the importance of parts.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.structure import Structure

Phase = Literal["joint", "heads", "mlps"]
Scored = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Importance of heads, (layers, heads), and of MLPs, (layers,); dropped elements are not read."""
MAX_PASSES = 30
"""Largest number of steps of a magnitude search."""


@dataclass(frozen=True)
class Step:
    """A candidate of the search, its score, and the verdict on it."""

    phase: Phase
    importance: Scored
    """Importance by which the elements to drop were chosen."""
    candidate: Structure
    score: float
    accepted: bool


@dataclass(frozen=True)
class Found:
    """The last candidate that passed, and the steps that led to it."""

    structure: Structure
    dense_score: float
    threshold: float
    """The lowest score that passes."""
    steps: tuple[Step, ...]

    def record(self) -> dict[str, Any]:
        """Return all but the structure as lists and numbers by name, importance to six digits."""
        steps = [
            {
                "phase": step.phase,
                "heads": step.candidate.heads.astype(int).tolist(),
                "mlps": step.candidate.mlps.astype(int).tolist(),
                "head_importance": [[_six_digits(x) for x in row] for row in step.importance[0]],
                "mlp_importance": [_six_digits(x) for x in step.importance[1]],
                "score": step.score,
                "accepted": step.accepted,
            }
            for step in self.steps
        ]
        return {"dense_score": self.dense_score, "threshold": self.threshold, "steps": steps}


def _six_digits(number: float) -> float:
    return float(f"{number:.6g}")


def search(
    score: Callable[[Structure], float],
    importance: Callable[[Structure], Scored],
    start: Structure,
    phases: tuple[Phase, ...] = ("joint", "heads", "mlps"),
    threshold: float = 0.9,
    amount: float = 0.1,
    stale_ranking: bool = False,
) -> Found:
    """Drop the least important heads and MLPs while the score holds, phase after phase.

    Let n = int(amount * all heads), at least 1. A joint step drops n surviving heads and one MLP. A step
    of heads alone drops n heads if no other phase is searched, else half of n (rounded down, at least 1).
    A step of MLPs alone drops one. Elements of equal importance go in order of layer and head. A
    candidate passes if it scores at least `threshold` times the score of `start`. A phase ends with the
    first that fails, or when there is nothing left to drop: a joint phase with the last head or the last
    MLP. If the dense model scores 0 or less, there is no share to keep and nothing is searched.

    Args:
        score: returns the score of a subnetwork; higher is better.
        importance: returns the importance of all heads and MLPs in a subnetwork.
        start: structure of the dense model.
        phases: phases in the order in which they run.
        threshold: share of the dense score to keep, in (0, 1].
        amount: share of all heads that a joint step drops, in (0, 1).
        stale_ranking: the first step of a later phase ranks by the importance in the candidate just
            rejected, as in the authors' code, and not in the subnetwork from which the phase starts.
    """
    dense_score = score(start)
    lowest = threshold * dense_score
    full_step = max(1, int(amount * start.heads.size))
    if dense_score <= 0:
        return Found(start, dense_score, lowest, ())
    current, ranking, steps = start, importance(start), []
    for phase in phases:
        num = full_step if phase == "joint" or phases == ("heads",) else max(1, full_step // 2)
        while (candidate := _without_least(current, ranking, phase, num)) is not None:
            reached = score(candidate)
            accepted = reached >= lowest
            steps.append(Step(phase, ranking, candidate, reached, accepted))
            if accepted or stale_ranking:
                ranking = importance(candidate)
            if not accepted:
                break
            current = candidate
    return Found(current, dense_score, lowest, tuple(steps))


def _without_least(
    current: Structure, importance: Scored, phase: Phase, num_heads: int
) -> Structure | None:
    """Return the next candidate; None if the phase has nothing left to drop."""
    heads, mlps = current.heads.copy(), current.mlps.copy()
    if (phase != "mlps" and not heads.any()) or (phase != "heads" and not mlps.any()):
        return None
    if phase != "mlps":
        _drop_least_(heads, importance[0], num_heads)
    if phase != "heads":
        _drop_least_(mlps, importance[1], 1)
    return Structure(heads, mlps)


def _drop_least_(kept: NDArray[np.bool_], importance: NDArray[np.float64], number: int) -> None:
    ranked = np.where(kept, importance, np.inf).reshape(-1)
    least = np.argsort(ranked, kind="stable")[: min(number, np.count_nonzero(kept))]
    kept.reshape(-1)[least] = False


@dataclass(frozen=True)
class Pass:
    """A candidate of the magnitude search."""

    sparsity: float
    score: float
    accepted: bool


@dataclass(frozen=True)
class FoundMask:
    """The last mask that passed, and the steps that led to it."""

    mask: Mask
    dense_score: float
    threshold: float
    steps: tuple[Pass, ...]

    def record(self) -> dict[str, Any]:
        """Return all but the mask as numbers by name."""
        steps = [asdict(step) for step in self.steps]
        return {"dense_score": self.dense_score, "threshold": self.threshold, "steps": steps}


def search_by_magnitude(
    score: Callable[[Mask], float], weights: Weights, threshold: float = 0.9, amount: float = 0.1
) -> FoundMask:
    """Drop the smallest weights, without training, while the score holds.

    Every step drops the share `amount` of the weights that remain, ranked over all matrices and rounded
    as `masks.survivors_at` does. There are at most MAX_PASSES steps, none if the dense score is <= 0.

    Args:
        score: returns the score of a mask; higher is better.
        weights: fine-tuned weights, and biases if these are pruned too, by name.
        threshold: share of the dense score to keep, in (0, 1].
        amount: share of the remaining weights that a step drops, in (0, 1). The paper says a tenth; its
            published masks took steps of a twentieth.
    """
    mask = masks.dense(weights)
    dense_score = score(mask)
    lowest = threshold * dense_score
    steps = []
    for number in range(1, MAX_PASSES + 1):
        sparsity = 1 - (1 - amount) ** number
        if dense_score <= 0 or sparsity == 1:
            break
        candidate = masks.prune_by_magnitude(weights, mask, sparsity)
        reached = score(candidate)
        steps.append(Pass(masks.sparsity(candidate), reached, reached >= lowest))
        if not steps[-1].accepted:
            break
        mask = candidate
    return FoundMask(mask, dense_score, lowest, tuple(steps))
