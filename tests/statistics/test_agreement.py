"""Agreement of masks: by hand, against scikit-learn and a textbook, and its floors by simulation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, jaccard_score

from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import agreement

SHAPES = {"query": (6, 5), "dense": (2, 20), "pooler": (3, 3)}


def mask(*rows: str) -> Mask:
    """A mask of one matrix: '10' keeps the first of two weights."""
    return {"w": np.array([[digit == "1" for digit in row] for row in rows])}


def drawn(seed: int, densities: dict[str, float], scale: int = 1) -> Mask:
    """Random masks of exact size in every matrix, at the given densities."""
    generator = np.random.default_rng(seed)
    found = {}
    for name, (rows, columns) in SHAPES.items():
        size = rows * columns * scale
        kept = np.arange(size) < round(densities[name] * size)
        found[name] = generator.permutation(kept).reshape(rows, columns * scale)
    return found


def raters(seed: int, num: int) -> list[Mask]:
    generator = np.random.default_rng(seed)
    shares = generator.uniform(0.1, 0.9, (num, len(SHAPES)))
    return [
        drawn(seed + 1000 * k, dict(zip(SHAPES, share, strict=True)))
        for k, share in enumerate(shares)
    ]


def flat(found: Mask) -> NDArray[np.bool_]:
    return np.concatenate([found[name].ravel() for name in sorted(found)])


def textbook_fleiss(votes: NDArray[np.int64]) -> float:
    """Fleiss 1971 on a table of subjects by categories, as in its eqs. 3, 5 and 7."""
    num_raters = int(votes[0].sum())
    by_subject = [(sum(n * n for n in row) - num_raters) for row in votes.tolist()]
    observed = np.mean(by_subject) / (num_raters * (num_raters - 1))
    shares = votes.sum(axis=0) / votes.sum()
    expected = float((shares**2).sum())
    return float((observed - expected) / (1 - expected))


# --- laws ------------------------------------------------------------------------------------


@given(st.integers(0, 500))
def test_agreement_is_symmetric_and_full_with_itself(seed: int) -> None:
    first, second = raters(seed, 2)
    for measure in (agreement.jaccard, agreement.cohen_kappa):
        assert measure(first, second) == measure(second, first)
        assert measure(first, first).value == pytest.approx(1)
    assert agreement.fleiss_kappa([first] * 3).value == pytest.approx(1)


@given(st.integers(0, 500))
def test_the_order_of_names_and_raters_does_not_matter(seed: int) -> None:
    found = raters(seed, 4)
    turned = [dict(reversed(one.items())) for one in reversed(found)]
    before, after = agreement.fleiss_kappa(found), agreement.fleiss_kappa(turned)
    assert after.value == pytest.approx(before.value)
    assert after.floor_by_matrix == pytest.approx(before.floor_by_matrix)
    assert agreement.jaccard(turned[0], turned[1]) == agreement.jaccard(found[2], found[3])


@pytest.mark.parametrize("density", [0.1, 0.3, 0.5, 0.9])
def test_the_floor_of_jaccard_is_d_over_two_less_d(density: float) -> None:
    same = dict.fromkeys(SHAPES, density)
    found = agreement.jaccard(drawn(1, same, 10), drawn(2, same, 10))
    assert found.floor == pytest.approx(density / (2 - density))
    assert found.floor_by_matrix == pytest.approx(density / (2 - density))


# --- by hand ---------------------------------------------------------------------------------


def test_two_masks_by_hand() -> None:
    first, second = mask("11", "00"), mask("10", "10")
    found = agreement.jaccard(first, second)  # one of three; by chance also 2 * 2 / 4 = one
    assert (found.value, found.floor) == pytest.approx((1 / 3, 1 / 3))
    assert agreement.cohen_kappa(first, second).value == pytest.approx(0)  # two of four agree


@pytest.mark.parametrize(
    ("first", "second", "jaccard", "kappa"),
    [
        (("10", "01"), ("10", "01"), 1, 1),
        (("10", "01"), ("01", "10"), 0, -1),
        (("11", "10"), ("11", "11"), 3 / 4, 0),  # observed 3/4, expected 3/4
        (("11", "10"), ("10", "10"), 2 / 3, 0.5),  # observed 3/4, expected 1/2
        (("00", "00"), ("00", "00"), 1, 1),
        (("11", "11"), ("11", "11"), 1, 1),
        (("00", "00"), ("11", "11"), 0, 0),
        (("10", "00"), ("01", "00"), 0, -1 / 3),  # observed 1/2, expected 5/8
    ],
)
def test_pairs_by_hand(
    first: tuple[str, ...], second: tuple[str, ...], jaccard: float, kappa: float
) -> None:
    assert agreement.jaccard(mask(*first), mask(*second)).value == pytest.approx(jaccard)
    assert agreement.cohen_kappa(mask(*first), mask(*second)).value == pytest.approx(kappa)


def test_full_and_empty_matrices_agree_by_density_alone() -> None:
    """All that two masks share is which matrices they keep: the second floor knows."""
    found = {"kept": np.ones((2, 2), dtype=np.bool_), "dropped": np.zeros((2, 2), dtype=np.bool_)}
    jaccard, cohen = agreement.jaccard(found, found), agreement.cohen_kappa(found, found)
    assert (jaccard.floor, jaccard.floor_by_matrix) == pytest.approx((1 / 3, 1))
    assert (cohen.floor, cohen.floor_by_matrix) == pytest.approx((0, 1))
    assert agreement.fleiss_kappa([found, found]).floor_by_matrix == pytest.approx(1)


def test_what_two_masks_have_beyond_a_third_by_hand() -> None:
    """Of the six that the third drops, the masks bring back the first two, and the second and third;
    of its four they take out the last, and none. By chance 2 * 2 / 6 of the brought are common."""
    third = mask("0000001111")
    first, second = mask("1100001110"), mask("0110001111")
    brought, taken = agreement.beyond(first, second, third)
    assert brought.value == pytest.approx(1 / 3)
    assert brought.floor == pytest.approx((2 / 3) / (4 - 2 / 3))
    assert (taken.value, taken.floor) == (0, 0)


def test_beyond_itself_a_mask_has_nothing() -> None:
    found = agreement.beyond(mask("10", "01"), mask("10", "01"), mask("10", "01"))
    assert [one.value for one in found] == [1, 1]


@given(st.integers(0, 500))
def test_beyond_a_third_mask_is_jaccard_of_sets(seed: int) -> None:
    first, second, third = raters(seed, 3)
    brought, taken = agreement.beyond(first, second, third)
    for found, ones, twos in (
        (brought, flat(first) & ~flat(third), flat(second) & ~flat(third)),
        (taken, ~flat(first) & flat(third), ~flat(second) & flat(third)),
    ):
        expected = jaccard_score(ones, twos) if (ones | twos).any() else 1
        assert found.value == pytest.approx(expected)


def test_floors_beyond_a_third_mask_are_what_chance_reaches() -> None:
    """Three of ten that are dropped come back, and three of ten that are kept go, at random."""
    generator = np.random.default_rng(0)
    third: Mask = {
        "a": np.arange(1000).reshape(20, 50) < 400,
        "b": np.arange(800).reshape(20, 40) < 600,
    }

    def exchanged() -> Mask:
        found = {name: kept.copy() for name, kept in third.items()}
        for name, kept in third.items():
            for some in (np.flatnonzero(kept), np.flatnonzero(~kept)):
                chosen = generator.choice(some, round(0.3 * len(some)), replace=False)
                found[name].reshape(-1)[chosen] ^= True
        return found

    draws = [agreement.beyond(exchanged(), exchanged(), third) for _ in range(100)]
    for found in zip(*draws, strict=True):
        chance = np.mean([one.value for one in found])
        assert found[0].floor == pytest.approx(chance, abs=0.01)
        assert found[0].floor_by_matrix == pytest.approx(chance, abs=0.01)


def test_three_raters_by_hand() -> None:
    """Votes 3, 2, 1, 0 of 3: agreeing pairs 1, 1/3, 1/3, 1, so 2/3; by chance 1/2."""
    found = agreement.fleiss_kappa([mask("11", "10"), mask("11", "00"), mask("10", "00")])
    assert found.value == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))
    assert found.floor == 0


@pytest.mark.parametrize("row", ["11", "00"])
def test_raters_who_keep_or_drop_everything_agree_fully(row: str) -> None:
    assert agreement.fleiss_kappa([mask(row, row)] * 3).value == 1


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("num", [0, 1])
def test_fewer_than_two_raters_are_refused(num: int) -> None:
    with pytest.raises(ValueError, match=f"at least two masks, got {num}"):
        agreement.fleiss_kappa([mask("10", "01")] * num)


def test_masks_of_other_matrices_are_refused() -> None:
    first, turned = mask("101", "010"), mask("10", "01", "10")
    renamed = {"v": first["w"]}
    for second in (turned, renamed):
        for measure in (agreement.jaccard, agreement.cohen_kappa):
            with pytest.raises(ValueError, match=r"matrices|shape"):
                measure(first, second)
        with pytest.raises(ValueError, match=r"matrices|shape"):
            agreement.fleiss_kappa([first, first, second])


# --- agreement with independent implementations ----------------------------------------------


@given(st.integers(0, 500))
def test_jaccard_and_cohen_are_those_of_scikit_learn(seed: int) -> None:
    first, second = raters(seed, 2)
    jaccard = agreement.jaccard(first, second).value
    assert jaccard == pytest.approx(jaccard_score(flat(first), flat(second)))
    cohen = agreement.cohen_kappa(first, second).value
    assert cohen == pytest.approx(cohen_kappa_score(flat(first), flat(second)))


@given(st.integers(0, 500), st.integers(2, 6))
def test_fleiss_is_that_of_the_textbook(seed: int, num: int) -> None:
    found = raters(seed, num)
    kept = np.sum([flat(one) for one in found], axis=0, dtype=np.int64)
    expected = textbook_fleiss(np.stack([kept, num - kept], axis=1))
    assert agreement.fleiss_kappa(found).value == pytest.approx(expected)


# --- floors by simulation --------------------------------------------------------------------

UNEVEN = {"query": 0.6, "dense": 0.2, "pooler": 0.9}


def test_floors_within_matrices_are_what_chance_reaches() -> None:
    draws = [drawn(seed, UNEVEN, 20) for seed in range(30)]
    pairs = list(combinations(draws[:20], 2))
    for measure in (agreement.jaccard, agreement.cohen_kappa):
        found = [measure(first, second) for first, second in pairs]
        chance = np.mean([one.value for one in found])
        assert found[0].floor_by_matrix == pytest.approx(chance, abs=0.01)
        assert found[0].floor_by_matrix > found[0].floor + 0.05
    triples = [agreement.fleiss_kappa(draws[i : i + 3]) for i in range(0, 30, 3)]
    chance = np.mean([one.value for one in triples])
    assert triples[0].floor_by_matrix == pytest.approx(chance, abs=0.02)
    assert triples[0].floor_by_matrix > 0.05


def test_floors_over_all_matrices_are_what_chance_reaches() -> None:
    generator = np.random.default_rng(0)
    kept = np.arange(1800) < 540
    draws: list[Mask] = []
    for _ in range(20):
        first, second = np.split(generator.permutation(kept), [600])
        draws.append({"a": first.reshape(20, 30), "b": second.reshape(40, 30)})
    for measure in (agreement.jaccard, agreement.cohen_kappa):
        found = [measure(first, second) for first, second in combinations(draws, 2)]
        chance = np.mean([one.value for one in found])
        assert found[0].floor == pytest.approx(chance, abs=0.01)
    assert agreement.fleiss_kappa(draws).value == pytest.approx(0, abs=0.01)
