"""Measure training on a GPU beside its peers: `python -m tests.gpu.bench --out FOLDER`.

The most valuable cells come first, and a JSON file is written after each, so that a kill loses nothing.
reports/gpu.md is made from it by `python -m tests.gpu.page FOLDER/bench.json reports/gpu.md`.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Annotated, Any

import torch
import transformers
import typer

from stages.tickets import output, settings
from stages.tickets.encoder import device
from tests.benchmarks import training
from tests.gpu import cells, page
from tests.gpu.cells import Bench, Cell


def main(
    out: Annotated[Path, typer.Option(help="Folder for bench.json and gpu.md.")],
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Tiny shapes and two steps, on the CPU too.")
    ] = False,
    limit: Annotated[float, typer.Option(min=1, help="Seconds; no cell starts later.")] = 170,
    turns: Annotated[int, typer.Option(min=2, help="Of the main peers.")] = 3,
) -> None:
    start = time.monotonic()
    if not rehearse and device.device().type != "cuda":
        raise settings.UserError("there is no GPU; with --rehearse all runs on the CPU, unmeasured")
    shapes = ("tiny", "tiny") if rehearse else ("bert-base", "minilm")
    record: dict[str, Any] = heading(rehearse) | {"limit": limit, "cells": []}
    peaks = [training.peak(1, device.device()) for _ in range(1 if rehearse else 3)]
    record["peak"] = max(peaks)
    with TemporaryDirectory() as folder:
        bench = Bench(shapes[0], Path(folder), 0.02 if rehearse else 1.0)
        for cell in cells.cells(turns, shapes):
            left = limit - (time.monotonic() - start)
            if left <= 0:
                record["cells"].append(asdict(cell) | {"error": "not run: out of time"})
                continue
            result = run(bench, cell, left)
            record["cells"].append(asdict(cell) | result)
            record["seconds"] = round(time.monotonic() - start, 1)
            write(record, out)
            print(f"{record['seconds']:6.1f} s", *asdict(cell).values(), result, flush=True)
    write(record, out)


def write(record: dict[str, Any], out: Path) -> None:
    output.save_text(json.dumps(record, indent=1) + "\n", out / "bench.json")
    output.save_text(page.text(record), out / "gpu.md")


def run(bench: Bench, cell: Cell, left: float) -> dict[str, Any]:
    """Measure a cell; an error or the end of its time is its result, and the next cell starts."""
    start = time.monotonic()
    try:
        with at_most(min(cells.LIMIT, left + 5)):
            result: dict[str, Any] = dict(bench.measure(cell)())
    except Exception as error:  # noqa: BLE001  a peer that fails must not cost the others
        words = str(error).strip().splitlines() or [""]
        result = {"error": f"{type(error).__name__}: {words[0]}"[:300]}
        for process in multiprocessing.active_children():
            process.kill()
    return result | {"took": round(time.monotonic() - start, 2)}


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in a `with` block after some seconds."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"no result after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def heading(rehearse: bool) -> dict[str, Any]:
    on_gpu = device.device().type == "cuda"
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "rehearsal": rehearse or not on_gpu,
        "hardware": torch.cuda.get_device_name() if on_gpu else "a CPU",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": os.environ.get("SCRATCHCARD_COMMIT") or described.stdout.strip() or "unknown",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    typer.run(main)
