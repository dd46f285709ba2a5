"""Agreement of a few masks: by hand, against other implementations, and against chance."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.metrics import cohen_kappa_score, jaccard_score

from stages.tickets.statistics import agreement, raters
from stages.tickets.statistics.raters import Measured

Votes = NDArray[np.bool_]

MEASURES = (raters.fleiss_kappa, raters.cohen_kappa, raters.jaccard, raters.krippendorff_alpha)
FIELDS = ("fleiss_kappa", "cohen_kappa", "jaccard", "krippendorff_alpha")
SEEDS = st.integers(0, 10_000)


def of(*masks: str) -> Votes:
    return np.array([[digit == "1" for digit in mask] for mask in masks])


def drawn(seed: int, num: int, elements: int = 20) -> Votes:
    """Masks of any sizes but none and all."""
    generator = np.random.default_rng(seed)
    kept = np.arange(elements) < generator.integers(1, elements, (num, 1))
    return generator.permuted(kept, axis=1)


def compare(votes: Votes, num_permutations: int = 200, seed: int = 0) -> raters.Comparison:
    return raters.compare(list(votes), num_permutations, np.random.default_rng(seed))


def alpha_by_pairs(votes: Votes) -> float:
    """Krippendorff's definition, pair by pair: unlike pairs within an element, and among all votes."""
    num_raters = len(votes)
    within = [
        float(one != other) / (num_raters - 1)
        for element in votes.T
        for one, other in permutations(element.tolist(), 2)
    ]
    among = [one != other for one, other in permutations(votes.ravel().tolist(), 2)]
    return 1 - (sum(within) / votes.size) / float(np.mean(among))


# --- laws ------------------------------------------------------------------------------------


@given(SEEDS, st.integers(2, 6))
def test_masks_agree_fully_with_themselves(seed: int, num: int) -> None:
    votes = np.repeat(drawn(seed, 1), num, axis=0)
    for measure in MEASURES:
        assert measure(votes) == pytest.approx(1)
    assert raters.cochran_q(votes) is None


@given(SEEDS, st.integers(2, 6))
def test_neither_order_matters(seed: int, num: int) -> None:
    votes, generator = drawn(seed, num), np.random.default_rng(seed)
    turned = generator.permutation(generator.permutation(votes, axis=0), axis=1)
    for measure in MEASURES:
        assert measure(turned) == pytest.approx(measure(votes))
    assert raters.cochran_q(turned) == raters.cochran_q(votes)


@given(SEEDS, st.integers(2, 6))
def test_kappas_and_alpha_do_not_ask_what_is_called_kept(seed: int, num: int) -> None:
    votes = drawn(seed, num)
    for measure in (raters.fleiss_kappa, raters.cohen_kappa, raters.krippendorff_alpha):
        assert measure(~votes) == pytest.approx(measure(votes))


@given(SEEDS, st.integers(2, 6))
def test_alpha_is_fleiss_for_small_samples(seed: int, num: int) -> None:
    votes = drawn(seed, num)
    by_fleiss = 1 - (1 - raters.fleiss_kappa(votes)) * (1 - 1 / votes.size)
    assert raters.krippendorff_alpha(votes) == pytest.approx(by_fleiss)


@given(SEEDS)
def test_repetitions_have_values_of_their_own(seed: int) -> None:
    repeated = np.array([[drawn(seed + 3 * i + j, 4) for j in range(3)] for i in range(2)])
    for measure in MEASURES:
        found = measure(repeated)
        assert found.shape == (2, 3)
        for place in np.ndindex(2, 3):
            assert found[place] == pytest.approx(measure(repeated[place]))


def test_where_in_a_mask_an_element_is_does_not_matter() -> None:
    votes = drawn(1, 3, 24)
    layers = raters.compare(list(votes.reshape(3, 4, 6)), 50, np.random.default_rng(0))
    assert layers == compare(votes, 50)


# --- by hand ---------------------------------------------------------------------------------


def test_the_binary_example_of_krippendorff() -> None:
    """Two coders, ten units: coincidences 10, 4, 4, 2; 1 - 19 * 4 / (14 * 6) = 0.095."""
    votes = of("0100000010", "1110010000")
    assert raters.krippendorff_alpha(votes) == pytest.approx(1 - 19 * 4 / (14 * 6))
    assert round(float(raters.krippendorff_alpha(votes)), 3) == 0.095


def test_three_masks_by_hand() -> None:
    """Votes 3, 2, 1, 0 of 3.

    Fleiss: agreeing pairs 1, 1/3, 1/3, 1, so 2/3, by chance 1/2. Krippendorff: 4 of 12 votes' worth of
    unlike pairs, by chance 2 * 6 * 6 / (12 * 11). Jaccard: 2/3, 1/3, 1/2. Cohen, with 3, 2 and 1
    kept: observed 3/4, 1/2, 3/4; expected 1/2, 3/8, 1/2. Cochran: sizes 3, 2, 1, so
    2 * (3 * 14 - 36) over (2 + 2).
    """
    votes = of("1110", "1100", "1000")
    assert raters.fleiss_kappa(votes) == pytest.approx(1 / 3)
    assert raters.krippendorff_alpha(votes) == pytest.approx(1 - (4 / 12) / (72 / 132))
    assert raters.jaccard(votes) == pytest.approx((2 / 3 + 1 / 3 + 1 / 2) / 3)
    assert raters.cohen_kappa(votes) == pytest.approx((1 / 2 + 1 / 5 + 1 / 2) / 3)
    cochran = raters.cochran_q(votes)
    assert cochran is not None
    assert cochran.q == pytest.approx(3)
    assert cochran.p == pytest.approx(np.exp(-1.5))  # chi-square with 2 degrees of freedom


def test_cochran_does_not_see_which_elements_are_kept() -> None:
    cochran = raters.cochran_q(of("110000", "001100", "000011"))
    assert cochran == raters.Cochran(0, 1)


@pytest.mark.parametrize("row", ["1111", "0000"])
def test_masks_that_keep_or_drop_everything_agree_fully(row: str) -> None:
    found = compare(of(row, row, row), 5)
    assert all(getattr(found, field) == Measured(1, 1, 1) for field in FIELDS)
    assert not found.jaccard.above_chance
    assert found.cochran is None
    # and so says the module for masks of weights
    masks = [{"w": mask} for mask in of(row, row, row)]
    assert agreement.fleiss_kappa(masks).value == 1
    assert agreement.cohen_kappa(masks[0], masks[1]).value == 1
    assert agreement.jaccard(masks[0], masks[1]).value == 1


@pytest.mark.parametrize(
    ("votes", "fleiss", "cohen", "jaccard", "alpha", "q"),
    [
        (of("1111", "0000"), -1, 0, 0, -3 / 4, 4),
        (of("1111", "1010"), -1 / 3, 0, 1 / 2, -1 / 6, 2),  # 1/2 agree, by chance 5/8
        (of("0000", "0000", "1111"), -1 / 2, 1 / 3, 1 / 3, -3 / 8, 8),
    ],
)
def test_some_masks_that_keep_or_drop_everything(
    votes: Votes, fleiss: float, cohen: float, jaccard: float, alpha: float, q: float
) -> None:
    """Sizes alone decide, so chance is the same."""
    found = compare(votes, 5)
    for field, value in zip(FIELDS, (fleiss, cohen, jaccard, alpha), strict=True):
        measured = getattr(found, field)
        assert measured.value == pytest.approx(value, abs=1e-12)
        assert (measured.floor, measured.upper) == pytest.approx((value, value), abs=1e-12)
        assert not measured.above_chance
    assert found.cochran is not None
    assert found.cochran.q == pytest.approx(q)


# --- agreement with other implementations ----------------------------------------------------


@given(SEEDS, st.integers(2, 5))
def test_pairs_are_those_of_scikit_learn(seed: int, num: int) -> None:
    votes = drawn(seed, num)
    pairs = list(combinations(votes, 2))
    cohen = np.mean([cohen_kappa_score(one, other) for one, other in pairs])
    assert raters.cohen_kappa(votes) == pytest.approx(cohen)
    both = np.mean([jaccard_score(one, other) for one, other in pairs])
    assert raters.jaccard(votes) == pytest.approx(both)


@given(SEEDS, st.integers(2, 5))
def test_values_are_those_of_masks_of_weights(seed: int, num: int) -> None:
    votes = drawn(seed, num)
    masks = [{"w": mask} for mask in votes]
    assert raters.fleiss_kappa(votes) == pytest.approx(agreement.fleiss_kappa(masks).value)
    for measure, of_weights in (
        (raters.cohen_kappa, agreement.cohen_kappa),
        (raters.jaccard, agreement.jaccard),
    ):
        values = [of_weights(one, other).value for one, other in combinations(masks, 2)]
        assert measure(votes) == pytest.approx(np.mean(values))


@given(SEEDS, st.integers(2, 5))
def test_alpha_is_krippendorffs_definition(seed: int, num: int) -> None:
    votes = drawn(seed, num, 8)
    assert raters.krippendorff_alpha(votes) == pytest.approx(alpha_by_pairs(votes))


@given(SEEDS)
def test_cochran_of_two_masks_is_mcnemars_test(seed: int) -> None:
    first, second = drawn(seed, 2)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    found = raters.cochran_q(np.array([first, second]))
    if only_first + only_second == 0:
        assert found is None
        return
    assert found is not None
    assert found.q == pytest.approx((only_first - only_second) ** 2 / (only_first + only_second))
    assert found.p == pytest.approx(chi2.sf(found.q, 1))


# --- chance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("num", [2, 5])
def test_floors_are_what_sizes_say(num: int) -> None:
    """Kappa of a pair is 0 by chance; Fleiss' kappa is below it where sizes differ."""
    votes = drawn(num, num, 144)
    found = compare(votes, 4000)
    by_sizes = agreement.fleiss_kappa([{"w": mask} for mask in votes]).floor_by_matrix
    assert found.fleiss_kappa.floor == pytest.approx(by_sizes, abs=2e-3)
    assert by_sizes < -0.02
    assert found.cohen_kappa.floor == pytest.approx(0, abs=3e-3)
    sizes = votes.sum(axis=1)
    pairs = combinations(sizes.tolist(), 2)
    ratio = np.mean([one * two / 144 / (one + two - one * two / 144) for one, two in pairs])
    assert found.jaccard.floor == pytest.approx(ratio, abs=3e-3)


def test_chance_by_counting_all_permutations() -> None:
    """One of four and one of four: they meet in a quarter of the cases, and kappa is 1 or -1/3."""
    found = compare(of("1000", "0100"), 20_000)
    assert found.jaccard.floor == pytest.approx(1 / 4, abs=0.01)
    assert found.cohen_kappa.floor == pytest.approx(0, abs=0.01)
    assert (found.cohen_kappa.value, found.cohen_kappa.upper) == pytest.approx((-1 / 3, 1))
    assert found.jaccard.upper == 1


def test_independent_masks_are_above_chance_once_in_twenty_times() -> None:
    found = [compare(drawn(seed, 5, 144), 300, seed) for seed in range(200)]
    for field in FIELDS:
        above = [getattr(one, field).above_chance for one in found]
        assert np.mean(above) == pytest.approx(0.05, abs=0.03)


def test_masks_with_something_in_common_are_above_chance() -> None:
    votes = drawn(0, 5, 144)
    votes[:, :30] = True
    found = compare(votes)
    assert all(getattr(found, field).above_chance for field in FIELDS)


def test_chance_depends_on_the_generator_alone() -> None:
    votes = drawn(3, 4)
    assert compare(votes, seed=1) == compare(votes, seed=1)
    one, other = compare(votes, seed=1).jaccard, compare(votes, seed=2).jaccard
    assert one.value == other.value
    assert one.floor != other.floor


# --- what is refused -------------------------------------------------------------------------


def test_too_little_to_compare_is_refused() -> None:
    votes, generator = drawn(0, 2), np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least two masks, got 1"):
        raters.compare([votes[0]], 10, generator)
    with pytest.raises(ValueError, match="at least two masks, got 0"):
        raters.compare([], 10, generator)
    with pytest.raises(ValueError, match="num_permutations is 0"):
        raters.compare(list(votes), 0, generator)
    with pytest.raises(ValueError, match=r"shapes \[\(19,\), \(20,\)\]"):
        raters.compare([votes[0], votes[1][:-1]], 10, generator)
    with pytest.raises(ValueError, match="no element"):
        raters.compare([votes[0][:0], votes[1][:0]], 10, generator)
