"""Subnetworks by name: of the right size, the same again from the same seed."""

import numpy as np
import pytest

from stages.tickets.pruning import draws, masks, structure
from stages.tickets.pruning.structure import Structure

GENERATOR = np.random.default_rng(0)
GOOD = structure.random_like(
    Structure(np.arange(24).reshape(4, 6) < 10, np.array([True, True, True, False])), GENERATOR
)


@pytest.mark.parametrize("name", ["good", "random", "random-2", "bad", "bad-3"])
def test_drawn_structures_have_the_size_of_the_good_one(name: str) -> None:
    found = draws.drawn(name, GOOD, 7)
    assert (found.num_heads, found.num_mlps) == (10, 3)
    again = draws.drawn(name, GOOD, 7)
    assert (found.heads == again.heads).all()
    assert (found.mlps == again.mlps).all()
    other = draws.drawn(name, GOOD, 8)
    assert (found.heads == other.heads).all() == (name == "good")


def test_draws_of_one_seed_differ() -> None:
    first, second = draws.drawn("random", GOOD, 7), draws.drawn("random-2", GOOD, 7)
    assert (first.heads != second.heads).any()
    assert (first.heads == draws.drawn("random-1", GOOD, 7).heads).all()


def test_the_others_by_hand() -> None:
    assert structure.overlap(draws.drawn("bad", GOOD, 7), GOOD) == (0, 2)
    assert structure.overlap(draws.drawn("inverted", GOOD, 7), GOOD) == (0, 0)
    assert draws.drawn("inverted", GOOD, 7).num_heads == 14
    alone = draws.drawn("one-head", GOOD, 7)
    assert np.flatnonzero(alone.heads).tolist() == np.flatnonzero(alone.mlps).tolist() == [0]


def test_super_survivors_and_their_counterparts() -> None:
    found = {seed: draws.drawn("random", GOOD, seed) for seed in (1, 2, 3)}
    top = draws.drawn_super("super", found, "mood", 5)
    assert all(
        structure.overlap(top, one) == (top.num_heads, top.num_mlps) for one in found.values()
    )
    for name in ("super-random", "super-bad"):
        drawn = draws.drawn_super(name, found, "mood", 5)
        assert (drawn.num_heads, drawn.num_mlps) == (top.num_heads, top.num_mlps)
        assert structure.overlap(drawn, top)[0] == 0  # there are others enough
    bad = [draws.drawn_super("super-bad", found, "mood", seed).heads for seed in (5, 6)]
    assert (bad[0] == bad[1]).all()


WEIGHTS = {"a": np.linspace(-1, 1, 40).reshape(5, 8), "b": np.linspace(2, 3, 10)}


@pytest.mark.parametrize(("name", "common"), [("good", 20), ("bad", 0), ("random", None)])
def test_drawn_masks(name: str, common: int | None) -> None:
    good = masks.prune_by_magnitude(WEIGHTS, masks.dense(WEIGHTS), 0.6)
    found = draws.drawn_mask(name, good, WEIGHTS, 3)
    assert masks.num_survivors(found) == 20
    shared = sum(int((found[key] & good[key]).sum()) for key in good)
    assert common is None or shared == common
    again = draws.drawn_mask(name, good, WEIGHTS, 3)
    assert all((found[key] == again[key]).all() for key in good)
