"""The stage of quantized models as its dvc.yaml calls it, on a study that takes seconds."""

from pathlib import Path
from typing import Any

import pytest

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.plan.manifest import Run
from stages.tickets.quantized import stored
from stages.tickets.report import scoring
from stages.tickets.training import predict
from tests.pipeline import BASE, Stage, manifest
from tests.pipeline.study import STUDY, run_all

ASKED = BASE["quantized"]
ORDERS = ["prune-first", "quantize-first", "jointly"]
SMALL: dict[str, Any] = STUDY | {
    "quantized": ASKED
    | {
        "tasks": ["mood", "mlm"],
        "seeds": [1],
        "arms": ["w8a8", "w2a4"],
        "rule": ASKED["rule"] | {"length": 5.0, "calibration": 12, "tokens": 9},
        "pruned": {"arms": ["w8a8"], "sparsities": [0.5], "orders": ORDERS},
    },
}
MANIFEST = manifest(SMALL)
OURS = ("quantize", "prune-and-quantize")
BEFORE = ("encoder", "prepare", "prepare-own", "fine-tune")


def runs(kind: str) -> list[Run]:
    return [made for made in MANIFEST.runs if made.kind == kind]


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    return run_all(tmp_path_factory.mktemp("quantized") / "project", SMALL, is_wanted)


def is_wanted(stage: Stage) -> bool:
    is_of_both = "similarity" not in stage.name and stage.meta.get("seed", 1) == 1
    return is_of_both and stage.group in (*BEFORE, *OURS)


def predicted(project: Path, made: Run) -> files.Arrays:
    return files.load_arrays(project / made.folder / "predictions.safetensors")


def test_the_manifest_has_every_run_and_every_model() -> None:
    complete = {f"{arm} {way}" for arm in ("w8a8", "w2a4") for way in ("calibrated", "trained")}
    pruned = {f"w8a8 0.5 {order}" for order in ORDERS}
    assert {made.source for made in runs("quantized")} == complete
    assert {made.source for made in runs("pruned_quantized")} == pruned
    places = MANIFEST.places["quantized_models"]
    assert {(place["task"], place["source"]) for place in places} == {
        (task, source) for task in ("mood", "mlm") for source in complete | pruned
    }
    folders = {made.folder for kind in ("quantized", "pruned_quantized") for made in runs(kind)}
    assert {place["folder"] for place in places} == folders


@pytest.mark.parametrize("kind", ["quantized", "pruned_quantized"])
def test_stored_models_predict_what_was_predicted(project: Path, kind: str) -> None:
    for made in runs(kind):
        where = project / "results"
        loaded = inputs.load(made.task, 1, where / "encoder", where / "prepared" / made.task)
        model = stored.build(loaded.encoder, project / made.folder)
        again = predict.predict(model, loaded.prepared)
        before = predicted(project, made)
        assert again.keys() == before.keys()
        assert all(again[name].tobytes() == before[name].tobytes() for name in again)


def test_all_models_of_a_task_differ(project: Path) -> None:
    for task in ("mood", "mlm"):
        made = [run for kind in ("quantized", "pruned_quantized") for run in runs(kind)]
        known = [predicted(project, run) for run in made if run.task == task]
        split = min(known[0])
        assert len({arrays[split].tobytes() for arrays in known}) == 4 + 3


def test_records_say_what_is_kept_and_how_large_it_is(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    for made in runs("pruned_quantized"):
        assert scoring.sparsity(made) == pytest.approx(0.5)
    for made in (*runs("quantized"), *runs("pruned_quantized")):
        record = files.load_record(Path(made.folder) / stored.RECORD)
        assert record["bytes"] == (Path(made.folder) / stored.TENSORS).stat().st_size
        arm = str(made.source).split()[0]
        assert (record["arm"], record["tokens"]) == (arm, 9)
        assert record["weight_bits"] == int(arm[1])
        history = Path(made.folder) / "history.json"
        assert history.exists() == ("calibrated" not in str(made.source))


def test_fewer_bits_are_fewer_bytes(project: Path) -> None:
    sizes = {
        made.source: files.load_record(project / made.folder / stored.RECORD)["bytes"]
        for made in (*runs("quantized"), *runs("pruned_quantized"))
        if made.task == "mood"
    }
    assert sizes["w2a4 trained"] < sizes["w8a8 trained"] == sizes["w8a8 calibrated"]
    assert sizes["w8a8 0.5 jointly"] < sizes["w8a8 trained"]
