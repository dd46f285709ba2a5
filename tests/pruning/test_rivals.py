"""Masks that a learned one is compared with are of its size, to the weight."""

import numpy as np
import pytest

from stages.tickets.pruning import masks, rivals
from stages.tickets.pruning.masks import Mask

SHAPES = {"a": (30, 20), "b": (11, 7), "c": (40, 10)}


def weights_of(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: generator.standard_normal(shape) for name, shape in SHAPES.items()}


def mask_of(seed: int, sparsity: float = 0.9) -> Mask:
    weights = weights_of(seed)
    weights["a"] *= 3  # so that densities differ
    return masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)


def sizes(made: dict[str, Mask]) -> set[int]:
    return {masks.num_survivors(mask) for mask in made.values()}


def same(first: Mask, second: Mask) -> bool:
    return all((first[name] == second[name]).all() for name in SHAPES)


def test_all_masks_on_noise_keep_a_tenth_and_differ() -> None:
    """A sparsity of 0.9 keeps 0.1 for all of them; the released comparison mixes the two."""
    learned, ticket, weights = mask_of(1), mask_of(2), weights_of(3)
    made = rivals.on_noise(learned, ticket, weights, np.random.default_rng(0))
    assert tuple(made) == rivals.TRAINED_ON_NOISE
    assert sizes(made) == {round(0.1 * masks.num_weights(learned))}
    assert same(made["learned"], learned)
    assert same(made["imp"], ticket)
    assert same(made["one-shot"], masks.one_shot(weights, learned))
    known = list(made.values())
    assert not any(same(a, b) for i, a in enumerate(known) for b in known[:i])


def test_draws_of_a_lent_mask_have_its_density_by_matrix() -> None:
    learned, ticket = mask_of(1), mask_of(2)
    made = rivals.lent(learned, ticket, np.random.default_rng(0))
    assert tuple(made) == rivals.LENT
    for name in ("shuffled", "by-density"):
        for matrix, kept in learned.items():
            assert made[name][matrix].sum() == kept.sum()
        assert not same(made[name], learned)
    assert not same(made["shuffled"], made["by-density"])
    again = rivals.lent(learned, ticket, np.random.default_rng(0))
    assert all(same(made[name], again[name]) for name in made)


def test_masks_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="the learned mask keeps 108 weights, the ticket 215"):
        rivals.lent(mask_of(1), mask_of(2, 0.8), np.random.default_rng(0))
    with pytest.raises(ValueError, match="the ticket 969"):
        rivals.on_noise(mask_of(1), mask_of(2, 0.1), weights_of(3), np.random.default_rng(0))
