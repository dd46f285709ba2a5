"""Training on labels of which some are wrong, watched on its way."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks import scores
from stages.tickets.tasks.task import Prepared, drawn, take
from stages.tickets.training import fit, predict, schedule
from stages.tickets.training.subnetwork import Run
from stages.tickets.training.update import Subnetwork

Labels = NDArray[np.int64]
VALIDATION, SAMPLE = "validation", "sample"
POINT = ("step", "score", "right", "learned_flips", "resisted_flips")
"""Columns of what is known of a training on its way: the headline score on validation; of the watched
training examples with their own label, the share that is predicted so; of those with a flipped label, the
share predicted by the flipped one, and by their own. A share of no example is None."""


def flipped(labels: Labels, num_classes: int, share: float, seed: int) -> Labels:
    """Give another class to exactly round(share * n) of n labels, halves to even.

    The same seed flips the labels of a smaller share also for a larger one, and to the same classes.

    Args:
        labels: class numbers in [0, num_classes), (n,).
        num_classes: at least 2.
        share: in [0, 1).
        seed: of the draw.

    Raises:
        ValueError: `share` is out of range, or there is no other class.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of flipped labels is {share}, allowed is 0 <= share < 1")
    if num_classes < 2:
        raise ValueError(f"labels of {num_classes} class cannot be flipped")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))[: round(share * len(labels))]
    shifts = generator.integers(1, num_classes, len(labels), dtype=labels.dtype)
    wrong = labels.copy()
    wrong[order] = (labels[order] + shifts[order]) % num_classes
    return wrong


@dataclass(frozen=True)
class Watch:
    """How a training is watched."""

    points: int
    """Number of times that it is scored, evenly spread over its steps, the end among them."""
    sample: int
    """Number of training examples that are watched; all if there are fewer."""
    seed: int
    """Seed that draws them."""


@dataclass(frozen=True)
class Watched:
    """A training, and a row with the columns POINT for each time that it was scored."""

    run: Run
    points: list[dict[str, int | float | None]]


def steps_of(total: int, points: int) -> list[int]:
    """Spread points evenly over steps, the end among them; fewer if there are fewer steps."""
    return sorted({round(total * point / points) for point in range(1, points + 1)} - {0})


def train_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    labels: Labels,
    mask: Mask | None,
    seeds: Seeds,
    config: Train,
    watch: Watch,
) -> Watched:
    """Train the subnetwork `mask` of `model` in place on other labels, and score it on the way.

    Splits that are scored keep their labels. To watch a training does not change
    it, but for the last bits of embeddings of words that no example has, which decay step by step.

    Args:
        model: weights to start from.
        encoder: theta_0, whose prunable matrices `mask` covers.
        prepared: task and data with the right labels.
        labels: labels to train on, (examples,).
        mask: the survivors; None trains all weights.
        seeds: noise of the run.
        config: recipe.
        watch: how often and on what it is scored.
    """
    train = prepared.train
    noisy = replace(prepared, train=replace(train, labels=labels))
    sample = drawn(len(train), watch.sample, watch.seed)
    of_points = {VALIDATION: prepared.evaluated[VALIDATION], SAMPLE: take(train, sample)}
    shown = replace(prepared, evaluated=of_points)
    rows: list[dict[str, int | float | None]] = []

    def look(step: int) -> None:
        predicted = predict.predict(model, shown)
        of_split = shown.evaluated[VALIDATION]
        headline = scores.score(prepared.task, predicted, VALIDATION, of_split)[0]
        classes = predicted[f"{SAMPLE}.logits"].argmax(-1)
        shares = of_sample(classes, train.labels[sample], labels[sample])
        rows.append({"step": step, "score": headline.value, **shares})
        model.train()

    subnetwork = Subnetwork(prunable_parameters(model, encoder), mask) if mask else None
    at = steps_of(schedule.num_steps(len(train), config), watch.points)
    losses = fit.fit_(model, noisy, seeds, config, subnetwork, after_step=look, at=at)
    return Watched(Run(predict.predict(model, prepared), losses), rows)


def of_sample(predicted: Labels, own: Labels, given: Labels) -> dict[str, float | None]:
    """Return the shares of the columns POINT of examples with their own and with flipped labels."""
    flips = own != given
    return {
        "right": _share(predicted[~flips] == own[~flips]),
        "learned_flips": _share(predicted[flips] == given[flips]),
        "resisted_flips": _share(predicted[flips] == own[flips]),
    }


def _share(holds: NDArray[np.bool_]) -> float | None:
    return float(holds.mean()) if holds.size else None
