"""Unrolled training and gradient matching: by hand, and that they lower their own losses."""

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.distillation import making, second_order
from stages.tickets.distillation.learned import Centred
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import UserError
from stages.tickets.settings.distil import Unrolled
from stages.tickets.tasks.task import Prepared
from tests.distillation.test_regression import CONFIG


def test_a_step_worked_by_hand() -> None:
    """y = theta x from theta = 0 on (1, 1) at the rate 0.5; then the loss of the real point (1, 2)."""
    x, y, rates = (torch.tensor(v, requires_grad=True) for v in (1.0, 1.0, [0.5]))
    start = {"theta": torch.tensor(0.0)}
    after = second_order.unroll(start, lambda now: (now["theta"] * x - y) ** 2 / 2, rates)
    assert float(after["theta"].detach()) == 0.5
    loss = (after["theta"] * 1 - 2) ** 2 / 2
    assert float(loss.detach()) == 1.125
    gradients = torch.autograd.grad(loss, (y, x, rates))
    assert [float(gradient) for gradient in gradients] == [-0.75, -0.75, -1.5]
    assert float(start["theta"]) == 0


def test_steps_do_not_overwrite_where_they_start() -> None:
    """Each of two steps halves the distance to 1."""
    start = {"theta": torch.tensor(0.0), "other": torch.tensor(7.0)}
    for _ in range(2):
        after = second_order.unroll(
            start, lambda now: (now["theta"] - 1) ** 2 / 2, torch.tensor([0.5, 0.5])
        )
        assert {name: float(value.detach()) for name, value in after.items()} == {
            "theta": 0.75, "other": 7.0,
        }  # fmt: skip
        assert float(start["theta"]) == 0


def test_the_distance_of_gradients_is_that_of_their_directions() -> None:
    real = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), torch.zeros(2)]
    same = [3 * gradient for gradient in real]
    assert float(second_order.mean_distance(same, real)) == pytest.approx(0)
    turned = [torch.tensor([0.0, 1.0]), torch.tensor([0.0, -1.0]), torch.ones(2)]
    assert float(second_order.mean_distance(turned, real)) == pytest.approx((1 + 2) / 2)
    assert float(second_order.mean_distance([None, turned[1], None], real)) == pytest.approx(2)


def models(encoder: Encoder, prepared: Prepared) -> making.ModelAt:
    task = prepared.task

    def model_at(_: int | str) -> PreTrainedModel:
        return theta.build(encoder, task.kind, task.num_labels, 0.1, 0)

    return model_at


@pytest.mark.parametrize("method", ["gradients", "unrolled"])
@pytest.mark.parametrize("kind", ["prepared", "prepared_pairs"])
def test_a_set_that_is_learned_has_a_lower_loss(
    method: str, kind: str, encoder: Encoder, request: pytest.FixtureRequest
) -> None:
    task: Prepared = request.getfixturevalue(kind)
    config = CONFIG.model_copy(
        update={"steps": 30, "unrolled": Unrolled(inner=2, rate=0.3), "labels": 0.05}
    )
    new, record = making.make(method, task, models(encoder, task), config)
    start, none = making.make("random", task, models(encoder, task), config)
    assert none == {}
    np.testing.assert_array_equal(new.rows, start.rows)
    assert (new.embeddings != start.embeddings).any()
    assert record["probes"].keys() == {"0"}
    before, after = np.split(np.array(record["losses"]), [15])
    assert after.mean() < before.mean()


def test_the_gradient_of_all_examples_is_the_real_one(encoder: Encoder, prepared: Prepared) -> None:
    model_at, centred = models(encoder, prepared), Centred.of(prepared)
    config = CONFIG.model_copy(update={"per_class": 4})
    everything, _ = making.make("random", prepared, model_at, config)

    def distance(sequences: Sequences) -> float:
        model = model_at(0)
        second_order.place_(model, prepared)
        loss = second_order.gradient_loss(model, prepared, sequences, centred)
        labels = torch.from_numpy(centred.centred(sequences.labels))
        return float(loss(torch.from_numpy(sequences.embeddings), labels).detach())

    assert distance(everything) == pytest.approx(0, abs=1e-4)
    few, _ = making.make("random", prepared, model_at, config.model_copy(update={"per_class": 1}))
    assert distance(few) > 0.01


def test_the_model_stays_as_it_is(encoder: Encoder, prepared: Prepared) -> None:
    """A state_dict that shares memory with weights that train would spoil every later step."""
    model = models(encoder, prepared)(0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    making.make("unrolled", prepared, lambda _: model, CONFIG.model_copy(update={"steps": 3}))
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_a_classifier_of_means_is_refused(encoder: Encoder, prepared: Prepared) -> None:
    encoder.config.text_pooling = "mean"
    for method in ("gradients", "unrolled"):
        with pytest.raises(UserError, match="pooled by means are the others"):
            making.make(method, prepared, models(encoder, prepared), CONFIG)
