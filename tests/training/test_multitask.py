"""Several tasks at once: one body, ties, turns, a single task as alone, masks, rewinding, same bytes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from transformers import PreTrainedModel

from stages.tickets.encoder import cpu
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, to_rank
from stages.tickets.pruning import masks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, multitask, update
from stages.tickets.training.fit import TrainingError
from stages.tickets.training.multitask import Part
from stages.tickets.training.update import Subnetwork
from tests.conftest import RECIPE, SEEDS
from tests.training.test_fit import random_mask, theta_0, weights_of

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
OTHERS = replace(SEEDS, head_init=11, data_order=12, dropout=13)
THIRD = replace(SEEDS, head_init=21, data_order=22, dropout=23)


@pytest.fixture
def parts(prepared: Prepared, prepared_pairs: Prepared, prepared_words: Prepared) -> list[Part]:
    """Two classes (5 steps of 2), a score (4 steps of 2) and hidden words (3 steps of 4)."""
    fewer = RECIPE.model_copy(update={"epochs": 4 / 3})
    larger = RECIPE.model_copy(update={"epochs": 1.5, "batch_size": 4, "learning_rate": 2e-2})
    return [
        Part(prepared, SEEDS, RECIPE),
        Part(prepared_pairs, OTHERS, fewer),
        Part(prepared_words, THIRD, larger),
    ]


def all_weights(joined: list[PreTrainedModel]) -> dict[str, Tensor]:
    return {
        f"{number}.{name}": weight
        for number, model in enumerate(joined)
        for name, weight in weights_of(model).items()
    }


def trained(encoder: Encoder, parts: list[Part]) -> list[PreTrainedModel]:
    joined = multitask.built(encoder, parts)
    multitask.fit_(joined, encoder, parts, random_mask(encoder))
    return joined


# --- one body, several heads -----------------------------------------------------------------


def test_the_models_share_what_the_encoder_brings_and_nothing_else(
    encoder: Encoder, parts: list[Part]
) -> None:
    joined = multitask.built(encoder, parts)
    first, second, words = (dict(model.named_parameters()) for model in joined)
    for name in encoder.weights:
        assert first[f"bert.{name}"] is second[f"bert.{name}"]
        assert f"bert.{name}" not in words or words[f"bert.{name}"] is first[f"bert.{name}"]
    assert not {"bert.pooler.dense.weight"} & words.keys()
    assert first["classifier.weight"] is not second["classifier.weight"]


def test_every_model_starts_as_it_does_alone(encoder: Encoder, parts: list[Part]) -> None:
    for model, part in zip(multitask.built(encoder, parts), parts, strict=True):
        alone = theta_0(encoder, part.prepared, head_init=part.seeds.head_init)
        here = weights_of(model)
        assert here.keys() == weights_of(alone).keys()
        assert all(torch.equal(here[name], weight) for name, weight in weights_of(alone).items())


def test_a_pooler_that_the_encoder_does_not_bring_is_part_of_each_head(
    bare_encoder: Encoder, parts: list[Part]
) -> None:
    first, second, _ = multitask.built(bare_encoder, parts)
    name = "bert.pooler.dense.weight"
    assert first.get_parameter(name) is not second.get_parameter(name)
    assert not torch.equal(first.get_parameter(name), second.get_parameter(name))


def test_every_head_takes_steps_of_its_own_rate(encoder: Encoder, parts: list[Part]) -> None:
    """The rate of the body does not change, so one step of a task moves its head alone by more."""
    moved = []
    for factor in (1.0, 3.0):
        recipe = RECIPE.model_copy(update={"epochs": 0.25, "head_rate": factor, "dropout": 0.0})
        chosen = [replace(parts[0], recipe=recipe)]
        joined = multitask.built(encoder, chosen)
        before = weights_of(joined[0])
        multitask.fit_(joined, encoder, chosen, random_mask(encoder))
        moved.append({name: w - before[name] for name, w in weights_of(joined[0]).items()})
    for name, step in moved[0].items():
        factor = 3.0 if name.startswith("classifier.") else 1.0
        torch.testing.assert_close(moved[1][name], factor * step, atol=1e-4, rtol=1e-2)


def test_heads_of_several_tasks_have_the_rates_of_their_tasks(
    encoder: Encoder, parts: list[Part]
) -> None:
    chosen = [
        replace(part, recipe=RECIPE.model_copy(update={"head_rate": rate}))
        for part, rate in zip(parts[:2], (2.0, 7.0), strict=True)
    ]
    joined = multitask.built(encoder, chosen)
    rates: dict[int, set[float]] = {}

    def note(optimizer: Optimizer, _: object, __: object) -> None:
        body = optimizer.param_groups[0]["lr"]
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                rates.setdefault(id(parameter), set()).add(round(group["lr"] / body, 9))

    hook = register_optimizer_step_pre_hook(note)
    multitask.fit_(joined, encoder, chosen, random_mask(encoder))
    hook.remove()
    for model, rate in zip(joined, (2.0, 7.0), strict=True):
        for name, parameter in model.named_parameters():
            assert rates[id(parameter)] == {rate if name.startswith("classifier.") else 1.0}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_decoder_stays_tied_to_the_shared_word_embeddings(
    encoder: Encoder, parts: list[Part], order: tuple[int, ...]
) -> None:
    chosen = [parts[number] for number in order]
    joined = multitask.built(encoder, chosen)
    multitask.fit_(joined, encoder, chosen, random_mask(encoder))
    words = joined[order.index(2)]
    shared = joined[order.index(0)].get_parameter(EMBEDDINGS)
    assert words.get_parameter("cls.predictions.decoder.weight") is shared
    assert words.get_parameter(EMBEDDINGS) is shared
    assert not torch.equal(shared, encoder.weights["embeddings.word_embeddings.weight"])


@pytest.mark.parametrize(("chosen", "hooked"), [((0, 1), True), ((0, 1, 2), False)])
def test_the_last_layer_computes_every_token_where_a_task_reads_them(
    encoder: Encoder, parts: list[Part], chosen: tuple[int, ...], hooked: bool
) -> None:
    some = [parts[number] for number in chosen]
    first, *_ = trained(encoder, some)
    last = first.get_submodule("bert.encoder.layer.1.attention.output")
    hooks = last._forward_pre_hooks
    assert (cpu.first_token in hooks.values()) == hooked


# --- whose turn it is ------------------------------------------------------------------------


def test_every_task_takes_its_own_steps_in_an_order_of_the_seeds() -> None:
    turns = multitask.mixed([5, 4, 3], [1, 2, 3])
    assert np.bincount(turns).tolist() == [5, 4, 3]
    assert turns.tolist() == multitask.mixed([5, 4, 3], [1, 2, 3]).tolist()
    assert turns.tolist() != multitask.mixed([5, 4, 3], [1, 2, 4]).tolist()
    assert turns.tolist() != sorted(turns)
    assert multitask.mixed([3], [7]).tolist() == [0, 0, 0]


def test_a_step_has_the_rate_of_its_task_at_its_place_among_all_steps(
    encoder: Encoder, parts: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    monkeypatch.setattr(update.Descent, "set_rate", lambda _, rate: rates.append(rate))
    trained(encoder, parts)
    turns = multitask.mixed([5, 4, 3], [2, 12, 22])
    peaks = np.array([1e-2, 1e-2, 2e-2])[turns]
    assert rates == pytest.approx(list(peaks * np.arange(12, 0, -1) / 12))


def test_batches_are_those_of_each_task_alone(encoder: Encoder, parts: list[Part]) -> None:
    seen: list[list[object]] = []
    joined = multitask.built(encoder, parts)
    alone = [multitask.built(encoder, [part])[0] for part in parts]
    for model in (*joined, *alone):
        inputs: list[object] = []
        seen.append(inputs)
        model.register_forward_pre_hook(
            lambda _, __, kwargs, inputs=inputs: inputs.append(kwargs["input_ids"].tolist()),
            with_kwargs=True,
        )
    mask = random_mask(encoder)
    multitask.fit_(joined, encoder, parts, mask)
    for model, part in zip(alone, parts, strict=True):
        multitask.fit_([model], encoder, [part], mask)
    assert seen[:3] == seen[3:]
    assert [len(inputs) for inputs in seen[:3]] == [5, 4, 3]


# --- training --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
def test_with_one_task_it_is_the_training_of_that_task(
    encoder: Encoder, parts: list[Part], number: int
) -> None:
    """Bit for bit in masked language modelling; else but for rounding in the clipped norm, since a
    task alone leaves out the words that it does not have."""
    part, mask = parts[number], random_mask(encoder)
    alone = theta_0(encoder, part.prepared, head_init=part.seeds.head_init)
    subnetwork = Subnetwork(prunable_parameters(alone, encoder), mask)
    expected = fit.fit_(alone, part.prepared, part.seeds, part.recipe, subnetwork)
    (joined,) = multitask.built(encoder, [part])
    losses = multitask.fit_([joined], encoder, [part], mask)
    here, there = weights_of(joined), weights_of(alone)
    if number == 2:
        assert losses == {"mlm": expected}
        assert all(torch.equal(here[name], there[name]) for name in there)
    assert losses[part.prepared.task.name] == pytest.approx(expected, abs=2e-5)
    for name, weight in there.items():
        torch.testing.assert_close(here[name], weight, rtol=0, atol=1e-6)


def test_every_head_and_the_body_move_and_dropped_weights_are_zero(
    encoder: Encoder, parts: list[Part]
) -> None:
    mask = random_mask(encoder)
    before = all_weights(multitask.built(encoder, parts))
    joined = multitask.built(encoder, parts)
    losses = multitask.fit_(joined, encoder, parts, mask)
    unmoved = {n for n, weight in all_weights(joined).items() if torch.equal(weight, before[n])}
    assert unmoved == set()
    assert {name: len(found) for name, found in losses.items()} == {
        "acceptability": 5, "similarity": 4, "mlm": 3,
    }  # fmt: skip
    weights = to_rank(multitask.prunable_parameters(joined, encoder), encoder)
    for name, kept in mask.items():
        assert (weights[name][~kept] == 0).all()
        assert (weights[name][kept] != encoder.weights[name].numpy()[kept]).mean() > 0.9


def test_a_head_moves_in_the_steps_of_its_task_alone(encoder: Encoder, parts: list[Part]) -> None:
    """Else the second head would move in the steps of the first, by moments or by weight decay."""
    moved: list[bool] = []
    joined = multitask.built(encoder, parts[:2])
    head = joined[1].get_parameter("classifier.weight")
    last = [head.detach().clone()]

    def look(*_: object) -> None:
        moved.append(not torch.equal(head, last[0]))
        last[0] = head.detach().clone()

    for model in joined:
        model.register_forward_pre_hook(look)
    multitask.fit_(joined, encoder, parts[:2], random_mask(encoder))
    turns = multitask.mixed([5, 4], [2, 12])
    assert moved[1:] == [turn == 1 for turn in turns[:-1]]


def test_a_loss_that_is_not_finite_is_that_of_its_task(encoder: Encoder, parts: list[Part]) -> None:
    joined = multitask.built(encoder, parts)
    with torch.no_grad():
        joined[1].get_parameter("classifier.bias").fill_(float("nan"))
    first = int(np.flatnonzero(multitask.mixed([5, 4, 3], [2, 12, 22]) == 1)[0])
    with pytest.raises(
        TrainingError, match=rf"task 'similarity' is nan from step {first + 1} of 12"
    ):
        multitask.fit_(joined, encoder, parts, random_mask(encoder))


# --- rounds ----------------------------------------------------------------------------------


def test_masks_have_the_exact_size_and_lie_in_each_other(
    encoder: Encoder, parts: list[Part]
) -> None:
    published = {name: weight.clone() for name, weight in encoder.weights.items()}
    first, second = multitask.chain(encoder, parts, [0.4, 0.75])
    num = masks.num_weights(first.mask)
    assert masks.num_survivors(first.mask) == masks.survivors_at(0.4, num)
    assert masks.num_survivors(second.mask) == masks.survivors_at(0.75, num)
    assert all((second.mask[name] <= first.mask[name]).all() for name in first.mask)
    assert all(torch.equal(encoder.weights[name], weight) for name, weight in published.items())


def test_a_round_prunes_what_was_trained_from_theta_0_under_the_mask_before(
    encoder: Encoder, parts: list[Part]
) -> None:
    """Step by step by hand: dense, prune, all again from theta_0 with fresh heads, prune."""
    found = list(multitask.chain(encoder, parts, [0.4, 0.75]))
    mask = masks.dense({name: encoder.weights[name].numpy() for name in encoder.prunable})
    for round_, sparsity in zip(found, (0.4, 0.75), strict=True):
        joined = multitask.built(encoder, parts)
        assert multitask.fit_(joined, encoder, parts, mask) == round_.losses
        weights = to_rank(multitask.prunable_parameters(joined, encoder), encoder)
        mask = masks.prune_by_magnitude(weights, mask, sparsity)
        assert all((mask[name] == round_.mask[name]).all() for name in mask)


def test_the_masks_are_others_than_those_of_one_task(encoder: Encoder, parts: list[Part]) -> None:
    (joint,) = multitask.chain(encoder, parts, [0.5])
    (alone,) = multitask.chain(encoder, parts[:1], [0.5])
    assert any((joint.mask[name] != alone.mask[name]).any() for name in joint.mask)


def test_without_a_classifier_the_pooler_is_ranked_by_its_pre_trained_values(
    encoder: Encoder, parts: list[Part]
) -> None:
    (made,) = multitask.chain(encoder, parts[2:], [0.5])
    assert sorted(made.mask) == sorted(encoder.prunable)
    pooler = np.abs(encoder.weights["pooler.dense.weight"].numpy())
    kept = made.mask["pooler.dense.weight"]
    assert pooler[kept].min() > pooler[~kept].max()
