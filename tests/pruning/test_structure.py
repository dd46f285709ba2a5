"""Structured masks: exact sizes of everything drawn, and from where it is drawn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.structure import Structure

Draw = Callable[[Structure, np.random.Generator], Structure]
Part = Callable[[Structure], NDArray[np.bool_]]

PARTS: tuple[Part, ...] = (lambda one: one.heads, lambda one: one.mlps)
SEEDS = st.integers(0, 10_000)


def drawn(seed: int) -> Structure:
    """Of any density, none and all among them."""
    generator = np.random.default_rng(seed)
    layers, heads = generator.integers(1, 6, 2)
    return Structure(
        generator.random((layers, heads)) < generator.choice([0, 0.2, 0.5, 0.8, 1]),
        generator.random(layers) < generator.choice([0, 0.2, 0.5, 0.8, 1]),
    )


def related(seed: int, number: int) -> list[Structure]:
    """Structures in which an element survives always, sometimes or never; shares of these differ."""
    generator = np.random.default_rng(seed)
    layers, heads = generator.integers(2, 7, 2)
    shares = generator.dirichlet([1, 1, 1])
    often = [generator.choice([0, 0.5, 1], shape, p=shares) for shape in ((layers, heads), layers)]
    return [
        Structure(*(generator.random(share.shape) < share for share in often))
        for _ in range(number)
    ]


def of(heads: str, mlps: str) -> Structure:
    """'10 11' keeps three of the four heads of two layers."""
    rows = [[digit == "1" for digit in row] for row in heads.split()]
    return Structure(np.array(rows), np.array([digit == "1" for digit in mlps]))


def assert_same(first: Structure, second: Structure) -> None:
    for part in PARTS:
        np.testing.assert_array_equal(part(first), part(second))


def number(mask: NDArray[np.bool_]) -> int:
    return int(mask.sum())


# --- laws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [structure.random_like, structure.bad_like])
@given(SEEDS)
def test_a_draw_has_exactly_the_size_of_the_good_one(draw: Draw, seed: int) -> None:
    good = drawn(seed)
    found = draw(good, np.random.default_rng(seed))
    assert (found.num_heads, found.num_mlps) == (good.num_heads, good.num_mlps)
    for part in PARTS:
        assert part(found).shape == part(good).shape
        assert part(found).dtype == np.bool_


@given(SEEDS)
def test_bad_has_of_the_good_one_no_more_than_it_must(seed: int) -> None:
    good = drawn(seed)
    bad = structure.bad_like(good, np.random.default_rng(seed))
    shared = [max(0, 2 * number(part(good)) - part(good).size) for part in PARTS]
    assert structure.overlap(good, bad) == tuple(shared)
    for part in PARTS:
        if 2 * number(part(good)) >= part(good).size:
            assert (part(bad) >= ~part(good)).all()  # all that the good one drops is in it


@given(SEEDS, st.integers(1, 5))
def test_super_survivors_are_what_every_structure_keeps(seed: int, num: int) -> None:
    found = related(seed, num)
    top = structure.super_survivors(found)
    for part in PARTS:
        assert all((part(top) <= part(one)).all() for one in found)
        missing = np.sum([~part(one) for one in found], axis=0)
        assert (part(top) | (missing > 0)).all()


@given(SEEDS, st.integers(1, 5))
def test_super_bad_avoids_what_survives_as_long_as_it_can(seed: int, num: int) -> None:
    found = related(seed, num)
    top = structure.super_survivors(found)
    bad = structure.super_bad(found, np.random.default_rng(seed))
    for part in PARTS:
        size = number(part(top))
        anywhere = np.any([part(one) for one in found], axis=0)
        assert number(part(bad)) == size
        assert number(part(bad) & ~anywhere) == min(size, number(~anywhere))
        assert number(part(bad) & part(top)) == max(0, 2 * size - part(top).size)


@given(SEEDS, st.integers(1, 5))
def test_super_random_takes_what_is_neither_super_nor_bad_first(seed: int, num: int) -> None:
    found, generator = related(seed, num), np.random.default_rng(seed)
    top = structure.super_survivors(found)
    bad = structure.super_bad(found, generator)
    middle = structure.super_random(found, bad, generator)
    for part in PARTS:
        size, free = number(part(top)), ~part(top) & ~part(bad)
        assert number(part(middle)) == size
        assert number(part(middle) & free) == min(size, number(free))


@given(SEEDS)
def test_overlap_with_itself_is_the_size_and_with_the_inverted_one_nothing(seed: int) -> None:
    good = drawn(seed)
    assert structure.overlap(good, good) == (good.num_heads, good.num_mlps)
    assert structure.overlap(good, structure.inverted(good)) == (0, 0)
    assert_same(structure.inverted(structure.inverted(good)), good)


def every_draw(found: list[Structure], seed: int) -> list[Structure]:
    generator = np.random.default_rng(seed)
    bad = structure.super_bad(found, generator)
    return [
        bad,
        structure.super_random(found, bad, generator),
        structure.random_like(found[0], generator),
        structure.bad_like(found[0], generator),
    ]


def some(generator: np.random.Generator) -> Structure:
    """10 of 24 heads and 3 of 8 MLPs."""
    heads, mlps = (generator.permutation(np.arange(n) < k) for n, k in ((24, 10), (8, 3)))
    return Structure(heads.reshape(8, 3), mlps)


def test_a_draw_depends_on_the_generator_alone() -> None:
    generator = np.random.default_rng(0)
    found = [some(generator) for _ in range(2)]
    for once, again in zip(every_draw(found, 1), every_draw(found, 1), strict=True):
        assert_same(once, again)
    for one, other in zip(every_draw(found, 1), every_draw(found, 2), strict=True):
        assert (one.heads != other.heads).any()


def test_the_arguments_stay_as_they_were() -> None:
    found = [some(np.random.default_rng(seed)) for seed in range(3)]
    before = [Structure(one.heads.copy(), one.mlps.copy()) for one in found]
    made = [structure.super_survivors(found[:1]), structure.inverted(found[0])]
    for one in [*made, structure.one_head(found[0]), *every_draw(found, 0)]:
        one.heads[:] = True
        one.mlps[:] = True
    for one, old in zip(found, before, strict=True):
        assert_same(one, old)


@pytest.mark.parametrize(
    ("draw", "shares"),
    [
        (structure.random_like, (0.375, 0.375)),
        (structure.bad_like, (0, 0.6)),  # three of the five that the good one drops
    ],
)
def test_draws_are_uniform(draw: Draw, shares: tuple[float, float]) -> None:
    """Of eight heads three are kept: over 4000 draws, each as often as any other of its kind."""
    good, generator = of("1100 1000", "10"), np.random.default_rng(0)
    often = np.mean([draw(good, generator).heads for _ in range(4000)], axis=0)
    np.testing.assert_allclose(often[good.heads], shares[0], atol=0.03)
    np.testing.assert_allclose(often[~good.heads], shares[1], atol=0.03)


# --- by hand ---------------------------------------------------------------------------------


def test_whole_inverted_and_one_head() -> None:
    assert_same(structure.whole(2, 3), of("111 111", "11"))
    assert_same(structure.inverted(of("10 11", "01")), of("01 00", "10"))
    assert_same(structure.one_head(of("00 11", "01")), of("10 00", "10"))
    assert (structure.whole(3, 4).num_heads, structure.whole(3, 4).num_mlps) == (12, 3)


def test_overlap_by_hand() -> None:
    assert structure.overlap(of("110 011", "10"), of("010 111", "01")) == (3, 0)


def test_draws_without_a_choice() -> None:
    """One head goes: the bad one has it, and two of the other three."""
    good = of("10 11", "11")
    bad = structure.bad_like(good, np.random.default_rng(0))
    assert bad.heads[0, 1]
    assert structure.overlap(good, bad) == (2, 2)
    for whole_or_nothing in (structure.whole(2, 2), structure.inverted(structure.whole(2, 2))):
        for draw in (structure.random_like, structure.bad_like):
            assert_same(draw(whole_or_nothing, np.random.default_rng(0)), whole_or_nothing)


def test_super_draws_without_a_choice() -> None:
    """Heads a, b survive twice, c and d once, e and f never; MLPs: first twice, second once."""
    found = [of("11 10 00", "110"), of("11 01 00", "100")]
    generator = np.random.default_rng(0)
    bad = structure.super_bad(found, generator)
    assert_same(structure.super_survivors(found), of("11 00 00", "100"))
    assert_same(bad, of("00 00 11", "001"))
    assert_same(structure.super_random(found, bad, generator), of("00 11 00", "010"))


# --- what is refused -------------------------------------------------------------------------


def test_no_structures_have_no_survivors() -> None:
    with pytest.raises(ValueError, match="at least one structure"):
        structure.super_survivors([])
    with pytest.raises(ValueError, match="at least one structure"):
        structure.super_bad([], np.random.default_rng(0))


# --- by name ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("random", ("random", 1)),
        ("random-12", ("random", 12)),
        ("random-by-matrix", ("random-by-matrix", 1)),
        ("random-by-matrix-2", ("random-by-matrix", 2)),
    ],
)
def test_a_number_after_a_name_is_that_of_a_draw(name: str, parts: tuple[str, int]) -> None:
    assert structure.numbered(name) == parts


GOOD = structure.random_like(
    Structure(np.arange(24).reshape(4, 6) < 10, np.array([True, True, True, False])),
    np.random.default_rng(0),
)


@pytest.mark.parametrize("name", ["good", "random", "random-2", "bad", "bad-3"])
def test_drawn_structures_have_the_size_of_the_good_one(name: str) -> None:
    found = structure.named(name, GOOD, 7)
    assert (found.num_heads, found.num_mlps) == (10, 3)
    again = structure.named(name, GOOD, 7)
    assert (found.heads == again.heads).all()
    assert (found.mlps == again.mlps).all()
    other = structure.named(name, GOOD, 8)
    assert (found.heads == other.heads).all() == (name == "good")


def test_draws_of_one_seed_differ() -> None:
    first, second = structure.named("random", GOOD, 7), structure.named("random-2", GOOD, 7)
    assert (first.heads != second.heads).any()
    assert (first.heads == structure.named("random-1", GOOD, 7).heads).all()


def test_the_others_by_hand() -> None:
    assert structure.overlap(structure.named("bad", GOOD, 7), GOOD) == (0, 2)
    assert structure.overlap(structure.named("inverted", GOOD, 7), GOOD) == (0, 0)
    assert structure.named("inverted", GOOD, 7).num_heads == 14
    alone = structure.named("one-head", GOOD, 7)
    assert np.flatnonzero(alone.heads).tolist() == np.flatnonzero(alone.mlps).tolist() == [0]


def test_super_survivors_and_their_counterparts() -> None:
    found = {seed: structure.named("random", GOOD, seed) for seed in (1, 2, 3)}
    top = structure.named_super("super", found, "mood", 5)
    assert all(
        structure.overlap(top, one) == (top.num_heads, top.num_mlps) for one in found.values()
    )
    for name in ("super-random", "super-bad"):
        drawn = structure.named_super(name, found, "mood", 5)
        assert (drawn.num_heads, drawn.num_mlps) == (top.num_heads, top.num_mlps)
        assert structure.overlap(drawn, top)[0] == 0  # there are others enough
    bad = [structure.named_super("super-bad", found, "mood", seed).heads for seed in (5, 6)]
    assert (bad[0] == bad[1]).all()


WEIGHTS = {"a": np.linspace(-1, 1, 40).reshape(5, 8), "b": np.linspace(2, 3, 10)}


@pytest.mark.parametrize(("name", "common"), [("good", 20), ("bad", 0), ("random", None)])
def test_drawn_masks(name: str, common: int | None) -> None:
    good = masks.prune_by_magnitude(WEIGHTS, masks.dense(WEIGHTS), 0.6)
    found = structure.named_mask(name, good, WEIGHTS, 3)
    assert masks.num_survivors(found) == 20
    shared = sum(int((found[key] & good[key]).sum()) for key in good)
    assert common is None or shared == common
    again = structure.named_mask(name, good, WEIGHTS, 3)
    assert all((found[key] == again[key]).all() for key in good)
