"""Rounds of pruning: what is trained, what is dropped, and from where the next one starts."""

from collections.abc import Callable

import numpy as np
import pytest
from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import rounds, subnetwork
from tests.conftest import RECIPE, SEEDS

Build = Callable[[], PreTrainedModel]


@pytest.fixture
def theta_0(encoder: Encoder) -> Build:
    return lambda: theta.build(encoder, "classification", 2, 0.1, SEEDS.head_init)


def dense(encoder: Encoder) -> Mask:
    return masks.dense({name: encoder.weights[name].numpy() for name in encoder.prunable})


def smallest_kept_and_largest_dropped(
    weights: Weights, mask: Mask, pruned: Mask
) -> tuple[float, float]:
    magnitudes = {name: np.abs(weights[name]) for name in mask}
    kept = min(float(magnitudes[name][pruned[name]].min(initial=np.inf)) for name in mask)
    dropped = max(
        float(magnitudes[name][mask[name] & ~pruned[name]].max(initial=0)) for name in mask
    )
    return kept, dropped


def test_a_round_trains_its_subnetwork_from_theta_i_and_drops_the_smallest(
    encoder: Encoder, prepared: Prepared, theta_0: Build
) -> None:
    mask = masks.random_like(
        masks.prune_by_magnitude(prunable_weights(theta_0(), encoder), dense(encoder), 0.4),
        np.random.default_rng(0),
    )
    model, again = theta_0(), theta_0()
    made = rounds.prune_round(model, encoder, prepared, mask, 0.7, SEEDS, RECIPE)
    run = subnetwork.train_(again, encoder, prepared, mask, SEEDS, RECIPE)
    assert made.run is not None
    assert made.run.losses == run.losses
    trained = prunable_weights(model, encoder)
    for name, weights in prunable_weights(again, encoder).items():
        np.testing.assert_array_equal(trained[name], weights)
        assert (made.mask[name] <= mask[name]).all()
    assert masks.num_survivors(made.mask) == masks.survivors_at(0.7, masks.num_weights(mask))
    kept, dropped = smallest_kept_and_largest_dropped(trained, mask, made.mask)
    assert kept >= dropped > 0
    assert made.movement["trained"] == masks.num_survivors(mask)
    assert made.movement["steps"] == len(run.losses) == 5
    assert made.movement["largest"] > 0  # theta_i was read before the training moved it


def test_a_subnetwork_that_was_trained_before_is_pruned_alone(
    encoder: Encoder, prepared: Prepared, theta_0: Build
) -> None:
    """The dense training is that of round 0, so both ways lead to the same mask."""
    trained, mask = theta_0(), dense(encoder)
    subnetwork.train_(trained, encoder, prepared, None, SEEDS, RECIPE)
    short = rounds.prune_round(
        theta_0(), encoder, prepared, mask, 0.5, SEEDS, RECIPE, trained=trained
    )
    long = rounds.prune_round(theta_0(), encoder, prepared, mask, 0.5, SEEDS, RECIPE)
    assert short.run is None
    assert short.movement == long.movement
    assert all((short.mask[name] == long.mask[name]).all() for name in mask)


def test_a_rewound_round_has_the_steps_that_are_left(
    encoder: Encoder, prepared: Prepared, theta_0: Build
) -> None:
    made = rounds.prune_round(
        theta_0(), encoder, prepared, dense(encoder), 0.5, SEEDS, RECIPE, percent=60
    )
    assert made.run is not None
    assert made.movement["steps"] == len(made.run.losses) == 2


def test_standard_pruning_goes_on_from_where_the_last_training_ended(
    encoder: Encoder, prepared: Prepared, theta_0: Build
) -> None:
    model, again, mask = theta_0(), theta_0(), dense(encoder)
    for pruned, run in rounds.standard(model, encoder, prepared, [0.3, 0.6], SEEDS, RECIPE):
        expected = masks.prune_by_magnitude(
            prunable_weights(again, encoder), mask, masks.sparsity(pruned)
        )
        assert all((pruned[name] == expected[name]).all() for name in mask)
        mask = pruned
        assert run.losses == subnetwork.train_(again, encoder, prepared, mask, SEEDS, RECIPE).losses
    weights = prunable_weights(model, encoder)
    assert sum(np.count_nonzero(weights[name]) for name in mask) == masks.num_survivors(mask)
    assert masks.sparsity(mask) == pytest.approx(0.6, abs=1e-3)
