"""The stage `at-initialisation` as its dvc.yaml calls it, on a study that takes seconds."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.pruning import masks
from tests.pipeline import manifest
from tests.pipeline.study import STUDY, run_all

LIKE: dict[str, Any] = {"iterations": 1, "schedule": "exponential", "scope": "global"}
STARTS = ("pretrained", "random")
COMPRESSIONS = [2, 2.5, 100]
SMALL: dict[str, Any] = STUDY | {
    "at_initialisation": {
        "tasks": ["similarity"],
        "seeds": [1],
        "starts": [*STARTS],
        "masks": [
            {"name": "by-size", "score": "magnitude", **LIKE},
            {"name": "flow", "score": "synflow-without-residual", **LIKE, "iterations": 7},
            {"name": "snip", "score": "snip", **LIKE, "scope": "matrix", "schedule": "linear"},
        ],
        "rule": {"compressions": COMPRESSIONS, "examples": 9, "temperature": 200.0, "qk": "third"},
    },
}
RUNS = [run for run in manifest(SMALL).runs if run.kind == "at_initialisation"]


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("at-initialisation") / "project"
    needed = ("check", "encoder", "prepare@similarity")
    ours = ("at-initialisation", "collapse")
    return run_all(folder, SMALL, lambda stage: stage.name in needed or stage.group in ours)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_manifest_has_a_run_of_every_start_mask_and_compression() -> None:
    sources = {run.source for run in RUNS}
    names = ("by-size", "flow", "snip")
    assert sources == {f"{s} {n} {c}" for s in STARTS for n in names for c in COMPRESSIONS}


def test_every_run_has_predictions_and_a_mask_of_its_size(project: Path) -> None:
    for made in RUNS:
        folder, (_, name, compression) = project / made.folder, (made.source or "").split()
        assert "validation.logits" in files.load_arrays(folder / "predictions.safetensors")
        mask = files.load_mask(folder / "mask.safetensors")
        record = json.loads((project / (made.size or "")).read_text(encoding="utf-8"))
        assert record["prunable"] == masks.num_weights(mask)
        assert record["kept"] == masks.num_survivors(mask)
        assert record["kept"] == round(record["prunable"] / float(compression))
        assert record["compression"] == float(compression)
        assert record["head_init"] >= 0
        steps = table(folder / "steps.csv")
        assert [row["step"] for row in steps] == [
            str(n + 1) for n in range(7 if name == "flow" else 1)
        ]
        assert all(bool(row["cut_ratio"]) == (name == "flow") for row in steps)
        assert int(steps[-1]["kept"]) == record["kept"]
        rows = table(folder / "matrices.csv")
        assert {row["matrix"]: int(row["kept"]) for row in rows} == {
            matrix: int(kept.sum()) for matrix, kept in mask.items()
        }
        assert files.load_arrays(folder / "neurons.safetensors")["in"].shape == (64,)
        end = files.load_record(folder.parent / "critical.json")
        assert end["head_init"] == record["head_init"]
        assert end["maximal"] == record["prunable"] / len(mask)
        is_beyond = float(compression) > end["critical"] * (1 + 1e-9)
        assert is_beyond == bool(record["collapsed"]) or name == "flow"


def test_a_mask_by_matrix_has_one_density(project: Path) -> None:
    for made in RUNS:
        if made.source and "snip" in made.source:
            mask = files.load_mask(project / made.folder / "mask.safetensors")
            share = 1 - masks.sparsity(mask)
            assert all(abs(kept.sum() - share * kept.size) <= 1 for kept in mask.values())


def test_the_starts_differ_in_their_masks_and_the_pretrained_is_theta_0(project: Path) -> None:
    folders = {run.source: project / run.folder for run in RUNS}
    ours, others = (
        files.load_mask(folders[f"{start} by-size 2"] / "mask.safetensors") for start in STARTS
    )
    assert any((ours[name] != others[name]).any() for name in ours)
    stored = files.load_arrays(project / "results" / "encoder" / "weights.safetensors")
    weights = {name: stored[name] for name in ours}
    expected = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    for name in ours:
        np.testing.assert_array_equal(ours[name], expected[name])


def test_the_stage_collapse_has_a_row_per_mask_and_per_matrix(project: Path) -> None:
    folder = project / "results" / "runs" / "collapse" / "similarity"
    rows = table(folder / "masks.csv")
    assert [f"{r['start']} {r['mask']} {float(r['compression']):g}" for r in rows] == [
        run.source for run in RUNS
    ]
    for row in rows:
        assert row["task"] == "similarity"
        assert bool(row["largest_cut"]) == (row["mask"] == "flow")
        assert row["connected"] == "True"
        correlation = float(row["in_out_correlation"])
        assert (correlation > 0.999) == (row["mask"] == "flow")
        assert 2 < float(row["critical"]) <= float(row["maximal"])
    pairs = table(folder / "neurons.csv")
    assert {(p["start"], p["mask"]) for p in pairs} == {(r["start"], r["mask"]) for r in rows}
    assert len(pairs) == 6 * 64
    for pair in pairs:
        same = float(pair["into"]) == pytest.approx(float(pair["out_of"]), rel=1e-5)
        assert same == (pair["mask"] == "flow")
    matrices = table(folder / "matrices.csv")
    assert len(matrices) == sum(int(row["matrices"]) for row in rows)
    assert sum(int(row["kept"]) for row in matrices) == sum(int(row["kept"]) for row in rows)
