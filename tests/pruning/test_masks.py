"""Masks: how many weights survive, which, and that they never return."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask

Matrices = dict[str, NDArray[np.floating]]

SPARSITIES = st.integers(0, 99).map(lambda percent: percent / 100)


@st.composite
def matrices(draw: st.DrawFn) -> Matrices:
    """One to four small matrices of few different values, so that ties abound."""
    names = draw(st.lists(st.sampled_from("dbacfe"), min_size=1, max_size=4, unique=True))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    return {
        name: generator.integers(-4, 5, generator.integers(1, 6, 2)).astype(dtype) for name in names
    }


def distinct(seed: int = 0) -> Matrices:
    """Matrices in which no two weights have the same magnitude."""
    generator = np.random.default_rng(seed)
    magnitudes = generator.permutation(np.arange(1, 61)) * generator.choice([-1, 1], 60)
    weights = (magnitudes / 64).astype(np.float32)
    return {"second": weights[:24].reshape(4, 6), "first": weights[24:].reshape(9, 4)}


def brute_force(weights: Matrices, mask: Mask, sparsity: float) -> Mask:
    """The definition, weight by weight: order survivors by magnitude, name, position; drop the first."""
    survivors = sorted(
        (abs(float(weight)), name, position)
        for name, matrix in weights.items()
        for position, weight in np.ndenumerate(matrix)
        if mask[name][position]
    )
    num = sum(matrix.size for matrix in weights.values())
    num_kept = int(((1 - Decimal(str(sparsity))) * num).quantize(Decimal(1), ROUND_HALF_EVEN))
    pruned = {name: np.zeros(matrix.shape, dtype=np.bool_) for name, matrix in weights.items()}
    for _, name, position in survivors[len(survivors) - num_kept :]:
        pruned[name][position] = True
    return pruned


def assert_same(first: Mask, second: Mask) -> None:
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


# --- laws ------------------------------------------------------------------------------------


@given(matrices(), SPARSITIES)
def test_exactly_the_share_survives(weights: Matrices, sparsity: float) -> None:
    pruned = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    num = sum(weight.size for weight in weights.values())
    assert masks.num_weights(pruned) == num
    assert masks.num_survivors(pruned) == masks.survivors_at(sparsity, num)
    assert abs(masks.sparsity(pruned) - sparsity) <= 0.5 / num + 1e-12


@given(matrices(), SPARSITIES, SPARSITIES)
def test_scores_of_any_sign_are_ranked_over_all_matrices(
    scores: Matrices, first: float, second: float
) -> None:
    """By sorting the survivors as tuples; in scores of few values ties abound."""
    for drawn in (scores, {name: -score for name, score in scores.items()}):
        mask = masks.dense(drawn)
        for sparsity in sorted([first, second]):
            ranked = sorted(
                (float(score), name, place)
                for name, matrix in drawn.items()
                for place, score in np.ndenumerate(matrix)
                if mask[name][place]
            )
            kept = masks.survivors_at(sparsity, masks.num_weights(mask))
            expected = {(name, place) for _, name, place in ranked[len(ranked) - kept :]}
            mask = masks.keep_largest(drawn, mask, sparsity)
            assert expected == {
                (name, place)
                for name in mask
                for place in zip(*np.nonzero(mask[name]), strict=True)
            }


@given(matrices(), st.lists(SPARSITIES, min_size=2, max_size=4).map(sorted))
def test_a_dropped_weight_never_returns(weights: Matrices, sparsities: list[float]) -> None:
    mask = masks.dense(weights)
    turned = {name: 1 / (1 + np.abs(weight)) for name, weight in weights.items()}
    for number, sparsity in enumerate(sparsities):
        pruned = masks.prune_by_magnitude(turned if number % 2 else weights, mask, sparsity)
        assert all((pruned[name] <= mask[name]).all() for name in mask)
        mask = pruned


@given(matrices(), SPARSITIES)
def test_every_survivor_is_at_least_as_large_as_every_dropped_weight(
    weights: Matrices, sparsity: float
) -> None:
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    kept = np.concatenate([np.abs(weights[name][mask[name]]) for name in mask])
    dropped = np.concatenate([np.abs(weights[name][~mask[name]]) for name in mask])
    assert not kept.size or not dropped.size or kept.min() >= dropped.max()


@given(matrices(), SPARSITIES, SPARSITIES)
def test_the_order_of_the_names_does_not_matter(
    weights: Matrices, first: float, second: float
) -> None:
    turned = dict(reversed(weights.items()))
    for_one, for_other = masks.dense(weights), masks.dense(turned)
    for sparsity in sorted([first, second]):
        for_one = masks.prune_by_magnitude(weights, for_one, sparsity)
        for_other = masks.prune_by_magnitude(turned, for_other, sparsity)
    assert_same(for_one, dict(reversed(for_other.items())))


def test_the_arguments_stay_as_they_were() -> None:
    weights = distinct()
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    before = {name: weight.copy() for name, weight in weights.items()}
    kept = {name: matrix.copy() for name, matrix in mask.items()}
    results = [
        masks.prune_by_magnitude(weights, mask, 0.5),
        masks.prune_by_magnitude(weights, mask, 0.8),
        masks.random_like(mask, np.random.default_rng(0)),
    ]
    for result in results:
        for matrix in result.values():
            matrix[:] = True
    assert_same(mask, kept)
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight, before[name])


def test_pruning_to_the_sparsity_that_is_there_changes_nothing() -> None:
    weights = distinct()
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 0.3)
    assert_same(masks.prune_by_magnitude(weights, mask, 0.3), mask)
    assert masks.sparsity(masks.dense(weights)) == 0


# --- by hand ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sparsity", "num", "survivors"),
    [
        (0.0, 7, 7),
        (0.7, 10, 3),  # in floats 1 - 0.7 is 0.30000000000000004
        (0.9, 10, 1),
        (0.7, 15, 4),  # 4.5 to even; in floats 4.500000000000001, thus 5
        (0.9, 15, 2),  # 1.5 to even; in floats 1.4999999999999996, thus 1
        (0.1, 5, 4),  # 4.5 to even
        (0.1, 15, 14),  # 13.5 to even
        (0.5, 1, 0),
        (0.5, 3, 2),
        (0.7, 85_524_480, 25_657_344),
        (0.9, 85_524_485, 8_552_448),  # 8552448.5 to even
    ],
)
def test_decimals_are_exact_and_halves_go_to_even(
    sparsity: float, num: int, survivors: int
) -> None:
    assert masks.survivors_at(sparsity, num) == survivors


def test_small_weights_fall_whatever_their_matrix_and_sign() -> None:
    weights = {"b": np.array([[0.5, -0.1], [0.2, 3.0]]), "a": np.array([[-2.0, 0.15]])}
    pruned = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    np.testing.assert_array_equal(pruned["b"], [[True, False], [False, True]])
    np.testing.assert_array_equal(pruned["a"], [[True, False]])


def test_a_dropped_weight_that_grew_stays_dropped() -> None:
    mask = {"w": np.array([[True, False, True, True]])}
    pruned = masks.prune_by_magnitude({"w": np.array([[1.0, 9.0, 3.0, 2.0]])}, mask, 0.5)
    np.testing.assert_array_equal(pruned["w"], [[False, False, True, True]])


def test_ties_fall_by_name_then_row_major_position() -> None:
    weights = {"b": np.array([[1.0, -1.0], [1.0, 2.0]]), "a": np.array([[2.0, 1.0], [-1.0, 1.0]])}
    dense = masks.dense(weights)
    two = masks.prune_by_magnitude(weights, dense, 0.25)
    np.testing.assert_array_equal(two["a"], [[True, False], [False, True]])
    assert two["b"].all()
    four = masks.prune_by_magnitude(weights, dense, 0.5)
    np.testing.assert_array_equal(four["a"], [[True, False], [False, False]])
    np.testing.assert_array_equal(four["b"], [[False, True], [True, True]])


def test_0_and_minus_0_are_equal() -> None:
    scores = {"w": np.array([[0.0, -0.0, -1.0, 2.0]])}
    kept = masks.keep_largest(scores, masks.dense(scores), 0.5)
    np.testing.assert_array_equal(kept["w"], [[False, True, False, True]])


def test_all_weights_equal() -> None:
    weights = {"a": np.zeros((2, 2)), "b": np.zeros((1, 4))}
    pruned = masks.prune_by_magnitude(weights, masks.dense(weights), 0.75)
    np.testing.assert_array_equal(pruned["b"], [[False, False, True, True]])
    assert not pruned["a"].any()


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("sparsity", [1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_sparsity_out_of_range_is_refused(sparsity: float) -> None:
    weights = distinct()
    with pytest.raises(ValueError, match=rf"sparsity is {sparsity}, allowed is"):
        masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)


def test_a_falling_sparsity_is_refused() -> None:
    weights = distinct()
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    with pytest.raises(ValueError, match=r"sparsity is 0.4, .*already drops 0.500000"):
        masks.prune_by_magnitude(weights, mask, 0.4)


@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.5])
def test_nan_among_the_survivors_is_refused(sparsity: float) -> None:
    weights = {"w": np.array([[1.0, np.nan], [3.0, 4.0]])}
    with pytest.raises(ValueError, match="NaN"):
        masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)


def test_nan_among_the_dropped_does_no_harm() -> None:
    mask = {"w": np.array([[True, False], [True, True]])}
    pruned = masks.prune_by_magnitude({"w": np.array([[1.0, np.nan], [3.0, 4.0]])}, mask, 0.5)
    np.testing.assert_array_equal(pruned["w"], [[False, False], [True, True]])


def test_infinity_is_a_magnitude_like_any_other() -> None:
    weights = {"w": np.array([[1.0, -np.inf], [3.0, np.inf]])}
    pruned = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    np.testing.assert_array_equal(pruned["w"], [[False, True], [False, True]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_precision_is_ranked_exactly(dtype: type[np.floating]) -> None:
    """Values of which thousands share their upper 16 bits, and differ in the last one."""
    steps = np.arange(4000) % (1000 if dtype == np.float16 else 4000)
    values = (1 + steps * np.finfo(dtype).eps).astype(dtype)
    order = np.random.default_rng(0).permutation(4000)
    weights = {
        "a": -values[order[:1500]].reshape(30, 50),
        "b": values[order[1500:]].reshape(50, 50),
    }
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 0.61)
    flat = np.concatenate([weights["a"].ravel(), weights["b"].ravel()])
    falls = np.argsort(np.abs(flat), kind="stable")[:2440]
    found = np.concatenate([mask["a"].ravel(), mask["b"].ravel()])
    assert set(np.flatnonzero(~found)) == set(falls)


def test_precisions_are_ranked_together() -> None:
    near = np.float64(1 + 2**-30)
    weights = {"a": np.array([[1.0]], np.float32), "b": np.array([[near]]), "c": np.array([[2.0]])}
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 1 / 3)
    assert [bool(mask[name].all()) for name in "abc"] == [False, True, True]


def test_other_names_are_refused() -> None:
    weights = distinct()
    with pytest.raises(ValueError, match="'first'"):
        masks.prune_by_magnitude(weights, {"second": np.ones((4, 6), dtype=np.bool_)}, 0.5)


def test_other_shapes_are_refused() -> None:
    weights = distinct()
    turned = {name: kept.T for name, kept in masks.dense(weights).items()}
    with pytest.raises(ValueError, match=r"second has shape .*\(4, 6\).*\(6, 4\)"):
        masks.prune_by_magnitude(weights, turned, 0.5)


# --- agreement with independent implementations ----------------------------------------------


@given(matrices(), st.lists(SPARSITIES, min_size=1, max_size=3).map(sorted))
def test_magnitude_pruning_agrees_with_brute_force(
    weights: Matrices, sparsities: list[float]
) -> None:
    found = expected = masks.dense(weights)
    for number, sparsity in enumerate(sparsities):
        trained = {name: np.roll(weight, number) for name, weight in weights.items()}
        found = masks.prune_by_magnitude(trained, found, sparsity)
        expected = brute_force(trained, expected, sparsity)
        assert_same(found, expected)


@pytest.mark.parametrize("sparsities", [[0.5], [0.9], [0.1, 0.2, 0.3, 0.45, 0.7, 0.95]])
def test_magnitude_pruning_agrees_with_torch(sparsities: list[float]) -> None:
    """torch.nn.utils.prune leaves ties to its sort, so magnitudes are distinct here."""
    import torch  # noqa: PLC0415
    from torch.nn.utils import prune  # noqa: PLC0415

    weights = distinct()
    layers: dict[str, Any] = {name: torch.nn.Linear(*w.shape[::-1]) for name, w in weights.items()}
    pairs = [(layer, "weight") for layer in layers.values()]
    mask = masks.dense(weights)
    for number, sparsity in enumerate(sparsities):
        trained = distinct(number)
        for name, layer in layers.items():
            target = layer.weight_orig if number else layer.weight
            target.data.copy_(torch.from_numpy(trained[name]))
            if number:  # as torch does in the next forward pass; it ranks what comes out of it
                layer.weight = target.data * layer.weight_mask
        num_dropped = masks.num_survivors(mask) - masks.survivors_at(sparsity, 60)
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=num_dropped)
        mask = masks.prune_by_magnitude(trained, mask, sparsity)
        for name, layer in layers.items():
            np.testing.assert_array_equal(mask[name], layer.weight_mask.bool().numpy())


# --- random masks ----------------------------------------------------------------------------


@given(matrices(), SPARSITIES, st.integers(0, 1000))
def test_a_random_mask_has_exactly_the_size(weights: Matrices, sparsity: float, seed: int) -> None:
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    drawn = masks.random_like(mask, np.random.default_rng(seed))
    assert masks.num_survivors(drawn) == masks.num_survivors(mask)
    assert {n: m.shape for n, m in drawn.items()} == {n: m.shape for n, m in mask.items()}
    assert list(drawn) == list(mask)
    turned = masks.random_like(dict(reversed(mask.items())), np.random.default_rng(seed))
    assert_same(dict(reversed(turned.items())), drawn)


def test_random_masks_depend_on_the_seed_and_on_nothing_else() -> None:
    weights = distinct()
    half, other = (
        masks.prune_by_magnitude(distinct(seed), masks.dense(weights), 0.5) for seed in (0, 1)
    )
    drawn = masks.random_like(half, np.random.default_rng(7))
    assert_same(drawn, masks.random_like(half, np.random.default_rng(7)))
    assert_same(drawn, masks.random_like(other, np.random.default_rng(7)))
    again = masks.random_like(half, np.random.default_rng(8))
    assert any((drawn[name] != again[name]).any() for name in drawn)


def test_random_masks_are_uniform_over_all_matrices() -> None:
    mask = {"a": np.ones((1, 5), dtype=np.bool_), "b": np.zeros((3, 5), dtype=np.bool_)}
    generator = np.random.default_rng(0)
    draws = [masks.random_like(mask, generator) for _ in range(2000)]
    shares = np.concatenate([np.mean([d[name] for d in draws], axis=0).ravel() for name in "ab"])
    assert np.abs(shares - 0.25).max() < 5 * (0.25 * 0.75 / 2000) ** 0.5
    assert len({int(draw["a"].sum()) for draw in draws}) > 3  # shares of single matrices are free


@given(matrices(), SPARSITIES, st.integers(0, 1000))
def test_a_random_mask_by_matrix_keeps_the_number_in_each(
    weights: Matrices, sparsity: float, seed: int
) -> None:
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    drawn = masks.random_by_matrix(mask, np.random.default_rng(seed))
    assert {n: (m.shape, m.sum()) for n, m in drawn.items()} == {
        n: (m.shape, m.sum()) for n, m in mask.items()
    }
    assert list(drawn) == list(mask)


def test_random_masks_by_matrix_are_uniform_in_each() -> None:
    mask = {"a": np.arange(10).reshape(2, 5) < 3, "b": np.ones((1, 3), dtype=np.bool_)}
    generator = np.random.default_rng(0)
    draws = [masks.random_by_matrix(mask, generator)["a"] for _ in range(2000)]
    shares = np.mean(draws, axis=0)
    assert np.abs(shares - 0.3).max() < 5 * (0.3 * 0.7 / 2000) ** 0.5


def test_one_shot_keeps_the_largest_whatever_the_ticket_keeps() -> None:
    weights = {"a": np.array([[1.0, -5.0], [2.0, 0.5]]), "b": np.array([[-3.0, 0.1]])}
    ticket = {"a": np.array([[True, False], [False, True]]), "b": np.array([[False, True]])}
    kept = masks.one_shot(weights, ticket)
    assert kept["a"].tolist() == [[False, True], [True, False]]
    assert kept["b"].tolist() == [[True, False]]


@given(matrices(), SPARSITIES)
def test_one_shot_has_exactly_the_size_of_the_ticket(weights: Matrices, sparsity: float) -> None:
    ticket = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    if masks.num_survivors(ticket):
        assert_same(masks.one_shot(weights, ticket), ticket)


# --- golden ----------------------------------------------------------------------------------


def test_golden_random_mask() -> None:
    mask = {"b": np.ones((2, 2), dtype=np.bool_), "a": np.zeros((2, 3), dtype=np.bool_)}
    drawn = masks.random_like(mask, np.random.default_rng(0))
    assert drawn["a"].astype(int).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert drawn["b"].astype(int).tolist() == [[0, 1], [0, 1]]
