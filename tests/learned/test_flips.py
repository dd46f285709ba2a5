"""Flipped labels: exact, drawn, nested, never of scored splits; watching a training changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.learned import flips
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings.noise import Seeds
from stages.tickets.statistics import learned
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, subnetwork
from tests.conftest import RECIPE, SEEDS
from tests.training.test_fit import random_mask

SHARES = (0.0, 0.2, 0.4, 0.99)
WATCH = flips.Watch(points=3, sample=100, seed=0)


def labels_of(num: int, classes: int) -> flips.Labels:
    return np.random.default_rng(1).integers(0, classes, num)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("share", SHARES)
def test_exactly_the_share_gets_another_class(classes: int, share: float) -> None:
    own = labels_of(503, classes)
    before = own.copy()
    given = flips.flipped(own, classes, share, 7)
    assert int((given != own).sum()) == round(share * 503)
    assert given.min() >= 0
    assert given.max() < classes
    assert given.dtype == own.dtype
    np.testing.assert_array_equal(own, before)


def test_a_larger_share_has_the_flips_of_a_smaller_one() -> None:
    own = labels_of(500, 3)
    few, many = (flips.flipped(own, 3, share, 7) for share in (0.2, 0.4))
    np.testing.assert_array_equal(few[few != own], many[few != own])


def test_every_other_class_is_as_likely() -> None:
    own = np.zeros(30_000, dtype=np.int64)
    counts = np.bincount(flips.flipped(own, 4, 0.9, 3), minlength=4)
    assert counts[1:] == pytest.approx([9000] * 3, abs=300)


def test_the_seed_alone_draws_them() -> None:
    own = labels_of(200, 2)
    first, again, other = (flips.flipped(own, 2, 0.4, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(("share", "classes"), [(1.0, 2), (-0.1, 2), (1.5, 3), (0.2, 1)])
def test_what_cannot_be_flipped_is_refused(share: float, classes: int) -> None:
    with pytest.raises(ValueError, match="flipped"):
        flips.flipped(labels_of(9, 2), classes, share, 0)


@pytest.mark.parametrize(
    ("total", "points", "steps"),
    [(10, 5, [2, 4, 6, 8, 10]), (3, 10, [1, 2, 3]), (7, 2, [4, 7]), (1, 3, [1])],
)
def test_points_are_spread_evenly_and_the_last_is_the_end(
    total: int, points: int, steps: list[int]
) -> None:
    assert flips.steps_of(total, points) == steps


# --- a watched training ------------------------------------------------------------------------


def theta_0(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    return encoders.build(encoder, prepared.task.kind, prepared.task.num_labels, 0.1, 1)


def watched(
    encoder: Encoder,
    prepared: Prepared,
    labels: flips.Labels,
    mask: Mask | None,
    seeds: Seeds = SEEDS,
) -> tuple[flips.Watched, PreTrainedModel]:
    model = theta_0(encoder, prepared)
    made = flips.train_(model, encoder, prepared, labels, mask, seeds, RECIPE, WATCH)
    return made, model


@pytest.mark.parametrize("with_mask", [True, False])
def test_watching_changes_nothing(encoder: Encoder, prepared: Prepared, with_mask: bool) -> None:
    """With its own labels it is the training of a ticket, bit for bit.

    Rows of words that no example has only decay, in several factors or in one, up to rounding.
    """
    mask = random_mask(encoder, 0.5) if with_mask else None
    made, model = watched(encoder, prepared, prepared.train.labels, mask)
    other = theta_0(encoder, prepared)
    run = subnetwork.train_(other, encoder, prepared, mask, SEEDS, RECIPE)
    assert made.run.losses == run.losses
    for name, array in run.predictions.items():
        np.testing.assert_array_equal(made.run.predictions[name], array)
    for name, parameter in model.named_parameters():
        if name.endswith("word_embeddings.weight"):
            torch.testing.assert_close(parameter, other.get_parameter(name), rtol=1e-6, atol=0)
        else:
            assert torch.equal(parameter, other.get_parameter(name))
    if mask:
        for name, kept in mask.items():
            weights = model.base_model.get_parameter(name).detach().numpy()
            assert not weights[~kept].any()
            assert weights[kept].all()


def test_flipped_labels_are_trained_on_and_scored_splits_keep_theirs(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last point is the score of the predictions, with the labels of the split."""
    seen = []
    fit_ = fit.fit_

    def spy(model: PreTrainedModel, noisy: Prepared, *rest: object, **named: object) -> list[float]:
        seen.append(noisy)
        return fit_(model, noisy, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(fit, "fit_", spy)
    own = prepared.train.labels
    labels = flips.flipped(own, 2, 0.5, 3)
    made, _ = watched(encoder, prepared, labels, None)
    (noisy,) = seen
    np.testing.assert_array_equal(noisy.train.labels, labels)
    for name, split in prepared.evaluated.items():
        np.testing.assert_array_equal(noisy.evaluated[name].labels, split.labels)
    clean, _ = watched(encoder, prepared, own, None)
    assert made.run.losses != clean.run.losses
    assert [row["step"] for row in made.points] == [2, 3, 5]
    classes = made.run.predictions["validation.logits"].argmax(-1)
    right = classes == prepared.evaluated["validation"].labels
    matthews_is_headline = replace(prepared.task, metrics=("accuracy",))
    last = watched(encoder, replace(prepared, task=matthews_is_headline), labels, None)[0].points[
        -1
    ]
    assert last["score"] == pytest.approx(right.mean())


def test_shares_of_the_watched_examples() -> None:
    own = np.array([0, 0, 0, 1, 1, 1, 2])
    given = np.array([0, 0, 1, 1, 0, 2, 0])
    predicted = np.array([0, 1, 1, 1, 1, 0, 0])
    shares = flips.of_sample(predicted, own, given)
    assert shares == {
        "right": pytest.approx(2 / 3),
        "learned_flips": 0.5,
        "resisted_flips": 0.25,
    }
    assert flips.of_sample(predicted, own, own)["learned_flips"] is None


@pytest.mark.parametrize(
    ("scores", "gap"), [([0.5, 0.9, 0.7], 0.2), ([0.1, 0.2, 0.3], 0.0), ([0.4], 0.0)]
)
def test_the_gap_is_the_best_minus_the_last(scores: list[float], gap: float) -> None:
    assert learned.gap(scores) == pytest.approx(gap)
