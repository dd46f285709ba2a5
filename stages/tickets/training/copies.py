"""Copies of a training that start at one place and differ in their noise, and the line between two ends.

Frankle et al. 2020: a network is stable at theta_k if two trainings from theta_k, under other noise of
SGD, end on a line along which the error does not rise. For encoders that noise is the order of examples
and dropout; the initial classifier is part of theta_0, an axis of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.encoder.theta import Encoder, by_full_name, in_layer_or_pooler
from stages.tickets.files import Arrays
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Arm, Net
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import controls, interpolation, predict, refit
from stages.tickets.training.controls import Models, Start
from stages.tickets.training.endpoints import End, dense

AXES: Mapping[Arm, tuple[str, ...]] = {
    "order": ("data_order", "dropout"),
    "order-only": ("data_order",),
    "dropout-only": ("dropout",),
    "head": ("head_init",),
    "all": ("head_init", "data_order", "dropout"),
}
"""Sources of noise in which the copies of an arm differ."""
SAMPLE = "train"
"""Name of the sample of training examples among the splits of a path."""
NOT_WALKED = "selection"


def second(seeds: Seeds, arm: Arm, task: str, seed: int) -> Seeds:
    """Return the noise of the second copy; the first has `seeds`, that of the run itself.

    The varied seeds belong to no other run of the task, whatever its number.
    """
    varied = {axis: stable_seed(axis, task, seed, "copy-2") for axis in AXES[arm]}
    return replace(seeds, **varied)


def is_dense_run(net: Net, point: int) -> bool:
    """Tell whether the first copy is the dense training of the run, whose result is stored.

    Later in the training it is not, although both have the same noise: a copy starts without the moments
    of Adam that the dense training has there.
    """
    return net == "dense" and point == 0


def start(
    net: Net,
    model: PreTrainedModel,
    ticket: Mask | None,
    encoder: Encoder,
    models: Models,
    seeds: Seeds,
    number: int,
) -> tuple[PreTrainedModel, Mask | None]:
    """Make the model and the mask from which a copy starts, both copies the same.

    Controls are those of the ticket, drawn alike; they are made of unmasked weights, so that a random
    mask keeps weights of theta_k that the ticket drops.

    Args:
        net: what to train.
        model: theta_k, or drawn weights for `scratch`; changed in place if the control changes weights.
        ticket: the mask of the ticket; None for dense and scratch.
        encoder, models, seeds, number: see `controls.controlled`.
    """
    if ticket is None:
        return model, None
    made = controls.controlled(net, Start(model, ticket), encoder, models, seeds, number)
    return made.model, made.mask


@dataclass(frozen=True)
class Path:
    """What was computed along a line."""

    arrays: Arrays
    """What `predict.predict` returns at every point, such as `<split>.logits` (points, examples,
    outputs), `<split>.refit` of heads fitted anew, `train.rows`, the numbers of the sampled training
    examples, and `train.labels`, the words that are hidden in them."""
    geometry: dict[str, Any]
    """Lengths and angles over the encoder's layers, its embeddings, the head and every prunable matrix,
    and what the two masks share."""


def sampled(prepared: Prepared, sample: int) -> tuple[NDArray[np.int64], int]:
    """Draw the numbers of the training examples of all paths of a task; also return the seed."""
    seed = stable_seed("path", prepared.task.name)
    return tasks.drawn(len(prepared.train), sample, seed), seed


def connect(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    ends: tuple[End, End],
    grid: int,
    sample: int,
    unlike_heads: bool,
    masked: float,
) -> Path:
    """Walk the line between two networks, and predict every scored split and a sample of `train`.

    Args:
        model: any model of their architecture, left as it was.
        encoder: theta_0.
        prepared: the task; `selection` is not walked.
        ends: the two networks.
        grid: number of points.
        sample: number of training examples, drawn alike for all paths of a task.
        unlike_heads: fit a linear head anew at every point, on the sample.
        masked: share of the sample's words that masked language modelling hides, in (0, 1).

    Raises:
        UserError: heads are unlike, and none can be fitted anew, see `refit.check`.
    """
    rows, seed = sampled(prepared, sample)
    if unlike_heads:
        refit.check(prepared, rows)
    splits = {key: part for key, part in prepared.evaluated.items() if key != NOT_WALKED}
    splits[SAMPLE] = tasks.take(prepared.train, rows)
    known: Arrays = {f"{SAMPLE}.rows": rows}
    if prepared.task.kind == "mlm":
        splits[SAMPLE] = tasks.hide_in_split(splits[SAMPLE], prepared.vocabulary, masked, seed)
        known[f"{SAMPLE}.labels"] = splits[SAMPLE].labels
    walked = replace(prepared, evaluated=splits)
    device.place_(model, prepared.task.kind)  # now, since it makes new buffers

    def measure() -> Arrays:
        if not unlike_heads:
            return predict.predict(model, walked)
        arrays, states = refit.predicted(model, walked)
        anew = refit.logits(prepared.task, states, splits[SAMPLE].labels, SAMPLE)
        return arrays | {f"{key}.refit": array for key, array in anew.items()}

    alphas = interpolation.places(grid)
    points = interpolation.walk(model, ends[0].weights, ends[1].weights, alphas, measure)
    arrays = {key: np.stack([point[key] for point in points]) for key in points[0]}
    return Path(arrays | known, geometry(model, encoder, ends))


def geometry(model: PreTrainedModel, encoder: Encoder, ends: tuple[End, End]) -> dict[str, Any]:
    """Measure where two networks lie, by part and by prunable matrix, see `interpolation.geometry`."""
    prefix, body = f"{model.base_model_prefix}.", by_full_name(model, encoder)
    names = list(ends[0].weights)
    layers = [n for n in names if n in body and in_layer_or_pooler(n.removeprefix(prefix))]
    parts = {
        "layers": layers,
        "embeddings": [name for name in names if name in body and name not in layers],
        "head": [name for name in names if name not in body],
    }
    starts, weights = (ends[0].start, ends[1].start), (ends[0].weights, ends[1].weights)
    record: dict[str, Any] = {
        part: interpolation.geometry(starts, weights, group) for part, group in parts.items()
    }
    record["matrices"] = {
        name: interpolation.geometry(starts, weights, [f"{prefix}{name}"])
        for name in encoder.prunable
        if f"{prefix}{name}" in ends[0].weights
    }
    every = dense(encoder)
    first, other = (every if network.mask is None else network.mask for network in ends)
    return record | {"masks": interpolation.meeting(first, other)}
