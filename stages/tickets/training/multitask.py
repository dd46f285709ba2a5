"""Iterative magnitude pruning on several tasks at once: one body, and a head for each task.

Every step takes a batch of one task and moves the body and the head of that task. Each task takes as
many steps as it does alone, over its own examples in its own order, and a seed mixes the steps of all
tasks. So the joint loss is the mean of the tasks' losses, weighted by their numbers of steps, taken one
task at a time. Chen et al. 2020 (supplement) add up the losses of one batch of each task in every step,
so that small tasks are seen as often as large ones.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters, theta, weights
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Kind, Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import LABELLED, Prepared, Task
from stages.tickets.training import batches, fit, schedule
from stages.tickets.training.update import Descent, Subnetwork

EVERY_TOKEN: Kind = "mlm"
"""Kind of a task whose model reads every token."""


@dataclass(frozen=True)
class Part:
    """A task of several: its data, noise and recipe are the same as when it is trained alone."""

    prepared: Prepared
    seeds: Seeds
    recipe: Train

    @property
    def num_steps(self) -> int:
        return schedule.num_steps(len(self.prepared.train), self.recipe)


@dataclass(frozen=True)
class JointRound:
    """The mask and the losses of one round on all tasks."""

    mask: Mask
    """Survivors after pruning."""
    losses: dict[str, list[float]]
    """Training losses by task, each averaged over 100 stretches of its own steps."""


def built(encoder: Encoder, parts: Sequence[Part]) -> list[PreTrainedModel]:
    """Build theta_0 for every task with a head that the task's own seed draws; the body is shared.

    All weights of the encoder are shared, and so is a decoder that is tied to word embeddings. A pooler
    that the encoder lacks belongs to the head. A model may lack a shared part that it has no use for, as
    masked language models lack the pooler.
    """
    models = [
        theta.build(
            encoder,
            part.prepared.task.kind,
            part.prepared.task.num_labels,
            part.recipe.dropout,
            part.seeds.head_init,
            pairs=part.prepared.pairs,
        )
        for part in parts
    ]
    shared: dict[str, nn.Module] = {}
    for model in models:
        words, outputs = model.get_input_embeddings(), model.get_output_embeddings()  # type: ignore[no-untyped-call]
        is_tied = outputs is not None and outputs.weight is words.weight
        for name, child in list(model.base_model.named_children()):
            if any(known.startswith(f"{name}.") for known in encoder.weights):
                setattr(model.base_model, name, shared.setdefault(name, child))
        if is_tied:
            outputs.weight = model.get_input_embeddings().weight
    return models


def prunable_parameters(
    joined: Sequence[PreTrainedModel], encoder: Encoder
) -> dict[str, nn.Parameter]:
    """Return the live prunable matrices of all models, by name in the base model."""
    shared: dict[str, nn.Parameter] = {}
    for model in joined:
        shared |= weights.prunable_parameters(model, encoder)
    return shared


def mixed(num_steps: Sequence[int], seeds: Sequence[int]) -> NDArray[np.int64]:
    """Draw the task of each step: task i comes `num_steps[i]` times, in random order.

    Args:
        num_steps: number of steps of every task.
        seeds: seeds that together seed the draw.
    """
    turns = np.repeat(np.arange(len(num_steps)), num_steps)
    return np.random.default_rng(list(seeds)).permutation(turns)


def fit_(
    joined: Sequence[PreTrainedModel], encoder: Encoder, parts: Sequence[Part], mask: Mask
) -> dict[str, list[float]]:
    """Train models that share a body in place, under a mask; dropped weights are 0 and stay 0.

    One AdamW moves all parameters. A step with a batch of one task leaves the heads of other tasks and
    their moments unchanged. The learning rate decays over the steps of all tasks, from the peak of the
    step's task. Dropout follows the seed of the first task. With one task this is `fit.fit_`.

    Args:
        joined: models that `built` made; moved to the device and left there.
        encoder: theta_0, whose prunable matrices `mask` covers.
        parts: the tasks, in the order of the models; recipes differ only in settings of `Override`.
        mask: the survivors.

    Returns:
        The training losses by task, averaged over 100 stretches.

    Raises:
        TrainingError: a loss is not finite.
    """
    kinds = {part.prepared.task.kind for part in parts}
    kind = EVERY_TOKEN if kinds.difference(LABELLED) else parts[0].prepared.task.kind
    where, first = device.device(), parts[0]
    for model in joined:
        device.place_(model.train(), kind)
    torch.set_num_threads(first.recipe.threads)
    turns = mixed([part.num_steps for part in parts], [part.seeds.data_order for part in parts])
    steps = [iter(range(part.num_steps)) for part in parts]
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(first.seeds.dropout)
        subnetwork = Subnetwork(prunable_parameters(joined, encoder), mask)
        every = nn.ModuleList(joined).parameters()
        factors = {
            parameter: part.recipe.head_rate
            for model, part in zip(joined, parts, strict=True)
            for parameter in parameters.head(model)
        }
        descent = Descent(every, first.recipe, subnetwork, where, factors)
        takes = [_taking(model, part, descent) for model, part in zip(joined, parts, strict=True)]

        def of(step: int) -> tuple[Task, Train]:
            return parts[turns[step]].prepared.task, parts[turns[step]].recipe

        def take(step: int) -> Tensor:
            turn = int(turns[step])
            return takes[turn](next(steps[turn]))

        losses = fit.descend(descent, take, range(len(turns)), len(turns), of)
    return {
        part.prepared.task.name: fit.history([losses[at] for at in np.flatnonzero(turns == i)])
        for i, part in enumerate(parts)
    }


def _taking(model: PreTrainedModel, part: Part, descent: Descent) -> Callable[[int], Tensor]:
    """Make a function that takes a step of one task by its number among the steps of the task."""
    drawn = batches.drawn(part.prepared.train.lengths, part.recipe, part.seeds.data_order)
    order = list(islice(drawn, part.num_steps))
    masked, data_order = part.recipe.masked, part.seeds.data_order
    return fit.taking(model, part.prepared, order, descent, masked, data_order)


def chain(
    encoder: Encoder, parts: Sequence[Part], sparsities: Sequence[float]
) -> Iterator[JointRound]:
    """Do iterative magnitude pruning on all tasks at once, with a round for every sparsity.

    Every round trains the subnetwork from theta_0 with all heads at their first weights, then drops the
    smallest survivors over all matrices. A matrix that no model has is ranked by its pre-trained values.

    Args:
        encoder: theta_0; every round copies it anew.
        parts: the tasks.
        sparsities: rising shares of all prunable weights to drop, in (0, 1).

    Yields:
        The rounds; the mask of each is a subset of the mask before.
    """
    mask = masks.dense({name: encoder.weights[name].numpy() for name in encoder.prunable})
    for sparsity in sparsities:
        joined = built(encoder, parts)
        losses = fit_(joined, encoder, parts, mask)
        trained = weights.to_rank(prunable_parameters(joined, encoder), encoder)
        mask = masks.prune_by_magnitude(trained, mask, sparsity)
        yield JointRound(mask, losses)
