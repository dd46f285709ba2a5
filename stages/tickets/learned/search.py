"""Learn a logit for every prunable weight of a model that keeps its weights.

Ghosh et al. 2024 minimise over logits the expected loss of the masked network at its initial weights plus
the divergence of the mask from a sparse prior; only the largest logits stay. Here the loss is that of a
task or of masked language modelling, and a head that the encoder lacks may train beside the logits.
"""

import math
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.learned import masking
from stages.tickets.settings import LearnRule, Train
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import batches, fit, schedule
from stages.tickets.training.fit import TrainingError
from stages.tickets.training.update import Descent

Logits = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Learned:
    """Logits of all prunable matrices of the encoder, and the search that led to them."""

    logits: Logits
    """Logits by matrix; for a matrix that the model lacks, that of the prior, where it alone leads to."""
    losses: list[float]
    """Losses of the masked model without the prior, as in `fit.history`."""
    divergence: float
    """Mean divergence from the prior in the end, in nats per weight."""


class WithPrior(Descent):
    """Adam on logits and on a head; every step adds the divergence from the prior to the loss."""

    def __init__(
        self,
        logits: list[nn.Parameter],
        head: list[nn.Parameter],
        rule: LearnRule,
        prior: float,
        config: Train,
        where: torch.device,
    ) -> None:
        """
        Args:
            logits: logits on their device.
            head: parameters that train beside them.
            rule: rates and weight of the prior.
            prior: in (0, 1).
            config: recipe of the search, see `recipe_of`.
            where: the device.
        """
        factors = dict.fromkeys(head, rule.head_rate / rule.learning_rate)
        super().__init__([*logits, *head], config, None, where, factors)
        self._logits, self._prior, self._weight = logits, prior, rule.weight

    def __call__(self, loss: Tensor) -> None:
        """Take a step on the loss of a task plus the weighted mean divergence."""
        super().__call__(loss + self._weight * self.divergence())

    def divergence(self) -> Tensor:
        """Compute the mean divergence over all weights, in nats."""
        total = sum(masking.divergence(part, self._prior).sum() for part in self._logits)
        return torch.as_tensor(total) / sum(part.numel() for part in self._logits)


def recipe_of(config: Train, rule: LearnRule) -> Train:
    """Return the recipe of a search: that of a training with other rates and length, without decay.

    Steps of Adam do not depend on the scale of the loss, so gradients are not clipped.
    """
    changes = {
        "epochs": config.epochs * rule.length,
        "learning_rate": rule.learning_rate,
        "epsilon": rule.epsilon,
        "weight_decay": 0.0,
        "clip": math.inf,
    }
    return config.model_copy(update=changes)


def prior_at(rule: LearnRule, sparsity: float) -> float:
    """Return the prior for a mask that drops the share `sparsity` of all weights."""
    return round(1 - sparsity, 12) if isinstance(rule.prior, str) else rule.prior


def temperature_at(step: int, total: int, temperatures: tuple[float, float]) -> float:
    """Return the temperature of a step, from the first to the last by equal factors."""
    first, last = temperatures
    return first * math.pow(last / first, step / max(total - 1, 1))


def learn_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    prior: float,
    rule: LearnRule,
    seeds: Seeds,
    config: Train,
) -> Learned:
    """Learn logits over the weights of `model`, of which only the head trains, if it does.

    Logits begin at 0, a probability of 1/2. The global generators do not change.

    Args:
        model: moved to the device and left there.
        encoder: theta_0, whose prunable matrices get logits.
        prepared: task and data; the loss is that of the task.
        prior: probability that weights are drawn towards, in (0, 1).
        rule: rates, temperatures and length.
        seeds: `data_order`, `dropout`, and `mask` for the samples.
        config: recipe of a training of the task.

    Raises:
        TrainingError: the loss is not finite.
    """
    recipe, task = recipe_of(config, rule), prepared.task
    where = device.place_(model.train(), task.kind)
    torch.set_num_threads(recipe.threads)
    logits = {
        name: nn.Parameter(torch.zeros_like(weights))
        for name, weights in prunable_parameters(model, encoder).items()
    }
    head = parameters.head(model) if rule.head_rate else []
    total = schedule.num_steps(len(prepared.train), recipe)
    drawn = batches.drawn(prepared.train.lengths, recipe, seeds.data_order)
    generator = torch.Generator(where).manual_seed(stable_seed("samples of masks", seeds.mask))
    samples = masking.Samples(generator, rule.temperatures[0])
    factors = {name: partial(samples.of, part) for name, part in logits.items()}
    with (
        torch.random.fork_rng(devices=[where] if where.type == "cuda" else []),
        masking.frozen_(model, head),
        masking.multiplied_(model, factors),
    ):
        torch.manual_seed(seeds.dropout)
        descent = WithPrior([*logits.values()], head, rule, prior, recipe, where)
        order = list(islice(drawn, total))
        take = fit.taking(model, prepared, order, descent, recipe.masked, seeds.data_order)

        def step(number: int) -> Tensor:
            samples.temperature = temperature_at(number, total, rule.temperatures)
            return take(number)

        try:
            losses = fit.descend(descent, step, range(total), total, lambda _: (task, recipe))
        except TrainingError as error:
            place = str(error).partition("; lower")[0]
            raise TrainingError(f"{place}; lower learned_masks.rule.learning_rate") from None
        last = float(descent.divergence().detach())
    made: Logits = {
        name: logits[name].detach().float().cpu().numpy()
        if name in logits
        else np.full(tuple(encoder.weights[name].shape), logit(prior), np.float32)
        for name in encoder.prunable
    }
    return Learned(made, fit.history(losses), last)
