"""What a ticket is compared with: exactly its size, and else only what the control's name says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets import settings
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import controls, fit
from stages.tickets.training.controls import Models, Start
from stages.tickets.training.update import Subnetwork
from tests.conftest import RECIPE, SEEDS
from tests.training.test_fit import random_mask, theta_0, weights_of

ROUND = 2
OTHER_MASKS = ("random", "random-by-matrix", "one-shot", "one-shot-fine-tuned")
OTHER_WEIGHTS = (
    "reinitialised", "reinitialised-layers", "shuffled-within-matrix", "shuffled-within-layer",
    "shuffled-layers",
)  # fmt: skip


def fine_tuned(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    model = theta_0(encoder, prepared)
    recipe = RECIPE.model_copy(update={"learning_rate": 1e-2})
    fit.fit_(model, prepared, SEEDS, recipe)
    return model


def control(
    kind: str, encoder: Encoder, prepared: Prepared, seeds: object = SEEDS, number: int = ROUND
) -> Start:
    task = prepared.task
    models = Models(
        unpretrained=lambda seed: encoders.build(
            encoder, task.kind, task.num_labels, 0.0, seed, from_scratch=True
        ),
        fine_tuned=lambda: fine_tuned(encoder, prepared),
    )
    start = Start(theta_0(encoder, prepared), random_mask(encoder, 0.7))
    return controls.controlled(kind, start, encoder, models, seeds, number)  # type: ignore[arg-type]


def different(first: Mask, second: Mask) -> int:
    return sum(int((first[name] != second[name]).sum()) for name in first)


def moved(start: Start, encoder: Encoder, prepared: Prepared) -> set[str]:
    """Names of the parameters that are not those of theta_0."""
    before = weights_of(theta_0(encoder, prepared))
    return {n for n, w in weights_of(start.model).items() if not torch.equal(w, before[n])}


def test_every_control_of_params_is_known(encoder: Encoder, prepared: Prepared) -> None:
    assert sorted((*OTHER_MASKS, *OTHER_WEIGHTS)) == sorted(
        (*settings.DRAWN_CONTROLS, *settings.OTHER_CONTROLS)
    )
    ticket = control("ticket", encoder, prepared)
    assert moved(ticket, encoder, prepared) == set()
    assert different(ticket.mask, random_mask(encoder, 0.7)) == 0


@pytest.mark.parametrize("kind", [*OTHER_MASKS, "random-2"])
def test_other_masks_are_of_the_ticket_s_size_on_its_weights(
    encoder: Encoder, prepared: Prepared, kind: str
) -> None:
    ticket = random_mask(encoder, 0.7)
    found = control(kind, encoder, prepared)
    assert masks.num_survivors(found.mask) == masks.num_survivors(ticket)
    assert different(found.mask, ticket) > 0
    assert moved(found, encoder, prepared) == set()


def test_the_first_random_mask_is_that_of_its_round(encoder: Encoder, prepared: Prepared) -> None:
    ticket = random_mask(encoder, 0.7)
    expected = masks.random_like(ticket, SEEDS.mask_generator(ROUND))
    assert different(control("random", encoder, prepared).mask, expected) == 0
    assert different(control("random-2", encoder, prepared).mask, expected) > 0
    assert different(control("random", encoder, prepared, number=1).mask, expected) > 0


def test_one_shot_masks_are_those_of_their_weights(encoder: Encoder, prepared: Prepared) -> None:
    ticket = random_mask(encoder, 0.7)
    theta = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    trained = prunable_weights(fine_tuned(encoder, prepared), encoder)
    found = {kind: control(kind, encoder, prepared).mask for kind in OTHER_MASKS[2:]}
    for weights, mask in zip((theta, trained), found.values(), strict=True):
        kept = np.concatenate([np.abs(weights[name])[mask[name]] for name in mask])
        dropped = np.concatenate([np.abs(weights[name])[~mask[name]] for name in mask])
        assert kept.min() >= dropped.max()
        assert len(kept) == masks.num_survivors(ticket)
    assert different(*found.values()) > 0


def prunable(encoder: Encoder) -> set[str]:
    return {f"bert.{name}" for name in encoder.prunable}


@pytest.mark.parametrize("kind", OTHER_WEIGHTS)
def test_other_weights_stand_under_the_ticket_s_mask_and_classifier(
    encoder: Encoder, prepared: Prepared, kind: str
) -> None:
    found = control(kind, encoder, prepared)
    assert different(found.mask, random_mask(encoder, 0.7)) == 0
    changed = moved(found, encoder, prepared)
    in_layers = {
        f"bert.{name}" for name in encoder.weights if name.startswith(("encoder.", "pooler."))
    }
    embeddings = {f"bert.{name}" for name in encoder.weights if name.startswith("embeddings.")}
    assert not any(name.startswith("classifier.") for name in changed)
    if kind.startswith("shuffled"):
        assert changed <= prunable(encoder)
        assert len(changed) >= len(prunable(encoder)) - 1  # layers leave the pooler
    else:
        assert changed <= in_layers | (embeddings if kind == "reinitialised" else set())
        assert prunable(encoder) <= changed
        assert ("bert.embeddings.word_embeddings.weight" in changed) == (kind == "reinitialised")


def test_reinitialised_weights_are_those_of_no_pre_training(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Normal with the encoder's standard deviation; LayerNorm 1 and 0, biases 0."""
    weights: dict[str, Tensor] = weights_of(control("reinitialised", encoder, prepared).model)
    matrices = torch.cat([weights[name].flatten() for name in sorted(prunable(encoder))])
    assert float(matrices.std()) == pytest.approx(encoder.config.initializer_range, rel=0.05)
    assert float(matrices.mean()) == pytest.approx(0, abs=5e-3)
    assert all((w == 0).all() for name, w in weights.items() if name.endswith("query.bias"))


def test_a_language_model_s_head_is_drawn_anew_with_its_encoder(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    heads = {"cls.predictions.transform.dense.weight"}
    changed = moved(control("reinitialised", encoder, prepared_words), encoder, prepared_words)
    assert heads <= changed
    layers = control("reinitialised-layers", encoder, prepared_words)
    assert not heads & moved(layers, encoder, prepared_words)


@pytest.mark.parametrize("kind", settings.DRAWN_CONTROLS)
def test_draws_follow_the_mask_seed_and_nothing_else(
    encoder: Encoder, prepared: Prepared, kind: str
) -> None:
    def drawn(name: str, **changes: int) -> tuple[Mask, dict[str, Tensor]]:
        found = control(name, encoder, prepared, replace(SEEDS, **changes))
        return found.mask, weights_of(found.model)

    def same(first: tuple[Mask, dict[str, Tensor]], second: tuple[Mask, dict[str, Tensor]]) -> bool:
        weights = all(torch.equal(first[1][name], second[1][name]) for name in first[1])
        return weights and different(first[0], second[0]) == 0

    first = drawn(kind)
    assert same(first, drawn(kind, data_order=99, dropout=99, head_init=99))
    two_layers = kind == "shuffled-layers"  # which have one other order only
    assert same(first, drawn(kind, mask=99)) == two_layers
    assert same(first, drawn(f"{kind}-2")) == two_layers


@pytest.mark.parametrize("kind", ["ticket", *OTHER_MASKS, *OTHER_WEIGHTS])
def test_after_training_sparsity_is_the_ticket_s(
    encoder: Encoder, prepared: Prepared, kind: str
) -> None:
    start = control(kind, encoder, prepared)
    live = prunable_parameters(start.model, encoder)
    fit.fit_(start.model, prepared, SEEDS, RECIPE, Subnetwork(live, start.mask))
    trained = prunable_weights(start.model, encoder)
    assert sum(np.count_nonzero(w) for w in trained.values()) == masks.num_survivors(
        random_mask(encoder, 0.7)
    )
