"""Rows about learned masks: what searches have found, and how trainings on flipped labels went."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PLACE = ("task", "seed", "round")
SEARCH = (
    "prior", "divergence", "mean_probability", "undecided", "jaccard_one_shot", "jaccard_by_chance",
)  # fmt: skip
"""What is taken from search.json."""
BIN = ("low", "high", "weights")
CURVE = ("mask", "share", "step", "score", "right", "learned_flips", "resisted_flips")


def of_histogram(counts: Sequence[int]) -> Iterator[dict[str, float | int]]:
    """Yield a row with the columns BIN for each of the equal parts of [0, 1]."""
    for number, count in enumerate(counts):
        low, high = number / len(counts), (number + 1) / len(counts)
        yield {"low": low, "high": high, "weights": count}


def of_curve(source: str, points: Sequence[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield a row with the columns CURVE for every point of a training on flipped labels.

    Args:
        source: name of the mask and share of flipped labels, as `learned 0.2`.
        points: rows of curve.csv.
    """
    mask, share = source.split()
    for point in points:
        yield {"mask": mask, "share": float(share), **point}


def gap(scores: Sequence[float]) -> float:
    """Return the best score on the way of a training minus its last: what stopping early would save.

    It is never below 0, and above 0 by chance alone, so that gaps are to be compared with one another.
    """
    return max(scores) - scores[-1]
