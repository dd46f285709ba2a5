"""Training a subnetwork from given weights: how long, what is left, what comes out."""

import numpy as np
import pytest

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit
from stages.tickets.training import subnetwork as subnetworks
from stages.tickets.training.update import Subnetwork
from tests.conftest import RECIPE, SEEDS


def ticket(encoder: Encoder) -> Mask:
    weights = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    return masks.prune_by_magnitude(weights, masks.dense(weights), 0.6)


@pytest.mark.parametrize(("percent", "num_steps"), [(0, 8), (50, 4), (25, 6), (99, 0)])
def test_what_a_percentage_leaves_of_the_training_is_trained(
    encoder: Encoder, prepared: Prepared, percent: int, num_steps: int
) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 2})
    model = theta.build(encoder, "classification", 2, 0.1, 1)
    run = subnetworks.train_(model, encoder, prepared, ticket(encoder), SEEDS, recipe, percent)
    assert len(run.losses) == num_steps


def test_the_subnetwork_is_as_sparse_as_its_mask_and_predicts(
    encoder: Encoder, prepared: Prepared
) -> None:
    mask = ticket(encoder)
    model = theta.build(encoder, "classification", 2, 0.1, 1)
    run = subnetworks.train_(model, encoder, prepared, mask, SEEDS, RECIPE)
    trained = prunable_weights(model, encoder)
    for name, kept in mask.items():
        np.testing.assert_array_equal(trained[name] != 0, kept)
    assert masks.sparsity(mask) == pytest.approx(0.6, abs=1e-4)
    assert run.predictions["validation.logits"].shape == (len(prepared.evaluated["validation"]), 2)


def test_a_matrix_that_the_model_lacks_is_passed_over(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    """The pooler, which a masked language model does not have."""
    mask = ticket(encoder)
    model = theta.build(encoder, "mlm", 0, 0.1, 1)
    run = subnetworks.train_(model, encoder, prepared_words, mask, SEEDS, RECIPE)
    assert set(run.predictions) == {"validation.tokens", "validation.losses"}
    ranked = prunable_weights(model, encoder)
    np.testing.assert_array_equal(
        ranked["pooler.dense.weight"], encoder.weights["pooler.dense.weight"].numpy()
    )
    assert ranked.keys() == mask.keys()


def test_sparse_theta_i_is_of_the_training_of_the_subnetwork(
    encoder: Encoder, prepared: Prepared
) -> None:
    """In the authors' code (Chen et al. 2020); in their Algorithm 1 it is of the dense training."""
    recipe = RECIPE.model_copy(update={"epochs": 2})
    mask = ticket(encoder)
    live, model = (theta.build(encoder, "classification", 2, 0.1, 1) for _ in range(2))
    seen: dict[str, np.ndarray] = {}
    subnetwork = Subnetwork(prunable_parameters(live, encoder), mask)

    def keep(_: int) -> None:
        seen.update(prunable_weights(live, encoder))

    fit.fit_(live, prepared, SEEDS, recipe, subnetwork, after_step=keep, at=[4])
    subnetworks.to_sparse_theta_(model, encoder, prepared, mask, SEEDS, recipe, 50)
    found = prunable_weights(model, encoder)
    for name, kept in mask.items():
        np.testing.assert_array_equal(found[name], seen[name])
        assert (found[name][~kept] == 0).all()
        assert (found[name][kept] != encoder.weights[name].numpy()[kept]).any()
    run = subnetworks.train_(model, encoder, prepared, mask, SEEDS, recipe, 50)
    assert len(run.losses) == 4


def test_a_dense_mask_changes_nothing_at_the_start(encoder: Encoder, prepared: Prepared) -> None:
    weights = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    losses = [
        subnetworks.train_(
            theta.build(encoder, "classification", 2, 0.1, 1),
            encoder,
            prepared,
            mask,
            SEEDS,
            RECIPE,
        ).losses
        for mask in (masks.dense(weights), ticket(encoder))
    ]
    assert losses[0][0] != losses[1][0]
