"""Choosing and storing masks at the size of bert-base: this project beside torch."""

import math
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import prune

from stages.tickets import files
from stages.tickets.pruning import masks

LAYER = {
    "attention.self.query": (768, 768),
    "attention.self.key": (768, 768),
    "attention.self.value": (768, 768),
    "attention.output.dense": (768, 768),
    "intermediate.dense": (3072, 768),
    "output.dense": (768, 3072),
}
AMOUNT = 0.1


@dataclass(frozen=True)
class Cost:
    seconds: float
    megabytes: float
    """Extra memory at its highest, or the size of a file."""


def weights() -> dict[str, NDArray[np.float32]]:
    """Random weights in the 73 matrices of bert-base, 85,524,480 in all."""
    generator = np.random.default_rng(0)
    shapes = {f"encoder.layer.{k}.{n}.weight": s for k in range(12) for n, s in LAYER.items()}
    shapes["pooler.dense.weight"] = (768, 768)
    return {
        name: generator.standard_normal(shape, dtype=np.float32) * np.float32(0.04)
        for name, shape in shapes.items()
    }


def by_torch(threads: int) -> Cost:
    """torch.nn.utils.prune.global_unstructured from the dense weights."""
    torch.set_num_threads(threads)
    modules = []
    for array in weights().values():
        module = nn.Linear(array.shape[1], array.shape[0], bias=False)
        module.weight.data = torch.from_numpy(array)
        modules.append((module, "weight"))

    def choose() -> None:
        prune.global_unstructured(modules, prune.L1Unstructured, amount=AMOUNT)  # type: ignore[no-untyped-call]

    return _cost(choose)


def by_us(threads: int) -> Cost:
    """masks.prune_by_magnitude from the dense weights."""
    torch.set_num_threads(threads)
    found = weights()
    return _cost(lambda: masks.prune_by_magnitude(found, masks.dense(found), AMOUNT))


def _cost(work: Callable[[], object]) -> Cost:
    before = _highest_memory(anew=True)
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return Cost(seconds, _highest_memory() - before)


def _highest_memory(*, anew: bool = False) -> float:
    """Megabytes that were resident at most, where Linux says so; `anew` starts with what is now."""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def apart(peer: Callable[[int], Cost], threads: int) -> Cost:
    """Run in a process of its own, where nothing is left from before."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peer, (threads,))


def stored() -> dict[str, tuple[Cost, Cost]]:
    """Saving and loading one mask: packed, and as float32 by torch.save."""
    found = weights()
    mask = masks.prune_by_magnitude(found, masks.dense(found), AMOUNT)
    tensors = {name: torch.from_numpy(kept).float() for name, kept in mask.items()}
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "mask.safetensors", Path(folder) / "mask.pt"
        return {
            "this project": (
                _file(lambda: files.save_mask(mask, ours), ours),
                _file(lambda: files.load_mask(ours), ours),
            ),
            "torch.save, float32": (
                _file(lambda: torch.save(tensors, theirs), theirs),
                _file(lambda: torch.load(theirs), theirs),
            ),
        }


def _file(work: Callable[[], object], path: Path) -> Cost:
    start = time.perf_counter()
    work()
    return Cost(time.perf_counter() - start, path.stat().st_size / 1e6)
