"""Heads on examples: which are drawn, and that every network sees its kind of maps in the right place."""

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from stages.tickets.encoder import removal
from stages.tickets.files import Split
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.attention import heads as head_patterns
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.heads import Networks

LENGTHS = (7, 5, 9, 6, 8)
HEADS = np.ones((2, 4), np.bool_)


@pytest.fixture(autouse=True)
def _on_the_cpu(on_the_cpu: None) -> None:
    """Every test runs on the CPU."""


@pytest.fixture
def model() -> PreTrainedModel:
    config = BertConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=12,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertForSequenceClassification(config).train(mode=False)  # type: ignore[no-any-return]


@pytest.fixture
def examples() -> Split:
    generator = np.random.default_rng(0)
    number = sum(LENGTHS)
    types = (np.arange(number) % 2).astype(np.int8)
    starts = np.concatenate([[0], np.cumsum(LENGTHS)]).astype(np.int64)
    ids = generator.integers(1, 30, number).astype(np.int32)
    return Split(ids, types, starts, np.zeros(len(LENGTHS)))


class Brightest(nn.Module):
    """Says a class from the place of the largest value, so that another map has another class."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, images: Tensor) -> Tensor:
        places = images.flatten(1).argmax(-1) * int(self.factor)
        return nn.functional.one_hot(places % len(patterns.PATTERNS), len(patterns.PATTERNS))


NETWORKS = Networks(
    {("raw", 1): Brightest(1), ("raw", 2): Brightest(2), ("normed", 1): Brightest(1)}, 32, (5, 9)
)


def classes_of(
    model: PreTrainedModel, examples: Split, heads: NDArray[np.bool_]
) -> head_patterns.Classes:
    return head_patterns.classify(model, examples, 0, heads, NETWORKS)


def test_examples_are_drawn_from_those_of_an_allowed_length() -> None:
    lengths = np.array([4, 5, 6, 7, 20, 6, 5])
    drawn = [
        head_patterns.draw(lengths, 3, (5, 7), np.random.default_rng(seed)) for seed in range(5)
    ]
    assert all(len(numbers) == 3 and (np.diff(numbers) > 0).all() for numbers in drawn)
    assert set(np.concatenate(drawn)) == {1, 2, 3, 5, 6}
    every = head_patterns.draw(lengths, 99, (5, 7), np.random.default_rng(0))
    assert every.tolist() == [1, 2, 3, 5, 6]
    with pytest.raises(ValueError, match="no example has 8 to 9 tokens"):
        head_patterns.draw(lengths, 3, (8, 9), np.random.default_rng(0))


def test_classes_are_in_the_order_of_the_examples(
    model: PreTrainedModel, examples: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_all = classes_of(model, examples, HEADS)
    assert {key: classes.shape for key, classes in of_all.items()} == dict.fromkeys(
        NETWORKS.by_key, (5, 2, 4)
    )
    assert len(np.unique(of_all["raw", 1])) > 2
    monkeypatch.setattr(head_patterns, "EXAMPLES_PER_BATCH", 2)
    again = classes_of(model, examples, HEADS)
    assert all((again[key] == of_all[key]).all() for key in of_all)


def test_every_network_sees_maps_of_its_kind(model: PreTrainedModel, examples: Split) -> None:
    classes = classes_of(model, examples, HEADS)
    assert (classes["raw", 2] == 2 * classes["raw", 1] % 5).all()
    assert (classes["normed", 1] != classes["raw", 1]).any()


def test_token_types_count(model: PreTrainedModel, examples: Split) -> None:
    one_segment = Split(
        examples.ids, np.zeros_like(examples.types), examples.starts, examples.labels
    )
    classes, without = (classes_of(model, split, HEADS) for split in (examples, one_segment))
    assert (classes["raw", 1] != without["raw", 1]).any()


def test_heads_of_a_model_cut_down_keep_their_places(
    model: PreTrainedModel, examples: Split
) -> None:
    """In the first layer, which sees the same as before."""
    kept = Structure(np.array([[1, 0, 1, 0], [0, 0, 0, 0]], np.bool_), np.ones(2, np.bool_))
    of_all = classes_of(model, examples, HEADS)
    smaller = copy.deepcopy(model)
    removal.remove_(smaller, kept)
    cut = classes_of(smaller, examples, kept.heads)
    for key, classes in cut.items():
        assert (classes[:, ~kept.heads] == patterns.ABSENT).all()
        assert (classes[:, 0, [0, 2]] == of_all[key][:, 0, [0, 2]]).all()
