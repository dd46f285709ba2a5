"""Walks between weights: toy landscapes by hand, exact ends, and a model that is left as it was."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stages.tickets.pruning import masks
from stages.tickets.statistics import barriers
from stages.tickets.training import interpolation
from stages.tickets.training.interpolation import Weights, copied, masked, places, walk

Loss = Callable[..., Tensor]


class Toy(nn.Module):
    """A vector of weights, an integer buffer, a buffer of floats and a second name of the weights."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(values, dtype=torch.float32))
        self.tied = self.weight
        self.register_buffer("count", torch.tensor([3]))
        self.register_buffer("mean", torch.tensor([0.5]))


@torch.no_grad()
def path(model: nn.Module, ends: tuple[Weights, Weights], number: int, loss: Loss) -> np.ndarray:
    return np.array(walk(model, *ends, places(number), lambda: float(loss())))


def toy_path(first: list[float], second: list[float], number: int, loss: Loss) -> np.ndarray:
    model = Toy(first)
    ends = copied(model), copied(Toy(second))
    return path(model, ends, number, lambda: loss(*model.weight))


def product(u: Tensor, v: Tensor) -> Tensor:
    return (u * v - 1) ** 2


def test_between_opposite_minima_of_a_product_there_is_a_ridge() -> None:
    curve = toy_path([1, 1], [-1, -1], 11, product)
    assert barriers.error_barrier(curve) == pytest.approx(1)
    assert curve.argmax() == 5
    even = toy_path([1, 1], [-1, -1], 30, product)
    assert barriers.error_barrier(even) == pytest.approx(0.997623, abs=1e-6)
    curved = toy_path([1, 1], [2, 0.5], 11, product)
    assert curved.max() == pytest.approx(1 / 64)


def test_a_quadratic_has_no_barrier_and_shows_its_curvature() -> None:
    curve = toy_path([1, 0], [0, 1], 11, lambda x, y: x * x + 4 * y * y)
    expected = [1, 0.85, 0.8, 0.85, 1, 1.25, 1.6, 2.05, 2.6, 3.25, 4]
    np.testing.assert_allclose(curve, expected, rtol=1e-6)
    assert barriers.chord_barrier(curve) == pytest.approx(0, abs=1e-6)
    assert barriers.middle_gap(curve) == pytest.approx(-1.25, rel=1e-6)


# --- permuted XOR ----------------------------------------------------------------------------

INPUTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0.0, 1.0, 1.0, 0.0])


class Xor(nn.Module):
    """relu(x W1' + b) . w2 with two hidden units in the given order."""

    def __init__(self, order: list[int]) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.ones(2, 2)[order])
        self.b = nn.Parameter(torch.tensor([0.0, -1.0])[order])
        self.w2 = nn.Parameter(torch.tensor([1.0, -2.0])[order])

    def forward(self) -> Tensor:
        return torch.relu(INPUTS @ self.w1.T + self.b) @ self.w2


def squared_error(model: Xor) -> Tensor:
    error: Tensor = ((model() - XOR) ** 2).mean()
    return error


def test_a_copy_with_permuted_units_is_behind_a_barrier_that_permuting_back_removes() -> None:
    model, same = Xor([0, 1]), copied(Xor([0, 1]))
    permuted = copied(Xor([1, 0]))
    errors = path(model, (same, permuted), 11, partial(squared_error, model))
    rising = [0, 0.2187, 0.6912, 1.1907, 1.5552, 1.6875]
    np.testing.assert_allclose(errors, rising + rising[-2::-1], atol=5e-5)
    wrong = path(
        model, (same, permuted), 11, lambda: ((model() > 0.5) != (XOR > 0.5)).float().mean()
    )
    assert wrong.tolist() == [0, *[0.5] * 9, 0]
    back = {name: tensor.flip(0) for name, tensor in permuted.items()}
    np.testing.assert_array_equal(path(model, (same, back), 11, lambda: model().sum()), [2.0] * 11)


# --- exactness -------------------------------------------------------------------------------


def drawn(seed: int, size: int = 100_000) -> list[float]:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)).tolist()


def test_ends_and_equal_weights_are_met_to_the_last_bit() -> None:
    model = Toy(drawn(0))
    first, second = copied(model), copied(Toy(drawn(1)))
    met = walk(model, first, second, [0.0, 1.0], lambda: copied(model))
    for end, reached in zip((first, second), met, strict=True):
        assert all(torch.equal(reached[name], tensor) for name, tensor in end.items())
    inside = walk(model, first, first, places(11), lambda: copied(model))
    assert all(torch.equal(place["weight"], first["weight"]) for place in inside)
    # A walk by a + alpha (b - a) misses its second end.
    careless = first["weight"] + 1.0 * (second["weight"] - first["weight"])
    assert not torch.equal(careless, second["weight"])


def test_one_half_is_on_odd_grids_alone() -> None:
    assert places(11)[5] == 0.5
    assert 0.5 not in places(30)
    assert places(31)[0] == 0
    assert places(31)[-1] == 1


def test_integers_stay_and_tied_tensors_move_once() -> None:
    model = Toy([1.0, 2.0])
    assert list(copied(model)) == ["weight", "mean"]
    first, second = copied(model), copied(Toy([3.0, 6.0]))
    second["mean"] = torch.tensor([1.5])
    (place,) = walk(model, first, second, [0.5], lambda: copied(model))
    assert {name: tensor.tolist() for name, tensor in place.items()} == {
        "weight": [2.0, 4.0],
        "mean": [1.0],
    }
    assert model.tied is model.weight
    assert model.get_buffer("count").tolist() == [3]


def test_bfloat16_ends_are_walked_in_float32() -> None:
    model = Toy([0.0])
    other = Toy([1.0]).bfloat16()
    assert copied(other)["weight"].dtype == torch.float32
    (place,) = walk(model, copied(model), copied(other), [0.001], lambda: model.weight.tolist()[0])
    assert place == pytest.approx(0.001, rel=1e-6)


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails: bool) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    model[0].train(mode=False)
    before = copied(model)
    modes: list[bool] = []

    def measure() -> None:
        modes.append(model[1].training)
        assert not torch.equal(model.get_parameter("0.weight"), before["0.weight"])
        if fails:
            raise RuntimeError("diverged")

    far = {name: tensor + 1 for name, tensor in before.items()}
    if fails:
        with pytest.raises(RuntimeError, match="diverged"):
            walk(model, far, far, places(3), measure)
    else:
        walk(model, far, far, places(3), measure)
    assert modes == [False] * (1 if fails else 3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in copied(model).items())
    assert (model.training, model[0].training, model[1].training) == (True, False, True)


def test_ends_of_another_shape_or_with_other_names_are_refused() -> None:
    model = Toy([1.0, 2.0])
    right = copied(model)
    with pytest.raises(ValueError, match=r"weight has shape \(1,\) at an end and \(2,\)"):
        walk(model, right, right | {"weight": torch.ones(1)}, [0.0], lambda: None)
    with pytest.raises(ValueError, match="'mean'"):
        walk(model, {"weight": right["weight"]}, right, [0.0], lambda: None)


# --- masks and geometry ----------------------------------------------------------------------


def mask_of(*kept: int) -> masks.Mask:
    return {"weight": np.array(kept, np.bool_)}


def test_with_one_mask_dropped_weights_are_0_all_along() -> None:
    model = Toy(drawn(0, 6))
    mask = mask_of(1, 0, 0, 1, 1, 0)
    ends = [masked(copied(Toy(drawn(seed, 6))), mask) for seed in (1, 2)]
    for place in walk(model, ends[0], ends[1], places(11), lambda: copied(model)["weight"]):
        assert [value != 0 for value in place.tolist()] == mask["weight"].tolist()


def test_half_way_between_unlike_masks_their_union_is_not_0() -> None:
    model = Toy(drawn(0, 8))
    first, second = mask_of(1, 1, 1, 0, 0, 0, 0, 1), mask_of(0, 1, 1, 1, 0, 0, 1, 0)
    ends = [masked(copied(Toy(drawn(seed, 8))), mask) for seed, mask in ((1, first), (2, second))]
    (place,) = walk(model, ends[0], ends[1], [0.5], lambda: copied(model)["weight"])
    met = interpolation.meeting(first, second)
    assert np.count_nonzero(place) / 8 == met["union"] == 6 / 8
    assert met["shared"] == 2 / 8
    assert met["jaccard"] == pytest.approx(1 / 3, rel=1e-8)
    assert met["nested"] == 0
    assert interpolation.meeting(first, mask_of(0, 1, 1, 0, 0, 0, 0, 0))["nested"] == 1


def test_the_union_follows_from_density_and_jaccard() -> None:
    like = {"weight": np.arange(1000) < 300}
    first, second = (masks.random_like(like, np.random.default_rng(seed)) for seed in (0, 1))
    met = interpolation.meeting(first, second)
    assert met["union"] == pytest.approx(2 * 0.3 / (1 + (met["jaccard"] or 0)))
    assert met["union"] == pytest.approx(0.51, abs=0.03)  # what chance gives
    assert met["jaccard"] == pytest.approx(0.1765, abs=0.04)


def lengths(starts: list[list[float]], ends: list[list[float]]) -> interpolation.Record:
    first, second = ({"weight": torch.tensor(row)} for row in starts)
    a, b = ({"weight": torch.tensor(row)} for row in ends)
    return interpolation.geometry((first, second), (a, b), ["weight"])


def test_two_ways_of_length_1_at_60_degrees_end_1_apart() -> None:
    measured = lengths([[2.0, 1.0]] * 2, [[3.0, 1.0], [2.5, 1 + 0.75**0.5]])
    assert [measured["travel_1"], measured["travel_2"]] == pytest.approx([1, 1], rel=1e-6)
    assert measured["distance"] == pytest.approx(1, rel=1e-6)
    assert measured["ratio"] == pytest.approx(1, rel=1e-6)
    assert measured["cosine"] == pytest.approx(0.5, rel=1e-6)
    assert measured["degrees"] == pytest.approx(60, rel=1e-6)
    assert measured["start_distance"] == 0


def test_the_distance_follows_from_travels_and_angle() -> None:
    start, first, second = drawn(0, 20), drawn(1, 20), drawn(2, 20)
    measured = {key: value or 0.0 for key, value in lengths([start] * 2, [first, second]).items()}
    t1, t2 = measured["travel_1"], measured["travel_2"]
    expected = t1**2 + t2**2 - 2 * t1 * t2 * measured["cosine"]
    assert measured["distance"] ** 2 == pytest.approx(expected)


def test_without_a_way_there_is_no_angle() -> None:
    measured = lengths([[1.0, 2.0]] * 2, [[1.0, 2.0]] * 2)
    assert (measured["distance"], measured["ratio"], measured["cosine"]) == (0, None, None)


def test_dropped_weights_of_the_start_do_not_count() -> None:
    mask = mask_of(1, 0, 1)
    trained = [
        masked({"weight": torch.tensor(row)}, mask) for row in ([1.0, 9.0, 2.0], [3.0, 9.0, 4.0])
    ]

    def from_start(dropped: float) -> interpolation.Record:
        start = masked({"weight": torch.tensor([0.5, dropped, 0.5])}, mask)
        return interpolation.geometry((start, start), (trained[0], trained[1]), ["weight"])

    assert from_start(0.0) == from_start(1e6)
