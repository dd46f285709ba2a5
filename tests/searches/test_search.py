"""Searches on a trained model of two layers, and what becomes of the subnetworks they find."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import linear_parameters
from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import retraining, search
from stages.tickets.settings import ParamsError
from stages.tickets.tasks import scores
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS

LONGER = RECIPE.model_copy(update={"epochs": 20.0, "dropout": 0.0})


def theta_0(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    task = prepared.task
    return theta.build(encoder, task.kind, task.num_labels, 0.0, SEEDS.head_init)


def fine_tuned(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    model = theta_0(encoder, prepared)
    fit.fit_(model, prepared, SEEDS, LONGER)
    return model


def score_of(model: PreTrainedModel, prepared: Prepared) -> float:
    only = replace(prepared, evaluated={"train": prepared.train})
    logits = predict.predict(model, only)["train.logits"]
    return scores.stopping_score(prepared.task, logits, prepared.train.labels)


def weights_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("name", search.STRUCTURED)
def test_what_a_search_finds_keeps_its_share_of_the_score(
    encoder: Encoder, prepared: Prepared, name: str
) -> None:
    model = fine_tuned(encoder, prepared)
    before = weights_of(model)
    variant = search.STRUCTURED[name]
    assert score_of(model, prepared) == 1
    found = search.find_structure(model, prepared, prepared.train, variant, 0.9, 0.3)
    after = weights_of(model)
    assert all(torch.equal(before[key], after[key]) for key in before)
    passed = [step for step in found.steps if step.accepted]
    assert all(step.score >= found.threshold == 0.9 * found.dense_score for step in passed)
    last = passed[-1].candidate if passed else structure.whole(2, 2)
    assert (found.structure.heads == last.heads).all()
    assert (found.structure.mlps == last.mlps).all()
    assert found.structure.heads.all() or "mlps" not in variant.phases or len(variant.phases) > 1
    if variant.half is None:
        assert found.dense_score == score_of(model, prepared)
        cut = retraining.by_structure(found.structure)
        cut(model)
        if name != "published":  # where a layer without heads keeps a bias
            assert score_of(model, prepared) >= found.threshold


def test_the_magnitude_search_leaves_the_model_as_it_was(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = fine_tuned(encoder, prepared)
    before = weights_of(model)
    found = search.find_mask(model, prepared, prepared.train, 0.9, 0.2)
    after = weights_of(model)
    assert all(torch.equal(before[key], after[key]) for key in before)
    retraining.by_mask(found.mask)(model)
    assert score_of(model, prepared) >= found.threshold
    assert masks.sparsity(found.mask) > 0


def test_weights_and_biases_of_all_layers_are_pruned_by_magnitude(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Six matrices and their biases in two layers of width 16, MLPs of 32; no pooler, no LayerNorm."""
    found = linear_parameters(theta_0(encoder, prepared))
    assert len(found) == 24
    assert sum(p.numel() for p in found.values()) == 2 * (4 * 16 * 17 + 16 * 33 + 32 * 17)
    assert not any("LayerNorm" in name or "pooler" in name for name in found)


def test_the_examples_of_a_search(prepared: Prepared) -> None:
    assert search.examples_for(prepared, "validation") is prepared.evaluated["validation"]
    part = search.examples_for(prepared, "train")
    assert len(part) == len(prepared.evaluated["validation"]) == 5
    assert (part.ids == search.examples_for(prepared, "train").ids).all()


def test_halves_are_halves(prepared: Prepared) -> None:
    split = tasks.take(prepared.train, np.arange(7))
    first, second = search.halves(split, "mood")
    assert (len(first), len(second)) == (4, 3)
    both = np.concatenate([first.ids, second.ids])
    assert np.sort(both).tolist() == np.sort(split.ids).tolist()
    with pytest.raises(ParamsError, match="a search on 'mood' cannot halve its 1 example"):
        search.halves(tasks.take(split, np.arange(1)), "mood")


KEPT = Structure(np.array([[True, False], [False, False]]), np.array([False, True]))


def test_retraining_a_structure(encoder: Encoder, prepared: Prepared) -> None:
    tuned, fresh = fine_tuned(encoder, prepared), theta_0(encoder, prepared)
    both = retraining.retrain(tuned, fresh, retraining.by_structure(KEPT), prepared, SEEDS, LONGER)
    assert both.pruned["validation.logits"].shape == (5, 2)
    assert both.retrained.losses[-1] < both.retrained.losses[0]
    assert (
        both.pruned["validation.logits"] != both.retrained.predictions["validation.logits"]
    ).any()
    sizes = [sum(p.numel() for p in model.parameters()) for model in (tuned, fresh)]
    assert sizes[0] == sizes[1] < sum(p.numel() for p in theta_0(encoder, prepared).parameters())


def test_retraining_a_mask_keeps_zeros(encoder: Encoder, prepared: Prepared) -> None:
    live = linear_parameters(theta_0(encoder, prepared))
    drawn = np.random.default_rng(0)
    mask = {name: drawn.random(tuple(p.shape)) < 0.5 for name, p in live.items()}
    tuned, fresh = fine_tuned(encoder, prepared), theta_0(encoder, prepared)
    retraining.retrain(tuned, fresh, retraining.by_mask(mask), prepared, SEEDS, LONGER)
    for model in (tuned, fresh):
        for name, parameter in linear_parameters(model).items():
            weights = parameter.detach().numpy()
            assert (weights[~mask[name]] == 0).all()
            assert (weights[mask[name]] != 0).any()


def test_dense_retraining_is_the_dense_run(encoder: Encoder, prepared: Prepared) -> None:
    """Same classifier, same order of the data."""
    whole = retraining.by_structure(structure.whole(2, 2))
    dense = fine_tuned(encoder, prepared)
    fresh = theta_0(encoder, prepared)
    retraining.retrain(fine_tuned(encoder, prepared), fresh, whole, prepared, SEEDS, LONGER)
    ones, others = weights_of(dense), weights_of(fresh)
    assert all(torch.equal(ones[name], others[name]) for name in ones)
