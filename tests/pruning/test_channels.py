"""Channels: exact numbers by layer, stable ties, and what is not allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.pruning import channels
from stages.tickets.pruning.channels import Channels


@given(st.integers(0, 1000), st.integers(1, 200))
def test_kept_and_dropped_are_all(thousandths: int, number: int) -> None:
    sparsity = thousandths / 1000
    kept = channels.kept_at(sparsity, number)
    assert 0 <= kept <= number
    assert abs((number - kept) - sparsity * number) <= 0.5 + 1e-9
    importance = np.random.default_rng(number).random(number)
    largest = channels.keep_largest(importance, sparsity)
    assert np.count_nonzero(largest) == kept
    assert not kept or kept == number or importance[largest].min() > importance[~largest].max()


@pytest.mark.parametrize(
    ("sparsity", "number", "kept"),
    [
        (0.0, 12, 12),
        (1.0, 12, 0),
        (0.5, 12, 6),
        (0.75, 3072, 768),
        (0.9, 12, 1),
        (0.25, 2, 2),  # half a channel goes to even: none is dropped
        (0.75, 2, 0),  # and one and a half: both are
        (0.7, 10, 3),  # in floats, 0.7 * 10 is a bit below 7
        (0.29, 50, 36),  # 14.5 exactly, which goes to 14
    ],
)
def test_number_that_is_kept(sparsity: float, number: int, kept: int) -> None:
    assert channels.kept_at(sparsity, number) == kept
    assert np.count_nonzero(channels.keep_largest(np.arange(float(number)), sparsity)) == kept


@pytest.mark.parametrize("sparsity", [-0.1, 1.01, float("nan")])
def test_no_other_sparsity(sparsity: float) -> None:
    with pytest.raises(ValueError, match="sparsity is"):
        channels.kept_at(sparsity, 10)


def test_of_equal_channels_the_earlier_stay() -> None:
    importance = np.array([1.0, 2.0, 1.0, 2.0, 1.0], np.float32)
    kept = channels.keep_largest(importance, 0.4)
    assert kept.tolist() == [True, True, False, True, False]
    assert channels.keep_largest(np.zeros(40), 0.5).tolist() == [True] * 20 + [False] * 20


def test_channels_without_a_number_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="NaN"):
        channels.keep_largest(np.array([1.0, np.nan]), 0.5)


def test_counts_and_structure() -> None:
    everything = channels.whole(3, 4, 8)
    assert (everything.num_heads, everything.num_neurons) == (12, 24)
    neurons = everything.neurons.copy()
    neurons[1] = False
    neurons[2, 1:] = False
    few = Channels(everything.heads, neurons)
    assert few.num_neurons == 9
    assert few.structure.mlps.tolist() == [True, False, True]
    assert few.structure.heads is few.heads


def test_draws_are_as_large_in_every_layer_and_differ() -> None:
    like = channels.whole(3, 4, 40)
    drawn = channels.random_at(like, 0.75, np.random.default_rng(0))
    assert drawn.heads.sum(axis=1).tolist() == [1, 1, 1]
    assert drawn.neurons.sum(axis=1).tolist() == [10, 10, 10]
    again = channels.random_at(like, 0.75, np.random.default_rng(0))
    other = channels.random_at(like, 0.75, np.random.default_rng(1))
    assert (drawn.neurons == again.neurons).all()
    assert (drawn.neurons != other.neurons).any()
    assert (drawn.neurons[0] != drawn.neurons[1]).any()


def test_a_wrong_shape_is_reported() -> None:
    channels.check_shape(channels.whole(2, 4, 8), 2, 4, 8)
    with pytest.raises(ValueError, match=r"\(2, 4\) and \(2, 8\), but the model's are .* \(2, 9\)"):
        channels.check_shape(channels.whole(2, 4, 8), 2, 4, 9)
