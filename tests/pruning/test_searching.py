"""Searches: the stopping rule on hand-made cases, phase by phase."""

from collections.abc import Callable

import numpy as np
import pytest

from stages.tickets.pruning import masks, searching, structure
from stages.tickets.pruning.searching import Phase, Scored
from stages.tickets.pruning.structure import Structure

START = structure.whole(2, 5)
HEADS = np.arange(10, dtype=np.float64).reshape(2, 5)
MLPS = np.array([5.0, 1.0])


def ranking(_: Structure) -> Scored:
    return HEADS, MLPS


def at_least(heads: int, mlps: int) -> Callable[[Structure], float]:
    """1 while so many are kept, else 0."""
    return lambda kept: float(kept.num_heads >= heads and kept.num_mlps >= mlps)


def steps_of(found: searching.Found) -> list[tuple[str, int, int, bool]]:
    return [(s.phase, s.candidate.num_heads, s.candidate.num_mlps, s.accepted) for s in found.steps]


def test_three_phases_by_hand() -> None:
    """Four heads a joint step, then two, one MLP a step; the last that passed is found."""
    found = searching.search(at_least(3, 1), ranking, START, amount=0.4)
    assert steps_of(found) == [
        ("joint", 6, 1, True),
        ("joint", 2, 0, False),
        ("heads", 4, 1, True),
        ("heads", 2, 1, False),
        ("mlps", 4, 0, False),
    ]
    assert np.flatnonzero(found.structure.heads).tolist() == [6, 7, 8, 9]  # the most important
    assert found.structure.mlps.tolist() == [True, False]
    assert (found.dense_score, found.threshold) == (1, 0.9)


def test_a_phase_ends_with_nothing_left() -> None:
    found = searching.search(lambda _: 1.0, ranking, START, amount=0.4)
    assert steps_of(found)[:2] == [("joint", 6, 1, True), ("joint", 2, 0, True)]
    assert steps_of(found)[2:] == [("heads", 0, 0, True)]
    assert (found.structure.num_heads, found.structure.num_mlps) == (0, 0)


@pytest.mark.parametrize(
    ("phase", "sizes"),
    [("heads", [(6, 2), (2, 2), (0, 2)]), ("mlps", [(10, 1), (10, 0)])],
)
def test_heads_or_mlps_alone(phase: Phase, sizes: list[tuple[int, int]]) -> None:
    """Heads alone go at the full step, as in the paper's first search."""
    found = searching.search(lambda _: 1.0, ranking, START, (phase,), amount=0.4)
    assert [(heads, mlps) for _, heads, mlps, _ in steps_of(found)] == sizes


def test_what_scores_the_threshold_exactly_passes() -> None:
    found = searching.search(
        lambda kept: 0.5 if kept.num_heads == 10 else 0.45, ranking, START, ("heads",)
    )
    assert found.structure.num_heads == 0
    below = searching.search(
        lambda kept: 0.5 if kept.num_heads == 10 else 0.4499, ranking, START, ("heads",)
    )
    assert below.structure.num_heads == 10
    assert len(below.steps) == 1


def test_ties_go_in_order_and_dropped_ones_are_not_chosen_again() -> None:
    asked: list[int] = []

    def equal(kept: Structure) -> Scored:
        asked.append(kept.num_heads)
        return np.zeros((2, 5)), np.zeros(2)

    found = searching.search(at_least(7, 2), equal, START, ("heads",), amount=0.1)
    assert np.flatnonzero(found.structure.heads).tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert asked == [10, 9, 8, 7]


def test_later_phases_rank_anew_or_by_the_rejected_candidate() -> None:
    """The ranking turns round once fewer than six heads are kept."""

    def turning(kept: Structure) -> Scored:
        return (HEADS if kept.num_heads >= 6 else -HEADS), MLPS

    phases: tuple[Phase, ...] = ("joint", "heads")
    fresh = searching.search(at_least(4, 1), turning, START, phases, amount=0.4)
    stale = searching.search(at_least(4, 1), turning, START, phases, amount=0.4, stale_ranking=True)
    assert np.flatnonzero(fresh.structure.heads).tolist() == [6, 7, 8, 9]
    assert np.flatnonzero(stale.structure.heads).tolist() == [4, 5, 6, 7]
    assert stale.steps[2].importance[0][1, 4] < 0


WEIGHTS = {"a": np.arange(1, 61, dtype=np.float32).reshape(6, 10), "b": -np.arange(61.0, 101.0)}


def test_the_magnitude_search_by_hand() -> None:
    """A tenth of the remaining weights a step: 100, 90, 81, 73 (72.9); 72 is the least that passes."""
    found = searching.search_by_magnitude(
        lambda mask: float(masks.num_survivors(mask) >= 72), WEIGHTS
    )
    assert [round(100 * (1 - one.sparsity)) for one in found.steps] == [90, 81, 73, 66]
    assert [one.accepted for one in found.steps] == [True, True, True, False]
    kept = np.concatenate([found.mask["a"].reshape(-1), found.mask["b"]])
    assert np.flatnonzero(kept).tolist() == list(range(27, 100))


def test_a_dense_model_without_a_score_is_not_searched() -> None:
    found = searching.search(lambda _: 0.0, ranking, START)
    assert (found.structure.num_heads, found.steps) == (10, ())
    mask = searching.search_by_magnitude(lambda _: -0.1, WEIGHTS)
    assert (masks.sparsity(mask.mask), mask.steps) == (0, ())


def test_the_magnitude_search_with_large_steps_ends_before_nothing_is_left() -> None:
    found = searching.search_by_magnitude(lambda _: 1.0, WEIGHTS, amount=0.99)
    assert found.steps[-1].sparsity <= 1


def test_the_magnitude_search_ends_after_thirty_steps() -> None:
    found = searching.search_by_magnitude(lambda _: 1.0, WEIGHTS, amount=0.05)
    assert len(found.steps) == searching.MAX_PASSES == 30
    assert masks.num_survivors(found.mask) == round(100 * 0.95**30)


@pytest.mark.parametrize("sparsity", [0.0, 0.01, 0.37, 0.5, 0.99])
def test_bad_weights_are_as_many_and_the_smallest(sparsity: float) -> None:
    good = masks.prune_by_magnitude(WEIGHTS, masks.dense(WEIGHTS), sparsity)
    bad = masks.complement(good, WEIGHTS)
    number = masks.num_survivors(good)
    assert masks.num_survivors(bad) == number
    kept = np.concatenate([bad["a"].reshape(-1), bad["b"]])
    assert np.flatnonzero(kept).tolist() == list(range(number))
