"""Maps made by rule, their padding, and the shares of classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.patterns import ABSENT, PATTERNS, SHORTEST, Map, Rule

SEEDS = st.integers(0, 2**32)
LENGTHS = st.lists(st.integers(SHORTEST, 20), min_size=1, max_size=4)


def made(rule: Rule, number: int = 10, seed: int = 0) -> tuple[list[Map], NDArray[np.int64]]:
    return patterns.generate(rule, number, np.random.default_rng(seed))


def of_class(pattern: str, rule: Rule, number: int = 40) -> list[Map]:
    maps, classes = made(rule, number * len(PATTERNS))
    return [one for one, c in zip(maps, classes, strict=True) if PATTERNS[c] == pattern]


@given(lengths=LENGTHS, noise=st.floats(0, 1), seed=SEEDS)
def test_raw_maps_are_distributions_of_the_wanted_lengths(
    lengths: list[int], noise: float, seed: int
) -> None:
    maps, classes = made(Rule(lengths, noise, normed=False), 10, seed)
    assert classes.tolist() == [0, 1, 2, 3, 4] * 2
    for one in maps:
        assert one.dtype == np.float32
        assert one.shape[0] == one.shape[1]
        assert one.shape[0] in lengths
        assert (one >= 0).all()
        np.testing.assert_allclose(one.sum(-1), 1, rtol=1e-5)


@given(length=st.integers(SHORTEST, 20), seed=SEEDS)
def test_normed_maps_are_raw_ones_with_weights_by_column(length: int, seed: int) -> None:
    """The first map of a generator: what is drawn for it last are the weights."""
    raw, normed = (made(Rule([length], 0.3, kind), 1, seed)[0][0] for kind in (False, True))
    weights = normed.sum(0) / raw.sum(0)
    np.testing.assert_allclose(normed, raw * weights, rtol=1e-4, atol=1e-7)
    assert np.abs(normed.sum(-1) - 1).max() > 1e-3


def test_special_tokens_weigh_less() -> None:
    ratios = []
    for seed in range(50):
        raw, normed = (made(Rule([12], 0.3, kind), 1, seed)[0][0] for kind in (False, True))
        weights = normed.sum(0) / raw.sum(0)
        ratios.append(weights[[0, -1]].mean() / np.median(weights))
    assert 0.3 < np.mean(ratios) < 0.7


def test_maps_follow_from_the_seed() -> None:
    rule = Rule([8, 13], 0.3, normed=True)
    (first, _), (second, _), (other, _) = made(rule), made(rule), made(rule, seed=1)
    assert [one.tobytes() for one in first] == [one.tobytes() for one in second]
    assert [one.tobytes() for one in first] != [one.tobytes() for one in other]


def off_diagonal(one: Map, reach: int) -> NDArray[np.bool_]:
    tokens = np.arange(len(one))
    return np.asarray(np.abs(tokens[:, None] - tokens) > reach)


@pytest.mark.parametrize("pattern", ["diagonal", "vertical+diagonal"])
def test_diagonals_go_through_neighbours(pattern: str) -> None:
    """Of 16 columns 3 are near; they have more than twice what even attention gives them."""
    for one in of_class(pattern, Rule([16], 0.1, normed=False)):
        near = np.where(off_diagonal(one, 1), 0, one).sum(-1)[1:-1].mean()
        assert near > (0.45 if pattern == "diagonal" else 0.2)


@pytest.mark.parametrize("pattern", ["vertical", "vertical+diagonal"])
def test_verticals_are_at_most_three_columns(pattern: str) -> None:
    """Of 16; away from the diagonal a row gives them most of what a pattern has at least."""
    for one in of_class(pattern, Rule([16], 0.1, normed=False)):
        columns = np.nanmean(np.where(off_diagonal(one, 1), one, np.nan), 0)
        assert np.sort(columns)[-3:].sum() > (0.45 if pattern == "vertical" else 0.12)


def test_blocks_are_two_sentences_of_a_quarter_or_more() -> None:
    """At the best cut attention inside is at least twice that across."""
    for one in of_class("block", Rule([16], 0.1, normed=False)):
        contrasts = []
        for cut in range(1, 16):
            inside = np.concatenate([one[:cut, :cut].ravel(), one[cut:, cut:].ravel()]).mean()
            across = np.concatenate([one[:cut, cut:].ravel(), one[cut:, :cut].ravel()]).mean()
            contrasts.append(inside / across)
        assert max(contrasts) > 2
        assert 4 <= int(np.argmax(contrasts)) + 1 <= 12


def test_rules_out_of_range_are_refused() -> None:
    for lengths in ([], [SHORTEST - 1, 9]):
        with pytest.raises(ValueError, match="allowed are 5 tokens and more"):
            made(Rule(lengths, 0.1, normed=False))
    with pytest.raises(ValueError, match=r"noise is -0\.1"):
        made(Rule([9], -0.1, normed=False))


def test_padding_is_around_the_map() -> None:
    even, odd = np.full((2, 2), 0.5), np.full((3, 3), 7.0)
    squares = patterns.padded([even, odd], 6)
    assert squares.dtype == np.float32
    assert squares.shape == (2, 6, 6)
    assert (squares[0, 2:4, 2:4] == 0.5).all()
    assert (squares[1, 1:4, 1:4] == 7.0).all()  # values as they were, the odd row after
    assert squares.sum(axis=(1, 2)).tolist() == [2.0, 63.0]
    assert patterns.padded([odd], 3)[0].tolist() == odd.tolist()


def test_maps_larger_than_the_padding_are_refused() -> None:
    with pytest.raises(ValueError, match="7 tokens, but is to be padded to 6"):
        patterns.padded([np.zeros((3, 3)), np.zeros((7, 7))], 6)


def test_shares_count_chosen_heads_alone() -> None:
    classes = np.array([[[0, 4], [1, ABSENT]], [[0, 3], [4, ABSENT]]])
    heads = np.array([[True, False], [True, False]])
    assert patterns.shares(classes, heads).tolist() == [0.5, 0.25, 0, 0, 0.25]
    assert patterns.shares(classes, ~heads & [[True], [False]]).tolist() == [0, 0, 0, 0.5, 0.5]


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), SEEDS)
def test_shares_sum_to_1(examples: int, layers: int, heads: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 5, (examples, layers, heads))
    chosen = generator.random((layers, heads)) < 0.7
    chosen[0, 0] = True
    assert patterns.shares(classes, chosen).sum() == pytest.approx(1)


def test_shares_of_nothing_are_refused() -> None:
    classes, heads = np.zeros((2, 1, 2), np.int64), np.ones((1, 2), np.bool_)
    with pytest.raises(ValueError, match="0 heads"):
        patterns.shares(classes, ~heads)
    with pytest.raises(ValueError, match="0 examples"):
        patterns.shares(classes[:0], heads)
    with pytest.raises(ValueError, match="shape"):
        patterns.shares(classes, heads.T)
    classes[1, 0, 1] = ABSENT
    with pytest.raises(ValueError, match="the model does not have"):
        patterns.shares(classes, heads)
