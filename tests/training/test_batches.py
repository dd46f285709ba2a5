"""Batches: every example once an epoch, of like length, and padded."""

import math
from collections import Counter
from itertools import chain, islice, pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.settings import Train
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import batches
from stages.tickets.training.batches import Rows
from tests.conftest import RECIPE

LENGTHS = st.lists(st.integers(2, 40), min_size=1, max_size=60).map(np.array)


def epochs_of(
    lengths: NDArray[np.int64], recipe: Train, data_order: int, num_epochs: int
) -> list[list[list[int]]]:
    num = math.ceil(len(lengths) / recipe.batch_size)
    found = [
        batch.tolist()
        for batch in islice(batches.drawn(lengths, recipe, data_order), num * num_epochs)
    ]
    return [found[i : i + num] for i in range(0, len(found), num)]


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**63 - 1))
def test_every_example_comes_once_an_epoch(
    lengths: NDArray[np.int64], batch_size: int, group: int, data_order: int
) -> None:
    recipe = RECIPE.model_copy(update={"batch_size": batch_size, "group": group})
    for epoch in epochs_of(lengths, recipe, data_order, 3):
        assert sorted(chain(*epoch)) == list(range(len(lengths)))
        sizes = Counter(len(batch) for batch in epoch)
        assert sizes[batch_size] >= len(epoch) - 1
        assert max(sizes) <= batch_size


@given(LENGTHS, st.integers(1, 9), st.integers(0, 1000))
def test_batches_hold_examples_of_like_length(
    lengths: NDArray[np.int64], batch_size: int, data_order: int
) -> None:
    """With one group for all, no batch reaches into the lengths of another."""
    recipe = RECIPE.model_copy(update={"batch_size": batch_size, "group": 60})
    (epoch,) = epochs_of(lengths, recipe, data_order, 1)
    spans = sorted((min(lengths[batch]), max(lengths[batch])) for batch in epoch)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_the_order_depends_on_its_seed_alone_and_differs_from_epoch_to_epoch() -> None:
    lengths = np.full(40, 5)
    first, again, other = (epochs_of(lengths, RECIPE, seed, 2) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first[0] != first[1]


def test_batches_come_in_no_order_of_length() -> None:
    recipe = RECIPE.model_copy(update={"group": 60})
    (epoch,) = epochs_of(np.arange(2, 42), recipe, 1, 1)
    longest = [max(batch) for batch in epoch]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_golden_batches() -> None:
    lengths = np.array([3, 9, 4, 8, 5, 7, 6])
    assert epochs_of(lengths, RECIPE, 2, 1) == [[[2, 6], [0, 4], [1], [5, 3]]]


def test_padding_by_hand(prepared_pairs: Prepared) -> None:
    """[CLS] the cat sleeps [SEP] a cat sleeps [SEP], and one of eight tokens."""
    split, pad = prepared_pairs.train, prepared_pairs.vocabulary.pad
    rows = Rows.of(split, pad, torch.device("cpu"))
    inputs, there = rows.padded(torch.tensor([5, 0]), 10)
    assert there.sum(dim=1).tolist() == split.lengths[[5, 0]].tolist() == [8, 9]
    assert {(tensor.shape, tensor.dtype) for tensor in inputs.values()} == {((2, 10), torch.int64)}
    assert inputs["input_ids"][0, :8].tolist() == split.ids[split.starts[5] :].tolist()
    assert inputs["input_ids"][0, 8:].tolist() == [pad, pad]
    assert inputs["token_type_ids"].tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1, 0, 0],
        [0] * 5 + [1] * 4 + [0],
    ]
    assert inputs["attention_mask"].tolist() == [[1] * 8 + [0] * 2, [1] * 9 + [0]]
