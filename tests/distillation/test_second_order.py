"""Unrolled training and gradient matching: by hand, and that they lower their own losses."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from stages.tickets.distillation import making, second_order
from stages.tickets.distillation.learned import Centred
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import device, parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import UserError
from stages.tickets.settings.distil import Unrolled
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows
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


# --- both losses, beside plain torch in float64 ----------------------------------------------


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention of torch, since that of the CPU has no float64, and a loss that is not cut to float32."""
    monkeypatch.setattr(device, "PLAIN_ATTENTION", ())
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)


def exact(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    model = models(encoder, prepared)(0).double()
    second_order.place_(model, prepared)
    return model


def set_of(encoder: Encoder, prepared: Prepared) -> tuple[Sequences, torch.Tensor, torch.Tensor]:
    """A set of four sequences with soft labels, its embeddings, and its labels less 1/2."""
    sequences, _ = making.make("random", prepared, models(encoder, prepared), CONFIG)
    soft = 0.5 * sequences.labels + 0.25
    labels = torch.from_numpy(Centred.of(prepared).centred(soft)).double()
    return sequences, torch.from_numpy(sequences.embeddings).double(), labels


def of_set(
    model: PreTrainedModel, sequences: Sequences, embeddings: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """The loss of a set as transformers and torch compute it."""
    there = torch.from_numpy(sequences.there).long()
    types = torch.from_numpy(sequences.types).long()
    logits = model(inputs_embeds=embeddings, attention_mask=there, token_type_ids=types).logits
    return nn.functional.cross_entropy(logits, labels + 0.5)


def of_real(model: PreTrainedModel, prepared: Prepared) -> torch.Tensor:
    """The loss of all training examples as transformers computes it."""
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, torch.device("cpu"))
    inputs, _ = rows.padded(torch.arange(len(prepared.train)), int(prepared.train.lengths.max()))
    loss: torch.Tensor = model(**inputs, labels=rows.labels).loss
    return loss


@pytest.mark.usefixtures("float64")
def test_an_unrolled_loss_is_that_after_steps_of_plain_sgd(
    encoder: Encoder, prepared: Prepared
) -> None:
    """With fewer real examples than a batch has, all of them are drawn; the head is drawn anew."""
    sequences, embeddings, labels = set_of(encoder, prepared)
    rates = torch.tensor([0.3, 0.1, 0.2])
    model = exact(encoder, prepared)
    loss = second_order.unrolled_loss(
        model, prepared, sequences, Centred.of(prepared), rates.log(), seed=5
    )
    ours = [float(loss(embeddings, labels).detach()) for _ in range(2)]
    generator, expected = np.random.default_rng(5), []
    for _ in range(2):
        model = exact(encoder, prepared).requires_grad_(requires_grad=True)
        head = {id(parameter) for parameter in parameters.head(model)}
        for parameter in model.parameters():
            if id(parameter) in head and parameter.ndim == 1:
                parameter.data.zero_()
            elif id(parameter) in head:
                drawn = generator.standard_normal(tuple(parameter.shape), dtype=np.float32)
                parameter.data = torch.from_numpy(drawn * 0.02).double()
        generator.choice(len(prepared.train), len(prepared.train), replace=False)
        for rate in rates.tolist():
            sgd = torch.optim.SGD(model.parameters(), lr=rate)
            sgd.zero_grad()
            of_set(model, sequences, embeddings, labels).backward()
            sgd.step()
        expected.append(float(of_real(model, prepared).detach()))
    assert ours == pytest.approx(expected, rel=1e-6)
    assert ours[0] != pytest.approx(ours[1], rel=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("method", ["gradients", "unrolled"])
def test_learning_goes_down_the_slope_of_the_loss(
    method: str, encoder: Encoder, prepared: Prepared
) -> None:
    """Derivatives in embeddings, labels and rates are those of central differences."""
    sequences, embeddings, labels = set_of(encoder, prepared)
    rates = torch.tensor([0.3, 0.2], dtype=torch.float64).log()

    def value(*at: torch.Tensor) -> torch.Tensor:
        model, centred = exact(encoder, prepared), Centred.of(prepared)
        if method == "gradients":
            return second_order.gradient_loss(model, prepared, sequences, centred)(*at[:2])
        return second_order.unrolled_loss(model, prepared, sequences, centred, at[2], 5)(*at[:2])

    at = [part.clone().requires_grad_() for part in (embeddings, labels, rates)]
    slopes = torch.autograd.grad(value(*at), at, allow_unused=True)
    assert (slopes[2] is None) == (method == "gradients")
    for number, place in ((0, (0, 1, 2)), (1, (3, 0)), (2, (1,))):
        sides = []
        for side in (1e-4, -1e-4):
            moved = [part.detach().clone() for part in at]
            moved[number][place] += side
            sides.append(float(value(*moved).detach()))
        slope = slopes[number]
        found = 0.0 if slope is None else float(slope[place])
        assert found == pytest.approx((sides[0] - sides[1]) / 2e-4, rel=1e-4, abs=1e-9)
        assert slope is None or found != 0


@pytest.mark.usefixtures("float64")
def test_a_distance_of_gradients_is_that_of_plain_backward_passes(
    encoder: Encoder, prepared: Prepared
) -> None:
    sequences, embeddings, labels = set_of(encoder, prepared)
    model = exact(encoder, prepared)
    centred = Centred.of(prepared)
    ours = second_order.gradient_loss(model, prepared, sequences, centred)(embeddings, labels)
    model.requires_grad_(requires_grad=True)
    gradients = []
    for loss in (of_set(model, sequences, embeddings, labels), of_real(model, prepared)):
        model.zero_grad()
        loss.backward()
        gradients.append(
            {
                name: p.grad.flatten().clone()
                for name, p in model.named_parameters()
                if p.grad is not None and p.ndim > 1 and "word_embeddings" not in name
            }
        )
    few, real = gradients
    cosines = [
        few[name] @ real[name] / few[name].norm() / real[name].norm()
        for name in few
        if real[name].any()
    ]
    assert len(cosines) > 10
    assert float(ours.detach()) == pytest.approx(float(1 - sum(cosines) / len(cosines)), rel=1e-6)


# --- sets that are learned -------------------------------------------------------------------


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
