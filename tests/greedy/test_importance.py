"""Importance: a mean over real tokens alone, and what greedy choice makes of it."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.files import Split
from stages.tickets.greedy import choosing, compact, importance
from stages.tickets.greedy.importance import Numbers, Running
from stages.tickets.greedy.masking import Site, masked, sites
from stages.tickets.tasks.task import Prepared
from tests.greedy.models import HEADS, LAYERS, few, layers_of, small

pytestmark = pytest.mark.usefixtures("on_the_cpu")
ALL = [np.arange(8)]
HEADS_0, NEURONS_0 = Site(0, "heads"), Site(0, "neurons")
HEADS_1, NEURONS_1 = Site(1, "heads"), Site(1, "neurons")


def measured(
    prepared: Prepared, batches: list[Numbers], kind: str = "classification"
) -> dict[Site, np.ndarray]:
    model = small("mlm" if kind == "mlm" else "classification")
    running = {site: Running() for site in sites(LAYERS)}
    importance.measure_(running, model, prepared, batches, few(0, 0.0))
    return {site: each.mean for site, each in running.items()}


def padded(prepared: Prepared, examples: Numbers) -> tuple[Tensor, Tensor]:
    split: Split = prepared.train
    longest = int(split.lengths[examples].max())
    ids = torch.full((len(examples), longest), prepared.vocabulary.pad)
    there = torch.zeros(len(examples), longest, dtype=torch.int64)
    for row, number in enumerate(examples):
        length = int(split.lengths[number])
        ids[row, :length] = torch.from_numpy(
            split.ids[split.starts[number] : split.starts[number + 1]]
        )
        there[row, :length] = 1
    return ids, there


def test_it_is_the_mean_that_a_loop_over_tokens_gives(prepared_words: Prepared) -> None:
    """Activations are computed from the states that transformers shows, not from a hook."""
    model = small("mlm")
    expected: dict[Site, list[np.ndarray]] = {NEURONS_0: [], HEADS_1: []}
    for number in range(8):
        ids, there = padded(prepared_words, np.array([number]))
        states = model(ids, attention_mask=there, output_hidden_states=True).hidden_states
        layers = layers_of(model)
        with torch.inference_mode():
            context = layers[0].attention.self(states[0])[0]
            after = layers[0].attention.output(context, states[0])
            neurons = torch.nn.functional.gelu(layers[0].intermediate.dense(after))[0]
            context = layers[1].attention.self(states[1])[0][0]
        for token in range(neurons.shape[0]):
            expected[NEURONS_0].append(np.abs(neurons[token].numpy()))
            by_head = context[token].numpy().reshape(HEADS, -1)
            expected[HEADS_1].append(np.abs(by_head).mean(1))
    found = measured(prepared_words, ALL, "mlm")
    for site, tokens in expected.items():
        np.testing.assert_allclose(found[site], np.mean(tokens, axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_neither_batches_nor_padding_change_it(
    prepared: Prepared, prepared_words: Prepared, kind: str
) -> None:
    """Examples of three to seven tokens stand together, apart, or beside longer ones."""
    data = prepared_words if kind == "mlm" else prepared
    together = measured(data, ALL, kind)
    apart = measured(data, [np.array([number]) for number in range(8)], kind)
    unlike = measured(data, [np.array([0, 7, 3, 5, 1]), np.array([2]), np.array([6, 4])], kind)
    for site, expected in together.items():
        np.testing.assert_allclose(apart[site], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(unlike[site], expected, rtol=1e-5, atol=1e-6)


def test_of_two_batches_it_is_the_mean_weighted_by_tokens(prepared_words: Prepared) -> None:
    first, second = np.array([0, 1]), np.array([2, 3, 7])
    tokens = [int(prepared_words.train.lengths[part].sum()) for part in (first, second)]
    assert tokens[0] != tokens[1]
    parts = [measured(prepared_words, [part], "mlm") for part in (first, second)]
    found = measured(prepared_words, [first, second], "mlm")
    for site, values in found.items():
        expected = np.average([part[site] for part in parts], axis=0, weights=tokens)
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        assert not np.allclose(values, np.mean([part[site] for part in parts], axis=0), rtol=1e-4)


def test_the_last_layer_of_a_classifier_counts_first_tokens(prepared: Prepared) -> None:
    found = measured(prepared, ALL)
    model, site = small(), Site(LAYERS - 1, "neurons")
    first = []
    for number in range(8):
        ids, there = padded(prepared, np.array([number]))
        with torch.inference_mode():
            states = model(ids, attention_mask=there, output_hidden_states=True).hidden_states[-2]
            layer = layers_of(model)[-1]
            context = layer.attention.self(states)[0]
            after = layer.attention.output(context, states)
            first.append(torch.nn.functional.gelu(layer.intermediate.dense(after))[0, 0].abs())
    np.testing.assert_allclose(
        found[site], torch.stack(first).mean(0).numpy(), rtol=1e-5, atol=1e-6
    )


def test_there_is_no_dropout_and_training_goes_on(prepared: Prepared) -> None:
    model = small().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    running = {NEURONS_0: Running()}
    importance.measure_(running, model, prepared, ALL, few(0, 0.0))
    np.testing.assert_allclose(running[NEURONS_0].mean, measured(prepared, ALL)[NEURONS_0])
    assert model.training
    assert len(layers_of(model)) == LAYERS


def test_masks_before_a_site_count_and_its_own_do_not(prepared: Prepared) -> None:
    dense = measured(prepared, ALL)
    model, kept = small(), few(0, 0.0)
    kept.neurons[0, :6] = False
    running = {site: Running() for site in sites(LAYERS)}
    with masked(model, kept):
        importance.measure_(running, model, prepared, ALL, kept)
    for site in (HEADS_0, NEURONS_0):
        np.testing.assert_allclose(running[site].mean, dense[site])
    for site in (HEADS_1, NEURONS_1):
        assert not np.allclose(running[site].mean, dense[site], rtol=1e-3)


@pytest.mark.parametrize("model_type", ["electra", "roberta", "xlm-roberta", "camembert"])
def test_layers_above_a_site_are_not_computed_in_all_types(
    model_type: str, prepared: Prepared
) -> None:
    """And what is measured of a lower layer is the same without them."""
    model, computed = small("classification", model_type), []
    for number, layer in enumerate(layers_of(model)):
        layer.register_forward_hook(lambda *_, number=number: computed.append(number))
    alone, beside = {NEURONS_1: Running()}, {site: Running() for site in sites(LAYERS)}
    importance.measure_(alone, model, prepared, ALL, few(0, 0.0))
    assert computed == [0, 1]
    importance.measure_(beside, model, prepared, ALL, few(0, 0.0))
    assert computed == [0, 1, 0, 1, 2]
    np.testing.assert_array_equal(alone[NEURONS_1].mean, beside[NEURONS_1].mean)


def test_without_examples_there_is_no_importance() -> None:
    with pytest.raises(ValueError, match="got none"):
        Running().mean  # noqa: B018


def test_drawn_examples_are_as_many_as_asked(prepared: Prepared) -> None:
    assert sorted(np.concatenate(importance.drawn(prepared, 5, 3)).tolist()) == sorted(
        np.random.default_rng(3).permutation(8)[:5].tolist()
    )
    (everything,) = importance.drawn(prepared, 100, 0)
    assert sorted(everything.tolist()) == list(range(8))
    assert (np.diff(prepared.train.lengths[everything]) >= 0).all()


def test_magnitude_is_the_mean_of_all_weights_of_a_channel() -> None:
    model = small()
    layer = layers_of(model)[1]
    matrices = [*(layer.attention.self.get_submodule(n).weight for n in ("query", "key", "value"))]
    columns = layer.attention.output.dense.weight
    of_head = [part[4:8] for part in matrices] + [columns[:, 4:8]]
    expected = float(
        torch.cat([part.reshape(-1) for part in of_head]).detach().abs().double().mean()
    )
    assert importance.magnitude(model, HEADS_1, HEADS)[1] == pytest.approx(expected, rel=1e-6)
    of_neuron = [layer.intermediate.dense.weight[7], layer.output.dense.weight[:, 7]]
    expected = float(torch.cat(of_neuron).detach().abs().double().mean())
    assert importance.magnitude(model, NEURONS_1, 12)[7] == pytest.approx(expected, rel=1e-6)


# --- choosing --------------------------------------------------------------------------------


def choose(order: choosing.Order, prepared: Prepared, sparsity: float) -> choosing.Chosen:
    return choosing.choose(order, small(), prepared, ALL, sparsity, np.random.default_rng(0))


@pytest.mark.parametrize("order", choosing.ORDERS)
@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_every_layer_keeps_an_exact_number(
    order: choosing.Order, sparsity: float, prepared: Prepared
) -> None:
    kept = choose(order, prepared, sparsity).channels
    heads, neurons = (number - round(sparsity * number) for number in (4, 12))
    assert kept.heads.sum(axis=1).tolist() == [heads] * LAYERS
    assert kept.neurons.sum(axis=1).tolist() == [neurons] * LAYERS


def test_nothing_is_pruned_at_no_sparsity_so_importance_is_that_of_the_dense(
    prepared: Prepared,
) -> None:
    dense = choose("one-shot", prepared, 0.9).importances
    for site, values in choose("greedy", prepared, 0.0).importances.items():
        np.testing.assert_array_equal(values, dense[site])


def test_greedy_measures_each_site_behind_its_pruned_prefix(prepared: Prepared) -> None:
    found = choose("greedy", prepared, 0.5)
    dense = choose("one-shot", prepared, 0.5)
    np.testing.assert_array_equal(found.importances[HEADS_0], dense.importances[HEADS_0])
    prefix = few(0, 0.0)
    for site in sites(LAYERS):
        model, running = small(), {site: Running()}
        with masked(model, prefix):
            importance.measure_(running, model, prepared, ALL, prefix)
        np.testing.assert_array_equal(found.importances[site], running[site].mean)
        getattr(prefix, site.part)[site.layer] = getattr(found.channels, site.part)[site.layer]
    assert not np.allclose(found.importances[NEURONS_1], dense.importances[NEURONS_1], rtol=1e-3)


def test_reversed_without_a_training_is_one_shot(prepared: Prepared) -> None:
    first, second = (choose(order, prepared, 0.5) for order in ("reversed", "one-shot"))
    assert (first.channels.heads == second.channels.heads).all()
    assert (first.channels.neurons == second.channels.neurons).all()


def test_greedy_sees_that_pruning_flips_the_order_of_the_next_layer(
    bare_encoder: Encoder, prepared: Prepared
) -> None:
    """Neuron 0 of layer 1 lives on neuron 0 of layer 0, which goes first; neuron 1 has a bias."""
    model = theta.build(bare_encoder, "mlm", 0, 0.0, 0)
    words = dataclasses.replace(
        prepared, task=dataclasses.replace(prepared.task, kind="mlm", num_labels=0)
    )
    layers = layers_of(model)
    with torch.no_grad():
        for layer in layers:
            for part in (layer.attention.output, layer.intermediate, layer.output):
                part.dense.weight.zero_()
                part.dense.bias.zero_()
        first, second = layers[0], layers[1]
        first.intermediate.dense.bias[:] = torch.linspace(1.0, 4.0, 32)  # neuron 0 is the weakest
        first.output.dense.weight[:, 0] = torch.linspace(-9.0, 9.0, 16)
        second.intermediate.dense.weight[0] = torch.linspace(-9.0, 9.0, 16)
        second.intermediate.dense.bias[1] = 40.0
        second.intermediate.dense.bias[2:] = -0.1

    def best(order: choosing.Order) -> list[int]:
        chosen = choosing.choose(order, model, words, ALL, 31 / 32, np.random.default_rng(0))
        assert chosen.channels.neurons[0].nonzero()[0].tolist() == [31]
        return [int(number) for number in np.flatnonzero(chosen.channels.neurons[1])]

    assert best("one-shot") == [0]
    assert best("greedy") == [1]


def test_chosen_models_are_cut(prepared: Prepared) -> None:
    model, chosen = small(), choose("greedy", prepared, 0.75)
    compact.compact_(model, chosen.channels)
    assert layers_of(model)[1].output.dense.in_features == 3
