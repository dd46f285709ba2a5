"""Paths between copies, recomputed with plain torch, and traps on the way to them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.settings import Train
from stages.tickets.statistics import along, barriers
from stages.tickets.statistics.along import Examples
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import copies, endpoints, subnetwork
from tests.conftest import RECIPE, SEEDS

State = dict[str, torch.Tensor]


def plain_logits(encoder: Encoder, state: State, prepared: Prepared) -> np.ndarray:
    """Predict validation one sentence at a time with transformers alone, without dropout."""
    model = theta.build(encoder, "classification", 2, 0.5, 9)
    model.load_state_dict(state)
    model.eval()
    split, rows = prepared.evaluated["validation"], []
    for start, stop in zip(split.starts[:-1], split.starts[1:], strict=True):
        with torch.no_grad():
            rows.append(
                model(input_ids=torch.from_numpy(split.ids[start:stop]).long()[None]).logits[0]
            )
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("unlike_masks", [False, True])
def test_a_barrier_recomputed_from_trained_weights_with_plain_torch(
    encoder: Encoder, prepared: Prepared, unlike_masks: bool
) -> None:
    """Masks, the line, dropout off, predictions, loss and both barriers, without the project's code."""
    weights = prunable_weights(theta.build(encoder, "classification", 2, 0.1, 1), encoder)
    ticket = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    other = masks.random_like(ticket, np.random.default_rng(0)) if unlike_masks else ticket
    ends, states = [], []
    for mask, noise in ((ticket, SEEDS), (other, copies.second(SEEDS, "order", "toy", 1))):
        start, model = (
            theta.build(encoder, "classification", 2, 0.1, SEEDS.head_init) for _ in range(2)
        )
        subnetwork.train_(model, encoder, prepared, mask, noise, RECIPE)
        with torch.no_grad():  # as a careless training that lets dropped weights drift
            for name, kept in mask.items():
                parameter = model.get_parameter(f"bert.{name}")
                parameter.add_(torch.from_numpy(~kept).float() * 0.1)
        ends.append(endpoints.end(start, mask, model, encoder))
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        for name, kept in mask.items():
            state[f"bert.{name}"] *= torch.from_numpy(kept)
        states.append(state)
    model = theta.build(encoder, "classification", 2, 0.1, 5)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    path = copies.connect(
        model, encoder, prepared, (ends[0], ends[1]), 5, 6, unlike_heads=False, masked=0.2
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    losses = []
    labels = prepared.evaluated["validation"].labels
    for point, alpha in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
        between = {
            name: (1 - alpha) * states[0][name] + alpha * states[1][name]
            if states[0][name].is_floating_point()
            else states[0][name]
            for name in states[0]
        }
        held = sum(int(np.count_nonzero(between[f"bert.{name}"].numpy())) for name in ticket)
        if alpha == 0.5:
            number = sum(int((ticket[name] | other[name]).sum()) for name in ticket)
            assert held == number
            assert path.geometry["masks"]["union"] == pytest.approx(
                number / masks.num_weights(ticket)
            )
        alone = plain_logits(encoder, between, prepared)
        np.testing.assert_allclose(
            path.arrays["validation.logits"][point], alone, rtol=1e-3, atol=1e-4
        )
        rows = nn.functional.cross_entropy(
            torch.from_numpy(alone), torch.from_numpy(labels), reduction="none"
        )
        losses.append(float(rows.mean()))
    examples = Examples("validation", prepared.evaluated["validation"], None)
    walked = along.path_of(path.arrays, "validation", "own")
    curve = along.values(prepared.task, examples, walked, "loss").mean(axis=1)
    np.testing.assert_allclose(curve, losses, rtol=1e-3, atol=1e-4)
    above = [loss - (losses[0] * (4 - i) + losses[4] * i) / 4 for i, loss in enumerate(losses)]
    assert float(barriers.chord_barrier(curve)) == pytest.approx(max(0, *above), abs=1e-3)
    assert float(barriers.error_barrier(curve)) == pytest.approx(
        max(losses) - (losses[0] + losses[4]) / 2, abs=1e-3
    )


def test_a_refitted_head_does_not_see_which_head_a_network_has(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Opposite heads on one encoder build a barrier, which a head fitted anew does not have."""
    model = theta.build(encoder, "classification", 2, 0.0, 1)
    subnetwork.train_(model, encoder, prepared, None, SEEDS, replace_epochs(6))
    first = endpoints.end(model, None, model, encoder)
    swapped = dict(first.weights)
    for name in ("classifier.weight", "classifier.bias"):
        swapped[name] = first.weights[name].flip(0)
    second = replace(first, weights=swapped)
    path = copies.connect(model, encoder, prepared, (first, second), 3, 8, True, 0.2)
    own, refit = path.arrays["validation.logits"], path.arrays["validation.refit"]
    np.testing.assert_allclose(own[0], own[2][:, ::-1], rtol=1e-5)
    assert np.ptp(own[1], axis=1).max() < 1e-5  # the mean of opposite heads knows nothing
    assert np.abs(own[0][:, 0] - own[0][:, 1]).max() > 0.1
    np.testing.assert_array_equal(refit[0], refit[1])
    np.testing.assert_array_equal(refit[0], refit[2])


def replace_epochs(epochs: float) -> Train:
    return RECIPE.model_copy(update={"epochs": epochs, "dropout": 0.0})


def test_chance_on_a_path_of_opposite_constants_is_no_barrier(prepared: Prepared) -> None:
    split = prepared.evaluated["validation"]
    examples = Examples("validation", split, None)
    constants = np.stack([np.tile(row, (len(split), 1)) for row in ([1.0, 0.0], [0.0, 1.0])])
    assert not along.has_learned(prepared.task, examples, {"logits": constants}, 0.95)
    right = np.stack([np.eye(2)[split.labels]] * 2)
    assert not along.has_learned(
        prepared.task, examples, {"logits": np.stack([right[0], constants[0]])}, 0.95
    )  # one end at chance is enough
