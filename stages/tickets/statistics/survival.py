"""Survivors in the masks of several tasks and seeds: their places, overlaps and stability.

Masks come by task and seed, and every task has every seed. They are `Structure`s, or `Shares` of
weights; heads are (layers, heads), and MLPs are (layers,).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.statistics import raters

MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
"""Names of the matrices of a layer of BERT, with weights (outputs, inputs) and biases (outputs,)."""
KINDS = ("weight", "bias")


class Survivors(Protocol):
    """A `Structure` or `Shares`."""

    @property
    def heads(self) -> NDArray[Any]: ...
    @property
    def mlps(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class OverSeeds:
    """Mean and sample standard deviation (over n - 1) of arrays of n seeds; no deviation for n = 1."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64] | None
    n: int


@dataclass(frozen=True)
class HeatMap:
    """Numbers for heads, (layers, heads), and MLPs, (layers,), or for pairs of tasks, (tasks, tasks)."""

    heads: OverSeeds
    mlps: OverSeeds


@dataclass(frozen=True)
class Stability:
    """The agreement of several structures, for heads and for MLPs."""

    heads: raters.Comparison
    mlps: raters.Comparison


@dataclass(frozen=True)
class Shares:
    """Means over weights, such as shares kept, of heads, (layers, heads), and MLPs, (layers,)."""

    heads: NDArray[np.float64]
    mlps: NDArray[np.float64]


# --- places ----------------------------------------------------------------------------------


def over_tasks(kept: Mapping[tuple[str, int], Survivors]) -> HeatMap:
    """Count the tasks in which each head and each MLP survives; for `Shares`, sum the shares.

    Raises:
        ValueError: there is no mask, a task lacks a seed of another, or shapes differ.

    Prasanna et al. 2020, Fig. 1: structured pruning in Fig. 1b, pruning of weights in Fig. 1a.
    """
    heads, mlps = _stacked(kept)
    return HeatMap(_over_seeds(heads.sum(axis=0)), _over_seeds(mlps.sum(axis=0)))


def by_task(kept: Mapping[tuple[str, int], Survivors]) -> dict[str, HeatMap]:
    """Compute by task the share of seeds in which each head and MLP survives, or the mean of `Shares`.

    Raises:
        ValueError: there is no mask, a task lacks a seed of another, or shapes differ.

    Prasanna et al. 2020, appendix.
    """
    return {
        task: HeatMap(_over_seeds(heads), _over_seeds(mlps))
        for task, heads, mlps in zip(axes(kept)[0], *_stacked(kept), strict=True)
    }


def by_place(values: Mapping[str, NDArray[Any]], num_heads: int) -> Shares:
    """Average the values of each head and each MLP; the average of a mask is the share kept.

    A head of size w has w rows of query, key and value with their biases, and w columns of the
    attention's output matrix. An MLP has two matrices and two biases. The bias of the attention's
    output belongs to no head. (Prasanna et al. 2020 cut it into slices by head.)

    Args:
        values: a number per weight, such as a mask or magnitudes, for weight and bias of the six
            `MATRICES` of each layer, under names that end like `layer.3.attention.self.query.weight`.
            Other arrays, such as a pooler's, do not count.
        num_heads: number of heads of a layer.

    Raises:
        ValueError: there is no layer, a layer lacks an array, or its heads differ in size.

    Prasanna et al. 2020, Fig. 1a.
    """
    heads, mlps = [], []
    for layer in _layers(values):
        by_unit = _by_unit(layer)
        if len(by_unit) % num_heads:
            raise ValueError(f"{len(by_unit)} rows of a query do not make {num_heads} heads")
        heads.append(by_unit.reshape(num_heads, -1).mean(axis=1))
        of_mlp = (layer[f"{matrix}.{kind}"] for matrix in MATRICES[4:] for kind in KINDS)
        mlps.append(np.concatenate([array.reshape(-1) for array in of_mlp]).mean())
    return Shares(np.array(heads, np.float64), np.array(mlps, np.float64))


def by_layer(mask: Mask) -> list[tuple[int, int]]:
    """Count by layer the weights and biases, and how many of them `mask` keeps.

    Raises:
        ValueError: there is no layer, or a layer lacks an array.

    In Prasanna et al. 2020 lower layers lose slightly more.
    """
    return [
        (sum(kept.size for kept in layer.values()), sum(int(kept.sum()) for kept in layer.values()))
        for layer in _layers(mask)
    ]


def _layers(values: Mapping[str, NDArray[Any]]) -> list[dict[str, NDArray[Any]]]:
    """Group arrays by layer and by name in the layer; raise ValueError if one is missing."""
    layers: dict[int, dict[str, NDArray[Any]]] = {}
    for name, array in values.items():
        inside = re.search(r"(?:^|\.)layer\.(\d+)\.(.+)\.(?:weight|bias)$", name)
        if inside and inside[2] in MATRICES:
            layers.setdefault(int(inside[1]), {})[name[inside.start(2) :]] = array
    for number in range(max(layers, default=0) + 1):
        for name in (f"{matrix}.{kind}" for matrix in MATRICES for kind in KINDS):
            if name not in layers.get(number, {}):
                raise ValueError(f"there is no {name!r} of layer {number}")
    return [layers[number] for number in sorted(layers)]


def _by_unit(layer: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the values of query, key, value and output for each unit of the heads, a row per unit."""
    pieces = []
    for matrix in MATRICES[:3]:
        pieces += [layer[f"{matrix}.weight"], layer[f"{matrix}.bias"][:, np.newaxis]]
    return np.concatenate([*pieces, layer["attention.output.dense.weight"].T], axis=1)


# --- in common -------------------------------------------------------------------------------


def overlaps(structures: Mapping[tuple[str, int], Structure]) -> HeatMap:
    """Count the heads and MLPs that the structures of two tasks share, with the same seed.

    Overlap by chance grows with the sizes of the structures, which are on the diagonal.

    Returns:
        Heads and MLPs, (tasks, tasks) each, in the order in which tasks come first.

    Raises:
        ValueError: there is no structure, a task lacks a seed of another, or shapes differ.

    Prasanna et al. 2020, Fig. 5; MLPs in the appendix.
    """
    parts = (part.reshape(*part.shape[:2], -1) for part in _stacked(structures))
    return HeatMap(*(_over_seeds(np.einsum("ase,bse->sab", part, part)) for part in parts))


# --- how stably ------------------------------------------------------------------------------


def stability(
    structures: Sequence[Structure], num_permutations: int, generator: np.random.Generator
) -> Stability:
    """Measure the agreement of structures, beside permuted ones of the same sizes; see `raters.compare`.

    Raises:
        ValueError: fewer than two structures, shapes differ, or `num_permutations` is below 1.
    """
    return Stability(
        raters.compare([mask.heads for mask in structures], num_permutations, generator),
        raters.compare([mask.mlps for mask in structures], num_permutations, generator),
    )


def axes(kept: Mapping[tuple[str, int], Survivors]) -> tuple[list[str], list[int]]:
    """List the tasks and the seeds in the order in which they come first.

    Raises:
        ValueError: there is no mask, or a task lacks a seed of another.
    """
    if not kept:
        raise ValueError("there is no mask to count survivors in")
    tasks = list(dict.fromkeys(task for task, _ in kept))
    seeds = list(dict.fromkeys(seed for _, seed in kept))
    for task in tasks:
        for seed in seeds:
            if (task, seed) not in kept:
                raise ValueError(f"task {task!r} has no mask of seed {seed}, another task has")
    return tasks, seeds


def _stacked(
    kept: Mapping[tuple[str, int], Survivors],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stack the heads, (tasks, seeds, layers, heads), and the MLPs, (tasks, seeds, layers)."""
    tasks, seeds = axes(kept)
    shapes = {(mask.heads.shape, mask.mlps.shape) for mask in kept.values()}
    if len(shapes) > 1:
        raise ValueError(f"heads and MLPs have shapes {sorted(shapes)}, need one of each")
    grid = [[kept[task, seed] for seed in seeds] for task in tasks]
    return (
        np.array([[mask.heads for mask in row] for row in grid], np.float64),
        np.array([[mask.mlps for mask in row] for row in grid], np.float64),
    )


def _over_seeds(values: NDArray[np.float64]) -> OverSeeds:
    """Compute the mean and the deviation over the first axis."""
    n = len(values)
    return OverSeeds(values.mean(axis=0), values.std(axis=0, ddof=1) if n > 1 else None, n)
