"""A training that goes on from a point of the schedule, with a warm-up of its own.

Adam has no moments at a restart, so that its first steps move every weight by the whole learning rate,
whatever the gradient is. A second warm-up shows whether the results depend on that.
"""

from itertools import islice

import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.training import batches, fit, predict, schedule
from stages.tickets.training.subnetwork import Run
from stages.tickets.training.update import Descent, Subnetwork


def factor(step: int, first_step: int, num_steps: int, config: Train) -> float:
    """Return the factor on the learning rate of a step, in (0, 1], in a warm-up from `first_step` on.

    It rises linearly over as many steps as the warm-up of the complete schedule has.

    Args:
        step: number of the step in the complete schedule, from `first_step` on.
        first_step: step at which the training goes on.
        num_steps: number of steps of the complete schedule.
        config: recipe.
    """
    return min(1.0, (step - first_step + 1) / (config.warmup * num_steps + 1))


def train_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    mask: Mask | None,
    seeds: Seeds,
    config: Train,
    percent: int,
) -> Run:
    """Train as `subnetwork.train_` does, with the learning rates of a second warm-up, and predict.

    Args:
        model: theta_k, trained in place.
        encoder: theta_0.
        prepared: task and data.
        mask: the survivors; None trains all weights.
        seeds: noise of the run.
        config: recipe; its warm-up is repeated.
        percent: k, in per cent of the training.

    Raises:
        TrainingError: the loss is not finite.
    """
    where = device.place_(model.train(), prepared.task.kind)
    torch.set_num_threads(config.threads)
    total = schedule.num_steps(len(prepared.train), config)
    first = schedule.step_at(percent, total)
    order = list(islice(batches.drawn(prepared.train.lengths, config, seeds.data_order), total))
    subnetwork = Subnetwork(prunable_parameters(model, encoder), mask) if mask else None

    def of(step: int) -> tuple[Task, Train]:
        rate = config.learning_rate * factor(step, first, total, config)
        return prepared.task, config.model_copy(update={"learning_rate": rate})

    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(seeds.dropout)
        factors = dict.fromkeys(parameters.head(model), config.head_rate)
        descent = Descent(model.parameters(), config, subnetwork, where, factors)
        take = fit.taking(model, prepared, order, descent, config.masked, seeds.data_order)
        losses = fit.descend(descent, take, range(first, total), total, of)
    return Run(predict.predict(model, prepared), fit.history(losses))
