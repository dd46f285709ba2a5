"""Masks over the prunable matrices: what is kept, and how the next mask is chosen.

A mask is a dict of bool arrays by matrix name, True where the weight is kept. Weights are float
arrays with the same names and shapes. All of it is numpy, so a stage that only looks at masks needs
no torch.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = dict[str, NDArray[np.bool_]]
Weights = Mapping[str, NDArray[np.floating]]
Ranks = NDArray[np.unsignedinteger[Any]]


def dense(weights: Weights) -> Mask:
    """The mask that keeps every weight of `weights`."""
    return {name: np.ones(weight.shape, dtype=np.bool_) for name, weight in weights.items()}


def num_weights(mask: Mask) -> int:
    """Number of prunable weights, kept or not."""
    return sum(kept.size for kept in mask.values())


def num_survivors(mask: Mask) -> int:
    """Number of weights that the mask keeps."""
    return sum(int(np.count_nonzero(kept)) for kept in mask.values())


def sparsity(mask: Mask) -> float:
    """Share of the prunable weights that the mask drops, in [0, 1]."""
    return 1 - num_survivors(mask) / num_weights(mask)


def survivors_at(sparsity: float, num_weights: int) -> int:
    """round((1 - sparsity) * num_weights), in exact decimal arithmetic, halves to even.

    Raises:
        ValueError: `sparsity` is not in [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity is {sparsity}, allowed is 0 <= sparsity < 1")
    return round((1 - Fraction(repr(float(sparsity)))) * num_weights)


def prune_by_magnitude(weights: Weights, mask: Mask, sparsity: float) -> Mask:
    """Drop the smallest survivors, ranked over all matrices, until `sparsity` is reached.

    It is `keep_largest` with magnitudes for scores, and takes, returns and raises the same.

    Frankle & Carbin 2019, Sec. 1, step 3, with one ranking over all matrices as in Chen et al.
    2020.
    """
    return keep_largest({name: np.abs(weight) for name, weight in weights.items()}, mask, sparsity)


def keep_largest(scores: Weights, mask: Mask, sparsity: float) -> Mask:
    """Drop the survivors of the lowest scores, ranked over all matrices, until `sparsity` is reached.

    Of n weights in all, exactly round((1 - sparsity) * n) survive. Equal scores go in order of matrix
    name, then row-major position, so the result depends on nothing else.

    Args:
        scores: of every weight, of any sign, float16, float32 or float64; names and shapes are those of
            `mask`.
        mask: the survivors so far, bool, one array (rows, columns) per prunable matrix.
        sparsity: share of all n weights that are dropped in the end, in [0, 1).

    Returns:
        A new mask, a subset of `mask`: a dropped weight never returns.

    Raises:
        ValueError: `sparsity` is out of range or below that of `mask`, names or shapes differ, or the
            score of a survivor is NaN.
    """
    check_same_matrices(scores, mask)
    num_kept = num_survivors(mask)
    num_dropped = num_kept - survivors_at(sparsity, num_weights(mask))
    if num_dropped < 0:
        raise ValueError(
            f"sparsity is {sparsity}, but the mask already drops {1 - num_kept / num_weights(mask):.6f}"
            " of the weights; a dropped weight never returns"
        )
    names = sorted(mask)
    precision = np.result_type(*(score.dtype for score in scores.values()))

    def ranked(name: str) -> tuple[Ranks, NDArray[np.int64]]:
        ranks = _ranks(scores[name].astype(precision), mask[name])
        return ranks, np.bincount(_upper(ranks), minlength=1 << 16)

    def compared(name: str) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        return ranks[name] > threshold, np.flatnonzero(ranks[name] == threshold)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy works outside Python's lock
        pairs = dict(zip(names, pool.map(ranked, names), strict=True))
        ranks = {name: of_matrix for name, (of_matrix, _) in pairs.items()}
        counts = np.sum([histogram for _, histogram in pairs.values()], axis=0)
        if num_dropped == 0:
            return {name: kept.copy() for name, kept in mask.items()}
        num_out = num_weights(mask) - num_kept
        threshold, ties_to_drop = _threshold(list(ranks.values()), counts, num_out + num_dropped)
        pruned: Mask = {}
        for name, (stays, ties) in zip(names, pool.map(compared, names), strict=True):
            stays.reshape(-1)[ties[ties_to_drop:]] = True
            ties_to_drop -= min(ties_to_drop, ties.size)
            pruned[name] = stays
    return {name: pruned[name] for name in mask}


def _ranks(scores: NDArray[np.floating], kept: NDArray[np.bool_]) -> Ranks:
    """Numbers in the order of the scores, above 0; 0 where a weight is out already.

    The bits of floats that are not negative are in the order of the floats, those of the others in the
    opposite order: the former get the sign's bit, of the latter every bit is turned.
    """
    if (np.isnan(scores) & kept).any():
        raise ValueError("the score of a survivor is NaN, so scores cannot be ranked")
    size = scores.dtype.itemsize
    scores += 0.0  # makes 0 of -0, which is its equal
    ranks: Ranks = np.ascontiguousarray(scores).view(f"u{size}")
    sign = ranks.dtype.type(1 << (8 * size - 1))
    ranks ^= np.where(ranks < sign, sign, ~ranks.dtype.type(0))
    if not kept.all():
        ranks *= kept
    return ranks


def _upper(ranks: Ranks) -> NDArray[np.uint16]:
    """The upper 16 bits of all ranks, one after another."""
    parts = ranks.dtype.itemsize // 2
    place = parts - 1 if sys.byteorder == "little" else 0
    return ranks.reshape(-1).view(np.uint16)[place::parts]


def _threshold(ranks: Sequence[Ranks], counts: NDArray[np.int64], number: int) -> tuple[int, int]:
    """The largest of the `number` smallest ranks, and how many of them equal it.

    Args:
        ranks: of all weights.
        counts: how many have which upper 16 bits; only those in one of these bins need sorting.
        number: more than there are weights that are out already, whose rank is 0.
    """
    up_to = np.cumsum(counts)
    bin_of_it = int(np.searchsorted(up_to, number))
    inside = np.concatenate([some.reshape(-1)[_upper(some) == bin_of_it] for some in ranks])
    place = number - 1 - int(up_to[bin_of_it] - counts[bin_of_it])
    threshold = int(np.partition(inside, place)[place])
    return threshold, place + 1 - int(np.count_nonzero(inside < threshold))


def random_like(mask: Mask, generator: np.random.Generator) -> Mask:
    """A mask of exactly the size of `mask`, its survivors drawn uniformly over all matrices.

    The shares of single matrices are free to differ from those of `mask`: Chen et al. 2020, Table
    2, the row of random masks.
    """
    names = sorted(mask)
    survives = np.zeros(num_weights(mask), dtype=np.bool_)
    survives[: num_survivors(mask)] = True
    generator.shuffle(survives)
    pieces = np.split(survives, np.cumsum([mask[name].size for name in names])[:-1])
    drawn = {n: piece.reshape(mask[n].shape) for n, piece in zip(names, pieces, strict=True)}
    return {name: drawn[name] for name in mask}


def random_by_matrix(mask: Mask, generator: np.random.Generator) -> Mask:
    """A mask that keeps as many weights of every matrix as `mask` does, drawn uniformly in each."""
    drawn = {
        name: generator.permuted(mask[name].reshape(-1)).reshape(mask[name].shape)
        for name in sorted(mask)
    }
    return {name: drawn[name] for name in mask}


def one_shot(weights: Weights, mask: Mask) -> Mask:
    """A mask of exactly the size of `mask` that keeps the largest of `weights`, pruned all at once.

    Of the pre-trained weights it is the row "Pruning theta_0" of Figure 2 in Chen et al. 2020.
    """
    return prune_by_magnitude(weights, dense(weights), sparsity(mask))


def complement(mask: Mask, weights: Weights) -> Mask:
    """Keep as many weights as `mask`, but the smallest: the "bad" ones of Prasanna et al. 2020."""
    kept, everything = num_survivors(mask), dense(weights)
    if kept == num_weights(mask):
        return everything
    largest = prune_by_magnitude(weights, everything, kept / num_weights(mask))
    return {name: ~stays for name, stays in largest.items()}


def check_same_matrices(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> None:
    """Raise ValueError unless both have the same names and shapes."""
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise ValueError(f"{len(odd)} matrices are in one of the two only, the first is {odd[0]!r}")
    for name in first:
        if first[name].shape != second[name].shape:
            raise ValueError(
                f"{name} has shape {first[name].shape} in one and {second[name].shape} in the other"
            )
