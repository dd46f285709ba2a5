"""Train a subnetwork from given weights, and predict with it."""

from dataclasses import dataclass

from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.files import Arrays
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict, schedule
from stages.tickets.training.update import Subnetwork


@dataclass(frozen=True)
class Run:
    """The predictions and losses of a training; its weights are in the model itself."""

    predictions: Arrays
    losses: list[float]


def train_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    mask: Mask | None,
    seeds: Seeds,
    config: Train,
    percent: int = 0,
    decay_over: int = 1,
) -> Run:
    """Train the subnetwork `mask` of `model` in place from `percent` of the training on, and predict.

    In Algorithm 1 of Chen et al. 2020 it takes t - i steps from theta_i. Schedule and data order go on
    from step i of the run that theta_i is taken from.

    Args:
        model: theta_i.
        encoder: theta_0, whose prunable matrices `mask` covers; a matrix that `model` lacks is ignored.
        prepared: task and data.
        mask: the survivors; None trains all weights.
        seeds: noise of the run.
        config: recipe.
        percent: i, in per cent of the training.
        decay_over: number of trainings over which the learning rate decays, see `fit.fit_`.
    """
    subnetwork = Subnetwork(prunable_parameters(model, encoder), mask) if mask else None
    first_step = schedule.step_at(percent, schedule.num_steps(len(prepared.train), config))
    losses = fit.fit_(model, prepared, seeds, config, subnetwork, first_step, decay_over=decay_over)
    return Run(predict.predict(model, prepared), losses)


def to_sparse_theta_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    mask: Mask,
    seeds: Seeds,
    config: Train,
    percent: int,
) -> None:
    """Train the subnetwork `mask` of theta_0 in place to theta_i, i = `percent` of its own training.

    In Algorithm 1 of Chen et al. 2020 theta_i comes from the dense training, in the authors' code from
    the training of the subnetwork. `train_` goes on from there with the examples and rates of the
    ticket's own training, but without the optimizer's moments and with dropout drawn anew. So we expect
    little difference between the two trainings.
    """
    subnetwork = Subnetwork(prunable_parameters(model, encoder), mask)
    last_step = schedule.step_at(percent, schedule.num_steps(len(prepared.train), config))
    fit.fit_(model, prepared, seeds, config, subnetwork, last_step=last_step)
