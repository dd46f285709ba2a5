"""The stages of dropped channels as their dvc.yaml calls them, on a study that takes seconds."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.greedy import compact, ranking
from stages.tickets.plan.manifest import Run
from stages.tickets.report import scoring
from stages.tickets.training import predict
from tests.pipeline import Stage, manifest
from tests.pipeline.study import STUDY, run_all

ORDERS = ["greedy", "shuffled", "one-shot", "magnitude", "random"]
WINDOWS = ["greedy", "reversed", "one-shot", "magnitude", "random"]
SPARSITIES = [0.5, 0.75]
TASKS = ["mood", "similarity", "mlm"]
SMALL: dict[str, Any] = STUDY | {
    "train": STUDY["train"] | {"epochs": 4},
    "override": {task: {} for task in TASKS},
    "greedy": {
        "tasks": TASKS,
        "seeds": [1],
        "sparsities": SPARSITIES,
        "orders": ORDERS,
        "windows": WINDOWS,
        "keep_weights": [0.5],
        "examples": 12,
    },
}
MANIFEST = manifest(SMALL)
BEFORE = ("check", "encoder", "prepare", "prepare-own", "fine-tune")
OURS = ("choose-channels", "prune-channels", "channels-within")
RUNS = [made for made in MANIFEST.runs if made.kind == "channels"]


def of(task: str, source: str) -> Run:
    (made,) = [made for made in RUNS if (made.task, made.source) == (task, source)]
    return made


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("greedy") / "project"
    return run_all(folder, SMALL, is_wanted)


def is_wanted(stage: Stage) -> bool:
    return stage.group in (*BEFORE, *OURS) and stage.meta.get("seed", 1) == 1


def predicted(project: Path, made: Run) -> files.Arrays:
    return files.load_arrays(project / made.folder / "predictions.safetensors")


def same(first: files.Arrays, second: files.Arrays) -> bool:
    assert first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_the_manifest_has_every_run() -> None:
    states = [("untrained", ORDERS), ("trained", ORDERS), ("within", WINDOWS)]
    assert sorted((made.task, str(made.source)) for made in RUNS) == sorted(
        (task, f"{state} {order} {sparsity}")
        for task in TASKS
        for state, orders in states
        for order in orders
        for sparsity in SPARSITIES
    )


def test_every_layer_keeps_what_the_sparsity_says(project: Path) -> None:
    for made in RUNS:
        state, _, sparsity = str(made.source).split()
        folder = project / made.folder
        kept = compact.load_channels(
            (folder.parent if state == "untrained" else folder) / compact.CHANNELS
        )
        heads, neurons = {"0.5": (1, 16), "0.75": (0, 8)}[sparsity]  # 1.5 of 2 heads go to even
        assert kept.heads.sum(axis=1).tolist() == [heads] * 2
        assert kept.neurons.sum(axis=1).tolist() == [neurons] * 2
        size = files.load_record(project / str(made.size))
        assert (size["heads"], size["neurons"]) == (2 * heads, 2 * neurons)


def test_predictions_are_those_of_different_models(project: Path) -> None:
    for task in TASKS:
        names = [f"{state} {order} 0.5" for state in ("untrained", "trained") for order in ORDERS]
        names += [f"within {order} 0.5" for order in WINDOWS]
        known = {}
        for name in names:
            arrays = predicted(project, of(task, name))
            kept = project / of(task, name).folder
            known[name] = (arrays, kept)
        for state in ("untrained", "trained", "within"):
            assert not same(known[f"{state} greedy 0.5"][0], known[f"{state} random 0.5"][0])
        assert not same(known["untrained greedy 0.5"][0], known["trained greedy 0.5"][0])
        assert not same(known["within greedy 0.5"][0], known["trained greedy 0.5"][0])


def test_draws_are_the_same_with_and_without_a_training(project: Path) -> None:
    first, second = (
        compact.load_channels(project / of("mood", f"{state} random 0.5").folder / compact.CHANNELS)
        for state in ("trained", "within")
    )
    assert (first.neurons == second.neurons).all()


def test_untrained_predictions_are_those_of_the_fine_tuned_model_cut_down(project: Path) -> None:
    encoder, prepared = project / "results/encoder", project / "results/prepared/mood"
    loaded = inputs.load("mood", 1, encoder, prepared)
    model = loaded.model(project / "results/weights/mood/seed-1/trained.safetensors")
    folder = project / of("mood", "trained one-shot 0.5").folder
    compact.compact_(model, compact.load_channels(folder / compact.CHANNELS))
    found = predict.predict(model, loaded.prepared)
    assert same(found, predicted(project, of("mood", "untrained one-shot 0.5")))


@pytest.mark.parametrize("state", ["trained", "within"])
def test_stored_models_predict_what_was_stored(project: Path, state: str) -> None:
    encoder = theta.load(project / "results/encoder")
    for task in TASKS:
        made = of(task, f"{state} greedy 0.5")
        loaded = inputs.load(
            task, 1, project / "results/encoder", project / "results/prepared" / task
        )
        model = compact.build(encoder, project / made.folder)
        found = predict.predict(model, loaded.prepared)
        for name, expected in predicted(project, made).items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5)
        for other in (f"{state} greedy 0.75", f"{state} random 0.5"):
            assert not (project / of(task, other).folder / compact.WEIGHTS).exists()


def test_rankings_have_a_row_per_site_and_sparsity(project: Path) -> None:
    for task in TASKS:
        folder = project / MANIFEST.place("channels", task=task, seed=1)
        with (folder / "ranks.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["task", "seed", *ranking.ROW]
        assert len(rows) == 4 * len(SPARSITIES)
        assert all(-1 <= float(row["tau"]) <= 1 for row in rows)
        assert {float(row["tau"]) for row in rows if row["part"] == "heads"} <= {-1.0, 1.0}


def test_scores_tell_the_share_of_parameters(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    for made in RUNS:
        share = scoring.sparsity(made)
        assert share is not None
        assert share == pytest.approx(0.5 if "0.5" in str(made.source) else 0.8759, abs=1e-4)
