"""Make a set by the method of a name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from stages.tickets.distillation import coresets, features, learned, means, regression, sets
from stages.tickets.distillation.learned import Centred
from stages.tickets.distillation.sets import Sequences
from stages.tickets.settings import SetOfSequences
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks.task import Prepared

LEARNED = ("regression", "means")
"""Methods that learn a set under the encoders of several points of a training."""


def make(
    method: str,
    prepared: Prepared,
    model_at: Callable[[int | str], PreTrainedModel],
    config: SetOfSequences,
) -> tuple[Sequences, dict[str, Any]]:
    """Make a set from the training examples of a task; no other split is looked at.

    Args:
        method: a name of `settings.Distil.methods`.
        prepared: task and data.
        model_at: makes the model at a point of the dense training, in per cent or `trained`.
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
    encoders = [features.fixed(str(point), model_at(point), prepared) for point in config.encoders]
    centred = Centred.of(prepared)
    where = encoders[0].real.device
    targets = torch.from_numpy(centred.real).to(where)
    losses = [
        means.loss_of(encoder, start, groups)
        if method == "means"
        else regression.loss_of(encoder, start, targets, config.ridge)
        for encoder in encoders
    ]
    new, record = learned.learn(start, centred, losses, config, float(words.std()), where)
    probes = {
        encoder.name: {
            time: regression.probe(
                encoder, of, torch.from_numpy(centred.centred(of.labels)).to(where), targets,
                config.ridge,
            )
            for time, of in {"before": start, "after": new}.items()
        }
        for encoder in encoders
    }  # fmt: skip
    return new, record | {"probes": probes}
