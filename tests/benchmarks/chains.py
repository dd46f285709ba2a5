"""Several trainings at once on one device: what all of them together gain."""

import math
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.tickets.encoder import device
from tests.benchmarks import training
from tests.benchmarks.workload import load

TASK = "sst2"
NUM_STEPS = 50


def counts(threads: int) -> dict[int, int]:
    """Threads of each, by how many trainings there are at once."""
    on_cpu = device.device().type == "cpu"
    return {1: threads, threads: 1} if on_cpu else dict.fromkeys((1, 2, 4), 1)


def throughput(
    number: int, threads: int, encoder: str, data: Path | None, seed: int, shares: float
) -> float:
    """Examples per second of `number` trainings of a subnetwork, each in a process of its own."""
    context = get_context("spawn")
    barrier = context.Barrier(number)
    num_steps = max(1, round(NUM_STEPS * shares))
    ends = []
    for k in range(number):
        end, other_end = context.Pipe(duplex=False)
        work = (other_end, barrier, encoder, data, threads, num_steps, seed + k)
        context.Process(target=_train, args=work).start()
        other_end.close()  # so that a process that fails ends the waiting below
        ends.append(end)
    return math.fsum(end.recv() for end in ends)


def _train(
    end: Connection,
    barrier: Barrier,
    encoder: str,
    data: Path | None,
    threads: int,
    num_steps: int,
    seed: int,
) -> None:
    with TemporaryDirectory() as folder:
        workload = load(TASK, encoder, data, Path(folder))
    barrier.wait(timeout=600)
    end.send(training.ours(workload, num_steps, threads, seed).examples)
