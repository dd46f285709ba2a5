"""CUDA graphs: a training step recorded once per shape of its batch, and replayed.

A step of a small encoder is a thousand kernels, which a host starts more slowly than a GPU runs them.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

WANTED = "SCRATCHCARD_GRAPHS"
"""With 1 in this environment variable, a GPU replays its steps."""
Step = Callable[[Tensor, int, bool], Tensor]
"""Takes the numbers of a batch's examples, on the device, the tokens to pad them to, and whether all
have as many; returns the loss. What it reads and writes beyond stays where it is in memory."""
BUCKET = 16
"""Lengths of batches are rounded up to multiples of this many tokens: as many graphs fewer."""
EAGER = 3
"""Steps of a shape before it is recorded, in which libraries allocate what they will need."""


def wanted(where: torch.device) -> bool:
    """Whether steps on this device are replayed."""
    return where.type == "cuda" and os.environ.get(WANTED) == "1"


def bucketed(length: int, longest: int) -> int:
    """The length that a batch of `length` tokens is padded to; `longest` is the longest there is."""
    return min(-(-length // BUCKET) * BUCKET, longest)


@contextmanager
def one_stream() -> Iterator[None]:
    """Everything in this block runs on one stream beside the default one, as recording asks for."""
    outside, inside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    inside.wait_stream(outside)
    try:
        with torch.cuda.stream(inside):
            yield
    finally:
        outside.wait_stream(inside)


def record(work: Callable[[], Tensor], pool: Any) -> Callable[[], Tensor]:  # noqa: ANN401  torch's own type is private
    """Record the kernels that `work` starts, without running them.

    Args:
        work: as said.
        pool: of memory, shared by graphs that are replayed one after another.

    Returns:
        What runs them, on what its tensors hold then; its result is overwritten by the next run.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, stream=torch.cuda.current_stream()):
        result = work()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


class Replayed:
    """A step that is recorded at the fourth batch of a shape, and replayed from then on."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._pool = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None
        self._seen: Counter[tuple[int, int, bool]] = Counter()
        self._replays: dict[tuple[int, int, bool], tuple[Tensor, Callable[[], Tensor]]] = {}

    def __call__(self, examples: Tensor, length: int, full: bool) -> Tensor:
        shape = (len(examples), length, full)
        if shape not in self._replays:
            self._seen[shape] += 1
            if self._seen[shape] <= EAGER:
                return self._step(examples, length, full)
            held = examples.clone()
            replay = record(lambda: self._step(held, length, full), self._pool)
            self._replays[shape] = held, replay
        held, replay = self._replays[shape]
        held.copy_(examples)
        return replay().clone()
