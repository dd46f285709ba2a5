"""Searches with nothing to keep, nothing to drop, or next to nothing to score on."""

import json
from itertools import product

import numpy as np
import pytest
import torch

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning import masks, searching, structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import importance, retraining, search
from stages.tickets.settings import UserError
from stages.tickets.statistics import searched
from stages.tickets.statistics.survival import by_place
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from tests.conftest import RECIPE, SEEDS

VARIANTS: dict[str, tuple[searching.Phase, ...]] = {
    "joint": ("joint", "heads", "mlps"), "heads": ("heads",), "mlps": ("mlps",),
}  # fmt: skip
MATRICES = "query key value".split()


def weights_of(num_layers: int, num_heads: int) -> masks.Weights:
    size, draw = 4 * num_heads, np.random.default_rng(0)
    names = [f"attention.self.{name}" for name in MATRICES]
    names += ["attention.output.dense", "intermediate.dense", "output.dense"]
    return {
        f"encoder.layer.{layer}.{name}.{kind}": draw.normal(size=shape).astype(np.float32)
        for layer, name in product(range(num_layers), names)
        for kind, shape in {"weight": (size, size), "bias": (size,)}.items()
    }


@pytest.mark.parametrize("left", ["dense", "nothing"])
@pytest.mark.parametrize("dense_score", [-0.2, 0.0, 1.0])
@pytest.mark.parametrize(("num_layers", "num_heads"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_a_search_that_keeps_all_or_nothing_gets_every_table(
    num_layers, num_heads, dense_score, left
):
    start = structure.whole(num_layers, num_heads)
    everything = num_layers * (num_heads + 1)
    weights = weights_of(num_layers, num_heads)

    def score(kept: Structure) -> float:
        dense = kept.num_heads + kept.num_mlps == everything
        return dense_score if dense or left == "nothing" else 0.0

    def score_of_mask(mask: masks.Mask) -> float:
        return dense_score if masks.sparsity(mask) == 0 or left == "nothing" else 0.0

    def ranking(_: Structure) -> searching.Scored:
        return np.zeros((num_layers, num_heads)), np.zeros(num_layers)

    structures, traces = {}, {}
    for name, phases in VARIANTS.items():
        result = searching.search(score, ranking, start, phases)
        structures[name] = {("mine", 1): result.structure}
        traces[name] = {("mine", 1): result.record()}
        json.dumps(result.record(), allow_nan=False)
        if dense_score <= 0 or left == "dense":
            assert result.structure.num_heads + result.structure.num_mlps == everything
    joint = structures["joint"]["mine", 1]
    if dense_score > 0 and left == "nothing":
        assert joint.num_heads == 0 or joint.num_mlps == 0
    by_magnitude = searching.search_by_magnitude(score_of_mask, weights)
    traces["magnitude"] = {("mine", 1): by_magnitude.record()}
    assert (masks.sparsity(by_magnitude.mask) > 0) == (dense_score > 0 and left == "nothing")
    for name in ("super", "super-random", "super-bad"):
        assert structure.named_super(name, {1: joint}, "mine", 0).num_heads == joint.num_heads
    for name in structure.BY_NAME:
        drawn = structure.named(name, joint, 0)
        assert drawn.heads.shape == joint.heads.shape
    means = by_place({name: abs(weight) for name, weight in weights.items()}, num_heads)
    magnitudes = {("mine", 1): {"heads": means.heads, "mlps": means.mlps}}
    kept = {("mine", 1): searched.kept_weights(by_magnitude.mask, num_heads)}
    tables = searched.tables(structures, kept, traces, magnitudes, 20)
    assert {name for name, rows in tables.items() if list(rows)} >= {"searched", "places"}


NOTHING = Structure(np.zeros((2, 2), dtype=np.bool_), np.zeros(2, dtype=np.bool_))


@pytest.mark.parametrize("rule", ["correct", "published"])
@pytest.mark.parametrize("number", [1, 2])
def test_importance_in_nothing_and_on_one_example_is_a_number(
    encoder: Encoder, prepared: Prepared, rule, number
) -> None:
    model = theta.build(encoder, "classification", 2, 0.0, 0)
    split = tasks.take(prepared.train, np.arange(number))
    measured = importance.measure(model, prepared, split, NOTHING, rule)
    assert np.isfinite(measured.heads).all()
    assert np.isfinite(measured.mlps).all()


def test_a_subnetwork_of_nothing_trains_what_lies_around_the_layers(
    encoder: Encoder, prepared: Prepared
) -> None:
    tuned, fresh = (theta.build(encoder, "classification", 2, 0.0, 0) for _ in range(2))
    cut = retraining.by_structure(NOTHING)
    both = retraining.retrain(tuned, fresh, cut, prepared, SEEDS, RECIPE)
    assert np.isfinite(both.pruned["validation.logits"]).all()
    assert np.isfinite(both.retrained.predictions["validation.logits"]).all()


@pytest.mark.parametrize("variant", ["joint", "heads", "mlps", "published"])
def test_a_search_on_one_example_ends(encoder: Encoder, prepared: Prepared, variant) -> None:
    model = theta.build(encoder, "classification", 2, 0.0, 0)
    split = tasks.take(prepared.train, np.arange(1))
    result = search.find_structure(model, prepared, split, search.STRUCTURED[variant], 0.9, 0.1)
    json.dumps(result.record(), allow_nan=False)


def test_a_regression_on_one_example_has_no_score_to_keep(
    encoder: Encoder, prepared_pairs: Prepared
) -> None:
    model = theta.build(encoder, "regression", 1, 0.0, 0)
    split = tasks.take(prepared_pairs.train, np.arange(1))
    result = search.find_mask(model, prepared_pairs, split, 0.9, 0.1)
    assert (result.dense_score, result.steps) == (0, ())


def test_a_score_that_is_no_number_is_a_sentence(
    encoder: Encoder, prepared_pairs: Prepared
) -> None:
    model = theta.build(encoder, "regression", 1, 0.0, 0)
    with torch.no_grad():
        model.get_submodule("classifier").get_parameter("bias").fill_(torch.nan)
    with pytest.raises(UserError, match=r"similarity.*nan"):
        search.find_mask(model, prepared_pairs, prepared_pairs.train, 0.9, 0.1)
