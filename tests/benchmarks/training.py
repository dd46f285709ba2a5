"""Training speed: the papers' recipe, transformers' Trainer, and this project, side by side."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.utils.data import Dataset
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from stages.tickets.encoder import device, theta
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.encoder.words import Words
from stages.tickets.training import batches, fit
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import Descent, Subnetwork, Update
from tests.benchmarks.workload import BATCH, PADDED, SEEDS, Workload, recipe

WARM_UP = 3
"""Steps before the clock starts."""
LEARNING_RATE = 5e-5


@dataclass(frozen=True)
class Speed:
    """Of one stretch of training."""

    examples: float
    """Per second."""
    flops: float
    """Per second, of the products with prunable matrices that are needed."""


Peer = Callable[[Workload, int, int, int], Speed]
"""Takes a workload, the number of timed steps, CPU threads, and a seed of the order of the examples."""


def build(workload: Workload) -> PreTrainedModel:
    task = workload.prepared.task
    return theta.build(workload.encoder, task.kind, task.num_labels, 0.1, SEEDS.head_init)


# --- the papers' recipe ----------------------------------------------------------------------


def masked_by_torch_(model: PreTrainedModel, workload: Workload) -> None:
    """torch.nn.utils.prune's mask on every prunable matrix: one product more in every forward pass."""
    for name, kept in workload.mask.items():
        module = model.base_model.get_submodule(name.removesuffix(".weight"))
        prune.custom_from_mask(module, "weight", torch.from_numpy(kept))  # type: ignore[no-untyped-call]


def papers_step(
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    rows: Rows,
    examples: np.ndarray[Any, Any],
    length: int,
) -> None:
    """fp32, every example padded to `length` tokens, clipping at 1."""
    numbers = torch.from_numpy(examples).to(rows.ids.device)
    inputs, _ = rows.padded(numbers, length)
    model(**inputs, labels=rows.labels[numbers]).loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def papers(workload: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """fp32, every batch padded to 128 tokens, reparametrised masks, AdamW as torch sets it up."""
    torch.set_num_threads(threads)
    where = device.device()
    model = build(workload).to(where).train()  # type: ignore[arg-type]
    masked_by_torch_(model, workload)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    train = workload.prepared.train
    rows = Rows.of(train, workload.prepared.vocabulary.pad, where)
    generator = np.random.default_rng(seed)
    tokens = 0
    for step in range(WARM_UP + num_steps):
        if step == WARM_UP:
            tokens, start = 0, _now()
        examples = generator.choice(len(train), BATCH, replace=False)
        tokens += int(train.lengths[examples].sum())
        papers_step(model, optimizer, rows, examples, PADDED)
    return _speed(workload, num_steps, tokens, _now() - start)


# --- transformers' Trainer -------------------------------------------------------------------


class Examples(Dataset[dict[str, Any]]):
    """Examples as the Trainer takes them."""

    def __init__(self, workload: Workload, pad_to: int | None) -> None:
        split = workload.prepared.train
        self.rows = []
        for number in range(len(split)):
            part = slice(split.starts[number], split.starts[number + 1])
            num, size = len(split.ids[part]), pad_to or len(split.ids[part])
            self.rows.append(
                {
                    "input_ids": [*split.ids[part].tolist(), *[0] * (size - num)],
                    "token_type_ids": [*split.types[part].tolist(), *[0] * (size - num)],
                    "attention_mask": [1] * num + [0] * (size - num),
                    "labels": int(split.labels[number]),
                }
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.rows[number]


class Clock(TrainerCallback):
    """When each step ended, and the tokens of its batch."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.tokens: list[int] = []

    def collate(self, rows: list[Mapping[str, Any]]) -> dict[str, Tensor]:
        self.tokens.append(sum(sum(row["attention_mask"]) for row in rows))
        longest = max(len(row["input_ids"]) for row in rows)
        batch = {"labels": torch.tensor([row["labels"] for row in rows])}
        for name in ("input_ids", "token_type_ids", "attention_mask"):
            batch[name] = torch.tensor(
                [[*row[name], *[0] * (longest - len(row[name]))] for row in rows]
            )
        return batch

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002  these are the Trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: object,
    ) -> None:
        """Note the time; the host waits for the device only where a measurement starts or ends."""
        is_edge = state.global_step in (WARM_UP, state.max_steps)
        self.ends.append(_now() if is_edge else time.perf_counter())


def trainer(workload: Workload, num_steps: int, threads: int, seed: int, **settings: Any) -> Speed:
    """The Trainer, dense; `settings` are its own."""
    torch.set_num_threads(threads)
    best = bool(settings)
    clock = Clock()
    with (
        TemporaryDirectory() as folder,
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
    ):
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            max_steps=WARM_UP + num_steps,
            seed=seed,
            use_cpu=device.device().type == "cpu",
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=device.device().type == "cuda",
            remove_unused_columns=False,
            **settings,
        )
        Trainer(
            build(workload),
            arguments,
            data_collator=clock.collate,
            train_dataset=Examples(workload, None if best else PADDED),
            callbacks=[clock],
        ).train()
    used = clock.tokens[WARM_UP : WARM_UP + num_steps]
    return _speed(workload, num_steps, sum(used), clock.ends[-1] - clock.ends[WARM_UP - 1])


def stock_trainer(workload: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """As the GLUE example sets it up: every example padded to 128 tokens, fp32."""
    return trainer(workload, num_steps, threads, seed)


def best_trainer(workload: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """With its own best settings: dynamic padding, groups of like length, bf16."""
    return trainer(
        workload, num_steps, threads, seed, bf16=True, train_sampling_strategy="group_by_length"
    )


# --- this project ----------------------------------------------------------------------------


def ours(
    workload: Workload, num_steps: int, threads: int, seed: int, *, masked: bool = True
) -> Speed:
    """`training.fit_`, with its masks or dense."""
    model = build(workload)
    num_examples = len(workload.prepared.train)
    epochs = (WARM_UP + num_steps) / math.ceil(num_examples / BATCH)
    config = recipe(threads, epochs)
    subnetwork = None
    if masked:
        live = prunable_parameters(model, workload.encoder)
        subnetwork = Subnetwork(live, workload.mask)
    ends: list[float] = []
    seeds = replace(SEEDS, data_order=seed)
    with redirect_stderr(StringIO()):
        fit.fit_(
            model,
            workload.prepared,
            seeds,
            config,
            subnetwork,
            after_step=lambda _: ends.append(_now()),
            at=(WARM_UP, WARM_UP + num_steps),
        )
    lengths = workload.prepared.train.lengths
    order = batches.drawn(lengths, config, seeds.data_order)
    used = list(islice(order, WARM_UP, WARM_UP + num_steps))
    num_tokens = int(lengths[np.concatenate(used)].sum())
    return _speed(workload, num_steps, num_tokens, ends[1] - ends[0], short_last=True)


def ours_dense(workload: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    return ours(workload, num_steps, threads, seed, masked=False)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _speed(
    workload: Workload, num_steps: int, tokens: int, seconds: float, *, short_last: bool = False
) -> Speed:
    """Two FLOPs per weight forward and four backward, for a token or once an example."""
    last = f".{workload.encoder.config.num_hidden_layers - 1}."
    per_token = per_example = 0
    for name in workload.encoder.prunable:
        size = workload.encoder.weights[name].numel()
        query_key_value = ".attention.self." in name
        if name.startswith("pooler.") or (short_last and last in name and not query_key_value):
            per_example += size
        else:
            per_token += size
    num_examples = num_steps * BATCH
    flops = 6 * (tokens * per_token + num_examples * per_example)
    return Speed(num_examples / seconds, flops / seconds)


def dearer(workload: Workload, num_steps: int, threads: int, seed: int) -> list[float]:
    """Logarithms of a masked step's seconds over those of a dense one, batch by batch.

    Both models live in one process and take every batch in turn, one first and then the other, so that
    a slow moment of the machine hits both.
    """
    torch.set_num_threads(threads)
    task, train = workload.prepared.task, workload.prepared.train
    pad, where, config = workload.prepared.vocabulary.pad, device.device(), recipe(threads)
    found = []
    with ExitStack() as stack:
        updates = []
        for masked in (True, False):
            model = build(workload)
            device.place_(model.train(), task.kind)
            words = stack.enter_context(Words(model, train.ids, pad))
            live = prunable_parameters(model, workload.encoder)
            subnetwork = Subnetwork(live, workload.mask) if masked else None
            descent = Descent(model.parameters(), config, subnetwork, where)
            updates.append((model, Update(model, task, descent)))
        rows = Rows.of(replace(train, ids=words.row_of[train.ids]), pad, where)
        order = batches.drawn(train.lengths, config, seed)
        for step, batch in enumerate(islice(order, WARM_UP + num_steps)):
            numbers = torch.from_numpy(batch).to(where)
            length = int(train.lengths[batch].max())
            full = bool((train.lengths[batch] == length).all())
            seconds = [0.0, 0.0]
            for which in (0, 1) if step % 2 else (1, 0):
                model, update = updates[which]
                start = _now()
                inputs, _ = rows.padded(numbers, length)
                update(device.inputs_of(model, inputs, full), rows.labels[numbers])
                seconds[which] = _now() - start
            if step >= WARM_UP:
                found.append(math.log(seconds[0] / seconds[1]))
    return found


PEERS: dict[str, tuple[Peer, int]] = {
    "this project, masked": (ours, 50),
    "this project, dense": (ours_dense, 50),
    "Trainer, best settings, dense": (best_trainer, 50),
    "Trainer, stock, dense": (stock_trainer, 4),
    "the papers' recipe, masked": (papers, 4),
}
"""With the number of timed steps: batches of like length differ, padded ones do not."""


def peak(threads: int, where: torch.device) -> float:
    """FLOPs per second of a product of two bfloat16 matrices of 4096 rows and columns."""
    torch.set_num_threads(threads)
    size = 4096 if where.type == "cpu" else 8192
    first, second = (torch.randn(size, size, dtype=torch.bfloat16, device=where) for _ in range(2))
    first @ second
    start = _now()
    repeats = 3 if where.type == "cpu" else 50
    for _ in range(repeats):
        first @ second
    return repeats * 2 * size**3 / (_now() - start)


Results = dict[str, list[Speed]]


def measure(workload: Workload, repeats: int, threads: int, shares: float = 1.0) -> Results:
    """Every peer in turn, to and fro, so that a slow minute of the machine hits all.

    Args:
        workload: encoder and examples.
        repeats: stretches per peer.
        threads: of the CPU.
        shares: of the timed steps, for a quick look.
    """
    found: Results = {name: [] for name in PEERS}
    for turn in range(repeats):
        order = list(PEERS.items())
        for name, (peer, num_steps) in order[::-1] if turn % 2 else order:
            found[name].append(peer(workload, max(1, round(num_steps * shares)), threads, turn))
    return found
