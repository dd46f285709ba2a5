"""Channels of every layer chosen from a model, layer by layer or at once, without a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.greedy import compact, importance
from stages.tickets.greedy.importance import Numbers, Running
from stages.tickets.greedy.masking import Site, kept_at, masked, sites
from stages.tickets.pruning import channels as channels_
from stages.tickets.pruning.channels import Channels
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks.task import Prepared

Order = Literal["greedy", "reversed", "shuffled", "one-shot", "magnitude", "random"]
"""greedy: from the input on, by importance in the network whose earlier layers are pruned already;
reversed: from the output on; shuffled: sites in an order that is drawn; one-shot: all at once, by
importance in the dense network; magnitude: by the size of weights; random: draws."""
ORDERS: tuple[Order, ...] = get_args(Order)
Importances = Mapping[Site, NDArray[np.float64]]


@dataclass(frozen=True)
class Chosen:
    """What was chosen, and by which importance."""

    channels: Channels
    importances: Importances
    """Importance of every channel of a site when it was chosen, (channels,); empty for draws."""


def groups(order: Order, num_layers: int, generator: np.random.Generator) -> list[list[Site]]:
    """List the sites whose channels are chosen at the same time, in the order of the choice.

    Args:
        order: see `Order`; `random` has no groups, as its channels are drawn at once.
        num_layers: number of layers, each with two sites.
        generator: draws the order `shuffled`.
    """
    every = sites(num_layers)
    if order == "one-shot":
        return [every]
    if order == "reversed":
        every = every[::-1]
    if order == "shuffled":
        every = [every[number] for number in generator.permutation(len(every))]
    return [[site] for site in every]


def choose(
    order: Order,
    model: PreTrainedModel,
    prepared: Prepared,
    batches: list[Numbers],
    sparsity: float,
    generator: np.random.Generator,
) -> Chosen:
    """Choose the channels of every layer, the same share of each, without a training.

    No later layer changes what an earlier one computes. So the order `reversed` chooses what `one-shot`
    does, as long as nothing trains in between.

    Args:
        order: see `Order`.
        model: a complete model, which stays as it is, but for its device and mode of evaluation.
        prepared: task and data.
        batches: numbers of training examples on which importance is measured, by batch.
        sparsity: share of heads and of neurons of each layer that is dropped, in [0, 1].
        generator: draws the order `shuffled`, or the channels of `random`.
    """
    everything = compact.whole(model.config)
    importances: dict[Site, NDArray[np.float64]] = {}
    if order == "random":
        return Chosen(channels_.random_at(everything, sparsity, generator), importances)
    model.train(mode=False)
    with masked(model, everything) as live:
        for group in groups(order, len(everything.heads), generator):
            running = {site: Running() for site in group}
            if order != "magnitude":
                importance.measure_(running, model, prepared, batches, everything)
            for site in group:
                importances[site] = score(order, model, site, running[site], live)
            choose_(live, importances, group, sparsity)
    return Chosen(live, importances)


def dense(model: PreTrainedModel, prepared: Prepared, batches: list[Numbers]) -> Importances:
    """Measure importance in the dense network; arguments are those of `choose`."""
    unused = np.random.default_rng(0)  # one-shot draws nothing
    return choose("one-shot", model, prepared, batches, 0.0, unused).importances


def draws(order: Order, sparsity: float, mask: int) -> np.random.Generator:
    """Make the generator of an order; `random` draws the same channels with and without a training.

    Args:
        order: see `Order`.
        sparsity: share that is dropped.
        mask: seed of random masks of the run.
    """
    return np.random.default_rng([mask, stable_seed("channels", order, str(sparsity))])


def score(
    order: Order,
    model: PreTrainedModel,
    site: Site,
    running: Running,
    channels: Channels,
) -> NDArray[np.float64]:
    """Return the numbers by which channels of a site are chosen, (channels,).

    Args:
        order: see `Order`.
        model: gives the weights of `magnitude`.
        site: heads or neurons of a layer.
        running: sums of activations of the site, which `magnitude` does without.
        channels: gives the numbers of heads and neurons.
    """
    if order == "magnitude":
        return importance.magnitude(model, site, len(kept_at(channels, site)))
    return running.mean


def choose_(
    channels: Channels, importances: Importances, group: Sequence[Site], sparsity: float
) -> None:
    """Set the kept channels of some sites to the most important, see `channels.keep_largest`."""
    for site in group:
        kept_at(channels, site)[:] = channels_.keep_largest(importances[site], sparsity)
