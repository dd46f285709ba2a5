"""How far weights move, and what that leaves a mask: laws, by hand, by brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.pruning import masks, movement
from stages.tickets.pruning.masks import Mask

Arrays = dict[str, NDArray[np.float32]]
SHAPES = {"query": (6, 5), "dense": (4, 10)}


def weights(*values: float) -> Arrays:
    return {"w": np.array([values], dtype=np.float32)}


def mask(digits: str) -> Mask:
    return {"w": np.array([[digit == "1" for digit in digits]])}


def drawn(generator: np.random.Generator, scale: float = 1.0) -> Arrays:
    return {
        name: (scale * generator.standard_normal(shape)).astype(np.float32)
        for name, shape in SHAPES.items()
    }


def one_shot(theta: Arrays, sparsity: float) -> Mask:
    return masks.prune_by_magnitude(theta, masks.dense(theta), sparsity)


# --- moves -----------------------------------------------------------------------------------


def test_moves_by_hand() -> None:
    """Of the four survivors: 0.5, 0.25, 2 and 0; the dropped one would have moved by 9."""
    start, trained = weights(1, -1, 9, 3, 4), weights(1.5, -0.75, 0, 1, 4)
    found = movement.moves(start, trained, mask("11011"))
    assert (found.num, found.largest) == (4, 2)
    assert found.quantiles == {"move_50": 0.25, "move_90": 2, "move_99": 2, "move_99_9": 2}


@given(st.integers(0, 100))
def test_quantiles_are_those_of_a_sort(seed: int) -> None:
    generator = np.random.default_rng(seed)
    start, trained = drawn(generator), drawn(generator)
    kept = masks.random_like(one_shot(start, 0.3), generator)
    found = movement.moves(start, trained, kept)
    ranked = sorted(
        abs(float(trained[name][place] - start[name][place]))
        for name in kept
        for place in zip(*np.nonzero(kept[name]), strict=True)
    )
    assert found.num == len(ranked)
    assert found.largest == ranked[-1]
    for name, share in movement.QUANTILES.items():
        value = found.quantiles[name]
        assert sum(move <= value for move in ranked) >= share * len(ranked)
        assert sum(move < value for move in ranked) < share * len(ranked)


def test_without_survivors_nothing_has_moved() -> None:
    with pytest.raises(ValueError, match="no weight survives"):
        movement.moves(weights(1, 2), weights(1, 3), mask("00"))


# --- the exchange ----------------------------------------------------------------------------


def test_a_round_by_hand() -> None:
    """Theta_0 is 1 to 6; 3 grows to 4.5 and 4 shrinks to 3.5: they change places among the three."""
    theta, trained = weights(1, -2, 3, 4, -5, 6), weights(1, -2, 4.5, 3.5, -5, 6)
    kept, before, after = one_shot(theta, 0.5), mask("111111"), mask("001011")
    assert (kept["w"] == mask("000111")["w"]).all()
    assert (masks.prune_by_magnitude(trained, before, 0.5)["w"] == after["w"]).all()
    found = movement.exchange(theta, kept, trained, before, after)
    assert (found.threshold_pretrained, found.threshold_trained) == (3, 3.5)
    assert (found.gone, found.exchanged) == (0, 1)
    assert found.jaccard == pytest.approx(2 / 4)
    distance = movement.largest_distance(theta, trained, before)
    assert distance == 1.5
    # Within 1.5 of 3: 2 and 3 may stay, 4 may go. The larger group has two.
    bound = movement.bound(theta, kept, before, distance)
    assert (bound.near, bound.most_exchanged) == (3, 2)
    assert bound.jaccard_at_least == pytest.approx(1 / 5)


def test_what_earlier_rounds_have_dropped_counts_as_exchanged() -> None:
    """6 went in a round before, where it had shrunk; now nothing moves, and 3 takes its place."""
    theta, before = weights(1, 2, 3, 4, 5, 6), mask("111110")
    after = mask("001110")
    kept = one_shot(theta, 0.5)
    found = movement.exchange(theta, kept, theta, before, after)
    assert (found.gone, found.exchanged, found.jaccard) == (1, 1, 0.5)
    bound = movement.bound(theta, kept, before, 0.0)
    assert (bound.near, bound.most_exchanged) == (1, 1)  # near: 3, the threshold itself


def test_a_training_that_moves_nothing_leaves_the_one_shot_mask() -> None:
    theta = drawn(np.random.default_rng(0))
    kept, before = one_shot(theta, 0.7), masks.dense(theta)
    found = movement.exchange(theta, kept, theta, before, kept)
    assert (found.exchanged, found.jaccard) == (0, 1)
    assert found.threshold_trained == found.threshold_pretrained
    assert movement.bound(theta, kept, before, 1e-9).jaccard_at_least == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("exchanged", "kept", "value"), [(0, 3, 1), (3, 3, 0), (1, 3, 0.5), (0, 0, 1)]
)
def test_jaccard_by_hand(exchanged: int, kept: int, value: float) -> None:
    assert movement.jaccard(exchanged, kept) == value


def test_masks_of_other_sizes_are_refused() -> None:
    theta = weights(1, 2, 3, 4)
    with pytest.raises(ValueError, match="keeps 1 weights, and the round's 2"):
        movement.exchange(theta, mask("0001"), theta, mask("1111"), mask("0011"))
    with pytest.raises(ValueError, match="shape"):
        movement.bound(theta, mask("001"), mask("1111"), 0.1)


# --- the bound holds, and is reached ---------------------------------------------------------


@given(st.integers(0, 300), st.sampled_from([0.01, 0.1, 0.5, 2.0]))
def test_in_a_chain_no_round_exchanges_more_than_the_bound(seed: int, scale: float) -> None:
    """Three rounds that each start from theta_0 and move weights at random; a Jaccard by sets."""
    generator = np.random.default_rng(seed)
    theta = drawn(generator)
    before = masks.dense(theta)
    for sparsity in (0.3, 0.5, 0.7):
        step = drawn(generator, scale)
        trained = {name: (theta[name] + step[name]) * before[name] for name in theta}
        after = masks.prune_by_magnitude(trained, before, sparsity)
        kept = one_shot(theta, sparsity)
        found = movement.exchange(theta, kept, trained, before, after)
        distance = movement.largest_distance(theta, trained, before)
        bound = movement.bound(theta, kept, before, distance)
        ones, twos = (
            {(name, i) for name in chosen for i in np.flatnonzero(chosen[name])}
            for chosen in (kept, after)
        )
        assert found.exchanged == len(ones - twos) == len(twos - ones)
        assert found.jaccard == pytest.approx(len(ones & twos) / len(ones | twos))
        assert found.exchanged <= bound.most_exchanged
        assert found.jaccard >= bound.jaccard_at_least
        before = after


def test_no_smaller_bound_holds_for_every_training() -> None:
    """All trainings that move each weight by 1 up or down, one by one: the worst reaches the bound."""
    theta = weights(1, 2, 2.5, 3, 3.75, 5)
    kept, before = one_shot(theta, 0.5), mask("111111")
    bound = movement.bound(theta, kept, before, 1.0)
    worst = 0
    for ups in (set(c) for n in range(7) for c in combinations(range(6), n)):
        moved = [w + 1 if i in ups else w - 1 for i, w in enumerate(theta["w"][0].tolist())]
        after = masks.prune_by_magnitude(weights(*moved), before, 0.5)
        worst = max(worst, int((kept["w"] & ~after["w"]).sum()))
    assert worst == bound.most_exchanged == 2
    # With less than the distance that was moved, the bound would be wrong.
    assert movement.bound(theta, kept, before, 0.4).most_exchanged < worst


# --- the record of a round -------------------------------------------------------------------


def test_the_record_of_a_round_by_hand() -> None:
    """The round above, from where the training had got to already: 4 has moved by 0.25 since."""
    theta, start = weights(1, -2, 3, 4, -5, 6), weights(1, -2, 4.5, 3.75, -5, 6)
    trained, before, after = weights(1, -2, 4.5, 3.5, -5, 6), mask("111111"), mask("001011")
    found = movement.record(theta, one_shot(theta, 0.5), start, trained, before, after, rates=4.0)
    assert found == {
        "prunable": 6,
        "trained": 6,
        "largest": 0.25,
        "move_50": 0.0,
        "move_90": 0.25,
        "move_99": 0.25,
        "move_99_9": 0.25,
        "threshold_pretrained": 3.0,
        "threshold_trained": 3.5,
        "gone": 0,
        "exchanged": 1,
        "jaccard": 0.5,
        "distance": 1.5,
        "near": 3,
        "most_exchanged": 2,
        "jaccard_at_least": 0.2,
        "rates_distance": 4.0,
        "rates_near": 6,
        "rates_most_exchanged": 3,
        "rates_jaccard_at_least": 0.0,
    }
