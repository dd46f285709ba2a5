"""The loss as a function of weights is that of the model, for every kind of task."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.files import Split
from stages.tickets.landscapes import planes
from stages.tickets.tasks.task import NOT_SCORED, Prepared
from stages.tickets.training import objective, predict
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import loss_of

KINDS = ("prepared", "prepared_pairs", "prepared_spans", "prepared_words")


@pytest.fixture(params=KINDS)
def task(request: pytest.FixtureRequest) -> Prepared:
    made: Prepared = request.getfixturevalue(request.param)
    return made


def model_of(encoder: Encoder, prepared: Prepared, dropout: float = 0.5) -> PreTrainedModel:
    of = prepared.task
    return theta.build(encoder, of.kind, of.num_labels, dropout, head_init=1)


def of_validation(prepared: Prepared) -> Split:
    return objective.sample(prepared, "validation", 99, 0.2, seed=0)


def mean_loss(model: PreTrainedModel, prepared: Prepared, split: Split) -> float:
    """As a training computes it, of all examples in one batch."""
    where = device.place_(model.train(mode=False), prepared.task.kind)
    rows = Rows.of(split, prepared.vocabulary.pad, where)
    inputs, there = rows.padded(torch.arange(len(split)), int(split.lengths.max()))
    labels, hidden = rows.labels, None
    if prepared.task.kind == "mlm":
        placed = torch.full_like(inputs["input_ids"], NOT_SCORED)
        placed[there] = rows.labels
        hidden = (placed.flatten() != NOT_SCORED).nonzero().flatten()
        labels = placed.flatten()[hidden]
    taken = device.inputs_of(model, inputs, full=False)
    with torch.no_grad():
        return float(loss_of(prepared.task, device.logits_of(model, taken, hidden), labels))


@pytest.mark.parametrize("size", [1, 2, 99])
def test_the_loss_is_that_of_a_training_however_examples_are_batched(
    encoder: Encoder, task: Prepared, size: int
) -> None:
    model, split = model_of(encoder, task), of_validation(task)
    batches = objective.batches(model, task, split, size)
    for weights in ({}, objective.weights_of(model)):
        loss, _ = objective.evaluate(batches, weights)
        assert loss == pytest.approx(mean_loss(model, task, split), rel=1e-5)


def test_the_error_is_that_of_the_predictions(encoder: Encoder, task: Prepared) -> None:
    model, split = model_of(encoder, task), of_validation(task)
    _, error = objective.evaluate(objective.batches(model, task, split, 2), {})
    arrays = predict.predict(model, task)
    if task.task.kind == "mlm":
        hidden = split.labels[split.labels != NOT_SCORED]
        assert error == pytest.approx(np.mean(arrays["validation.tokens"] != hidden))
        return
    logits = arrays["validation.logits"]
    if task.task.kind == "regression":
        squared = (logits[:, 0] - split.labels) ** 2
        assert error == pytest.approx(squared.mean() / split.labels.var(), rel=1e-5)
    elif task.task.kind == "span":
        ends = [logits[split.starts[i] : split.starts[i + 1]].argmax(0) for i in range(len(split))]
        assert error == pytest.approx(np.mean((np.array(ends) != split.labels).any(1)))
    else:
        assert error == pytest.approx(np.mean(logits.argmax(1) != split.labels))


def test_the_centre_of_a_plane_is_the_networks_own_loss_exactly_and_no_weight_changes(
    encoder: Encoder, task: Prepared
) -> None:
    model = model_of(encoder, task)
    before = {name: p.detach().clone() for name, p in parameters.by_name(model).items()}
    batches = objective.batches(model, task, of_validation(task), 2)
    weights = objective.weights_of(model)
    plane = planes.around(weights, {}, (1, 2))
    made = planes.surface(plane, batches, (-1.0, 0.0, 1.0), (0.0, 1.0))
    assert (made.loss[0, 1], made.error[0, 1]) == objective.evaluate(batches, weights)
    assert len({*made.loss.flatten()}) == 6  # every other point has another loss
    after = parameters.by_name(model)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert all(p.data_ptr() != weights[name].data_ptr() for name, p in after.items())
    assert all(p.grad is None for p in after.values())


def test_the_ends_of_the_plane_of_two_networks_have_their_losses(
    encoder: Encoder, prepared: Prepared
) -> None:
    start, first = model_of(encoder, prepared), model_of(encoder, prepared)
    second = theta.build(encoder, "classification", 2, 0.5, head_init=2, from_scratch=True)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(0.3)
    all_weights = [objective.weights_of(model) for model in (start, first, second)]
    plane = planes.through(all_weights[0], all_weights[1], all_weights[2], {})
    split = of_validation(prepared)
    batches = objective.batches(start, prepared, split, 3)
    made = planes.surface(plane, batches, (0.0, 1.0), (0.0, 1.0))
    own = [
        objective.evaluate(objective.batches(model, prepared, split, 3), weights)
        for model, weights in zip((first, second, start), all_weights, strict=True)
    ]  # the model does not matter, since all of its weights are given
    at = ((0, 0), (0, 1), (1, 0))
    assert [(made.loss[point], made.error[point]) for point in at] == own
    assert len({loss for loss, _ in own}) == 3


def test_a_tied_decoder_moves_with_its_embeddings(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    model = model_of(encoder, prepared_words)
    batches = objective.batches(model, prepared_words, of_validation(prepared_words), 9)
    name = "bert.embeddings.word_embeddings.weight"
    moved = {name: objective.weights_of(model)[name] * 2}
    expected = objective.evaluate(batches, moved)
    before = objective.evaluate(batches, {})
    with torch.no_grad():
        model.get_parameter(name).mul_(2)
    assert objective.evaluate(batches, {}) == pytest.approx(expected, rel=1e-5)
    assert before != pytest.approx(expected, rel=1e-2)


def test_samples_are_drawn_by_their_seed_and_keep_their_labels(task: Prepared) -> None:
    for name, split in (("train", task.train), ("validation", task.evaluated["validation"])):
        some = objective.sample(task, name, 3, 0.3, seed=1)
        again = objective.sample(task, name, 3, 0.3, seed=1)
        assert len(some) == 3
        assert all((array == vars(again)[key]).all() for key, array in vars(some).items())
        texts = [tuple(split.ids[a:b]) for a, b in pairwise(split.starts)]
        if task.task.kind == "mlm" and name == "train":
            assert (some.labels != NOT_SCORED).sum() == round(0.3 * len(words_of(some, task)))
            continue
        for i in range(3):
            tokens = slice(some.starts[i], some.starts[i + 1])
            number = texts.index(tuple(some.ids[tokens]))
            if task.task.kind == "mlm":
                own = split.labels[split.starts[number] : split.starts[number + 1]]
                assert (some.labels[tokens] == own).all()
            else:
                assert (some.labels[i] == split.labels[number]).all()
        others = [objective.sample(task, name, 3, 0.3, seed=seed).ids for seed in range(2, 9)]
        assert any(len(ids) != len(some.ids) or (ids != some.ids).any() for ids in others)


def words_of(split: Split, prepared: Prepared) -> list[int]:
    """Tokens that are no special ones, before any is hidden."""
    hidden = np.where(split.labels == NOT_SCORED, split.ids, split.labels)
    return [word for word in hidden if word not in prepared.vocabulary.special]


def test_second_derivatives_exist(encoder: Encoder, task: Prepared) -> None:
    """Fused attention has none; this is the last layer's query, deep inside the attention."""
    model = model_of(encoder, task)
    model.set_attn_implementation("sdpa")
    (batch,) = objective.batches(model, task, of_validation(task), 99)
    assert isinstance(batch, objective.ModelBatch)
    name = "bert.encoder.layer.1.attention.self.query.weight"
    weight = objective.weights_of(model)[name].requires_grad_()
    losses, _ = batch({name: weight})
    (gradient,) = torch.autograd.grad(losses.mean(), weight, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), weight)
    assert torch.isfinite(second).all()
    assert second.abs().max() > 0
