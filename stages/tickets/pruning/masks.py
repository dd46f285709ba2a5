"""Masks over the prunable matrices, and how the next mask is chosen.

A mask is a dict of bool arrays by matrix name, True for each kept weight. Weights are float arrays with
the same names and shapes. This module needs only numpy, so a stage that only looks at masks needs no
torch.
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
    """Return the mask that keeps every weight of `weights`."""
    return {name: np.ones(weight.shape, dtype=np.bool_) for name, weight in weights.items()}


def num_weights(mask: Mask) -> int:
    """Count the prunable weights, kept or not."""
    return sum(kept.size for kept in mask.values())


def num_survivors(mask: Mask) -> int:
    """Count the weights that the mask keeps."""
    return sum(int(np.count_nonzero(kept)) for kept in mask.values())


def sparsity(mask: Mask) -> float:
    """Return the share of the prunable weights that the mask drops, in [0, 1]."""
    return 1 - num_survivors(mask) / num_weights(mask)


def survivors_at(sparsity: float, num_weights: int) -> int:
    """Return round((1 - sparsity) * num_weights), in exact decimal arithmetic, halves to even.

    Raises:
        ValueError: `sparsity` is not in [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity is {sparsity}, allowed is 0 <= sparsity < 1")
    return round((1 - Fraction(repr(float(sparsity)))) * num_weights)


def prune_by_magnitude(weights: Weights, mask: Mask, sparsity: float) -> Mask:
    """Drop the smallest survivors, ranked over all matrices, until `sparsity` is reached.

    This is `keep_largest` with magnitudes as scores; arguments, result and errors are described there.

    Frankle & Carbin 2019, Sec. 1, step 3, with one ranking over all matrices as in Chen et al.
    2020.
    """
    return keep_largest({name: np.abs(weight) for name, weight in weights.items()}, mask, sparsity)


def keep_largest(scores: Weights, mask: Mask, sparsity: float) -> Mask:
    """Drop the survivors of the lowest scores, ranked over all matrices, until `sparsity` is reached.

    Of n weights in all, exactly round((1 - sparsity) * n) survive. Equal scores go in order of matrix
    name, then row-major position, so the result depends on nothing else.

    Args:
        scores: a number per weight, of any sign, float16, float32 or float64; names and shapes are those
            of `mask`.
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
    """Map scores to integers above 0 in the same order; weights that are dropped already get 0.

    Read as integers, floats that are not negative keep their order, and negative floats reverse it. So
    the sign bit of the former is set, and every bit of the latter is flipped.
    """
    if (np.isnan(scores) & kept).any():
        raise ValueError("the score of a survivor is NaN, so scores cannot be ranked")
    size = scores.dtype.itemsize
    scores += 0.0  # turns -0 into 0, its equal
    ranks: Ranks = np.ascontiguousarray(scores).view(f"u{size}")
    sign = ranks.dtype.type(1 << (8 * size - 1))
    ranks ^= np.where(ranks < sign, sign, ~ranks.dtype.type(0))
    if not kept.all():
        ranks *= kept
    return ranks


def _upper(ranks: Ranks) -> NDArray[np.uint16]:
    """Return the upper 16 bits of all ranks, one after another."""
    parts = ranks.dtype.itemsize // 2
    place = parts - 1 if sys.byteorder == "little" else 0
    return ranks.reshape(-1).view(np.uint16)[place::parts]


def _threshold(ranks: Sequence[Ranks], counts: NDArray[np.int64], number: int) -> tuple[int, int]:
    """Return the largest of the `number` smallest ranks, and how many of these equal it.

    Args:
        ranks: ranks of all weights, by matrix.
        counts: number of ranks for each value of the upper 16 bits; only one of these bins is sorted.
        number: more than the number of weights that are dropped already, whose rank is 0.
    """
    up_to = np.cumsum(counts)
    bin_of_it = int(np.searchsorted(up_to, number))
    inside = np.concatenate([some.reshape(-1)[_upper(some) == bin_of_it] for some in ranks])
    place = number - 1 - int(up_to[bin_of_it] - counts[bin_of_it])
    threshold = int(np.partition(inside, place)[place])
    return threshold, place + 1 - int(np.count_nonzero(inside < threshold))


def random_like(mask: Mask, generator: np.random.Generator, sparsity: float | None = None) -> Mask:
    """Draw a mask of exactly the size of `mask`, its survivors uniformly over all matrices.

    The shares of single matrices may differ from those of `mask`. This is the row of random masks in
    Chen et al. 2020, Table 2.

    Args:
        mask: names and shapes of the matrices, and the number of survivors.
        generator: source of the draw.
        sparsity: share of the weights that is dropped, in [0, 1); None for the number of `mask`. The
            size is that of `keep_largest` at this sparsity.
    """
    names = sorted(mask)
    survives = np.zeros(num_weights(mask), dtype=np.bool_)
    number = num_survivors(mask) if sparsity is None else survivors_at(sparsity, survives.size)
    survives[:number] = True
    generator.shuffle(survives)
    pieces = np.split(survives, np.cumsum([mask[name].size for name in names])[:-1])
    drawn = {n: piece.reshape(mask[n].shape) for n, piece in zip(names, pieces, strict=True)}
    return {name: drawn[name] for name in mask}


def random_by_matrix(mask: Mask, generator: np.random.Generator) -> Mask:
    """Draw a mask that keeps as many weights of every matrix as `mask`, uniformly in each."""
    drawn = {
        name: generator.permuted(mask[name].reshape(-1)).reshape(mask[name].shape)
        for name in sorted(mask)
    }
    return {name: drawn[name] for name in mask}


def one_shot(weights: Weights, mask: Mask) -> Mask:
    """Return a mask of exactly the size of `mask` that keeps the largest of `weights`, pruned at once.

    With the pre-trained weights it is the row "Pruning theta_0" of Figure 2 in Chen et al. 2020.
    """
    return prune_by_magnitude(weights, dense(weights), sparsity(mask))


def complement(mask: Mask, weights: Weights) -> Mask:
    """Keep as many weights as `mask`, but the smallest: the "bad" mask of Prasanna et al. 2020."""
    kept, everything = num_survivors(mask), dense(weights)
    if kept == num_weights(mask):
        return everything
    largest = prune_by_magnitude(weights, everything, kept / num_weights(mask))
    return {name: ~stays for name, stays in largest.items()}


def check_same_matrices(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> None:
    """Raise ValueError unless both arguments have the same names and shapes."""
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise ValueError(f"{len(odd)} matrices are in one of the two only, the first is {odd[0]!r}")
    for name in first:
        if first[name].shape != second[name].shape:
            raise ValueError(
                f"{name} has shape {first[name].shape} in one and {second[name].shape} in the other"
            )
