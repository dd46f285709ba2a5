"""Masks before any training: exact, nested, reproducible, and each by the score that its name says."""

from collections.abc import Mapping
from typing import get_args

import numpy as np
import pytest
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from stages.tickets.at_start import scores
from stages.tickets.at_start.linear import KEY, QUERY, VALUE, Attention
from stages.tickets.at_start.scores import Name, Rule, Untrained
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.steps import Step, Steps, survivors_after
from stages.tickets.settings import UserError
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from tests.conftest import SEEDS
from tests.encoder import checkpoints

NAMES = get_args(Name)
OTHER = Seeds(head_init=1, data_order=9, dropout=9, mask=9)
TEN = Steps(10.0, 4, "exponential", "global")


def theta_0(encoder: Encoder, prepared: Prepared, head: int = 1) -> PreTrainedModel:
    task = prepared.task
    return encoders.build(encoder, task.kind, task.num_labels, 0.1, head)


def taken(
    encoder: Encoder,
    prepared: Prepared,
    name: Name,
    how: Steps = TEN,
    seeds: Seeds = SEEDS,
    qk: Attention = "third",
    head: int = 1,
) -> list[Step]:
    start = Untrained(theta_0(encoder, prepared, head), encoder, prepared, seeds, 0.3)
    return list(scores.prune(start, Rule(name, 8, 200.0, qk), how))


def same(first: Mask, second: Mask) -> bool:
    return all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("name", NAMES)
def test_every_score_prunes_exactly_and_alike_every_time(
    encoder: Encoder, prepared: Prepared, name: Name
) -> None:
    steps = taken(encoder, prepared, name)
    size = masks.num_weights(steps[0].before)
    for number, step in enumerate(steps, 1):
        assert masks.num_survivors(step.after) == survivors_after(number, TEN, size)
        assert all((step.after[n] <= step.before[n]).all() for n in step.before)
    assert same(steps[-1].after, taken(encoder, prepared, name)[-1].after)


def test_the_scores_are_six_different_ones(encoder: Encoder, prepared: Prepared) -> None:
    last = {name: taken(encoder, prepared, name)[-1].after for name in NAMES}
    assert not any(same(last[a], last[b]) for a in NAMES for b in NAMES if a < b)


def test_magnitude_is_one_shot_pruning_of_theta_0(encoder: Encoder, prepared: Prepared) -> None:
    (step,) = taken(encoder, prepared, "magnitude", Steps(2.5, 1, "exponential", "global"))
    weights = prunable_weights(theta_0(encoder, prepared), encoder)
    assert same(step.after, masks.prune_by_magnitude(weights, masks.dense(weights), 0.6))


@pytest.mark.parametrize("name", ["magnitude", "synflow", "synflow-without-residual"])
def test_scores_without_data_see_neither_examples_nor_classifier_nor_noise(
    encoder: Encoder, prepared: Prepared, prepared_pairs: Prepared, name: Name
) -> None:
    mask = taken(encoder, prepared, name)[-1].after
    assert same(mask, taken(encoder, prepared_pairs, name, seeds=OTHER, head=2)[-1].after)


@pytest.mark.parametrize("name", ["random", "snip", "grasp"])
def test_other_scores_depend_on_their_source(
    encoder: Encoder, prepared: Prepared, name: Name
) -> None:
    mask = taken(encoder, prepared, name)[-1].after
    other = taken(encoder, prepared, name, seeds=OTHER if name == "random" else SEEDS, head=2)
    assert not same(mask, other[-1].after)


def sizes_of_attention(mask: Mask) -> Mapping[str, list[int]]:
    layers = ("encoder.layer.0.", "encoder.layer.1.")
    return {n: [int(mask[la + n].sum()) for la in layers] for n in (QUERY, KEY, VALUE)}


def test_excluded_queries_and_keys_are_as_many_as_values_and_the_largest(
    encoder: Encoder, prepared: Prepared
) -> None:
    steps = taken(encoder, prepared, "synflow", qk="exclude")
    size = masks.num_weights(steps[0].before)
    weights = prunable_weights(theta_0(encoder, prepared), encoder)
    for number, step in enumerate(steps, 1):
        assert masks.num_survivors(step.after) == survivors_after(number, TEN, size)
        kept = sizes_of_attention(step.after)
        assert np.abs(np.subtract(kept[QUERY], kept[VALUE])).max() <= 1
        assert np.abs(np.subtract(kept[KEY], kept[VALUE])).max() <= 1
        for layer in ("encoder.layer.0.", "encoder.layer.1."):
            for name in (layer + QUERY, layer + KEY):
                stays = step.after[name]
                assert np.abs(weights[name][stays]).min() > np.abs(weights[name][~stays]).max()
    third = sizes_of_attention(taken(encoder, prepared, "synflow")[-1].after)
    assert np.abs(np.subtract(third[QUERY], third[VALUE])).max() > 1


@pytest.mark.parametrize(("qk", "weights_each"), [("exclude", 1), ("third", 16)])
def test_without_residual_connections_no_matrix_collapses(
    encoder: Encoder, prepared: Prepared, qk: Attention, weights_each: int
) -> None:
    """Queries, keys and values are a cut together, so a weight for each is too few for their thirds.

    With residual connections matrices collapse, since the identity is a path of its own.
    """
    weights = prunable_weights(theta_0(encoder, prepared), encoder)
    size = masks.num_weights(masks.dense(weights))
    to_the_end = Steps(size / (weights_each * len(weights)), 100, "exponential", "global")
    mask = taken(encoder, prepared, "synflow-without-residual", to_the_end, qk=qk)[-1].after
    kept = [int(of_matrix.sum()) for of_matrix in mask.values()]
    assert min(kept) >= 1
    assert sum(kept) == weights_each * len(weights)
    if qk == "exclude":
        residual = taken(encoder, prepared, "synflow", to_the_end, qk=qk)[-1].after
        assert not all(of_matrix.any() for of_matrix in residual.values())


def test_a_compression_that_leaves_nothing_is_refused(encoder: Encoder, prepared: Prepared) -> None:
    much = Steps(1e6, 4, "exponential", "global")
    with pytest.raises(UserError, match=r"rule\.compressions: the compression is 1000000\.0"):
        taken(encoder, prepared, "random", much)


def test_a_model_without_flow_is_refused_for_synflow_alone(prepared: Prepared) -> None:
    config = checkpoints.config_of("albert", vocab_size=prepared.vocabulary.size)
    body = AutoModelForSequenceClassification.from_config(config).base_model
    parameters = {n: p.detach() for n, p in body.named_parameters()}
    albert = Encoder(config, parameters, {}, encoders.prunable_names(body))
    (step,) = taken(albert, prepared, "snip", Steps(2.0, 1, "exponential", "global"))
    assert masks.sparsity(step.after) == pytest.approx(0.5, abs=1e-3)
    with pytest.raises(UserError, match="'albert'"):
        taken(albert, prepared, "synflow")
