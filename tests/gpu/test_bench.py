"""The benchmark: replayed steps train as plain ones do, and what fails or is not reached says so."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stages.tickets import settings
from stages.tickets.encoder import device, theta
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights
from stages.tickets.training import fit, schedule
from stages.tickets.training.update import Subnetwork
from tests.benchmarks import training
from tests.benchmarks.workload import SEEDS, load, recipe
from tests.gpu import bench, cells, graphs, page
from tests.gpu.cells import GRAPHS, OURS, PAPERS, Cell
from tests.gpu.test_training import BF16, using

pytestmark = pytest.mark.filterwarnings("default")
NUM_STEPS = 24
"""Steps enough for some shapes of batches to come more than four times."""


@pytest.mark.usefixtures("on_the_cpu")
def test_replayed_steps_train_as_plain_ones_do(
    where: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = load("mrpc", "tiny", None, tmp_path)

    def build(_: object) -> Any:
        return theta.build(workload.encoder, "classification", 2, 0.0, SEEDS.head_init)

    monkeypatch.setattr(training, "build", build)
    epochs = NUM_STEPS / np.ceil(len(workload.prepared.train) / 32)
    config = recipe(1, epochs).model_copy(update={"learning_rate": 1e-3, "warmup": 0.1})
    model = build(None)
    live = prunable_parameters(model, workload.encoder)
    with using(where):
        kept = Subnetwork(live, workload.mask)
        expected = fit.fit_(model, workload.prepared, SEEDS, config, kept)
        losses = []
        with graphs.Run(workload, config, SEEDS.data_order, NUM_STEPS) as run:
            for number in range(NUM_STEPS):
                run.descent.set_rate(schedule.learning_rate_at(number, NUM_STEPS, config))
                losses.append(float(run.take(number)))
            after = prunable_weights(run.model, workload.encoder)
        assert (run.replayed.num_graphs > 0) == (where.type == "cuda")
    np.testing.assert_allclose(losses, expected, atol=BF16, rtol=0)
    for name, matrix in workload.mask.items():
        assert (after[name][~matrix] == 0).all()
        moved = np.abs(after[name] - prunable_weights(model, workload.encoder)[name])
        assert moved.max() < 0.1 * np.abs(after[name]).max()


def record(**changes: Any) -> dict[str, Any]:
    """A benchmark in which ours is ten times as fast as the papers' recipe, at half of the peak."""
    found: list[dict[str, Any]] = []
    for cell in cells.cells(2, ("bert-base", "minilm")):
        if cell.peer == cells.COMPILED:
            found.append(asdict(cell) | {"error": "not run: out of time"})
            continue
        examples = {OURS: 1000.0, GRAPHS: 4000.0}.get(cell.peer, 100.0) * (1 + cell.turn)
        result = {"examples": examples * cell.number**0.5}
        if cell.number == 1 and cell.shape == "bert-base":
            result |= {"flops": examples * 0.5e12, "memory": 3.0}
        found.append(asdict(cell) | result)
    heading = {"hardware": "a GPU", "date": "2026-01-01", "commit": "abc", "torch": "2"}
    timing = {"transformers": "5", "peak": 1e15, "seconds": 100.0, "limit": 170}
    return heading | timing | {"rehearsal": False, "cells": found} | changes


def test_the_page_sets_targets_beside_measurements_and_says_what_did_not_run() -> None:
    text = page.text(record())
    assert "| sst2 | 10 [10, 10] | yes | 75 [50, 100] | yes | 40 [40, 40] |" in text
    assert "| Trainer, best settings, torch.compile | not run: out of time | – | – |" in text
    assert "| minilm | 4 | 2e+03 | 2 |" in text
    slow = record()
    for cell in slow["cells"]:
        if cell["peer"] == OURS:
            cell["examples"] /= 2
    assert "| sst2 | 5 [5, 5] | no |" in page.text(slow)


def test_a_rehearsal_makes_no_page(tmp_path: Path) -> None:
    file, out = tmp_path / "bench.json", tmp_path / "gpu.md"
    file.write_text(json.dumps(record(rehearsal=True)), encoding="utf-8")
    with pytest.raises(settings.UserError, match="is a rehearsal"):
        page.main(file, out)
    assert not out.exists()
    file.write_text(json.dumps(record()), encoding="utf-8")
    page.main(file, out)
    assert out.read_text(encoding="utf-8").startswith("# On a GPU\n")


def test_a_cell_that_fails_or_hangs_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no kernel image is available")

    def hangs(*_: object) -> None:
        while True:
            time.sleep(0.01)

    measured = cells.Bench("tiny", Path(), 1.0)
    monkeypatch.setattr(measured, "workload", lambda _: None)
    monkeypatch.setattr(cells, "LIMIT", 0.2)
    for peer, words in (
        (fails, "RuntimeError: no kernel image"),
        (hangs, "TimeoutError: no result"),
    ):
        monkeypatch.setitem(cells.PEERS, OURS, (peer, 1))
        result = bench.run(measured, Cell(OURS, "sst2", 0, 1, "tiny"), 100)
        assert result["error"].startswith(words)
        assert result["took"] < 5


def test_without_a_gpu_only_a_rehearsal_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "device", lambda: torch.device("cpu"))
    with pytest.raises(settings.UserError, match="there is no GPU"):
        bench.main(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_papers_recipe_is_among_the_first_cells() -> None:
    first = cells.cells(2, ("bert-base", "minilm"))[:9]
    assert {(cell.peer, cell.workload) for cell in first} == {
        (peer, name) for peer in (OURS, PAPERS, GRAPHS) for name in cells.WORKLOADS
    }
