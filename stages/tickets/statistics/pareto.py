"""The Pareto front of models: those that no other model beats in both size and score."""

from collections.abc import Sequence


def front(sizes: Sequence[float], scores: Sequence[float]) -> list[int]:
    """List the points that no other dominates, in order of size and, of equal ones, of the list.

    A point dominates another if it is at most as large and scores at least as much, and is smaller or
    scores more. So of several points that agree in size and score all are listed, or none.

    Args:
        sizes: size of each point, such as bytes; less is better.
        scores: score of each point; more is better.
    """
    order = sorted(range(len(sizes)), key=lambda i: (sizes[i], -scores[i]))
    kept: list[int] = []
    for index in order:
        last = kept[-1] if kept else None
        same = last is not None and (sizes[index], scores[index]) == (sizes[last], scores[last])
        if last is None or scores[index] > scores[last] or same:
            kept.append(index)
    return kept
