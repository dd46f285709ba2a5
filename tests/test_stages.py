"""Every stage end to end, with the commands of dvc.yaml, on a study that takes seconds."""

import csv
import hashlib
import importlib
import json
import random
import resource
import shutil
import sys
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from transformers import PreTrainedModel

from stages import score
from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.report import rows as rows_of
from stages.tickets.tasks import task as tasks
from stages.tickets.training import subnetwork as subnetworks
from tests.imports import ROOT
from tests.test_pipeline import Stage, read, resolve, shown_columns

SHIPPED = read(ROOT / "params.yaml")
TRAIN = SHIPPED["train"] | {"epochs": 2, "batch_size": 8}
CONTROLS = ["random-2", "random-by-matrix", "reinitialised", "shuffled-layers", "one-shot"]
STUDY: dict[str, Any] = SHIPPED | {
    "study": "tiny",
    "tasks": ["mood", "similarity", "mlm"],
    "seeds": [1, 2],
    "encoder": SHIPPED["encoder"]
    | {"sentences": 100, "layers": 2, "attention_heads": 2, "hidden": 16, "mlp": 32}
    | {"train": SHIPPED["encoder"]["train"] | {"epochs": 1, "batch_size": 16}},
    "data": {
        name: SHIPPED["data"][name] | {"train": 30, "validation": 20}
        for name in ("similarity", "mlm")
    },
    "own": {
        "mood": {
            "train": "train.csv",
            "validation": "validation.csv",
            "texts": ["text"],
            "label": "label",
            "kind": "classification",
            "metrics": ["accuracy", "f1"],
        }
    },
    "prepare": SHIPPED["prepare"] | {"selection": 0.2},
    "train": TRAIN,
    "override": {"mood": {}, "similarity": {"epochs": 1}, "mlm": {"learning_rate": 2e-3}},
    "rounds": [{"from": 0, "to": 1, "sparsity": 0.4}, {"from": 1, "to": 2, "sparsity": 0.75}],
    "last_round": 2,
    "imp": {"rewind_to": 0, "keep_weights": [1], "decay_over": 1, "classifier": "rewound"},
    "earlier": {"rounds": []},
    "dense": {"points": [0, 50]},
    "rewind": {"tasks": ["mood", "similarity"], "seeds": [1], "points": [50], "source": "dense"},
    "random": {"rounds": [1]},
    "controls": {
        "every": {"kinds": ["random"]},
        "more": {"kinds": CONTROLS},
        "tasks": ["mood", "mlm"],
        "seeds": [1],
        "rounds": [1, 2],
    },
    "standard": {"tasks": ["mood", "mlm"], "seeds": [1], "aliased": {"rounds": [2]}},
    "cross": {"tasks": ["mood"], "mask_seeds": [1, 2], "seeds": [1]},
    "scratch": {"seeds": [1]},
    "transfer": {
        "sources": ["mood", "mlm", "one-shot"],
        "targets": ["mood", "similarity"],
        "seeds": [1],
        "round": 1,
    },
    "transfer_weights": {"sources": ["mlm"], "targets": ["mood"], "seeds": [1], "points": [0, 50]},
    "search": {
        "tasks": ["mood", "similarity"],
        "seeds": [1, 2],
        "rule": SHIPPED["search"]["rule"] | {"amount": 0.3},
        "permutations": 10,
    },
    "retrain": {
        "tasks": ["mood"],
        "seeds": [1, 2],
        "structured": ["good", "random", "bad", "random-2", "inverted", "one-head"],
        "super": ["super", "super-random", "super-bad"],
        "magnitude": ["good", "random", "bad"],
        "scratch": ["random"],
    },
    "multitask": {"tasks": ["mood", "mlm"], "seeds": [1]},
    "patterns": {
        "tasks": ["mood", "similarity"],
        "network": SHIPPED["patterns"]["network"]
        | {"maps": 10, "lengths": [5, 24], "epochs": 1, "held_out": 10},
        "examples": {"split": "validation", "number": 5},
    },
}
NO_CONTROLS = {
    "controls": STUDY["controls"] | {"tasks": [], "seeds": [], "rounds": []},
    "standard": {"tasks": [], "seeds": [], "aliased": {"rounds": []}},
    "cross": {"tasks": [], "mask_seeds": [], "seeds": []},
    "multitask": {"tasks": [], "seeds": []},
    "transfer_weights": {"sources": [], "targets": [], "seeds": [], "points": []},
}
"""No control but the random mask of the last ticket."""
SPARSITY = {after["to"]: after["sparsity"] for after in STUDY["rounds"]}
RUNS = [(task, seed) for task in STUDY["tasks"] for seed in STUDY["seeds"]]


def write_study(folder: Path, study: dict[str, Any]) -> None:
    """params.yaml (JSON is YAML), and the tables of the task of one's own."""
    (folder / "params.yaml").write_text(json.dumps(study), encoding="utf-8")
    for name, number in {"train": 30, "validation": 15}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["text", "label"])
            for i in range(number):
                word, label = ("good", "happy") if i % 3 else ("bad", "sad")
                writer.writerow([f"the dog is {word} {'today ' * (i % 4)}".strip(), label])


def stages(study: dict[str, Any] = STUDY) -> list[Stage]:
    return resolve(read(ROOT / "dvc.yaml"), study)


def run(module: str, *arguments: str) -> int:
    """The exit code of a stage, run in this process with this command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{module}.py", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(importlib.import_module(f"stages.{module}").main)
    return int(end.value.code or 0)


def run_all(folder: Path, study: dict[str, Any] = STUDY) -> Path:
    """Run every stage of a study in an empty folder, in this process."""
    folder.mkdir()
    (folder / "stages").symlink_to(ROOT / "stages")
    (folder / "published").symlink_to(ROOT / "published")
    write_study(folder, study)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in stages(study):
            assert run(stage.module, *stage.arguments) == 0, stage.name
    return folder


@pytest.fixture(scope="module")
def finished(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A folder in which every stage has run once."""
    return run_all(tmp_path_factory.mktemp("stages") / "first")


@pytest.fixture
def project(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished)
    return finished


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file that stages have made."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("results", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def ticket(project: Path, task: str, seed: int, number: int) -> Mask:
    folder = project / "results" / "rounds" / task / f"seed-{seed}" / f"round-{number}"
    return files.load_mask(folder / "mask.safetensors")


# --- what the stages leave -------------------------------------------------------------------


def test_every_stage_makes_its_outs(project: Path) -> None:
    missing = [out for stage in stages() for out in stage.outs if not (project / out).exists()]
    assert missing == []


def test_the_stages_make_nothing_but_their_outs(project: Path) -> None:
    outs = [out for stage in stages() for out in stage.outs]
    assert [
        path for path in contents(project) if not any(f"{path}/".startswith(f"{o}/") for o in outs)
    ] == []


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_masks_have_the_exact_size_and_lie_in_each_other(
    project: Path, task: str, seed: int
) -> None:
    encoder = files.load_record(project / "results" / "encoder" / "encoder.json")
    before = ticket(project, task, seed, 0)
    assert sorted(before) == sorted(encoder["prunable"])
    assert masks.sparsity(before) == 0
    for number, sparsity in SPARSITY.items():
        mask = ticket(project, task, seed, number)
        assert masks.num_survivors(mask) == round((1 - sparsity) * encoder["num_prunable"])
        assert all((mask[name] <= before[name]).all() for name in mask)
        before = mask


def test_several_tasks_at_once_have_masks_up_to_the_round_of_transfer(project: Path) -> None:
    folder = project / "results" / "rounds" / "multi-task" / "seed-1"
    assert [path.name for path in folder.iterdir()] == ["round-1"]
    mask = ticket(project, "multi-task", 1, 1)
    assert masks.num_survivors(mask) == masks.num_survivors(ticket(project, "mood", 1, 1))
    for task in ("mood", "mlm", "similarity"):
        other = ticket(project, task, 1, 1)
        assert any((mask[name] != other[name]).any() for name in mask)
    losses = files.load_record(folder / "round-1" / "history.json")["losses"]
    assert {task: len(found) for task, found in losses.items()} == {"mood": 6, "mlm": 6}


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_every_round_says_how_far_its_mask_is_from_the_one_shot_mask(
    project: Path, task: str, seed: int
) -> None:
    steps = 3 if task == "similarity" else 6
    for number in SPARSITY:
        folder = project / "results" / "rounds" / task / f"seed-{seed}" / f"round-{number}"
        record = files.load_record(folder / "movement.json")
        mask, one_shot = (ticket(project, name, seed, number) for name in (task, "one-shot"))
        exchanged = sum(np.count_nonzero(one_shot[name] & ~mask[name]) for name in mask)
        assert record["exchanged"] == exchanged <= record["most_exchanged"]
        assert record["trained"] == masks.num_survivors(ticket(project, task, seed, number - 1))
        assert record["prunable"] == masks.num_weights(mask)
        assert record["steps"] == steps
        assert 0 < record["move_50"] <= record["largest"] <= 1.1 * record["rates_distance"]
        assert record["distance"] == pytest.approx(record["largest"])  # rounds restart from theta_0


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_random_masks_are_as_large_as_the_ticket_and_others(
    project: Path, task: str, seed: int
) -> None:
    for number in SPARSITY:
        here = project / "results" / "runs" / "random" / task / f"seed-{seed}" / f"round-{number}"
        if number == STUDY["last_round"]:
            here = project / "results" / "runs" / "ticket" / task / f"seed-{seed}"
        drawn = files.load_mask(here / "random" / "mask.safetensors")
        mask = ticket(project, task, seed, number)
        assert masks.num_survivors(drawn) == masks.num_survivors(mask)
        assert any((drawn[name] != mask[name]).any() for name in mask)


def test_tickets_of_other_seeds_and_tasks_differ(project: Path) -> None:
    packed = {
        np.packbits(ticket(project, *run, 1)[name]).tobytes() for run in RUNS for name in NAMES
    }
    assert len(packed) == len(RUNS) * len(NAMES)


NAMES = [
    f"encoder.layer.{layer}.{matrix}.weight"
    for layer in range(2)
    for matrix in ("attention.self.query", "intermediate.dense", "output.dense")
]


def all_runs() -> list[tuple[str, str]]:
    """Folder and task of everything that was trained."""
    found = []
    for stage in stages():
        task = stage.option("target") or stage.option("task") or ""
        if stage.module == "prune_round" and stage.option("round") != "0":
            found.append((f"{stage.option('out')}/before", task))
        elif stage.module == "transfer" and stage.option("source") == task:
            continue
        elif stage.module == "controls":
            kinds = [kind for option, kind in pairwise(stage.arguments) if option == "--kinds"]
            found += [(f"{stage.option('out')}/{kind}", task) for kind in kinds]
        elif stage.module == "standard":
            for number in SPARSITY:
                found.append((f"{stage.option('out')}/round-{number}/standard", task))
            found.append((f"{stage.option('out')}/round-2/aliased", task))
        elif stage.module == "cross" and stage.option("mask-seed") == stage.option("seed"):
            continue
        elif stage.module in (
            "fine_tune",
            "rewind",
            "transfer",
            "transfer_weights",
            "scratch",
            "cross",
        ):
            found.append((str(stage.option("out")), task))
    return found


def test_every_training_predicts_each_example_of_each_evaluated_split(project: Path) -> None:
    assert len(all_runs()) == len(RUNS) * (1 + 1 + 1 + 2) + 2 + len(STUDY["tasks"]) + 3 + 2 + 31
    for folder, task in all_runs():
        prepared = tasks.load_prepared(project / "results" / "prepared" / task)
        assert list(prepared.evaluated) == ["selection", "validation"]
        predictions = files.load_arrays(project / folder / "predictions.safetensors")
        expected: dict[str, tuple[tuple[int, ...], str]] = {}
        for name, split in prepared.evaluated.items():
            if task == "mlm":
                num_hidden = int((split.labels != tasks.NOT_SCORED).sum())
                expected[f"{name}.tokens"] = ((num_hidden,), "int32")
                expected[f"{name}.losses"] = ((num_hidden,), "float32")
            else:
                shape = len(split), prepared.task.num_labels
                expected[f"{name}.logits"] = (shape, "float32")
        assert {key: (a.shape, str(a.dtype)) for key, a in predictions.items()} == expected
        assert all(np.isfinite(array).all() for array in predictions.values())


def test_every_training_takes_the_steps_of_its_task_and_keeps_its_losses(project: Path) -> None:
    """24 examples in batches of 8; from the point at 50 % on, half of the steps are left."""
    num_steps = {"mood": 6, "mlm": 6, "similarity": 3}  # two epochs, and one by its override
    left_at_50 = {"mood": 3, "mlm": 3, "similarity": 1}  # it was stored after round(1.5) = 2 of 3
    for folder, task in all_runs():
        losses = files.load_record(project / folder / "history.json")["losses"]
        rewound = "/rewind/" in folder and folder.endswith("point-50")
        assert len(losses) == (left_at_50 if rewound else num_steps)[task]
        assert np.isfinite(losses).all()


def test_a_ticket_on_its_own_task_is_not_trained_again(project: Path) -> None:
    own = project / "results" / "runs" / "transfer" / "mood" / "mood" / "seed-1"
    assert [path.name for path in own.iterdir()] == ["own.json"]


def assert_predictions(folder: Path, expected: files.Arrays) -> None:
    found = files.load_arrays(folder / "predictions.safetensors")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@dataclass(frozen=True)
class Again:
    """Trainings of one task and seed, done again by hand from the files of a study."""

    project: Path
    task: str
    seed: int

    @property
    def loaded(self) -> Inputs:
        results = self.project / "results"
        return inputs.load(
            self.task, self.seed, results / "encoder", results / "prepared" / self.task
        )

    def weights(self, name: str) -> Path:
        folder = self.project / "results" / "weights" / self.task / f"seed-{self.seed}"
        return folder / f"{name}.safetensors"

    def run(self, model: PreTrainedModel, mask: Mask, percent: int = 0) -> files.Arrays:
        of = self.loaded
        return subnetworks.train_(
            model, of.encoder, of.prepared, mask, of.noise, of.recipe, percent
        ).predictions


@pytest.mark.parametrize("task", ["mood", "mlm"])
def test_standard_pruning_never_rewinds_and_its_aliased_mask_does_once(
    project: Path, task: str
) -> None:
    again = Again(project, task, 1)
    of = again.loaded
    model = of.model(again.weights("trained"))
    mask = masks.dense(theta.prunable_weights(model, of.encoder))
    folder = project / "results" / "runs" / "standard" / task / "seed-1"
    for number, sparsity in SPARSITY.items():
        ranked = theta.prunable_weights(model, of.encoder)
        mask = masks.prune_by_magnitude(ranked, mask, sparsity)
        assert_predictions(folder / f"round-{number}" / "standard", again.run(model, mask))
    stored = files.load_mask(
        project
        / "results"
        / "rounds"
        / f"aliased-{task}"
        / "seed-1"
        / "round-2"
        / "mask.safetensors"
    )
    assert all((stored[name] == kept).all() for name, kept in mask.items())
    assert any((ticket(project, task, 1, 2)[name] != kept).any() for name, kept in mask.items())
    start = of.model(again.weights("theta-0"))
    assert_predictions(folder / "round-2" / "aliased", again.run(start, mask))


def test_cross_trains_the_mask_of_one_seed_with_the_noise_of_another(project: Path) -> None:
    again = Again(project, "mood", 1)
    model = again.loaded.model(again.weights("theta-0"))
    expected = again.run(model, ticket(project, "mood", 2, 2))
    folder = project / "results" / "runs" / "cross" / "mood"
    assert_predictions(folder / "mask-2" / "seed-1", expected)
    assert [path.name for path in (folder / "mask-1" / "seed-1").iterdir()] == ["own.json"]


def test_rewinding_to_a_dense_theta_takes_it_from_the_dense_training(project: Path) -> None:
    again = Again(project, "mood", 1)
    model = again.loaded.model(again.weights("theta-50"))
    expected = again.run(model, ticket(project, "mood", 1, 2), 50)
    folder = project / "results" / "runs" / "rewind" / "mood" / "seed-1" / "point-50"
    assert_predictions(folder, expected)


@pytest.mark.parametrize("point", [0, 50])
def test_weights_of_a_source_come_with_its_mask_and_not_with_its_head(
    project: Path, point: int
) -> None:
    again, source = Again(project, "mood", 1), Again(project, "mlm", 1)
    model = again.loaded.model()
    body = dict(model.base_model.named_parameters())
    moved = load_file(source.weights(f"theta-{point}"))
    with torch.no_grad():
        for name in again.loaded.encoder.weights:
            if f"bert.{name}" in moved:
                body[name].copy_(torch.from_numpy(moved[f"bert.{name}"]))
    folder = project / "results" / "runs" / "transfer-weights" / "mlm" / "mood" / "seed-1"
    expected = again.run(model, ticket(project, "mlm", 1, 1))
    assert_predictions(folder / f"point-{point}", expected)


def test_controls_are_trained_from_where_their_ticket_is(project: Path) -> None:
    again = Again(project, "mood", 1)
    folder = project / "results" / "runs" / "controls" / "mood" / "seed-1" / "round-1" / "one-shot"
    one_shot = files.load_mask(
        project / "results" / "rounds" / "one-shot" / "seed-1" / "round-1" / "mask.safetensors"
    )
    stored = files.load_mask(folder / "mask.safetensors")
    assert all((stored[name] == kept).all() for name, kept in one_shot.items())
    model = again.loaded.model(again.weights("theta-0"))
    assert_predictions(folder, again.run(model, one_shot))


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_dense_weights_are_kept_at_the_rewinding_points(
    project: Path, task: str, seed: int
) -> None:
    folder = project / "results" / "weights" / task / f"seed-{seed}"
    assert {path.name for path in folder.iterdir()} == {
        "theta-0.safetensors",
        "theta-50.safetensors",
        "trained.safetensors",
    }
    start, middle, end = (
        load_file(folder / f"{name}.safetensors") for name in ("theta-0", "theta-50", "trained")
    )
    assert not any("encoder.layer" in name for name in start)  # theta_0 is the encoder's own
    matrix = "bert.encoder.layer.0.output.dense.weight"
    assert (middle[matrix] != end[matrix]).any()


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_dropped_weights_are_zero_after_training(project: Path, task: str, seed: int) -> None:
    folder = project / "results" / "rounds" / task / f"seed-{seed}" / "round-2" / "before"
    weights = load_file(folder / "weights.safetensors")
    mask = ticket(project, task, seed, 1)
    for name in NAMES:
        assert ((weights[f"bert.{name}"] != 0) == mask[name]).all()


def test_trained_weights_are_kept_of_the_named_rounds_alone(project: Path) -> None:
    kept = (project / "results" / "rounds").rglob("weights.safetensors")
    assert {path.parent.parent.name for path in kept} == {"round-2"}  # it has trained round 1


# --- tables ----------------------------------------------------------------------------------


def test_scores_have_a_row_per_run_split_and_metric(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    assert list(table.columns) == score.COLUMNS
    num_seeds = len(STUDY["seeds"])
    runs_of_each_kind = {
        "dense": num_seeds,
        "imp": num_seeds * len(SPARSITY),
        "random": num_seeds * 2,
        "scratch": 1,
        "majority": 1,
    }
    num_metrics = {"mood": 3, "similarity": 3, "mlm": 2}  # with the loss
    expected = {
        (task, kind): runs * 2 * num_metrics[task]
        for task in STUDY["tasks"]
        for kind, runs in runs_of_each_kind.items()
    }
    for task in ("mood", "similarity"):
        expected[task, "rewind"] = 2 * 2 * 3
        expected[task, "transfer"] = 3 * 2 * 3
        expected[task, "bag_of_words"] = expected[task, "word_vectors"] = 2 * 3
    for task in ("mood", "mlm"):
        each = 2 * num_metrics[task]
        expected[task, "control"] = 2 * len(CONTROLS) * each
        expected[task, "standard"], expected[task, "aliased"] = 2 * each, each
    expected["mood", "cross"] = 2 * 2 * 3
    expected["mood", "transfer_weights"] = 2 * 2 * 3
    expected["similarity", "normal_draw"] = 2 * 3
    expected["mood", "scratch_structured"] = num_seeds * 2 * 3
    for state in ("pruned", "retrained"):
        expected["mood", state] = num_seeds * 12 * 2 * 3
    assert table.groupby(["task", "kind"]).size().to_dict() == expected
    assert table["score"].notna().all()
    assert not table.duplicated(
        ["task", "kind", "seed", "round", "point", "source", "split", "metric"]
    ).any()


def test_a_score_is_that_of_the_stored_predictions(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    folder = project / "results" / "runs" / "dense" / "mood" / "seed-2"
    predicted = files.load_arrays(folder / "predictions.safetensors")["validation.logits"]
    with (project / "validation.csv").open(encoding="utf-8", newline="") as file:
        labels = [row["label"] == "sad" for row in csv.DictReader(file)]
    row = table.query(
        "task == 'mood' and kind == 'dense' and seed == 2 and split == 'validation' "
        "and metric == 'accuracy'"
    )
    assert row["score"].item() == pytest.approx((predicted.argmax(-1) == labels).mean(), abs=1e-5)
    assert row["num_examples"].item() == len(labels)


def test_every_task_is_described_with_its_sizes(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "tasks.csv").set_index("task")
    assert list(table.index) == STUDY["tasks"]
    sizes = table[["labels", "train", "selection", "validation"]]
    assert list(sizes.loc["mood"]) == [2, 24, 6, 15]
    assert list(sizes.loc["similarity"]) == [1, 24, 6, 20]
    assert table.loc["mood", "metrics"] == "accuracy f1"


def test_metrics_are_numbers_that_people_compare(project: Path) -> None:
    record = json.loads((project / "reports" / "tiny" / "metrics.json").read_text())
    assert list(record)[:3] == ["ticket", "dense", "ticket_minus_dense"]
    assert record["ticket_sparsity"] == 75.0
    assert list(record["tickets"]) == STUDY["tasks"]
    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    last = table[table["headline"] & (table["split"] == "validation") & (table["round"] == 2)]
    levels = 100 * last.groupby(["kind", "task"])["score"].mean().groupby("kind").mean()
    gain = levels["imp"] - levels["random"]
    assert record["ticket"] == pytest.approx(levels["imp"], abs=0.01)
    assert record["ticket_minus_random"] == pytest.approx(gain, abs=0.01)


def test_masks_are_as_far_from_the_one_shot_mask_as_their_rounds_say(project: Path) -> None:
    folder = project / "results" / "stability"
    beyond = pd.read_csv(folder / "beyond.csv").query("axis == 'one_shot'")
    movement = pd.read_csv(folder / "movement.csv")
    assert len(movement) == len(beyond) == len(SPARSITY) * len(RUNS)
    similarity = beyond.set_index([beyond["first"], beyond["seeds"].astype(int), "round"])["value"]
    expected = movement.set_index(["task", "seed", "round"])["jaccard"]
    assert similarity.to_dict() == pytest.approx(expected.to_dict(), abs=1e-5)


def test_layers_count_the_survivors_of_every_mask(project: Path) -> None:
    table = pd.read_csv(project / "results" / "stability" / "layers.csv")
    kept = table.groupby(["task", "seed", "round"])["kept"].sum().to_dict()
    assert kept == {
        (task, seed, number): masks.num_survivors(ticket(project, task, seed, number))
        for task, seed in RUNS
        for number in SPARSITY
    }
    assert set(table["layer"].dropna()) == {0, 1}


def test_plots_of_dvc_yaml_show_columns_that_are_there(project: Path) -> None:
    shown = shown_columns(read(ROOT / "dvc.yaml"), STUDY)
    assert shown
    for path, column in shown:
        table = pd.read_csv(project / path)
        assert column in table.columns
        assert len(table) > 0, path


def test_the_report_is_one_page_that_names_the_study_and_its_tasks(project: Path) -> None:
    folder = project / "reports" / "tiny"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert all(text in page for text in (STUDY["title"], "mood", "similarity", "not evidence"))
    assert {path.suffix for path in (folder / "tables").iterdir()} == {".csv", ".md", ".tex"}
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".csv", ".svg"}
    assert (folder / "README.md").stat().st_size > 1000


# --- answers on HANS -------------------------------------------------------------------------

ON_HANS = STUDY | {
    "tasks": ["entailment", "mood"],
    "seeds": [1],
    "data": {
        "entailment": SHIPPED["data"]["entailment"]
        | {"train": 30, "validation": 20, "hans": {"per_subcase": 2}}
    },
    "override": {"entailment": {}, "mood": {}},
    "imp": STUDY["imp"] | {"keep_weights": []},
    "rewind": STUDY["rewind"] | {"tasks": ["entailment"]},
    "random": {"rounds": []},
    **NO_CONTROLS,
    "transfer": {"sources": ["mood"], "targets": ["entailment"], "seeds": [1], "round": 1},
    "search": STUDY["search"] | {"tasks": ["entailment"], "seeds": [1]},
    "retrain": {
        "tasks": ["entailment"],
        "seeds": [1],
        "structured": ["good"],
        "super": [],
        "magnitude": ["bad"],
        "scratch": ["random"],
    },
    "patterns": STUDY["patterns"] | {"tasks": []},
}


@pytest.mark.usefixtures("on_the_cpu")
def test_every_run_of_a_task_with_hans_answers_it(tmp_path: Path) -> None:
    project = run_all(tmp_path / "hans", ON_HANS)
    folder = project / "results" / "prepared" / "entailment"
    cases = pd.read_csv(folder / "hans.csv")
    prepared = tasks.load_prepared(folder)
    assert list(prepared.evaluated) == ["selection", "validation", "hans"]
    labels = prepared.evaluated["hans"].labels
    assert [subcase[1] == "n" for subcase in cases["subcase"]] == [bool(x) for x in labels]
    assert not (project / "results" / "prepared" / "mood" / "hans.csv").exists()

    table = pd.read_csv(project / "reports" / "tiny" / "hans.csv", keep_default_na=False)
    num_subcases = cases["subcase"].nunique()
    assert table.groupby(["task", "kind"]).size().to_dict() == {
        ("entailment", kind): runs * num_subcases
        for kind, runs in {
            "dense": 1, "imp": 2, "random": 1, "scratch": 1, "rewind": 2, "transfer": 1,
            "scratch_structured": 1,
            "pruned": 2, "retrained": 2, "majority": 1, "bag_of_words": 1, "word_vectors": 1,
        }.items()
    }  # fmt: skip
    assert set(table["num_examples"]) == {2}
    run = project / "results" / "runs" / "magnitude" / "entailment" / "seed-1" / "bad" / "retrained"
    logits = files.load_arrays(run / "predictions.safetensors")["hans.logits"]
    right = (logits.argmax(-1) == 0) == (labels == 0)
    rows = table.query("kind == 'retrained' and source == 'magnitude bad'")
    assert rows.set_index("subcase")["accuracy"].to_dict() == pytest.approx(
        pd.Series(right).groupby(cases["subcase"]).mean().to_dict()
    )

    scored = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    assert set(scored["split"]) == {"selection", "validation"}
    page = (project / "reports" / "tiny" / "index.html").read_text(encoding="utf-8")
    assert "dense models of entailment are right about" in page
    assert "from the miniature language" in page


def test_hans_has_a_header_alone_where_no_task_has_it(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "hans.csv")
    assert list(table.columns) == [field.name for field in fields(rows_of.HansScore)]
    assert table.empty
    page = (project / "reports" / "tiny" / "index.html").read_text(encoding="utf-8")
    assert "Not run: no task has `hans` in params.yaml." in page


# --- from rewound weights --------------------------------------------------------------------

REWOUND = STUDY | {
    "tasks": ["mood", "similarity"],
    "seeds": [1],
    "data": {"similarity": STUDY["data"]["similarity"]},
    "override": {"mood": {}, "similarity": {}},
    "imp": STUDY["imp"] | {"rewind_to": 50, "keep_weights": []},
    "rewind": STUDY["rewind"] | {"points": [0]},
    "random": {"rounds": []},
    **NO_CONTROLS,
    "scratch": {"seeds": []},
    "transfer": {"sources": ["mood"], "targets": ["similarity"], "seeds": [1], "round": 1},
    "search": STUDY["search"] | {"tasks": [], "seeds": []},
    "retrain": STUDY["retrain"] | {"tasks": [], "seeds": []},
    "patterns": STUDY["patterns"]
    | {"tasks": [], "network": STUDY["patterns"]["network"] | {"seeds": []}},
}


@pytest.mark.usefixtures("on_the_cpu")
def test_all_that_starts_from_rewound_weights_takes_the_steps_that_are_left(tmp_path: Path) -> None:
    """Two epochs of 24 examples in batches of 8 are 6 steps."""
    results = run_all(tmp_path / "rewound", REWOUND) / "results"
    expected = {"runs/transfer/mood/similarity/seed-1": 3}
    for task in REWOUND["tasks"]:
        expected |= {
            f"runs/dense/{task}/seed-1": 6,
            f"rounds/{task}/seed-1/round-2/before": 3,
            f"runs/ticket/{task}/seed-1/random": 3,
            f"runs/rewind/{task}/seed-1/point-0": 6,
            f"runs/ticket/{task}/seed-1/ticket": 3,
        }
    assert {
        path.parent.relative_to(results).as_posix(): len(files.load_record(path)["losses"])
        for part in ("runs", "rounds")
        for path in (results / part).rglob("history.json")
    } == expected


# --- where rounds depart from the default -----------------------------------------------------

DEPARTED = STUDY | {
    "tasks": ["mood", "mlm"],
    "seeds": [1],
    "data": {"mlm": STUDY["data"]["mlm"]},
    "override": {"mood": {}, "mlm": {}},
    "imp": {"rewind_to": 0, "keep_weights": [], "decay_over": 2, "classifier": "carried"},
    "earlier": {"rounds": [1]},
    "rewind": STUDY["rewind"] | {"tasks": ["mood"], "source": "sparse"},
    "random": {"rounds": []},
    **NO_CONTROLS,
    "scratch": {"seeds": []},
    "transfer": {"sources": ["mlm"], "targets": ["mlm"], "seeds": [1], "round": 1},
    "search": STUDY["search"] | {"tasks": [], "seeds": []},
    "retrain": STUDY["retrain"] | {"tasks": [], "seeds": []},
    "patterns": STUDY["patterns"]
    | {"tasks": [], "network": STUDY["patterns"]["network"] | {"seeds": []}},
}


@pytest.mark.usefixtures("on_the_cpu")
def test_departures_of_rounds_do_what_their_names_say(tmp_path: Path) -> None:
    """A schedule over all rounds, a classifier that is carried, theta_i of the sparse training."""
    project = run_all(tmp_path / "departed", DEPARTED)
    results = project / "results"
    for task in DEPARTED["tasks"]:
        rounds, here = results / "rounds" / task / "seed-1", f"{task}/seed-1"
        heads = [load_file(rounds / f"round-{k}" / "classifier.safetensors") for k in (1, 2)]
        assert heads[0].keys() == heads[1].keys()
        assert not any("encoder" in name for name in heads[0])
        trained = load_file(results / "weights" / here / "trained.safetensors")
        assert any((heads[0][name] != trained[name]).any() for name in heads[0])  # another schedule

        losses = {
            name: files.load_record(folder / "history.json")["losses"]
            for name, folder in {
                "dense": results / "runs" / "dense" / here,
                "round 0": rounds / "round-1" / "before",
                "round 1": rounds / "round-2" / "before",
                "ticket 1": results / "runs" / "earlier" / here / "round-1" / "ticket",
            }.items()
        }
        assert losses["dense"][0] == losses["round 0"][0]  # from the same weights,
        assert losses["dense"][3:] != losses["round 0"][3:]  # at another rate
        assert losses["round 1"][0] != losses["ticket 1"][0]  # whose classifier is rewound

    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    shown = table.query("kind == 'imp' and round == 1 and task == 'mood' and split == 'validation'")
    folder = results / "runs" / "earlier" / "mood" / "seed-1" / "round-1" / "ticket"
    logits = files.load_arrays(folder / "predictions.safetensors")["validation.logits"]
    labels = tasks.load_prepared(results / "prepared" / "mood").evaluated["validation"].labels
    accuracy = float((logits.argmax(-1) == labels).mean())
    assert shown.set_index("metric")["score"]["accuracy"] == pytest.approx(accuracy, abs=1e-5)
    inputs_of = inputs.load("mood", 1, results / "encoder", results / "prepared" / "mood")
    mask = ticket(project, "mood", 1, 2)
    model = inputs_of.model(results / "weights" / "mood" / "seed-1" / "theta-0.safetensors")
    run_of = (
        model,
        inputs_of.encoder,
        inputs_of.prepared,
        mask,
        inputs_of.noise,
        inputs_of.recipe,
        50,
    )
    subnetworks.to_sparse_theta_(*run_of)
    expected = subnetworks.train_(*run_of).predictions
    assert_predictions(results / "runs" / "rewind" / "mood" / "seed-1" / "point-50", expected)


# --- again, and when something is in the way -------------------------------------------------


def test_the_same_input_gives_the_same_bytes(finished: Path) -> None:
    for disturb in (torch.manual_seed, np.random.seed, random.seed):  # the global generators
        disturb(123)
    second = run_all(finished.parent / "second")
    first, again = contents(finished), contents(second)
    assert first.keys() == again.keys()
    assert [path for path in first if first[path] != again[path]] == []


def one_of_each() -> list[Stage]:
    """A stage of each script that has inputs; a pruning round that trains, a transfer to another task."""
    chosen = {stage.group: stage for stage in reversed(stages())}
    chosen["prune-round"] = next(s for s in stages() if s.name == "prune-round@mood-1-after1")
    chosen["transfer"] = next(s for s in stages() if s.name == "transfer@mood-similarity-1")
    chosen["cross"] = next(s for s in stages() if s.name == "cross@mood-2-1")
    without = ("code", "check", "encoder")
    return [stage for group, stage in sorted(chosen.items()) if group not in without]


def inputs_read() -> list[tuple[Stage, str]]:
    """What each of them reads.

    The dense run's weights are pruned by round 0, and for the control one-shot-fine-tuned; a theta_i of
    the dense training does not start at theta_0.
    """
    unread = {(group, "trained.safetensors") for group in ("prune-round", "controls")}
    unread.add(("rewind", "theta-0.safetensors"))
    return [
        (stage, dep)
        for stage in one_of_each()
        for dep in stage.inputs
        if (stage.group, Path(dep).name) not in unread
    ]


@pytest.mark.parametrize(
    ("stage", "dep"), inputs_read(), ids=lambda part: part if isinstance(part, str) else part.group
)
def test_a_missing_input_ends_in_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], stage: Stage, dep: str
) -> None:
    hidden = project / "hidden"
    (project / dep).rename(hidden)
    before = contents(project)
    try:
        code = run(stage.module, *stage.arguments)
    finally:
        hidden.rename(project / dep)
    assert code == 1
    message = capsys.readouterr().err
    assert message.startswith(f"{stage.module.replace('_', '-')}: ")
    assert message.count("\n") == 1
    assert dep in message
    assert before.items() <= contents(project).items()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("stage", one_of_each(), ids=lambda stage: stage.group)
@pytest.mark.parametrize("obstacle", ["a file in the way", "a full disk"])
def test_an_out_that_cannot_be_written_ends_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, stage: Stage, obstacle: str
) -> None:
    """A limit on the size of files is what a test can have in place of a full disk."""
    blocked = tmp_path / "out"
    if obstacle == "a file in the way":
        blocked.write_text("")
    arguments = [
        str(blocked / argument) if argument in stage.outs else argument
        for argument in stage.arguments
    ]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if obstacle == "a full disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        code = run(stage.module, *arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 1
    *progress, message = capsys.readouterr().err.strip().split("\n")
    assert message.startswith(f"{stage.module.replace('_', '-')}: ")
    assert "Traceback" not in "".join(progress)
    shutil.rmtree(blocked, ignore_errors=True)


def test_a_diverged_training_names_task_step_and_learning_rate(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stage = next(stage for stage in stages() if stage.name == "fine-tune@mood-1")
    study = STUDY | {"train": TRAIN | {"learning_rate": 1e38, "clip": 1e38}}
    write_study(tmp_path, study)
    prepare = next(stage for stage in stages() if stage.name == "prepare-own@mood")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        Path("results").mkdir()
        Path("results/encoder").symlink_to(project / "results" / "encoder")
        assert run(prepare.module, *prepare.arguments) == 0
        assert run(stage.module, *stage.arguments) == 1
    message = capsys.readouterr().err.split("\n")[-2]
    assert message.startswith("fine-tune: the loss of task 'mood' is nan from step ")
    assert "where the learning rate was " in message
    assert not (tmp_path / "results" / "runs").exists()


def test_too_few_steps_to_tell_rewinding_points_apart(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = STUDY | {"dense": {"points": [0, 1, 50]}}
    stage = next(stage for stage in stages(study) if stage.name == "fine-tune@mood-1")
    before = contents(project)
    assert run(stage.module, *stage.arguments) == 1
    assert capsys.readouterr().err == (
        "fine-tune: dense.points is [0, 1, 50], but the 6 steps of 'mood' are too few to tell them "
        "apart\n"
    )
    assert contents(project) == before


# --- searched subnetworks --------------------------------------------------------------------


def subnetwork(project: Path, kind: str, seed: int, name: str) -> Path:
    return project / "results" / "runs" / kind / "mood" / f"seed-{seed}" / name


def size(project: Path, kind: str, seed: int, name: str) -> dict[str, int]:
    return files.load_record(subnetwork(project, kind, seed, name) / "subnetwork.json")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_and_bad_subnetworks_have_the_size_of_the_good_one(project: Path, seed: int) -> None:
    for name in ("random", "bad", "random-2"):
        good, other = (size(project, "structured", seed, one) for one in ("good", name))
        assert [good[key] for key in ("heads", "mlps")] == [other[key] for key in ("heads", "mlps")]
    for name in ("random", "bad"):
        good, other = (size(project, "magnitude", seed, one) for one in ("good", name))
        assert good["kept"] == other["kept"]
    top = size(project, "structured", seed, "super")
    assert (
        top["heads"]
        == top["heads_of_good_too"]
        <= size(project, "structured", seed, "good")["heads"]
    )


def test_what_was_searched_is_told_by_task_and_seed(project: Path) -> None:
    searched = pd.read_csv(project / "results" / "survival" / "searched.csv")
    assert len(searched) == 2 * 2 * len(SHIPPED["search"]["rule"]["variants"])
    structured = searched[searched["variant"] != "magnitude"]
    assert (structured["heads"] <= structured["all_heads"]).all()
    good = searched[searched["dense_score"] > 0]
    assert (good["score"] >= 0.9 * good["dense_score"] - 1e-12).all()
    assert (searched[searched["dense_score"] <= 0]["steps"] == 0).all()
    agreement = pd.read_csv(project / "results" / "survival" / "agreement.csv")
    assert set(agreement["axis"]) == {"seeds", "tasks", "two tasks", "halves", "rules"}
    places = pd.read_csv(project / "results" / "survival" / "places.csv")
    whole = places[places["task"].isna() & (places["variant"] == "joint")]
    assert len(whole) == 2 * 2 + 2
    assert whole["mean"].between(0, 2).all()


def structure_of(project: Path, task: str, seed: int) -> structure.Structure:
    folder = project / "results" / "runs" / "search" / task / f"seed-{seed}" / "joint"
    return files.load_structure(folder / "structure.safetensors")


def test_importance_stands_beside_the_magnitude_of_the_weights(project: Path) -> None:
    """Of a head by hand; kept and dropped as the search's files say."""
    table = pd.read_csv(project / "results" / "survival" / "importance.csv")
    trace = project / "results" / "runs" / "search" / "mood" / "seed-1" / "joint" / "trace.json"
    steps = files.load_record(trace)["steps"]
    here = table[(table["task"] == "mood") & (table["seed"] == 1)]
    assert len(here) == (2 * 2 + 2 if steps else 0)
    kept = structure_of(project, "mood", 1)
    weights = files.load_arrays(
        project / "results" / "weights" / "mood" / "seed-1" / "trained.safetensors"
    )
    layer = "bert.encoder.layer.1.attention"
    own = slice(8, 16)
    pieces = [
        weights[f"{layer}.self.{name}.{kind}"][own].ravel()
        for name in ("query", "key", "value")
        for kind in ("weight", "bias")
    ]
    pieces.append(weights[f"{layer}.output.dense.weight"][:, own].ravel())
    mean = np.abs(np.concatenate(pieces)).mean()
    for row in here[(here["layer"] == 1) & (here["head"] == 1)].itertuples():
        assert row.magnitude == pytest.approx(mean, rel=1e-4)
        assert row.kept == kept.heads[1, 1]
        assert row.importance == pytest.approx(steps[0]["head_importance"][1][1])


def test_layers_of_the_magnitude_search_add_up_to_the_mask(project: Path) -> None:
    table = pd.read_csv(project / "results" / "survival" / "layers.csv")
    folder = project / "results" / "runs" / "search" / "mood" / "seed-2" / "magnitude"
    mask = files.load_mask(folder / "mask.safetensors")
    here = table[(table["task"] == "mood") & (table["seed"] == 2)]
    assert here["size"].sum() == masks.num_weights(mask)
    assert here["kept"].sum() == masks.num_survivors(mask)


def test_random_heads_from_random_weights_are_those_of_the_random_subnetwork(project: Path) -> None:
    folder = project / "results" / "runs" / "scratch-structured" / "mood" / "seed-1" / "random"
    sizes = files.load_record(folder / "subnetwork.json")
    drawn = size(project, "structured", 1, "random")
    assert sizes == {key: drawn[key] for key in ("kept", "prunable")}
    scratch, retrained = (
        files.load_record(one / "history.json")["losses"]
        for one in (folder, subnetwork(project, "structured", 1, "random") / "retrained")
    )
    assert len(scratch) == len(retrained)
    assert scratch != retrained


def test_patterns_are_those_of_every_model_head_and_network(project: Path) -> None:
    folder = project / "results" / "patterns"
    networks = SHIPPED["patterns"]["network"]["seeds"]
    confusion = pd.read_csv(folder / "networks" / "confusion.csv")
    assert (confusion.groupby(["map", "network"])["maps"].sum() == 10).all()
    for task in STUDY["patterns"]["tasks"]:
        shares = pd.read_csv(folder / "tasks" / task / "shares.csv")
        where = ["state", "seed", "heads", "map", "network"]
        groups = shares.groupby(where, dropna=False)["share"]
        assert groups.sum().to_numpy() == pytest.approx(1.0, abs=1e-5)
        every = shares[shares["heads"] == "all"]
        assert len(every) == 5 * 2 * len(networks) * 3  # two seeds, and the pre-trained encoder
        assert set(every["maps"]) == {5 * 4}
        heads = pd.read_csv(folder / "tasks" / task / "heads.csv")
        of_head = heads.groupby(["state", "seed", "map", "network", "layer", "head"], dropna=False)
        assert (of_head["examples"].sum() == 5).all()
        assert len(of_head) == 2 * len(networks) * 3 * 4
        structures = [
            files.load_structure(
                project
                / "results/runs/search"
                / task
                / f"seed-{seed}"
                / "joint/structure.safetensors"
            )
            for seed in (1, 2)
        ]
        survives = heads.groupby(["layer", "head"])["survives"].first().to_numpy()
        expected = np.sum([one.heads for one in structures], axis=0)
        assert survives.tolist() == expected.ravel().tolist()


def test_a_task_without_super_survivors_has_no_rows_of_them(project: Path, tmp_path: Path) -> None:
    """Seed 2 is made to keep no head."""
    searched = tmp_path / "searched"
    shutil.copytree(project / "results" / "runs" / "search" / "mood", searched)
    path = searched / "seed-2" / "joint" / "structure.safetensors"
    found = files.load_structure(path)
    files.save_structure(Structure(np.zeros_like(found.heads), found.mlps), path)
    arguments = {**options("patterns@mood"), "--searched": searched, "--out": tmp_path / "out"}
    assert run("patterns", *(str(part) for pair in arguments.items() for part in pair)) == 0
    assert set(pd.read_csv(tmp_path / "out" / "shares.csv")["heads"]) == {"all"}
    assert pd.read_csv(tmp_path / "out" / "heads.csv")["survives"].max() <= 1


@pytest.mark.usefixtures("project")
def test_examples_that_networks_do_not_know_end_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    networks = tmp_path / "networks"
    shutil.copytree("results/patterns/networks", networks)
    record = files.load_record(networks / "networks.json") | {"lengths": [30, 31]}
    files.save_record(record, networks / "networks.json")
    arguments = {**options("patterns@mood"), "--networks": networks, "--out": tmp_path / "out"}
    assert run("patterns", *(str(part) for pair in arguments.items() for part in pair)) == 1
    assert capsys.readouterr().err == (
        "patterns: patterns.network.lengths is [30, 31], but no example has 30 to 31 tokens in "
        "validation of 'mood'\n"
    )


def options(name: str) -> dict[str, Any]:
    """Of a stage whose options come once each."""
    stage = next(stage for stage in stages() if stage.name == name)
    return dict(zip(stage.arguments[::2], stage.arguments[1::2], strict=True))
