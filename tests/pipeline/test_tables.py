"""The tables of scores and masks, and the report."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from stages.tickets import files
from stages.tickets.pruning import masks
from stages.tickets.report import scoring
from tests.pipeline import shown_columns
from tests.pipeline.study import (
    CONTROLS,
    RUNS,
    SPARSITY,
    STUDY,
    ticket,
)


def test_scores_have_a_row_per_run_split_and_metric(project: Path) -> None:
    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    assert list(table.columns) == list(scoring.SCORES)
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
    starts = len(STUDY["connectivity"]["starts"]) + 1  # a mask of a set
    for task in STUDY["distil"]["tasks"]:
        expected[task, "copy"] = starts * 2 * 2 * 3
        arms = len((*STUDY["distil"]["methods"], "real-short"))
        expected[task, "distilled"] = expected[task, "on_set"] = arms * 2 * 3
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
    assert list(record) == ["validation", "chosen_on_selection"]
    table = pd.read_csv(project / "reports" / "tiny" / "scores.csv")
    last = table[table["headline"] & (table["split"] == "validation") & (table["round"] == 2)]
    levels = 100 * last.groupby(["kind", "task"])["score"].mean()
    tickets = record["validation"]["tickets"]
    assert set(tickets) <= set(STUDY["tasks"])  # those whose dense model has learned
    assert tickets == {task: pytest.approx(levels["imp", task], abs=0.01) for task in tickets}


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
    shown = shown_columns(STUDY)
    assert shown
    for path, column in shown:
        table = pd.read_csv(project / path)
        assert len(table) > 0, path
        if "not_run" in table:  # no task of so short a study has been learned
            assert table["not_run"][0].startswith("no evidence: "), path
        else:
            assert column in table.columns


def test_the_report_is_one_page_that_names_the_study_and_its_tasks(project: Path) -> None:
    folder = project / "reports" / "tiny"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert all(text in page for text in (STUDY["title"], "mood", "similarity", "not evidence"))
    assert {path.suffix for path in (folder / "tables").iterdir()} == {".csv", ".md", ".tex"}
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".csv", ".svg"}
    assert (folder / "README.md").stat().st_size > 1000
