"""The linear encoder conserves flow, in every neuron and every cut; BERT itself would not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike, NDArray
from transformers import AutoModel, PreTrainedModel

from stages.tickets.at_start import flow, linear, measured
from stages.tickets.at_start.linear import (
    FIRST,
    KEY,
    OUT,
    POOLER,
    QUERY,
    SECOND,
    VALUE,
    Attention,
    Linear,
)
from stages.tickets.at_start.scores import borrowed, synflow
from stages.tickets.encoder import checkpoint
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Steps
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared
from tests.at_start.plain import Plain
from tests.encoder import checkpoints

HEADS = 2


@pytest.fixture
def model(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    """A model whose LayerNorms have weights of all signs and sizes."""
    task = prepared.task
    made = encoders.build(encoder, task.kind, task.num_labels, 0.1, 1)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "LayerNorm.weight" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return made


@pytest.fixture
def weights(model: PreTrainedModel, encoder: Encoder) -> Weights:
    return prunable_weights(model, encoder)


def shares_of(
    network: Linear, weights: Weights, mask: Mask | None = None
) -> dict[str, NDArray[np.float64]]:
    mask = mask or masks.dense(weights)
    return flow.through(network, flow.magnitudes(weights, mask)).shares


def skipped(network: Linear, weights: Weights) -> NDArray[np.float64]:
    """The share of R that flows through each residual connection, (layers, 2)."""
    skips = network.skips.clone().requires_grad_()
    values = flow.magnitudes(weights, masks.dense(weights))
    total = replace(network, skips=skips)({n: torch.from_numpy(v) for n, v in values.items()})
    (gradient,) = torch.autograd.grad(total.value, skips)
    return (gradient * skips / total.value).detach().numpy()


def is_close(first: ArrayLike, second: ArrayLike) -> bool:
    return np.allclose(first, second, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("attention", ["third", "exclude"])
def test_every_cut_through_the_encoder_has_all_of_the_flow(
    model: PreTrainedModel, weights: Weights, attention: Attention, residual: bool
) -> None:
    network = linear.made_linear(model, attention, residual)
    shares, skips = shares_of(network, weights), skipped(network, weights)
    assert (skips.min() > 0.01) == residual
    for layer, (around_attention, around_mlp) in zip(network.layers, skips, strict=True):
        heads = sum(shares[layer + name].sum() for name in (QUERY, KEY, VALUE))
        assert is_close(heads + around_attention, 1)
        assert is_close(shares[layer + OUT].sum() + around_attention, 1)
        assert is_close(shares[layer + FIRST].sum() + around_mlp, 1)
        assert is_close(shares[layer + SECOND].sum() + around_mlp, 1)
        if attention == "exclude":
            assert shares[layer + QUERY].max() == shares[layer + KEY].max() == 0
    assert is_close(shares[POOLER].sum(), 1)


@pytest.mark.parametrize("residual", [True, False])
def test_every_neuron_and_every_head_passes_on_what_it_gets(
    model: PreTrainedModel, weights: Weights, residual: bool
) -> None:
    shares = shares_of(linear.made_linear(model, "third", residual), weights)
    excluded = shares_of(linear.made_linear(model, "exclude", residual), weights)
    for layer in ("encoder.layer.0.", "encoder.layer.1."):
        for of_either in (shares, excluded):
            assert is_close(of_either[layer + FIRST].sum(1), of_either[layer + SECOND].sum(0))
        assert is_close(excluded[layer + VALUE].sum(1), excluded[layer + OUT].sum(0))
        into = sum(shares[layer + name].sum(1) for name in (QUERY, KEY, VALUE))
        by_head = [rows.reshape(HEADS, -1).sum(1) for rows in (into, shares[layer + OUT].sum(0))]
        assert is_close(*by_head)
        assert by_head[0].min() > 0


def test_r_is_that_of_a_network_computed_plainly(model: PreTrainedModel, weights: Weights) -> None:
    """Without queries and keys, R is a product of matrices; no step takes out its size."""
    network = linear.made_linear(model, "exclude", residual=True)
    states = np.ones(16)
    live = {
        name: p.detach().abs().double().numpy() for name, p in model.base_model.named_parameters()
    }
    for layer in network.layers:
        attended = live[layer + OUT] @ live[layer + VALUE] @ states + states
        states = live[layer + linear.NORMS[0]] * attended
        states = live[layer + linear.NORMS[1]] * (
            live[layer + SECOND] @ live[layer + FIRST] @ states + states
        )
    expected = np.log10((live[POOLER] @ states).sum())
    found = flow.total(network, flow.magnitudes(weights, masks.dense(weights))).log10
    assert found == pytest.approx(expected, rel=1e-12)
    third = linear.made_linear(model, "third", residual=True)
    again = flow.total(third, flow.magnitudes(weights, masks.dense(weights))).log10
    assert again == pytest.approx(expected, rel=1e-12)  # gates are 1


def plain(model: PreTrainedModel, attention: Attention, residual: bool) -> Plain:
    """The same encoder in numpy."""
    body = model.base_model.named_parameters()
    gammas = {n: p.detach().abs().double().numpy() for n, p in body if "LayerNorm.weight" in n}
    layers = ("encoder.layer.0.", "encoder.layer.1.")
    return Plain(layers, gammas, HEADS, attention == "third", float(residual))


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("attention", ["third", "exclude"])
@pytest.mark.parametrize("kept", [1.0, 0.4])
def test_all_scores_are_those_worked_out_in_numpy(
    model: PreTrainedModel, weights: Weights, attention: Attention, residual: bool, kept: float
) -> None:
    generator = np.random.default_rng(0)
    mask = {name: generator.random(weight.shape) < kept for name, weight in weights.items()}
    mask["encoder.layer.1." + QUERY][:8] &= kept == 1  # a head that attends to all alike
    shares = shares_of(linear.made_linear(model, attention, residual), weights, mask)
    total, scores = plain(model, attention, residual).scores(flow.magnitudes(weights, mask))
    assert shares.keys() == scores.keys()
    for name, share in shares.items():
        np.testing.assert_allclose(share * total, scores[name], rtol=1e-10, atol=1e-12 * total)
        assert (share > 0).any() or (attention == "exclude" and name.endswith((QUERY, KEY)))


@pytest.mark.parametrize(("attention", "last"), [("third", 18), ("exclude", 13)])
def test_a_mask_in_numpy_ends_as_that_of_the_stage(
    model: PreTrainedModel, weights: Weights, attention: Attention, last: int
) -> None:
    """So that thirds leave a matrix empty before the end is a property of the method.

    The last weight of a query has a third of the flow; of two last weights of another matrix, the larger
    has at least half of it, so the query goes first.
    """
    network = linear.made_linear(model, attention, residual=False)
    by_hand = plain(model, attention, residual=False)

    def score(mask: Mask) -> Weights:
        values = flow.magnitudes(weights, mask)
        shares = by_hand.scores(values)[1]
        return shares | borrowed(network, shares, values)

    size = masks.num_weights(masks.dense(weights))
    to_the_end = Steps(size / len(weights), 100, "exponential", "global")
    ways = [
        measured.critical(steps.prune(scoring, masks.dense(weights), to_the_end), "global")
        for scoring in (score, synflow(network, weights))
    ]
    assert ways[0] == pytest.approx(ways[1], rel=1e-9)
    assert len(weights) == 13
    assert round(size / ways[0]) == last


@pytest.mark.parametrize("name", [QUERY, KEY, VALUE])
def test_a_head_without_queries_keys_or_values_is_no_nan(
    model: PreTrainedModel, weights: Weights, name: str
) -> None:
    mask = masks.dense(weights)
    for layer in ("encoder.layer.0.", "encoder.layer.1."):
        mask[layer + name][:8] = False
    shares = shares_of(linear.made_linear(model, "third", residual=True), weights, mask)
    assert is_close(shares[POOLER].sum(), 1)
    for layer in ("encoder.layer.0.", "encoder.layer.1."):
        assert shares[layer + OUT][:, :8].max() == 0 < shares[layer + OUT][:, 8:].max()


def test_weights_of_any_size_stay_in_range(model: PreTrainedModel, weights: Weights) -> None:
    network = linear.made_linear(model, "third", residual=False)
    plain = flow.through(network, flow.magnitudes(weights, masks.dense(weights)))
    for factor in (1e-60, 1e60):
        scaled = {name: weight.astype(np.float64) * factor for name, weight in weights.items()}
        found = flow.through(network, flow.magnitudes(scaled, masks.dense(scaled)))
        of_factor = 9 * np.log10(factor)  # four matrices in each of two layers, and the pooler
        assert found.log10 - plain.log10 == pytest.approx(of_factor, rel=1e-9)
        assert all(is_close(found.shares[name], plain.shares[name]) for name in plain.shares)


@pytest.mark.parametrize("model_type", checkpoint.BERTS)
def test_every_encoder_like_bert_is_supported(model_type: str) -> None:
    model = AutoModel.from_config(checkpoints.config_of(model_type))
    values = {
        name: p.detach().abs().double().numpy()
        for name, p in model.named_parameters()
        if p.ndim == 2 and encoders.in_layer_or_pooler(name)
    }
    network = linear.made_linear(model, "third", residual=True)
    shares = flow.through(network, values).shares
    assert all(share.max() > 0 for share in shares.values())


def test_another_architecture_is_refused_by_name() -> None:
    model = AutoModel.from_config(checkpoints.config_of("albert"))
    assert not linear.supported(model)
    with pytest.raises(UserError, match=r"'albert', allowed are bert, .*at_initialisation\.masks"):
        linear.made_linear(model, "third", residual=True)
