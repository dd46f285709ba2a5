"""The stage as its dvc.yaml calls it, on a study that takes seconds."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.report import rows
from stages.tickets.report.sections.ternary.arms import ARMS, Size
from stages.tickets.report.sections.ternary.course import Point
from stages.tickets.ternary import packed
from stages.tickets.training import predict
from tests.pipeline import BASE, manifest
from tests.pipeline.study import STUDY, run, run_all, stages

ASKED = BASE["ternary"]
SMALL: dict[str, Any] = STUDY | {
    "ternary": ASKED
    | {
        "tasks": ["mood", "mlm"],
        "seeds": [1],
        "arms": [*ARMS],
        "blocks": ["head"],
        "sparsities": [0, 50],
        "rule": ASKED["rule"] | {"points": 3, "weight": 0.05},
    }
}
MANIFEST = manifest(SMALL)
RUNS = [made for made in MANIFEST.runs if made.kind == "ternary"]
BEFORE = ("check", "encoder", "prepare", "prepare-own")


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("ternary") / "project"
    return run_all(folder, SMALL, lambda stage: stage.group in (*BEFORE, "ternary"))


def test_the_manifest_has_every_run() -> None:
    expected = [
        (task, f"{arm} head {percent}")
        for task in ("mood", "mlm")
        for arm in ARMS
        for percent in (0, 50)
    ]
    assert [(made.task, made.source) for made in RUNS] == expected
    assert {made.round for made in RUNS} == {0}
    assert [entry["folder"] for entry in MANIFEST.places["ternary"]] == [
        made.folder for made in RUNS
    ]


def test_every_stored_model_has_the_predictions_of_its_run(project: Path) -> None:
    """What is loaded from two bits predicts what the training predicted, bit for bit."""
    for made in (made for made in RUNS if "50" in str(made.source)):
        folder = project / made.folder
        encoder, prepared = project / "results/encoder", project / "results/prepared" / made.task
        loaded = inputs.load(made.task, 1, encoder, prepared)
        model = packed.build(encoder, folder)
        stored = files.load_arrays(folder / "predictions.safetensors")
        predicted = predict.predict(model, loaded.prepared)
        assert predicted.keys() == stored.keys()
        for name, array in predicted.items():
            np.testing.assert_array_equal(array, stored[name])


def test_half_of_the_blocks_are_dropped_and_counted(project: Path) -> None:
    """The encoder of the study has no pooler, so there are six matrices in each of its two layers."""
    for made in RUNS:
        (size,) = rows.read(project / made.folder / "size.csv", Size)
        half = "50" in str(made.source)
        assert (size.task, f"{size.arm} {size.blocks} {size.percent}") == (made.task, made.source)
        assert size.weights == 2 * (4 * 16 * 16 + 2 * 16 * 32)
        assert size.kept_weights == size.weights // (1 + half)
        assert size.paper == 16 * (1 + half)
        assert size.paper > size.counted > size.model > 1
        record = files.load_record(project / str(made.size))
        assert record == {"kept": size.kept_weights, "prunable": size.weights}


def test_arms_differ_in_their_training_and_not_in_its_beginning(project: Path) -> None:
    """Without dropped blocks the arm without a penalty and the one with one still differ."""
    for percent in (0, 50):
        courses = {}
        for made in RUNS:
            arm, _, size = str(made.source).split()
            if (made.task, size) == ("mood", str(percent)):
                courses[arm] = rows.read(project / made.folder / "course.csv", Point)
        assert {arm: [point.step for point in own] for arm, own in courses.items()} == {
            arm: [0, 1, 2, 4, 6] for arm in ARMS
        }
        for own in courses.values():
            assert [point.is_start for point in own] == [False, True, False, False, False]
            assert [point.is_freeze for point in own] == [False, False, False, True, False]
            assert own[0].scale == courses["ternary"][0].scale
        ends = {arm: own[-2].norm for arm, own in courses.items()}
        assert ends["lasso"] < ends["clipped"] <= ends["ternary"] * 1.1
        assert len(set(ends.values())) == 4 or percent == 0


def test_what_is_noted_of_every_matrix(project: Path) -> None:
    with (project / RUNS[0].folder / "matrices.csv").open(encoding="utf-8", newline="") as file:
        noted = list(csv.DictReader(file))
    assert len(noted) == 5 * 12
    assert len({row["matrix"] for row in noted}) == 12


def test_blocks_that_do_not_fit_end_in_a_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    stage = next(stage for stage in stages(SMALL) if stage.group == "ternary")
    words = ["32x32" if word == "head" else word for word in stage.arguments]
    words[-1] = "results/other"
    assert run(stage.script, *words) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "ternary.blocks has blocks of 32x32, which do not divide encoder.layer.0." in said
    assert not Path("results/other").exists()
