"""The Pareto front against its definition, by brute force."""

from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.statistics import pareto

POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)
"""Few values, so that many points agree in size, in score or in both."""


def undominated(points: list[tuple[int, int]]) -> set[int]:
    return {
        i
        for i, (size, score) in enumerate(points)
        if not any(
            other <= size and more >= score and (other, more) != (size, score)
            for other, more in points
        )
    }


@given(POINTS)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    front = pareto.front([size for size, _ in points], [score for _, score in points])
    assert set(front) == undominated(points)
    assert len(front) == len(set(front))
    assert front == sorted(front, key=lambda i: (points[i][0], i))


def test_a_front_by_hand() -> None:
    """The third is as small as the first and worse, the fourth larger and no better than the second."""
    assert pareto.front([10, 20, 10, 30], [0.5, 0.9, 0.4, 0.9]) == [0, 1]
    assert pareto.front([], []) == []
