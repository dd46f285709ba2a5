"""The training loop with a mask: AdamW, a linear schedule, batches in an order that a seed draws."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters
from stages.tickets.encoder.words import Words
from stages.tickets.settings import Train, UserError
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task, hide_words
from stages.tickets.training import batches, schedule
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import Descent, Subnetwork, Update

CHECK_EVERY = 50
"""Number of steps between checks of the loss, each of which waits for the device."""
HISTORY_POINTS = 100


class TrainingError(UserError):
    """Raised if training cannot go on; the message names the step and the learning rate."""


def fit_(
    model: PreTrainedModel,
    prepared: Prepared,
    seeds: Seeds,
    config: Train,
    subnetwork: Subnetwork | None = None,
    first_step: int = 0,
    after_step: Callable[[int], None] | None = None,
    at: Collection[int] | None = None,
    last_step: int | None = None,
    decay_over: int = 1,
) -> list[float]:
    """Train `model` in place on the training split; dropped weights are 0 and stay 0.

    The global generators do not change.

    Args:
        model: starts from its present weights; moved to the device and left there.
        prepared: task and data.
        seeds: only `data_order` and `dropout` are used.
        config: recipe.
        subnetwork: matrices and mask; None trains all weights.
        first_step: optimizer steps that count as done: schedule and data order go on from there.
        after_step: called with the number of steps done, first with `first_step` before any step.
        at: numbers of steps after which `after_step` is called; None for all.
        last_step: step at which to stop; None for the end. The schedule is that of a full training.
        decay_over: number of trainings over which the learning rate decays to 0; this is the first. The
            authors' code (Chen et al. 2020) takes the number of all rounds and begins anew in every
            round.

    Returns:
        The training loss, averaged over 100 stretches of equal length, or each loss of fewer steps.

    Raises:
        TrainingError: the loss is not finite.
    """
    where = device.place_(model.train(), prepared.task.kind)
    torch.set_num_threads(config.threads)
    total = schedule.num_steps(len(prepared.train), config)
    steps = range(first_step, total if last_step is None else last_step)
    drawn = batches.drawn(prepared.train.lengths, config, seeds.data_order)
    order = list(islice(drawn, total))
    with (
        torch.random.fork_rng(devices=[where] if where.type == "cuda" else []),
        _few_words(model, prepared) as (seen, words),
    ):
        torch.manual_seed(seeds.dropout)
        factors = dict.fromkeys(parameters.head(model), config.head_rate)
        descent = Descent(model.parameters(), config, subnetwork, where, factors)
        take = taking(model, seen, order, descent, config.masked, seeds.data_order)

        def after(done: int, rate: float) -> None:
            if words:
                words.decay *= 1 - rate * config.weight_decay
            if after_step and (at is None or done in at):
                with words.all_shown() if words else nullcontext():
                    after_step(done)

        after(first_step, 0.0)
        of = prepared.task, config
        losses = descend(descent, take, steps, total, lambda _: of, decay_over, after)
    return history(losses)


def descend(
    descent: Descent,
    take: Callable[[int], Tensor],
    steps: range,
    total: int,
    of: Callable[[int], tuple[Task, Train]],
    decay_over: int = 1,
    after_step: Callable[[int, float], None] | None = None,
) -> list[Tensor]:
    """Take steps, each with its learning rate; return the loss before each step, on the device.

    Args:
        descent: optimizer of the parameters.
        take: takes a step by its number and returns its loss.
        steps: numbers of the steps.
        total: number of steps of the complete schedule.
        of: returns task and recipe of a step by its number.
        decay_over: see `fit_`.
        after_step: called with the number of steps done and the learning rate of the last.

    Raises:
        TrainingError: a loss is not finite.
    """
    losses: list[Tensor] = []
    name = " ".join({of(step)[0].name: None for step in steps})
    for step in tqdm(steps, name, steps.stop, initial=steps.start, unit="step", mininterval=5):
        rate = schedule.learning_rate_at(step, total, of(step)[1], decay_over)
        descent.set_rate(rate)
        losses.append(take(step))
        if len(losses) % CHECK_EVERY == 0 or step + 1 == steps.stop:
            _check_finite(losses, step, total, of, decay_over)
        if after_step:
            after_step(step + 1, rate)
    return losses


def history(losses: Sequence[Tensor]) -> list[float]:
    """Average losses over 100 stretches of equal length; return fewer losses as they are."""
    chunks = np.array_split(np.array([float(loss) for loss in losses]), HISTORY_POINTS)
    return [round(float(chunk.mean()), 5) for chunk in chunks if len(chunk)]


def taking(
    model: PreTrainedModel,
    prepared: Prepared,
    order: Sequence[NDArray[np.int64]],
    descent: Descent,
    masked: float,
    data_order: int,
) -> Callable[[int], Tensor]:
    """Make a function that takes a step of a task by its number in `order` and returns its loss.

    Args:
        model: a model that `device.place_` has placed.
        prepared: task and data.
        order: numbers of the examples, by batch.
        descent: optimizer of the parameters of `model`, and maybe of others.
        masked: share of the words that masked language modelling hides, anew in each step, in (0, 1).
        data_order: seed by which words are hidden.
    """
    update, where = Update(model, prepared.task, descent), descent.where
    if prepared.task.kind == "mlm":
        return _hiding(update, model, prepared, order, where, masked, data_order)
    return _gathering(update, model, prepared, order, where)


def _gathering(
    update: Update,
    model: PreTrainedModel,
    prepared: Prepared,
    order: Sequence[NDArray[np.int64]],
    where: torch.device,
) -> Callable[[int], Tensor]:
    """Make a function that takes a step by its number; examples and their order are on the device."""
    lengths = prepared.train.lengths
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, where)
    ends = np.cumsum([len(batch) for batch in order])
    numbers = torch.from_numpy(np.concatenate(order)).to(where).tensor_split(ends[:-1].tolist())

    def step(number: int) -> Tensor:
        of_batch = lengths[order[number]]
        examples, length = numbers[number], int(of_batch.max())
        inputs, _ = rows.padded(examples, length)
        full = bool((of_batch == length).all())
        return update(device.inputs_of(model, inputs, full), rows.labels[examples])

    return step


def _hiding(
    update: Update,
    model: PreTrainedModel,
    prepared: Prepared,
    order: Sequence[NDArray[np.int64]],
    where: torch.device,
    share: float,
    data_order: int,
) -> Callable[[int], Tensor]:
    """Make a function that takes a step by its number; a generator on the host hides words anew."""
    lengths = prepared.train.lengths
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, torch.device("cpu"))

    def moved(tensor: Tensor) -> Tensor:
        return tensor.pin_memory().to(where, non_blocking=True) if where.type == "cuda" else tensor

    def step(number: int) -> Tensor:
        batch = order[number]
        inputs, there = rows.padded(torch.from_numpy(batch), int(lengths[batch].max()))
        generator = np.random.default_rng([data_order, number, 1])
        ids, all_labels = hide_words(
            inputs["input_ids"].numpy(), prepared.vocabulary, share, generator
        )
        hidden = torch.from_numpy(np.flatnonzero(all_labels != NOT_SCORED))
        labels = torch.from_numpy(all_labels).reshape(-1)[hidden]
        inputs["input_ids"] = torch.from_numpy(ids)
        taken = device.inputs_of(model, inputs, bool(there.all()))
        on_device = {name: moved(tensor) for name, tensor in taken.items()}
        return update(on_device, moved(labels), moved(hidden))

    return step


@contextmanager
def _few_words(
    model: PreTrainedModel, prepared: Prepared
) -> Iterator[tuple[Prepared, Words | None]]:
    """Train only embeddings of words that occur, in a `with` block; language models need all words."""
    if prepared.task.kind == "mlm" or type(model.get_input_embeddings()) is not nn.Embedding:
        yield prepared, None
        return
    with Words(model, prepared.train.ids, prepared.vocabulary.pad) as words:
        train = replace(prepared.train, ids=words.row_of[prepared.train.ids])
        yield replace(prepared, train=train), words


def _check_finite(
    losses: Sequence[Tensor],
    step: int,
    total: int,
    of: Callable[[int], tuple[Task, Train]],
    decay_over: int,
) -> None:
    """Raise TrainingError if any of the latest losses, up to that of `step`, is not finite."""
    recent = torch.stack(list(losses[-CHECK_EVERY:]))
    if bool(torch.isfinite(recent).all()):
        return
    bad = int((~torch.isfinite(recent)).nonzero()[0, 0])
    first = step + 1 - len(recent) + bad
    task, config = of(first)
    rate = schedule.learning_rate_at(first, total, config, decay_over)
    raise TrainingError(
        f"the loss of task {task.name!r} is {float(recent[bad])} from step {first + 1} of {total} on, "
        f"where the learning rate was {rate:.3g}; lower train.learning_rate or override it for this task"
    )
