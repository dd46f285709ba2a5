"""What survives in the masks of several tasks and seeds: where, in common, and how stably.

Masks are found by task and seed, and every task has every seed. They are `Structure`s, or `Shares` of
weights, whose heads are (layers, heads) and whose MLPs are (layers,).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.tickets import raters
from stages.tickets.masks import Mask
from stages.tickets.structure import Structure

MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
"""Of a layer of BERT; each has a weight, (outputs, inputs), and a bias, (outputs,)."""


class Survivors(Protocol):
    """A `Structure` or `Shares`."""

    @property
    def heads(self) -> NDArray[Any]: ...
    @property
    def mlps(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class OverSeeds:
    """Mean and sample standard deviation (over n - 1) of arrays of n seeds; None for n = 1."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64] | None
    n: int


@dataclass(frozen=True)
class HeatMap:
    """Heads, (layers, heads), and MLPs, (layers,)."""

    heads: OverSeeds
    mlps: OverSeeds


@dataclass(frozen=True)
class Overlaps:
    """Heads and MLPs that two tasks both keep: (tasks, tasks), rows and columns as in `tasks`."""

    tasks: tuple[str, ...]
    heads: OverSeeds
    mlps: OverSeeds


@dataclass(frozen=True)
class Stability:
    """How far the heads and how far the MLPs of several structures agree."""

    heads: raters.Comparison
    mlps: raters.Comparison


@dataclass(frozen=True)
class Shares:
    """Share of the weights that are kept, in [0, 1], of heads (layers, heads) and MLPs (layers,)."""

    heads: NDArray[np.float64]
    mlps: NDArray[np.float64]


# --- where -----------------------------------------------------------------------------------


def over_tasks(found: Mapping[tuple[str, int], Survivors]) -> HeatMap:
    """In how many of the tasks each head and each MLP survives, from 0 to their number.

    Of `Shares`, the sum of the tasks' shares.

    Raises:
        ValueError: there is no mask, a task lacks a seed of another, or shapes differ.

    Prasanna et al. 2020, Fig. 1: structured pruning in b, of weights in a.
    """
    heads, mlps = _stacked(found)
    return HeatMap(_over_seeds(heads.sum(axis=0)), _over_seeds(mlps.sum(axis=0)))


def by_task(found: Mapping[tuple[str, int], Survivors]) -> dict[str, HeatMap]:
    """For every task, the share of its seeds in which each head and each MLP survives.

    Of `Shares`, the mean share. Errors are those of `over_tasks`. Prasanna et al. 2020, appendix.
    """
    tasks, _ = _axes(found)
    return {
        task: HeatMap(_over_seeds(heads), _over_seeds(mlps))
        for task, heads, mlps in zip(tasks, *_stacked(found), strict=True)
    }


def weights_kept(mask: Mask, num_heads: int) -> Shares:
    """The share of its weights that each head and each MLP keeps under a mask over single weights.

    To a head of size w belong its w rows of query, key and value with their biases, and its w
    columns of the attention's output matrix; to an MLP both matrices and both biases. The bias of
    the attention's output belongs to no head. (Prasanna et al. 2020 cut it into slices by head.)

    Args:
        mask: has weight and bias of the six `MATRICES` of each layer, under names that end like
            `layer.3.attention.self.query.weight`; others, such as a pooler, do not count.
        num_heads: of a layer.

    Raises:
        ValueError: there is no layer, one lacks an array, or its heads are not of one size.

    Prasanna et al. 2020, Fig. 1a.
    """
    layers: dict[int, Mask] = {}
    for name, kept in mask.items():
        inside = re.search(r"(?:^|\.)layer\.(\d+)\.(.+)\.(?:weight|bias)$", name)
        if inside and inside[2] in MATRICES:
            layers.setdefault(int(inside[1]), {})[name[inside.start(2) :]] = kept
    needed = [f"{matrix}.{kind}" for matrix in MATRICES for kind in ("weight", "bias")]
    heads, mlps = [], []
    for number in range(max(layers, default=0) + 1):
        layer = layers.get(number, {})
        for name in needed:
            if name not in layer:
                raise ValueError(f"the mask has no {name!r} of layer {number}")
        by_unit = _by_unit(layer)
        if len(by_unit) % num_heads:
            raise ValueError(f"{len(by_unit)} rows of a query do not make {num_heads} heads")
        heads.append(by_unit.reshape(num_heads, -1).mean(axis=1))
        mlps.append(np.concatenate([layer[name].reshape(-1) for name in needed[-4:]]).mean())
    return Shares(np.array(heads), np.array(mlps))


def _by_unit(layer: Mask) -> NDArray[np.bool_]:
    """What is kept of each unit of the heads, a row each: of query, key and value, and of the output."""
    pieces = []
    for matrix in MATRICES[:3]:
        pieces += [layer[f"{matrix}.weight"], layer[f"{matrix}.bias"][:, np.newaxis]]
    return np.concatenate([*pieces, layer["attention.output.dense.weight"].T], axis=1)


# --- in common -------------------------------------------------------------------------------


def overlaps(structures: Mapping[tuple[str, int], Structure]) -> Overlaps:
    """How many heads and MLPs the structures of two tasks and the same seed both keep.

    On the diagonal is the size. These are counts: what two tasks share by chance grows with the sizes.
    Errors are those of `over_tasks`.

    Prasanna et al. 2020, Fig. 5; MLPs in the appendix.
    """
    tasks, _ = _axes(structures)
    heads, mlps = (part.reshape(*part.shape[:2], -1) for part in _stacked(structures))
    return Overlaps(
        tuple(tasks),
        *(_over_seeds(np.einsum("ase,bse->sab", part, part)) for part in (heads, mlps)),
    )


# --- how stably ------------------------------------------------------------------------------


def stability(
    structures: Sequence[Structure], num_permutations: int, generator: np.random.Generator
) -> Stability:
    """How far structures agree, beside permuted ones of the same sizes; `raters.compare` says more.

    Raises:
        ValueError: fewer than two structures, shapes differ, or `num_permutations` is below 1.
    """
    return Stability(
        raters.compare([one.heads for one in structures], num_permutations, generator),
        raters.compare([one.mlps for one in structures], num_permutations, generator),
    )


def across_seeds(
    structures: Mapping[tuple[str, int], Structure],
    num_permutations: int,
    generator: np.random.Generator,
) -> dict[str, Stability]:
    """For every task, how far its seeds agree. Chance is drawn task by task, in order.

    Errors are those of `over_tasks` and `stability`. Prasanna et al. 2020.
    """
    tasks, seeds = _axes(structures)
    return {
        task: stability([structures[task, seed] for seed in seeds], num_permutations, generator)
        for task in tasks
    }


def across_tasks(
    structures: Mapping[tuple[str, int], Structure],
    num_permutations: int,
    generator: np.random.Generator,
) -> dict[int, Stability]:
    """For every seed, how far the tasks agree; otherwise as `across_seeds`."""
    tasks, seeds = _axes(structures)
    return {
        seed: stability([structures[task, seed] for task in tasks], num_permutations, generator)
        for seed in seeds
    }


def of_two_tasks(
    structures: Mapping[tuple[str, int], Structure],
    num_permutations: int,
    generator: np.random.Generator,
) -> dict[tuple[str, str], Stability]:
    """For every two tasks, how far all seeds of both agree; otherwise as `across_seeds`.

    Prasanna et al. 2020 take Krippendorff's alpha of these ten masks.
    """
    tasks, seeds = _axes(structures)
    return {
        pair: stability(
            [structures[task, seed] for task in pair for seed in seeds], num_permutations, generator
        )
        for pair in combinations(tasks, 2)
    }


def _axes(found: Mapping[tuple[str, int], Survivors]) -> tuple[list[str], list[int]]:
    """Tasks and seeds in the order in which they come first; all of their pairs are there."""
    if not found:
        raise ValueError("there is no mask to count survivors in")
    tasks = list(dict.fromkeys(task for task, _ in found))
    seeds = list(dict.fromkeys(seed for _, seed in found))
    for task in tasks:
        for seed in seeds:
            if (task, seed) not in found:
                raise ValueError(f"task {task!r} has no mask of seed {seed}, another task has")
    return tasks, seeds


def _stacked(
    found: Mapping[tuple[str, int], Survivors],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heads, (tasks, seeds, layers, heads), and MLPs, (tasks, seeds, layers)."""
    tasks, seeds = _axes(found)
    shapes = {(one.heads.shape, one.mlps.shape) for one in found.values()}
    if len(shapes) > 1:
        raise ValueError(f"heads and MLPs have shapes {sorted(shapes)}, need one of each")
    grid = [[found[task, seed] for seed in seeds] for task in tasks]
    return (
        np.array([[one.heads for one in row] for row in grid], np.float64),
        np.array([[one.mlps for one in row] for row in grid], np.float64),
    )


def _over_seeds(values: NDArray[np.float64]) -> OverSeeds:
    """Over the first axis."""
    n = len(values)
    return OverSeeds(values.mean(axis=0), values.std(axis=0, ddof=1) if n > 1 else None, n)
