"""Make a set by the method of a name."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.distillation import (
    coresets,
    features,
    learned,
    means,
    regression,
    second_order,
    sets,
)
from stages.tickets.distillation.features import FixedEncoder
from stages.tickets.distillation.learned import Centred, Loss
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import device
from stages.tickets.settings import SetOfSequences
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks.task import Prepared

ModelAt = Callable[[int | str], PreTrainedModel]
"""Function that makes the model at a point of the dense training, in per cent or `trained`."""
LEARNED = ("regression", "means", "gradients", "unrolled")


def make(
    method: str,
    prepared: Prepared,
    model_at: ModelAt,
    config: SetOfSequences,
) -> tuple[Sequences, dict[str, Any]]:
    """Make a set from the training examples of a task; no other split is looked at.

    Args:
        method: a name of `settings.Distil.methods`.
        prepared: task and data.
        model_at: makes models.
        config: size of the set, encoders, and how it is learned.

    Returns:
        The set, and a record of how it was learned, see `learned.learn`, with `probes` of every encoder,
        `before` and `after`, see `regression.probe`. Of a set that is not learned the record is empty.

    Raises:
        UserError: the task has no labels, or a class fewer examples than the set asks for.
        TrainingError: a loss is not finite.
    """
    groups = coresets.classes(prepared, config.per_class)
    generator = np.random.default_rng(stable_seed("distil", prepared.task.name, config.seed))
    rows = coresets.random(groups, config.per_class, generator)
    theta_0 = model_at(0)
    words = theta_0.get_input_embeddings().get_parameter("weight").detach().cpu().numpy().copy()
    if method == "herding":
        real = features.fixed("0", theta_0, prepared).real.cpu().numpy()
        rows = coresets.herding(real, groups, config.per_class)
    start = sets.of_rows(prepared.task, prepared.train, rows, words)
    if method == "noise":
        start = coresets.noise(start, float(words.std()), generator)
    if method not in LEARNED:
        return start, {}
    centred, words_std = Centred.of(prepared), float(words.std())
    losses, rates = _losses(method, prepared, model_at, start, centred, groups, config)
    new, record = learned.learn(start, centred, losses, config, words_std, device.device(), rates)
    targets = torch.from_numpy(centred.real).to(device.device())
    probes = {
        encoder.name: {
            time: regression.probe(
                encoder,
                of,
                torch.from_numpy(centred.centred(of.labels)).to(targets),
                targets,
                config.ridge,
            )
            for time, of in {"before": start, "after": new}.items()
        }
        for encoder in _encoders(prepared, model_at, config)
    }
    return new, record | {"probes": probes}


def _encoders(
    prepared: Prepared, model_at: ModelAt, config: SetOfSequences
) -> Iterator[FixedEncoder]:
    for point in config.encoders:
        yield features.fixed(str(point), model_at(point), prepared)


def _losses(
    method: str,
    prepared: Prepared,
    model_at: ModelAt,
    start: Sequences,
    centred: Centred,
    groups: list[NDArray[np.int64]],
    config: SetOfSequences,
) -> tuple[list[Loss], list[Tensor]]:
    """Make the losses that a method takes in turn, and what it learns beside the set."""
    where = device.device()
    if method == "unrolled":
        model = model_at(0)
        second_order.place_(model, prepared)
        begin = torch.full((config.unrolled.inner,), config.unrolled.rate, device=where)
        rates = begin.log().requires_grad_()
        seed = stable_seed("unrolled", prepared.task.name, config.seed)
        loss = second_order.unrolled_loss(model, prepared, start, centred, rates, seed)
        return [loss], [rates]
    if method == "gradients":
        models = [model_at(point) for point in config.encoders]
        for model in models:
            second_order.place_(model, prepared)
        return [second_order.gradient_loss(model, prepared, start, centred) for model in models], []
    targets = torch.from_numpy(centred.real).to(where)
    return [
        means.loss_of(encoder, start, groups)
        if method == "means"
        else regression.loss_of(encoder, start, targets, config.ridge)
        for encoder in _encoders(prepared, model_at, config)
    ], []
