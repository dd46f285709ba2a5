"""How far a training moves weights, and how far its mask can be from the one-shot mask.

The one-shot mask keeps the pre-trained weights of largest magnitude. A mask by trained magnitudes differs
from it only in weights that cross a threshold. A training of few steps with a small learning rate moves
no weight far, so that few can cross: AdamW moves a weight by about the sum of its learning rates at most.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights, check_same_matrices

T = TypeVar("T")
QUANTILES = {"move_50": 0.5, "move_90": 0.9, "move_99": 0.99, "move_99_9": 0.999}


@dataclass(frozen=True)
class Moves:
    """Distances of weights from the start of a training, over the weights that it trained."""

    num: int
    largest: float
    quantiles: dict[str, float]
    """Quantiles of the moves, by their names in QUANTILES."""


@dataclass(frozen=True)
class Bound:
    """Bounds on the difference between the mask of a round and the one-shot mask."""

    distance: float
    """Largest distance of a weight from its pre-trained value."""
    near: int
    """Number of survivors with a pre-trained magnitude within `distance` of the one-shot threshold."""
    most_exchanged: int
    jaccard_at_least: float
    """Lower bound of the Jaccard similarity of the two masks, in [0, 1]."""


@dataclass(frozen=True)
class Exchange:
    """The difference between the mask of a round and the one-shot mask of the same size.

    Masks of equal size differ by an exchange: the round drops some weights that the one-shot mask keeps,
    and keeps equally many that the one-shot mask drops.
    """

    threshold_pretrained: float
    """Magnitude of the largest pre-trained weight that the one-shot mask drops."""
    threshold_trained: float
    """Magnitude of the largest trained weight that the round drops."""
    gone: int
    """Number of weights of the one-shot mask that earlier rounds have dropped; they never return."""
    exchanged: int
    jaccard: float
    """Jaccard similarity of the two masks, in [0, 1]."""


def record(
    pretrained: Weights,
    one_shot: Mask,
    start: Weights,
    trained: Weights,
    before: Mask,
    after: Mask,
    rates: float,
) -> dict[str, int | float]:
    """Measure how far a round has moved weights and its mask, and how far it could have moved them.

    Args:
        pretrained: theta_0.
        one_shot: mask of its largest weights, exactly as many as `after` keeps, over all matrices.
        start: the weights that rounds restart from, theta_i.
        trained: the weights after training; only survivors of `before` count.
        before: the survivors that were trained.
        after: the survivors of the round.
        rates: sum of the learning rates that led from theta_0 to `trained`.

    Returns:
        Numbers by name: `prunable` and `trained`, numbers of weights; `largest` and quantiles of the
        distances from theta_i; the fields of Exchange; the fields of Bound for the largest distance from
        theta_0 that was measured, and with the prefix `rates_` for the sum of the learning rates.
    """
    moved = moves(start, trained, before)
    distance = largest_distance(pretrained, trained, before)
    by_rates = asdict(bound(pretrained, one_shot, before, rates))
    return {
        "prunable": masks.num_weights(after),
        "trained": moved.num,
        "largest": moved.largest,
        **moved.quantiles,
        **asdict(exchange(pretrained, one_shot, trained, before, after)),
        **asdict(bound(pretrained, one_shot, before, distance)),
        **{f"rates_{name}": value for name, value in by_rates.items()},
    }


def moves(start: Weights, trained: Weights, survivors: Mask) -> Moves:
    """Measure how far the survivors have moved.

    Args:
        start: the weights at the start of the training.
        trained: the weights at its end.
        survivors: the weights that were trained; dropped weights do not count.

    Raises:
        ValueError: names or shapes differ, or nothing survives.
    """
    check_same_matrices(start, survivors)
    check_same_matrices(trained, survivors)

    def moved(name: str) -> NDArray[np.floating]:
        distances, kept = np.abs(trained[name] - start[name]), survivors[name]
        return distances.reshape(-1) if kept.all() else distances[kept]

    together = np.concatenate(_over(survivors, moved))
    num = together.size
    if num == 0:
        raise ValueError("no weight survives, so none has moved")
    places = {name: int(np.ceil(share * num)) - 1 for name, share in QUANTILES.items()}
    together.partition(sorted({*places.values(), num - 1}))
    quantiles = {name: float(together[place]) for name, place in places.items()}
    return Moves(num, float(together[-1]), quantiles)


def largest_distance(pretrained: Weights, trained: Weights, survivors: Mask) -> float:
    """Return the largest distance of a survivor from its pre-trained value.

    It is computed in float64, so that a threshold less the distance is not rounded.

    Raises:
        ValueError: names or shapes differ.
    """
    check_same_matrices(pretrained, survivors)
    check_same_matrices(trained, survivors)

    def largest(name: str) -> float:
        distances = np.abs(pretrained[name].astype(np.float64) - trained[name])
        return _largest(distances, survivors[name])

    return max(_over(survivors, largest))


def exchange(
    pretrained: Weights, one_shot: Mask, trained: Weights, before: Mask, after: Mask
) -> Exchange:
    """Compare the mask of a round with the one-shot mask.

    Args:
        pretrained: theta_0.
        one_shot: mask of its largest weights, exactly as many as `after` keeps, over all matrices.
        trained: the weights after training; only survivors of `before` count.
        before: the survivors that were trained.
        after: the survivors of the round, a subset of `before`.

    Raises:
        ValueError: names, shapes or sizes of the masks differ.
    """
    for other in (one_shot, trained, before, after):
        check_same_matrices(pretrained, other)
    kept = masks.num_survivors(after)
    if masks.num_survivors(one_shot) != kept:
        raise ValueError(
            f"the one-shot mask keeps {masks.num_survivors(one_shot)} weights, and the round's {kept}"
        )

    def counted(name: str) -> tuple[float, int, int]:
        largest = _largest(np.abs(trained[name]), before[name] & ~after[name])
        gone = int(np.count_nonzero(one_shot[name] & ~before[name]))
        return largest, gone, int(np.count_nonzero(one_shot[name] & ~after[name]))

    largest, gone, exchanged = zip(*_over(after, counted), strict=True)
    num = int(sum(exchanged))
    return Exchange(
        threshold(pretrained, one_shot), max(largest), int(sum(gone)), num, jaccard(num, kept)
    )


def bound(pretrained: Weights, one_shot: Mask, before: Mask, distance: float) -> Bound:
    """Bound the number of weights that a round's mask and the one-shot mask of its size exchange.

    Let D be the distance, t the threshold of the one-shot mask and t' that of the round. A survivor that
    the one-shot mask keeps and the round drops has a pre-trained magnitude of at most t' + D. A survivor
    that the one-shot mask drops and the round keeps has at least t' - D. If t' <= t, the former are
    no further than D above t; with the weights gone before, they are all that the one-shot mask keeps
    and the round drops. If t' > t, the latter are no further than D below t. The two sides of the
    exchange are equally large, so the larger of the two bounds holds in any case: in every round of a
    chain, and whatever weights its training started from.

    Args:
        pretrained: theta_0.
        one_shot: mask of its largest weights, as many as the round keeps.
        before: the survivors that were trained.
        distance: D, an upper bound on the distance of a trained survivor from its pre-trained value.

    Raises:
        ValueError: names or shapes differ.
    """
    check_same_matrices(pretrained, one_shot)
    check_same_matrices(pretrained, before)
    at = threshold(pretrained, one_shot)

    def counted(name: str) -> tuple[int, int, int]:
        magnitude = np.abs(pretrained[name].astype(np.float64))
        kept, there = one_shot[name], before[name]
        return (
            int(np.count_nonzero(kept & there & (magnitude <= at + distance))),
            int(np.count_nonzero(~kept & there & (magnitude >= at - distance))),
            int(np.count_nonzero(kept & ~there)),
        )

    above, below, gone = (int(sum(of)) for of in zip(*_over(before, counted), strict=True))
    size = masks.num_survivors(one_shot)
    most = min(max(below, above + gone), size, masks.num_weights(one_shot) - size)
    return Bound(distance, above + below, most, jaccard(most, size))


def threshold(weights: Weights, mask: Mask) -> float:
    """Return the magnitude of the largest weight that the mask drops; 0 if it drops none."""
    return max(_over(mask, lambda name: _largest(np.abs(weights[name]), ~mask[name])))


def jaccard(exchanged: int, kept: int) -> float:
    """Return the Jaccard similarity of two masks of `kept` weights that share all but `exchanged`.

    It is 1 if nothing is kept.
    """
    return (kept - exchanged) / (kept + exchanged) if kept else 1.0


def _largest(magnitudes: NDArray[np.floating], among: NDArray[np.bool_]) -> float:
    """Return the largest of the magnitudes that `among` selects; 0 if it selects none."""
    return float((magnitudes * among).max(initial=0.0))


def _over(names: Iterable[str], work: Callable[[str], T]) -> list[T]:
    """Do the work on every matrix, side by side: numpy works outside Python's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, names))
