"""Counts of quantized numbers by hand, and the density of the paper's own calculator."""

import numpy as np
import pytest
from transformers import AutoModel, DistilBertConfig

from stages.tickets.encoder import device
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import compact
from stages.tickets.pruning.channels import Channels
from stages.tickets.quantized import counts
from stages.tickets.statistics import density
from stages.tickets.tasks.task import Prepared
from tests.quantized.test_attached import built

HIDDEN, MLP = 16, 32


def test_weights_and_activations_of_a_complete_model(encoder: Encoder, prepared: Prepared) -> None:
    """Each layer reads its input, the context, the state after attention and the neurons."""
    model = built(encoder, prepared)
    assert counts.num_weights(model) == 2 * (4 * HIDDEN**2 + 2 * HIDDEN * MLP) + HIDDEN**2
    assert counts.num_activations(model, 10) == 2 * 10 * (3 * HIDDEN + MLP) + HIDDEN
    device.place_(model, "classification")  # the last layer computes one token now
    assert counts.num_activations(model, 10) == 2 * 10 * (3 * HIDDEN + MLP) + HIDDEN
    assert model.training


def test_and_of_a_compact_one(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    neurons = np.arange(2 * MLP).reshape(2, MLP) % 4 == 0
    compact.compact_(model, Channels(np.array([[True, False], [True, True]]), neurons))
    heads = HIDDEN // 2
    layers = 4 * HIDDEN * heads + 4 * HIDDEN * HIDDEN + 2 * 2 * HIDDEN * MLP // 4
    assert counts.num_weights(model) == layers + HIDDEN**2
    read = 2 * HIDDEN + heads + MLP // 4 + 3 * HIDDEN + MLP // 4
    assert counts.num_activations(model, 7) == 7 * read + HIDDEN


def test_an_architecture_with_other_names_reads_queries_keys_and_values_once() -> None:
    config = DistilBertConfig(vocab_size=20, dim=16, n_heads=2, n_layers=1, hidden_dim=32)
    model = AutoModel.from_config(config)
    assert counts.num_activations(model, 3) == 3 * (3 * 16 + 32)


@pytest.mark.parametrize(
    ("percent", "bits", "sparsity", "published"),
    [(90.16, 8, 0.5, 13.0), (83.7, 8, 0.75, 24.2), (87.3, 4, 0.5, 25.3), (79.2, 4, 0.75, 45.8)],
)
def test_the_density_is_that_of_the_papers_calculator(
    percent: float, bits: int, sparsity: float, published: float
) -> None:
    """ResNet-32 on CIFAR-10: 1.87 and 5.05 megabits of weights and activations at 8 bits and 50 %."""
    weights, activations = 1.87e6 / (8 * 0.5), 5.05e6 / (8 * 0.5)
    kept = [round(number * (1 - sparsity)) for number in (weights, activations)]
    made = density.performance_density(percent, kept[0], bits, kept[1], bits)
    assert made == pytest.approx(published, rel=0.005)


def test_density_and_score_per_megabyte_by_hand() -> None:
    """1000 weights of 4 bits and 500 activations of 8 are 8000 bits."""
    assert density.performance_density(80, 1000, 4, 500, 8) == pytest.approx(80 / 0.008)
    assert density.per_megabyte(80, 2_000_000) == 40
