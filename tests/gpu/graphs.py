"""Our training step as CUDA graphs: recorded once per shape of a batch, and replayed.

A step of a small encoder is a thousand kernels, which a host starts more slowly than a GPU runs them.
This is for measurements alone; `training.fit` has no graphs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.tickets.encoder import device
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.encoder.words import Words
from stages.tickets.settings import Train
from stages.tickets.training import batches
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import Descent, Subnetwork, Update
from tests.benchmarks import training
from tests.benchmarks.training import Speed
from tests.benchmarks.workload import BATCH, Workload, recipe

Step = Callable[[Tensor, int, bool], Tensor]
"""Takes the numbers of a batch's examples, on the device, the number of tokens to pad to, and whether no
example is padded; returns the loss. All else that it reads and writes stays at its place in memory."""
BUCKET = 16
"""Lengths of batches are rounded up to multiples of this many tokens, for fewer graphs."""
EAGER = 3
"""Steps of a shape before it is recorded, in which libraries allocate what they need."""


class Recordable(Descent):
    """AdamW with a learning rate on the device, from where a CUDA graph reads it."""

    def __init__(
        self, parameters: Any, config: Train, subnetwork: Subnetwork | None, where: torch.device
    ) -> None:
        super().__init__(parameters, config, subnetwork, where)
        self._rate = torch.tensor(config.learning_rate, device=where)
        for group in self._optimizer.param_groups:
            group["lr"], group["capturable"] = self._rate, where.type == "cuda"
        # AdamW would warn of the eager steps before the first recording.
        self._optimizer._warned_capturable_if_run_uncaptured = True

    def set_rate(self, rate: float) -> None:
        self._rate.fill_(rate)


class Replayed:
    """A step that is recorded at the fourth batch of a shape and replayed from then on.

    On the CPU, which has no graphs, it takes plain steps.
    """

    def __init__(self, step: Step, where: torch.device) -> None:
        self._step, self._records = step, where.type == "cuda"
        self._pool = torch.cuda.graph_pool_handle() if self._records else None
        self._seen: Counter[tuple[int, int, bool]] = Counter()
        self._graphs: dict[tuple[int, int, bool], tuple[Any, Tensor, Tensor]] = {}

    def __call__(self, examples: Tensor, length: int, full: bool) -> Tensor:
        shape = (len(examples), length, full)
        if shape not in self._graphs:
            self._seen[shape] += 1
            if not self._records or self._seen[shape] <= EAGER:
                return self._step(examples, length, full)
            self._graphs[shape] = self._recorded(examples.clone(), length, full)
        graph, held, loss = self._graphs[shape]
        held.copy_(examples)
        graph.replay()
        return loss.clone()

    @property
    def num_graphs(self) -> int:
        return len(self._graphs)

    def _recorded(self, held: Tensor, length: int, full: bool) -> tuple[Any, Tensor, Tensor]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=torch.cuda.current_stream()):
            loss = self._step(held, length, full)
        return graph, held, loss


@contextmanager
def one_stream(where: torch.device) -> Iterator[None]:
    """Run a `with` block on one stream beside the default one, as recording asks for."""
    if where.type != "cuda":
        yield
        return
    outside, inside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    inside.wait_stream(outside)
    try:
        with torch.cuda.stream(inside):
            yield
    finally:
        outside.wait_stream(inside)


class Run:
    """A training of the workload's subnetwork in a `with` block, by replayed steps."""

    def __init__(self, workload: Workload, config: Train, seed: int, num_steps: int) -> None:
        self._workload, self._config = workload, config
        drawn = batches.drawn(workload.prepared.train.lengths, config, seed)
        self.order = list(islice(drawn, num_steps))

    def __enter__(self) -> "Run":
        prepared, config = self._workload.prepared, self._config
        pad = prepared.vocabulary.pad
        model = self.model = training.build(self._workload)
        where = device.place_(model.train(), prepared.task.kind)
        with ExitStack() as stack:
            stack.enter_context(
                torch.random.fork_rng(devices=[where] if where.type == "cuda" else [])
            )
            stack.enter_context(one_stream(where))
            words = stack.enter_context(Words(model, prepared.train.ids, pad))
            rows = Rows.of(
                replace(prepared.train, ids=words.row_of[prepared.train.ids]), pad, where
            )
            live = prunable_parameters(model, self._workload.encoder)
            subnetwork = Subnetwork(live, self._workload.mask)
            self.descent = Recordable(model.parameters(), config, subnetwork, where)
            update = Update(model, prepared.task, self.descent)

            def step(examples: Tensor, length: int, full: bool) -> Tensor:
                inputs, _ = rows.padded(examples, length)
                return update(device.inputs_of(model, inputs, full), rows.labels[examples])

            self.replayed = Replayed(step, where)
            self._numbers = [torch.from_numpy(batch).to(where) for batch in self.order]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def shape(self, number: int) -> tuple[int, int, bool]:
        """Return number of examples, number of tokens, and whether no example of a step is padded."""
        lengths = self._workload.prepared.train.lengths
        of_batch = lengths[self.order[number]]
        length = min(-(-int(of_batch.max()) // BUCKET) * BUCKET, int(lengths.max()))
        return len(of_batch), length, bool((of_batch == length).all())

    def take(self, number: int) -> Tensor:
        """Take the step of a batch by its number, and return its loss."""
        return self.replayed(self._numbers[number], *self.shape(number)[1:])


def ours(workload: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """Measure our masked training by CUDA graphs; all shapes are recorded before the clock starts."""
    torch.set_num_threads(threads)
    with Run(workload, recipe(threads), seed, num_steps) as run:
        for number in first_of_each_shape(run, range(num_steps)):
            for _ in range(EAGER + 1):
                run.take(number)
        start = training._now()
        for number in range(num_steps):
            run.descent.set_rate(training.LEARNING_RATE)
            run.take(number)
        seconds = training._now() - start
    used = np.concatenate(run.order)
    assert len(used) == num_steps * BATCH
    num_tokens = int(workload.prepared.train.lengths[used].sum())
    return training._speed(workload, num_steps, num_tokens, seconds, short_last=True)


def first_of_each_shape(run: Run, steps: Sequence[int]) -> list[int]:
    return list({run.shape(number): number for number in reversed(steps)}.values())
