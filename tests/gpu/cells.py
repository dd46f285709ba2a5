"""What the benchmark measures: cells, the most valuable first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from stages.tickets.encoder import device
from stages.tickets.files import Split
from stages.tickets.tasks.task import Prepared
from tests.benchmarks import chains, training, workload
from tests.benchmarks.training import Peer, Speed
from tests.benchmarks.workload import BATCH, PADDED, Workload
from tests.gpu import graphs

WORKLOADS = ("sst2", "mrpc", "128")
"""Lengths about those of SST-2 and MRPC, and examples of 128 tokens without padding."""
OURS, PAPERS, GRAPHS = "this project", "the papers' recipe", "this project, CUDA graphs"
TRAINER, COMPILED = "Trainer, best settings", "Trainer, best settings, torch.compile"
PAPERS_TF32 = "the papers' recipe, TF32 allowed"
LIMIT = 75
"""Seconds that a cell may take."""


@dataclass(frozen=True)
class Cell:
    """A measurement by its coordinates."""

    peer: str
    workload: str
    turn: int = 0
    number: int = 1
    """Number of trainings at once, each in a process of its own."""
    shape: str = "bert-base"


def papers_with_tf32(found: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """The papers' recipe as torch ran it on an A100 until 2022."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        return training.papers(found, num_steps, threads, seed)
    finally:
        torch.set_float32_matmul_precision(before)


def best_trainer(found: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    with _warm_up(10):
        return training.trainer(found, num_steps, threads, seed, **_best())


def compiled_trainer(found: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    """Shapes are compiled in a longer warm-up."""
    with _warm_up(40):
        return training.trainer(found, num_steps, threads, seed, torch_compile=True, **_best())


def _best() -> dict[str, object]:
    return {
        "bf16": True,
        "train_sampling_strategy": "group_by_length",
        "optim": "adamw_torch_fused",
    }


@contextmanager
def _warm_up(num_steps: int) -> Iterator[None]:
    before = training.WARM_UP
    training.WARM_UP = num_steps
    try:
        yield
    finally:
        training.WARM_UP = before


def ours(found: Workload, num_steps: int, threads: int, seed: int) -> Speed:
    with _warm_up(10):
        return training.ours(found, num_steps, threads, seed)


PEERS: dict[str, tuple[Peer, int]] = {
    OURS: (ours, 100),
    PAPERS: (training.papers, 25),
    GRAPHS: (graphs.ours, 200),
    TRAINER: (best_trainer, 80),
    PAPERS_TF32: (papers_with_tf32, 40),
    COMPILED: (compiled_trainer, 80),
}
"""With the number of timed steps."""


def cells(turns: int, shapes: tuple[str, str]) -> list[Cell]:
    """List all cells, the most valuable first.

    Args:
        turns: how often the main peers are measured, at least 2.
        shapes: of the encoder that is measured alone, and of that of which several train at once.
    """
    alone, together = shapes

    def of(peers: tuple[str, ...], turn: int) -> list[Cell]:
        return [Cell(peer, name, turn, 1, alone) for name in WORKLOADS for peer in peers]

    several = [Cell(OURS, chains.TASK, 0, number, together) for number in (1, 2, 4)]
    of_alone = [replace(cell, shape=alone) for cell in several[1:]]
    return [
        *of((OURS, PAPERS), 0),
        *of((GRAPHS,), 0),
        *of((TRAINER,), 0),
        *several,
        Cell(COMPILED, chains.TASK, 0, 1, alone),
        *of((OURS, PAPERS, GRAPHS, TRAINER), 1),
        *of((PAPERS_TF32,), 0),
        *of_alone,
        *(Cell(COMPILED, name, 0, 1, alone) for name in WORKLOADS if name != chains.TASK),
        *(cell for turn in range(2, turns) for cell in of((OURS, PAPERS, GRAPHS, TRAINER), turn)),
    ]


@dataclass
class Bench:
    """The workloads, made when they are needed; their encoder is the same."""

    shape: str
    folder: Path
    shares: float
    """Of the timed steps."""

    def __post_init__(self) -> None:
        self._loaded: dict[str, Workload] = {}

    def workload(self, name: str) -> Workload:
        if not self._loaded:
            made = workload.load(WORKLOADS[0], self.shape, None, self.folder)
            self._loaded[WORKLOADS[0]] = made
        if name not in self._loaded:
            first = self._loaded[WORKLOADS[0]]
            prepared = (
                workload._made_up(name, first.prepared.vocabulary)
                if name in workload.MEAN_LENGTHS
                else long_ones(first.prepared)
            )
            self._loaded[name] = replace(first, name=name, prepared=prepared)
        return self._loaded[name]

    def measure(self, cell: Cell) -> Callable[[], dict[str, float]]:
        """Make ready, and return a function that measures."""
        if cell.number > 1 or cell.shape != self.shape:
            return lambda: {
                "examples": chains.throughput(
                    cell.number, 1, cell.shape, None, cell.turn, 4 * self.shares
                )
            }
        found = self.workload(cell.workload)
        peer, num_steps = PEERS[cell.peer]

        def run() -> dict[str, float]:
            on_gpu = device.device().type == "cuda"
            if on_gpu:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            steps = max(2, round(num_steps * self.shares))
            speed = peer(found, steps, 1, cell.turn)
            memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else 0.0
            return {"examples": speed.examples, "flops": speed.flops, "memory": memory}

        return run


def long_ones(prepared: Prepared) -> Prepared:
    """Make examples of 128 tokens, out of the tokens of others."""
    num = len(prepared.train.ids) // PADDED // BATCH * BATCH
    starts = np.arange(num + 1) * PADDED
    part = slice(0, num * PADDED)
    split = Split(
        prepared.train.ids[part], prepared.train.types[part], starts, prepared.train.labels[:num]
    )
    return replace(prepared, train=split)
