"""The network that tells patterns apart, trained for two seconds."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from stages.tickets import settings
from stages.tickets.searches.attention import network as pattern_network
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.network import SMALLEST, Recipe
from stages.tickets.searches.attention.patterns import ABSENT, PATTERNS, Rule
from tests.imports import ROOT

SEEN = Rule(range(10, 21, 2), 0.2, normed=False)
UNSEEN = Rule(range(11, 24, 2), 0.4, normed=False)
RECIPE = Recipe(
    maps=640, size=SMALLEST, epochs=8, batch_size=64, learning_rate=3e-3, threads=1
)  # fmt: skip
SHORT = Recipe(maps=20, size=33, epochs=2, batch_size=8, learning_rate=1e-3, threads=2)


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    return pattern_network.train(SEEN, RECIPE, seed=0)


def test_weights_are_those_of_the_paper() -> None:
    built = pattern_network.build(torch.Generator().manual_seed(0))
    convolutions = [module for module in built if isinstance(module, nn.Conv2d)]
    shapes = [tuple(one.weight.shape) for one in convolutions]
    assert shapes == [
        (16, 1, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3),
        (64, 64, 3, 3), (16, 64, 1, 1), (5, 16, 1, 1),
    ]  # fmt: skip
    for one in convolutions:
        num_out, num_in, *window = one.weight.shape
        expected = (2 / ((num_in + num_out) * np.prod(window))) ** 0.5
        assert float(one.weight.detach().std()) == pytest.approx(expected, rel=0.25)
        assert one.bias is not None
        assert not one.bias.any()


def test_the_smallest_size_leaves_one_place_and_a_smaller_one_none() -> None:
    built = pattern_network.build(torch.Generator())
    assert built[:-4](torch.zeros(2, 1, SMALLEST, SMALLEST)).shape == (2, 64, 1, 1)
    assert built(torch.zeros(2, 1, 40, 40)).shape == (2, 5)
    with pytest.raises(RuntimeError):
        built(torch.zeros(2, 1, SMALLEST - 1, SMALLEST - 1))
    too_small = Recipe(20, SMALLEST - 1, 1, 8, 1e-3, 1)
    with pytest.raises(ValueError, match="size is 31, allowed is 32 and more"):
        pattern_network.train(SEEN, too_small, seed=0)


def test_training_follows_from_the_seed_and_leaves_the_generators_alone() -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first, again, other = (
        pattern_network.train(SEEN, SHORT, seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    assert all(weight.is_contiguous() for weight in first.values())  # safetensors wants them so


def test_training_teaches_what_an_untrained_network_does_not_know(network: nn.Sequential) -> None:
    maps, classes = patterns.generate(UNSEEN, 300, np.random.default_rng(1))
    confusion = pattern_network.confusion(network, maps, classes, SMALLEST)
    hits = np.diag(confusion)
    f1 = 2 * hits / (confusion.sum(0) + confusion.sum(1))
    assert hits.sum() / 300 > 0.8
    assert f1.mean() > 0.8
    untrained = pattern_network.build(torch.Generator().manual_seed(0))
    confusion = pattern_network.confusion(untrained, maps, classes, SMALLEST)
    assert np.trace(confusion) / 300 < 0.4


def test_confusion_is_by_true_class_and_found_class(network: nn.Sequential) -> None:
    maps, classes = patterns.generate(SEEN, 52, np.random.default_rng(2))
    confusion = pattern_network.confusion(network, maps, classes, SMALLEST)
    found = pattern_network.classify(network, maps, SMALLEST)
    assert confusion.shape == (5, 5)
    assert confusion.sum(1).tolist() == [11, 11, 10, 10, 10]
    assert confusion.sum(0).tolist() == np.bincount(found, minlength=5).tolist()


@pytest.mark.parametrize("length", [12, 15])
def test_perfect_maps_are_of_their_class(network: nn.Sequential, length: int) -> None:
    even = np.full((length, length), 1 / length)
    vertical = np.zeros((length, length))
    vertical[:, [0, -1]] = 0.5
    before = np.eye(length, k=-1)
    before[0, 0] = 1
    half = length // 2
    block = np.zeros((length, length))
    block[:half, :half], block[half:, half:] = 1 / half, 1 / (length - half)
    maps = [vertical, np.eye(length), before, (vertical + np.eye(length)) / 2, block]
    found = pattern_network.classify(network, [one.astype(np.float32) for one in maps], SMALLEST)
    names = [PATTERNS[number] for number in found]
    assert names == ["vertical", "diagonal", "diagonal", "vertical+diagonal", "block"]
    (of_even,) = pattern_network.classify(network, [even.astype(np.float32)], SMALLEST)
    assert PATTERNS[of_even] == "heterogeneous"


def test_batches_change_no_class(network: nn.Sequential, monkeypatch: pytest.MonkeyPatch) -> None:
    maps, _ = patterns.generate(UNSEEN, 30, np.random.default_rng(3))
    whole = pattern_network.classify(network, maps, SMALLEST)
    monkeypatch.setattr(pattern_network, "MAPS_PER_BATCH", 7)
    assert pattern_network.classify(network, maps, SMALLEST).tolist() == whole.tolist()
    assert pattern_network.classify(network, [], SMALLEST).shape == (0,)


def test_heads_keep_the_places_they_had_in_the_whole_model(network: nn.Sequential) -> None:
    """Two examples of a model whose second layer has lost all heads and whose third has its last."""
    maps, classes = patterns.generate(SEEN, 300, np.random.default_rng(4))
    right = pattern_network.classify(network, maps, SMALLEST) == classes
    easy = [next(k for k in np.flatnonzero(right) if classes[k] == c) for c in range(5)]
    one, two = ([np.stack([maps[easy[c]]]) for c in found] for found in ([3, 1], [0, 4]))
    of_layers = [
        [example[0], np.zeros((0, 9, 9), np.float32), example[1]] for example in (one, two)
    ]
    heads = np.array([[True, False], [False, False], [False, True]])
    found = pattern_network.classify_heads(network, of_layers, heads, SMALLEST)
    gone = [ABSENT, ABSENT]
    assert found.tolist() == [
        [[3, ABSENT], gone, [ABSENT, 1]],
        [[0, ABSENT], gone, [ABSENT, 4]],
    ]
    assert patterns.shares(found, heads).tolist() == [0.25, 0.25, 0, 0.25, 0.25]
    heads[0, 1] = True
    with pytest.raises(
        ValueError, match=r"layers have \[1, 0, 1\] heads, expected are \[2, 0, 1\]"
    ):
        pattern_network.classify_heads(network, of_layers, heads, SMALLEST)


def test_settings_allow_what_the_networks_take() -> None:
    fields = settings.PatternNetwork.model_fields
    least = [bound.ge for bound in fields["size"].metadata if hasattr(bound, "ge")]
    assert least == [SMALLEST]
    network = settings.load(ROOT / "params.yaml").patterns.network
    with pytest.raises(ValidationError, match=str(patterns.SHORTEST)):
        settings.PatternNetwork(**(dict(network) | {"lengths": (patterns.SHORTEST - 1, 20)}))
    settings.PatternNetwork(**(dict(network) | {"lengths": (patterns.SHORTEST, 20)}))
