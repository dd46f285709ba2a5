"""The training loop around a mask."""

import math
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

from stages.tickets.encoder import device, graphs
from stages.tickets.encoder.words import Words
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task, hide_words
from stages.tickets.training import batches
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import Descent, Subnetwork, Update

CHECK_EVERY = 50
"""Steps between looks at the loss, each of which waits for the device."""
HISTORY_POINTS = 100


class TrainingError(RuntimeError):
    """Training cannot go on; the message says where and with which learning rate."""


def num_steps(num_examples: int, config: Train) -> int:
    """Optimizer steps of a training: epochs times the batches of one epoch, at least 1."""
    return max(1, round(config.epochs * math.ceil(num_examples / config.batch_size)))


def step_at(percent: int, num_steps: int) -> int:
    """The step after `percent` of the training, rounded to the nearest, halves to even."""
    return round(percent * num_steps / 100)


def learning_rate_at(step: int, num_steps: int, config: Train, decay_over: int = 1) -> float:
    """Of step `step` (from 0): linear warm-up, then linear decay to 0 after `decay_over` trainings.

    Args:
        step: of one training, in [0, num_steps).
        num_steps: of one training; of these the warm-up is a share.
        config: recipe.
        decay_over: see `fit_`.
    """
    num_warmup = config.warmup * num_steps
    if step < num_warmup:
        return config.learning_rate * (step + 1) / (num_warmup + 1)
    end = num_steps * decay_over
    return config.learning_rate * (end - step) / (end - num_warmup)


def sum_of_rates(num_steps: int, config: Train, first_step: int = 0, decay_over: int = 1) -> float:
    """Of the dense training up to `first_step`, and of one that goes on from there as `fit_` does.

    AdamW moves a weight by about this much in all at most, weight decay aside.
    """
    dense = [learning_rate_at(step, num_steps, config) for step in range(first_step)]
    rest = range(first_step, num_steps)
    here = [learning_rate_at(step, num_steps, config, decay_over) for step in rest]
    return math.fsum(dense + here)


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

    The global generators are left as they were.

    Args:
        model: starts from its present weights; moved to the device and left there.
        prepared: task and data.
        seeds: `data_order` and `dropout` are used.
        config: recipe.
        subnetwork: what is dropped; None trains all weights.
        first_step: optimizer steps that count as done: schedule and data order go on from there.
        after_step: called with the number of steps done, first with `first_step` before any.
        at: the steps after which it is called; None for every one.
        last_step: where to stop; None for the end. The schedule stays that of the whole training.
        decay_over: the learning rate decays to 0 over so many trainings, of which this is the first. With
            the number of all rounds it is the schedule of the authors' code (Chen et al. 2020), which in
            every round begins anew.

    Returns:
        The training loss, averaged over 100 stretches of equal length (over fewer steps, each one).

    Raises:
        TrainingError: the loss is not finite.
    """
    where = device.place_(model.train(), prepared.task.kind)
    torch.set_num_threads(config.threads)
    total = num_steps(len(prepared.train), config)
    end = total if last_step is None else last_step
    drawn = batches.drawn(prepared.train.lengths, config, seeds.data_order)
    order = list(islice(drawn, total))
    is_mlm = prepared.task.kind == "mlm"
    replayed = not is_mlm and graphs.wanted(where)
    losses: list[Tensor] = []
    with (
        torch.random.fork_rng(devices=[where] if where.type == "cuda" else []),
        graphs.one_stream() if replayed else nullcontext(),
        _few_words(model, prepared) as (seen, words),
    ):
        torch.manual_seed(seeds.dropout)
        descent = Descent(model.parameters(), config, subnetwork, where, replayed)
        take = taking(model, seen, order, descent, config.masked, seeds.data_order, replayed)

        def pause(done: int) -> None:
            if after_step and (at is None or done in at):
                with words.all_shown() if words else nullcontext():
                    after_step(done)

        pause(first_step)
        for step in tqdm(
            range(first_step, end),
            seen.task.name,
            end,
            initial=first_step,
            unit="step",
            mininterval=5,
        ):
            rate = learning_rate_at(step, total, config, decay_over)
            descent.set_rate(rate)
            losses.append(take(step))
            if len(losses) % CHECK_EVERY == 0 or step + 1 == end:
                check_finite(losses, step, total, lambda _: (prepared.task, config), decay_over)
            if words:
                words.decay *= 1 - rate * config.weight_decay
            pause(step + 1)
    return history(losses)


def history(losses: Sequence[Tensor]) -> list[float]:
    """Losses averaged over 100 stretches of equal length; of fewer, each one."""
    chunks = np.array_split(np.array([float(loss) for loss in losses]), HISTORY_POINTS)
    return [round(float(chunk.mean()), 5) for chunk in chunks if len(chunk)]


def taking(
    model: PreTrainedModel,
    prepared: Prepared,
    order: Sequence[NDArray[np.int64]],
    descent: Descent,
    masked: float,
    data_order: int,
    replayed: bool = False,
) -> Callable[[int], Tensor]:
    """What takes a step of a task by its number in `order`, and returns its loss.

    Args:
        model: as `models.place_` left it.
        prepared: task and data.
        order: examples by batch.
        descent: of the parameters of `model`, and maybe of others.
        masked: share of the words that masked language modelling hides, anew in each step.
        data_order: seed of which ones.
        replayed: steps are CUDA graphs; not for masked language modelling.
    """
    update, where = Update(model, prepared.task, descent), descent.where
    if prepared.task.kind == "mlm":
        return _hiding(update, model, prepared, order, where, masked, data_order)
    return _gathering(update, model, prepared, order, where, replayed)


def _gathering(
    update: Update,
    model: PreTrainedModel,
    prepared: Prepared,
    order: Sequence[NDArray[np.int64]],
    where: torch.device,
    replayed: bool,
) -> Callable[[int], Tensor]:
    """Takes a step by its number; the split and the order of its examples lie on the device."""
    lengths = prepared.train.lengths
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, where)
    ends = np.cumsum([len(batch) for batch in order])
    numbers = torch.from_numpy(np.concatenate(order)).to(where).tensor_split(ends[:-1].tolist())

    def take(examples: Tensor, length: int, full: bool) -> Tensor:
        inputs, _ = rows.padded(examples, length)
        return update(device.inputs_of(model, inputs, full), rows.labels[examples])

    taken = graphs.Replayed(take) if replayed else take

    def step(number: int) -> Tensor:
        of_batch = lengths[order[number]]
        length = int(of_batch.max())
        if replayed:
            length = graphs.bucketed(length, int(lengths.max()))
        return taken(numbers[number], length, bool((of_batch == length).all()))

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
    """Takes a step by its number; a generator on the host hides words anew in each."""
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
    """The training split as rows of the word embeddings that occur; masked language models need all."""
    if prepared.task.kind == "mlm" or type(model.get_input_embeddings()) is not nn.Embedding:
        yield prepared, None
        return
    with Words(model, prepared.train.ids, prepared.vocabulary.pad) as words:
        train = replace(prepared.train, ids=words.row_of[prepared.train.ids])
        yield replace(prepared, train=train), words


def check_finite(
    losses: Sequence[Tensor],
    step: int,
    total: int,
    of: Callable[[int], tuple[Task, Train]],
    decay_over: int = 1,
) -> None:
    """Raise TrainingError where one of the latest losses is not finite.

    Args:
        losses: up to that of `step`, counted from 0.
        step: the last one taken.
        total: steps of the training.
        of: task and recipe of a step.
        decay_over: see `fit_`.
    """
    recent = torch.stack(list(losses[-CHECK_EVERY:]))
    if bool(torch.isfinite(recent).all()):
        return
    bad = int((~torch.isfinite(recent)).nonzero()[0, 0])
    first = step + 1 - len(recent) + bad
    task, config = of(first)
    raise TrainingError(
        f"the loss of task {task.name!r} is {float(recent[bad])} from step {first + 1} of {total} on, "
        f"where the learning rate was {learning_rate_at(first, total, config, decay_over):.3g}; lower "
        "train.learning_rate or override it for this task"
    )
