"""One round of iterative magnitude pruning with rewinding, and standard pruning without rewinding.

Chen et al. 2020, Algorithm 1 (iterative magnitude pruning to sparsity s with rewinding step i):

1. train f(x; theta_0) to step i, which gives theta_i, and on to step t   `stages/fine_tune.py`
2. m = 1                                                                  `masks.dense`
3. repeat: train f(x; m * theta_i) from step i to step t,                 `prune_round`
4.         drop the smallest weights that remain from m,
5. until m has sparsity s; return f(x; m * theta_i)                       a stage per round in dvc.yaml
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks, movement
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import schedule, subnetwork
from stages.tickets.training.subnetwork import Run


@dataclass(frozen=True)
class Round:
    """The mask of one round, and the training that led to it."""

    mask: Mask
    """The survivors after pruning."""
    run: Run | None
    """Predictions and losses of the trained subnetwork; None if it had been trained before."""
    movement: dict[str, int | float]
    """Number of steps, distances of weights, and their effect on the mask; see `movement.record`."""


def prune_round(
    theta_i: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    mask: Mask,
    sparsity: float,
    seeds: Seeds,
    config: Train,
    percent: int = 0,
    decay_over: int = 1,
    trained: PreTrainedModel | None = None,
) -> Round:
    """Train the subnetwork `mask` from theta_i, then drop its smallest weights over all matrices.

    Args:
        theta_i: the model at the rewinding point; trained in place unless `trained` is given.
        encoder: theta_0, whose prunable matrices the masks cover.
        prepared: task and data.
        mask: survivors of the round before; in round 0 all weights.
        sparsity: share of all prunable weights that are dropped in the end, in [0, 1).
        seeds: noise of the training.
        config: recipe.
        percent: i, in per cent of the dense training.
        decay_over: number of trainings over which the learning rate decays, see `fit.fit_`.
        trained: the model after this training, if it is done already, as in round 0 by dense training.

    Raises:
        ValueError: `sparsity` is out of range or below that of `mask`.
        TrainingError: the loss is not finite.

    Chen et al. 2020, Algorithm 1, one pass of its loop; the paper drops a tenth of all weights in each.
    """
    start = prunable_weights(theta_i, encoder)
    run = None
    if trained is None:
        trained = theta_i
        run = subnetwork.train_(
            theta_i, encoder, prepared, mask, seeds, config, percent, decay_over
        )
    ranked = prunable_weights(trained, encoder)
    pruned = masks.prune_by_magnitude(ranked, mask, sparsity)

    total = schedule.num_steps(len(prepared.train), config)
    first_step = schedule.step_at(percent, total)
    rates = schedule.sum_of_rates(total, config, first_step, decay_over)
    theta_0 = {name: encoder.weights[name].numpy() for name in pruned}
    one_shot = masks.one_shot(theta_0, pruned)
    moved = movement.record(theta_0, one_shot, start, ranked, mask, pruned, rates)
    return Round(pruned, run, {"steps": total - first_step, **moved})


def standard(
    trained: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    sparsities: Sequence[float],
    seeds: Seeds,
    config: Train,
) -> Iterator[tuple[Mask, Run]]:
    """Do standard pruning: drop the smallest weights, train on from the current weights, and repeat.

    Args:
        trained: the model after its dense training; trained on in place.
        encoder: theta_0, whose prunable matrices the masks cover.
        prepared: task and data.
        sparsities: rising shares of all prunable weights to drop, in [0, 1).
        seeds: noise of every training.
        config: recipe; every training takes all of its steps.

    Yields:
        After every round its mask, a subset of the mask before, and the training under this mask.

    Chen et al. 2020, Table 3, last row.
    """
    mask = masks.dense(prunable_weights(trained, encoder))
    for sparsity in sparsities:
        mask = masks.prune_by_magnitude(prunable_weights(trained, encoder), mask, sparsity)
        yield mask, subnetwork.train_(trained, encoder, prepared, mask, seeds, config)
