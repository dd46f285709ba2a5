"""SNIP and GraSP are the derivatives that they claim to be, and leave the model as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.at_start.gradients import Loss
from stages.tickets.encoder import device
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import objective
from stages.tickets.training.batches import Rows
from tests.training.test_fit import random_mask

KINDS = ("prepared", "prepared_pairs", "prepared_spans", "prepared_words")
POOLER = "pooler.dense.weight"


@pytest.fixture(autouse=True)
def float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attention of torch, which a GPU uses; that of the CPU has no float64."""
    monkeypatch.setattr(device, "PLAIN_ATTENTION", ())
    monkeypatch.setattr(Tensor, "float", lambda self: self)  # the loss of trainings is in float32


def loss_of(encoder: Encoder, prepared: Prepared, temperature: float = 1.0) -> Loss:
    """The loss of a model in float64."""
    task = prepared.task
    model = encoders.build(encoder, task.kind, task.num_labels, 0.1, 1, pairs=prepared.pairs)
    split = objective.sample(prepared, "train", 100, 0.3, 0)
    return Loss(model.double(), encoder, prepared, split, temperature)


def value(loss: Loss, mask: Mask) -> float:
    """The mean loss of the subnetwork, in one batch, as the model of transformers computes it."""
    with masked(loss, mask):
        return sum(float(part.detach()) for part in loss._parts(live(loss)))


def live(loss: Loss) -> dict[str, Tensor]:
    return {n: p.detach() for n, p in prunable_parameters(loss.model, loss.encoder).items()}


@contextmanager
def masked(loss: Loss, mask: Mask) -> Iterator[None]:
    """Drop weights from the model itself, and switch its dropout off, for a `with` block."""
    loss.model.train(mode=False)
    before = {name: weight.clone() for name, weight in live(loss).items()}
    with torch.no_grad():
        for name, weight in live(loss).items():
            weight.mul_(torch.from_numpy(np.asarray(mask[name], dtype=np.float64)))
    yield
    with torch.no_grad():
        for name, weight in live(loss).items():
            weight.copy_(before[name])


def entries(mask: Mask, loss: Loss) -> list[tuple[str, tuple[int, ...]]]:
    """A surviving entry of each matrix that the model has."""
    return [(name, tuple(np.argwhere(mask[name])[7])) for name in live(loss)]


@pytest.mark.parametrize("kind", KINDS)
def test_snip_is_the_derivative_of_the_loss_in_the_mask(
    encoder: Encoder, kind: str, request: pytest.FixtureRequest
) -> None:
    loss = loss_of(encoder, request.getfixturevalue(kind))
    mask = random_mask(encoder, 0.3)
    scores = loss.snip(mask)
    step = 1e-5
    for name, place in entries(mask, loss):
        moved = {n: kept.astype(np.float64) for n, kept in mask.items()}
        sides = []
        for side in (step, -step):
            moved[name][place] = 1 + side
            sides.append(value(loss, moved))  # type: ignore[arg-type]
        difference = abs(sides[0] - sides[1]) / (2 * step)
        assert scores[name][place] == pytest.approx(difference, rel=1e-5, abs=1e-9)
    assert all((score[~mask[name]] == 0).all() for name, score in scores.items())


@pytest.mark.parametrize("kind", KINDS)
def test_grasp_is_weight_times_the_change_of_the_gradient_along_itself(
    encoder: Encoder, kind: str, request: pytest.FixtureRequest
) -> None:
    loss = loss_of(encoder, request.getfixturevalue(kind), temperature=2.0)
    mask = masks.dense(prunable_weights(loss.model, encoder))
    scores = loss.grasp(mask)
    loss.model.train(mode=False)
    weights = live(loss)
    gradient = loss._gradient({n: w.clone().requires_grad_() for n, w in weights.items()})
    step = 1e-5
    sides = [
        loss._gradient({n: (w + by * gradient[n]).requires_grad_() for n, w in weights.items()})
        for by in (step, -step)
    ]
    for name, weight in weights.items():
        expected = weight * (sides[0][name] - sides[1][name]) / (2 * step)
        largest = float(expected.abs().max())
        np.testing.assert_allclose(scores[name], expected, rtol=1e-4, atol=1e-6 * largest)
    assert any((score < 0).any() for score in scores.values())


def test_the_loss_is_that_of_transformers(encoder: Encoder, prepared: Prepared) -> None:
    loss = loss_of(encoder, prepared)
    mask = random_mask(encoder, 0.5)
    split = loss.split
    rows = Rows.of(split, prepared.vocabulary.pad, torch.device("cpu"))
    inputs, _ = rows.padded(torch.arange(len(split)), int(split.lengths.max()))
    with masked(loss, mask):
        expected = float(loss.model(**inputs, labels=rows.labels).loss.detach())
    assert value(loss, mask) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_the_batches(
    encoder: Encoder, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = loss_of(encoder, request.getfixturevalue(kind))
    mask = random_mask(encoder, 0.3)
    methods: tuple[Callable[[Mask], masks.Weights], ...] = (loss.snip, loss.grasp)
    together = [method(mask) for method in methods]
    monkeypatch.setattr(objective, "BATCH", 3)
    for method, expected in zip(methods, together, strict=True):
        for name, score in method(mask).items():
            np.testing.assert_allclose(score, expected[name], rtol=1e-8, atol=1e-12)


def test_scores_are_the_same_by_the_attention_of_the_cpu(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = loss_of(encoder, prepared)
    mask = random_mask(encoder, 0.3)
    expected = loss.snip(mask), loss.grasp(mask)
    monkeypatch.undo()
    loss.model.float()
    for score, exact in zip((loss.snip(mask), loss.grasp(mask)), expected, strict=True):
        for name, values in score.items():
            assert values.dtype == np.float32
            largest = np.abs(exact[name]).max()
            np.testing.assert_allclose(values, exact[name], rtol=1e-3, atol=1e-4 * largest)
    assert loss.model.config._attn_implementation == device.OWN_ATTENTION


def test_a_matrix_that_the_model_lacks_scores_nothing(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    loss = loss_of(encoder, prepared_words)
    mask = random_mask(encoder, 0.3)
    for scores in (loss.snip(mask), loss.grasp(mask)):
        assert scores.keys() == mask.keys()
        assert (scores[POOLER] == 0).all()


def state(model: PreTrainedModel) -> list[object]:
    """All that scoring must not touch: weights, gradients, flags."""
    return [
        *(
            (name, p.detach().numpy().tobytes(), p.requires_grad, p.grad.numpy().tobytes())
            for name, p in model.named_parameters()
            if p.grad is not None
        ),
        *((name, module.training) for name, module in model.named_modules()),
    ]


@pytest.mark.parametrize("score", ["snip", "grasp"])
@pytest.mark.parametrize("fails", [False, True])
def test_weights_gradients_and_flags_stay(
    encoder: Encoder,
    prepared: Prepared,
    score: str,
    fails: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loss = loss_of(encoder, prepared)
    model = loss.model
    device.place_(model.train(), "classification")
    model.get_submodule("bert.encoder.layer.1").train(mode=False)
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, number)
        parameter.requires_grad_(number % 3 > 0)
    before = state(model)
    random = torch.random.get_rng_state()
    method = getattr(loss, score)
    if fails:
        monkeypatch.setattr(device, "logits_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            method(random_mask(encoder, 0.3))
    else:
        method(random_mask(encoder, 0.3))
    assert state(model) == before
    assert torch.equal(torch.random.get_rng_state(), random)
