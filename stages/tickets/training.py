"""The training loop around a mask."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel

from stages.tickets import models
from stages.tickets.artifacts import Split
from stages.tickets.embedding import Words
from stages.tickets.masks import Mask
from stages.tickets.params import Train
from stages.tickets.seeds import Seeds
from stages.tickets.tasks import NOT_SCORED, Prepared, Task, Vocabulary, hide_words

CHECK_EVERY = 50
"""Steps between looks at the loss, each of which waits for the device."""
HISTORY_POINTS = 100


class TrainingError(RuntimeError):
    """Training cannot go on; the message says where and with which learning rate."""


@dataclass(frozen=True)
class Subnetwork:
    """The live prunable matrices of a model and the mask over them."""

    parameters: Mapping[str, nn.Parameter]
    mask: Mask


def num_steps(num_examples: int, config: Train) -> int:
    """Optimizer steps of a training: epochs times the batches of one epoch, at least 1."""
    return max(1, round(config.epochs * math.ceil(num_examples / config.batch_size)))


def step_at(percent: int, num_steps: int) -> int:
    """The step after `percent` of the training, rounded to the nearest, halves to even."""
    return round(percent * num_steps / 100)


def learning_rate_at(step: int, num_steps: int, config: Train) -> float:
    """Of optimizer step `step` (from 0): linear warm-up, then linear decay to 0 after the last."""
    num_warmup = config.warmup * num_steps
    if step < num_warmup:
        return config.learning_rate * (step + 1) / (num_warmup + 1)
    return config.learning_rate * (num_steps - step) / (num_steps - num_warmup)


def batches(
    lengths: NDArray[np.int64], config: Train, data_order: int
) -> Iterator[NDArray[np.int64]]:
    """Example numbers batch by batch, epoch after epoch without end, from the seed `data_order`.

    An epoch shuffles all examples, cuts them into chunks of `config.group` batches, sorts each chunk
    by length so that a batch holds examples of like length, and shuffles the batches. Every example
    comes once an epoch, and an epoch has as many batches as without grouping.
    """
    epoch = 0
    while True:
        generator = np.random.default_rng([data_order, epoch])
        order = generator.permutation(len(lengths))
        chunk = config.batch_size * config.group
        cut = [
            part[np.argsort(lengths[part], kind="stable")]
            for part in (order[i : i + chunk] for i in range(0, len(order), chunk))
        ]
        grouped = np.concatenate(cut)
        starts = np.arange(0, len(grouped), config.batch_size)
        for start in generator.permutation(starts):
            yield grouped[start : start + config.batch_size]
        epoch += 1


def padded(
    split: Split, examples: NDArray[np.int64], vocabulary: Vocabulary
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.bool_]]:
    """Inputs of one batch, padded to its longest example, and where there are tokens."""
    lengths = split.lengths[examples]
    there = np.arange(lengths.max())[None, :] < lengths[:, None]
    tokens = np.concatenate([np.arange(split.starts[i], split.starts[i + 1]) for i in examples])
    ids = np.full(there.shape, vocabulary.pad, dtype=np.int64)
    types = np.zeros(there.shape, dtype=np.int64)
    ids[there] = split.ids[tokens]
    types[there] = split.types[tokens]
    return {
        "input_ids": ids,
        "token_type_ids": types,
        "attention_mask": there.astype(np.int64),
    }, there


def loss_of(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over examples or hidden words; for regression mean squared error."""
    if task.kind == "regression":
        return nn.functional.mse_loss(logits.float().squeeze(-1), labels)
    return nn.functional.cross_entropy(logits.float(), labels)


def fit_(
    model: PreTrainedModel,
    prepared: Prepared,
    seeds: Seeds,
    config: Train,
    subnetwork: Subnetwork | None = None,
    first_step: int = 0,
    after_step: Callable[[int], None] | None = None,
    at: Collection[int] | None = None,
) -> list[float]:
    """Train `model` in place on the training split; dropped weights are 0 and stay 0.

    Dropped weights are set to 0 once, and their gradients before clipping in every step, so that AdamW
    never moves them. The global generators are left as they were.

    Args:
        model: starts from its present weights; moved to the device and left there.
        prepared: task and data.
        seeds: `data_order` and `dropout` are used.
        config: recipe.
        subnetwork: what is dropped; None trains all weights.
        first_step: optimizer steps that count as done: schedule and data order go on from there.
        after_step: called with the number of steps done, first with `first_step` before any.
        at: the steps after which it is called; None for every one.

    Returns:
        The training loss, averaged over 100 stretches of equal length (over fewer steps, each one).

    Raises:
        TrainingError: the loss is not finite.
    """
    where = models.place_(model.train(), prepared.task.kind)
    torch.set_num_threads(config.threads)
    if prepared.task.kind == "mlm" or type(model.get_input_embeddings()) is not nn.Embedding:
        return _fit_(model, where, prepared, seeds, config, subnetwork, first_step, after_step, at)
    with Words(model, prepared.train.ids, prepared.vocabulary.pad) as words:
        seen = replace(prepared.train, ids=words.row_of[prepared.train.ids])
        some = replace(prepared, train=seen)
        return _fit_(
            model, where, some, seeds, config, subnetwork, first_step, after_step, at, words
        )


def _fit_(
    model: PreTrainedModel,
    where: torch.device,
    prepared: Prepared,
    seeds: Seeds,
    config: Train,
    subnetwork: Subnetwork | None,
    first_step: int,
    after_step: Callable[[int], None] | None,
    at: Collection[int] | None,
    words: Words | None = None,
) -> list[float]:
    """The loop; `words` stand for the word embeddings, of which a masked language model needs all."""
    total = num_steps(len(prepared.train), config)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    dropped = _drop_(subnetwork, where)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.epsilon,
        fused=True,
    )
    losses: list[Tensor] = []

    def pause(done: int) -> None:
        if after_step and (at is None or done in at):
            with words.all_shown() if words else nullcontext():
                after_step(done)

    pause(first_step)
    order = batches(prepared.train.lengths, config, seeds.data_order)
    forked = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(devices=forked):
        torch.manual_seed(seeds.dropout)
        for step in tqdm(range(total), desc=prepared.task.name, unit="step", mininterval=5):
            examples = next(order)
            if step < first_step:
                continue
            inputs, labels, hidden = _batch(prepared, examples, config, seeds, step)
            wanted = torch.from_numpy(labels).to(where, non_blocking=True)
            taken = models.inputs_of(model, inputs, where)
            at_hidden = None
            if hidden is not None:
                at_hidden = torch.from_numpy(hidden).to(where, non_blocking=True)
            with torch.autocast(where.type, torch.bfloat16, enabled=config.precision == "bf16"):
                logits = models.logits_of(model, taken, at_hidden)
            loss = loss_of(prepared.task, logits, wanted)
            loss.backward()  # type: ignore[no-untyped-call]
            for parameter, kept in dropped:
                if parameter.grad is not None:
                    parameter.grad.mul_(kept)
            nn.utils.clip_grad_norm_(parameters, config.clip)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, total, config)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            if len(losses) % CHECK_EVERY == 0 or step + 1 == total:
                _check_finite(losses, step, total, prepared.task, config)
            if words:
                words.decay *= 1 - optimizer.param_groups[0]["lr"] * config.weight_decay
            pause(step + 1)
    chunks = np.array_split(np.array([float(loss) for loss in losses]), HISTORY_POINTS)
    return [round(float(chunk.mean()), 5) for chunk in chunks if len(chunk)]


def _drop_(subnetwork: Subnetwork | None, where: torch.device) -> list[tuple[nn.Parameter, Tensor]]:
    """Set dropped weights to 0; returns each matrix with its mask as 0 and 1 on the device."""
    if subnetwork is None:
        return []
    pairs = [
        (parameter, torch.from_numpy(subnetwork.mask[name]).to(where, parameter.dtype))
        for name, parameter in subnetwork.parameters.items()
    ]
    with torch.no_grad():
        for parameter, kept in pairs:
            parameter.mul_(kept)
    return pairs


def _batch(
    prepared: Prepared, examples: NDArray[np.int64], config: Train, seeds: Seeds, step: int
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.generic], NDArray[np.int64] | None]:
    """Inputs, labels, and for masked language modelling which words are hidden and thus labelled."""
    inputs, _ = padded(prepared.train, examples, prepared.vocabulary)
    if prepared.task.kind != "mlm":
        return inputs, prepared.train.labels[examples], None
    generator = np.random.default_rng([seeds.data_order, step, 1])
    inputs["input_ids"], labels = hide_words(
        inputs["input_ids"], prepared.vocabulary, config.masked, generator
    )
    hidden = np.flatnonzero(labels != NOT_SCORED)
    return inputs, labels.reshape(-1)[hidden], hidden


def _check_finite(losses: list[Tensor], step: int, total: int, task: Task, config: Train) -> None:
    recent = torch.stack(losses[-CHECK_EVERY:])
    if bool(torch.isfinite(recent).all()):
        return
    bad = int((~torch.isfinite(recent)).nonzero()[0, 0])
    first = step + 1 - len(recent) + bad
    raise TrainingError(
        f"the loss of task {task.name!r} is {float(recent[bad])} from step {first + 1} of {total} on, "
        f"where the learning rate was {learning_rate_at(first, total, config):.3g}; lower "
        "train.learning_rate or override it for this task"
    )
