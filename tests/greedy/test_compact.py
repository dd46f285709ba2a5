"""Compact models: they compute what zeros for channels compute, and come back from disk."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from stages.tickets import files
from stages.tickets.encoder import device, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import compact
from stages.tickets.greedy.masking import masked
from stages.tickets.pruning import channels
from stages.tickets.pruning.channels import Channels
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS
from tests.greedy.models import HEADS, LAYERS, NEURONS, batch, few, layers_of, small

WHOLE = channels.whole(LAYERS, HEADS, NEURONS)
CHANNELS = {
    "whole": WHOLE,
    "half": few(1),
    "a quarter": few(2, 0.75),
    "layer 0 empty": few(3, 0.5, empty=0),
    "layer 1 empty": few(4, 0.5, empty=1),
    "last layer empty": few(5, 0.5, empty=2),
    "no heads": Channels(~WHOLE.heads, WHOLE.neurons),
    "no neurons": Channels(WHOLE.heads, ~WHOLE.neurons),
    "nothing": Channels(~WHOLE.heads, ~WHOLE.neurons),
}
by_channels = pytest.mark.parametrize("kept", CHANNELS.values(), ids=CHANNELS)


@by_channels
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_compact_says_what_masked_says(
    kept: Channels, dtype: torch.dtype, most: float, kind: Kind
) -> None:
    model = small(kind)
    nn.Module.to(model, dtype)
    dense = model(**batch()).logits
    smaller = copy.deepcopy(model)
    compact.compact_(smaller, kept)
    with masked(model, kept):
        expected = model(**batch()).logits
    assert float((smaller(**batch()).logits - expected).detach().abs().max()) < most
    assert torch.equal(model(**batch()).logits, dense)  # the masks are gone
    assert torch.equal(dense, expected) == (kept is WHOLE)


@by_channels
def test_masked_is_zeros_in_the_weights(kept: Channels) -> None:
    """The masks are compared with what anybody would write into the matrices."""
    by_hand, model = small(), small()
    with torch.no_grad():
        for number, layer in enumerate(layers_of(by_hand)):
            columns = np.repeat(~kept.heads[number], 16 // HEADS)
            layer.attention.output.dense.weight[:, torch.from_numpy(columns)] = 0
            layer.output.dense.weight[:, torch.from_numpy(~kept.neurons[number])] = 0
    with masked(model, kept):
        torch.testing.assert_close(model(**batch()).logits, by_hand(**batch()).logits)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", ["bert", "electra", "roberta", "xlm-roberta", "camembert"])
def test_so_do_all_types_on_their_device(model_type: str) -> None:
    kept = few(6, 0.5, empty=2)
    model = small("classification", model_type)
    smaller = copy.deepcopy(model)
    compact.compact_(smaller, kept)
    device.place_(smaller, "classification")
    with masked(model, kept):
        torch.testing.assert_close(smaller(**batch()).logits, model(**batch()).logits)


def test_sizes_are_those_of_the_matrices() -> None:
    kept = few(7, 0.75, empty=1)
    smaller = small()
    compact.compact_(smaller, kept)
    counted = {
        name: parameter.numel()
        for name, parameter in smaller.base_model.named_parameters()
        if ".dense." in name or ".self." in name
    }
    output_biases = 2 * LAYERS * 16
    pooler = counted.pop("pooler.dense.weight") + counted.pop("pooler.dense.bias")
    assert pooler == 16 * 16 + 16
    size = compact.sizes(smaller.config, kept)
    assert size["kept"] == sum(counted.values()) - output_biases
    assert (size["heads"], size["neurons"]) == (2, 6)
    assert (size["all_heads"], size["all_neurons"]) == (12, 36)
    bert = AutoConfig.for_model("bert")
    everything = compact.sizes(bert, compact.whole(bert))
    assert everything["kept"] == everything["prunable"] == 84_999_168


def test_nothing_changes_if_channels_do_not_fit() -> None:
    model = small()
    before = model(**batch()).logits
    with pytest.raises(ValueError, match="the model's are"):
        compact.compact_(model, channels.whole(LAYERS, HEADS, NEURONS + 1))
    assert torch.equal(model(**batch()).logits, before)
    few_neurons = Channels(WHOLE.heads, few().neurons)
    compact.compact_(model, few_neurons)
    with pytest.raises(ValueError, match="layer 0 lacks neurons already"):
        compact.compact_(model, few_neurons)
    model = small()
    compact.compact_(model, Channels(few().heads, WHOLE.neurons))
    with pytest.raises(ValueError, match="lacks heads"):
        compact.compact_(model, few())
    other = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model("distilbert", vocab_size=9, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
    )
    with pytest.raises(ValueError, match="'distilbert' cannot be dropped"):
        compact.compact_(other, channels.whole(1, 2, 8))


@pytest.mark.usefixtures("on_the_cpu")
def test_a_model_comes_back(encoder: Encoder, prepared: Prepared, tmp_path: Path) -> None:
    model = theta.build(encoder, "classification", 2, RECIPE.dropout, SEEDS.head_init)
    kept = channels.random_at(compact.whole(model.config), 0.5, np.random.default_rng(0))
    kept.heads[0] = kept.neurons[1] = False
    compact.compact_(model, kept)
    before = layers_of(model)[0].output.dense.weight.detach().clone()
    losses = fit.fit_(model, prepared, SEEDS, RECIPE)
    assert np.isfinite(losses).all()
    assert not torch.equal(layers_of(model)[0].output.dense.weight, before)
    compact.save(model, kept, prepared, tmp_path, weights=True)
    again = compact.build(encoder, tmp_path)
    assert not again.training
    expected = predict.predict(model, prepared)
    for name, logits in predict.predict(again, prepared).items():
        assert (logits == expected[name]).all()
    assert files.load_record(tmp_path / compact.RECORD)["heads"] == kept.num_heads
    stored = compact.load_channels(tmp_path / compact.CHANNELS)
    assert (stored.heads == kept.heads).all()
    assert (stored.neurons == kept.neurons).all()


def test_a_folder_without_weights_or_with_others(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    model = theta.build(encoder, "classification", 2, 0.0, 0)
    kept = compact.whole(model.config)
    compact.save(model, kept, prepared, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"greedy\.keep_weights"):
        compact.build(encoder, tmp_path)
    compact.save(model, kept, prepared, tmp_path, weights=True)
    kept.neurons[0, 0] = False
    compact.save_channels(kept, tmp_path / compact.CHANNELS)
    with pytest.raises(ValueError, match="has shape"):
        compact.build(encoder, tmp_path)
    files.save_mask({"a": kept.heads}, tmp_path / compact.CHANNELS)
    with pytest.raises(ValueError, match="allowed are heads and neurons"):
        compact.build(encoder, tmp_path)
