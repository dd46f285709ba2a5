"""Channels chosen while a model is trained: each site in a window of steps of its own.

The training never stops. In its window a site gathers importance on the batches of the steps just taken,
and its channels are chosen anew several times; at the end of the window they stay. Zhang, Colbert and Das
2022 gather it in the passes of the training; here it is a pass of its own, without dropout.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from transformers import PreTrainedModel

from stages.tickets.greedy import choosing, compact, importance
from stages.tickets.greedy.choosing import Order
from stages.tickets.greedy.importance import Running
from stages.tickets.greedy.masking import Site, masked
from stages.tickets.pruning import channels as channels_
from stages.tickets.pruning.channels import Channels
from stages.tickets.settings import Train, UserError
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import batches, fit, predict, schedule
from stages.tickets.training.subnetwork import Run

BUDGET = 3
"""All windows together take at most one of so many steps of the training."""
CHOICES = 5
"""Number of times that channels are chosen in a window of many steps."""


@dataclass(frozen=True)
class Window:
    """The steps in which the channels of some sites are chosen."""

    sites: Sequence[Site]
    start: int
    """Number of steps done at the start."""
    points: tuple[int, ...]
    """Numbers of steps done at which importance is measured, the last at the end of the window."""

    def chooses(self, step: int) -> bool:
        """Tell whether channels are chosen after a step: of several sites only at the end.

        Otherwise the choice at one site would change what the others are measured on.
        """
        return step == self.points[-1] or (len(self.sites) == 1 and step in self.points)


def windows(groups: Sequence[Sequence[Site]], num_steps: int) -> list[Window]:
    """Lay out windows one after another, a third of a training at most.

    A site has a window of floor(num_steps / (3 * sites)) steps, and sites that are chosen together have
    the sum of theirs. Within a window of n steps importance is measured every ceil(n / 5) steps.

    Args:
        groups: sites that are chosen together, in order; all sites once.
        num_steps: number of steps of the training.

    Raises:
        UserError: the training is too short for a step per site.
    """
    num_sites = sum(len(group) for group in groups)
    length, made, start = num_steps // (BUDGET * num_sites), list[Window](), 0
    if not length:
        raise UserError(
            f"a training of {num_steps} steps is too short to choose channels within: windows for "
            f"{num_sites} sites in a third of it take {BUDGET * num_sites}; raise epochs, or empty "
            "greedy.windows"
        )
    for group in groups:
        end = start + length * len(group)
        every = math.ceil((end - start) / CHOICES)
        made.append(Window(group, start, (*range(start + every, end, every), end)))
        start = end
    return made


@dataclass(frozen=True)
class Trained:
    """A training within which channels were chosen; the model itself is compact by then."""

    channels: Channels
    run: Run


def train_(
    order: Order,
    model: PreTrainedModel,
    prepared: Prepared,
    sparsity: float,
    seeds: Seeds,
    config: Train,
    generator: np.random.Generator,
) -> Trained:
    """Train a model in place, choose its channels meanwhile, cut the others out, and predict.

    Examples, their order and the schedule are those of the dense training of the same seed. Channels that
    are drawn at `random` are zero from the first step on.

    Args:
        order: see `choosing.Order`.
        model: theta_0, complete.
        prepared: task and data.
        sparsity: share of heads and of neurons of each layer that is dropped, in [0, 1].
        seeds: noise of the run.
        config: recipe.
        generator: draws the order `shuffled`, or the channels of `random`.

    Raises:
        UserError: the training is too short for a step per site, or the loss is not finite.
    """
    channels, losses = choose_(order, model, prepared, sparsity, seeds, config, generator)
    compact.compact_(model, channels)
    return Trained(channels, Run(predict.predict(model, prepared), losses))


def choose_(
    order: Order,
    model: PreTrainedModel,
    prepared: Prepared,
    sparsity: float,
    seeds: Seeds,
    config: Train,
    generator: np.random.Generator,
) -> tuple[Channels, list[float]]:
    """Train a complete model in place and choose its channels meanwhile, see `train_`.

    Returns:
        The kept channels, and the losses. The model still has the others, which are no more multiplied by
        zero.
    """
    total = schedule.num_steps(len(prepared.train), config)
    everything = compact.whole(model.config)
    first, plan = everything, list[Window]()
    if order == "random":
        first = channels_.random_at(everything, sparsity, generator)
    else:
        plan = windows(choosing.groups(order, len(everything.heads), generator), total)
    taken = list(islice(batches.drawn(prepared.train.lengths, config, seeds.data_order), total))
    running = {site: Running() for window in plan for site in window.sites}
    with masked(model, first) as live:

        def after(step: int) -> None:
            window = next(each for each in plan if step in each.points)
            before = max((point for point in window.points if point < step), default=window.start)
            own = {site: running[site] for site in window.sites}
            if order != "magnitude":
                importance.measure_(own, model, prepared, taken[before:step], everything)
            if window.chooses(step):
                scores = {site: choosing.score(order, model, site, own[site], live) for site in own}
                choosing.choose_(live, scores, window.sites, sparsity)

        at = {point for window in plan for point in window.points}
        losses = fit.fit_(model, prepared, seeds, config, after_step=after, at=at)
    return live, losses
