"""Tables of scores from predictions: their rows by hand, and how they are written."""

import json

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.files import Split
from stages.tickets.plan.manifest import Manifest, Run
from stages.tickets.report import scoring
from stages.tickets.report.scoring import Examples, Predicted
from stages.tickets.report.table import to_csv
from stages.tickets.tasks.hans import Case
from stages.tickets.tasks.task import Prepared, Task, Vocabulary

LABELS = np.array([0, 1, 1])
WHERE = {
    "task": "rte", "kind": "imp", "seed": 1, "round": 2, "sparsity": 2 / 3, "point": None, "source": None,
}  # fmt: skip


def examples(*splits: str) -> Examples:
    tokens = np.zeros(3, np.int32), np.zeros(3, np.int8), np.arange(4)
    split = Split(*tokens, LABELS)
    task = Task("rte", "classification", 2, ("accuracy",))
    prepared = Prepared(task, Vocabulary(9, 0, 1, (0, 1)), split, dict.fromkeys(splits, split))
    cases = [
        Case("overlap", "swap", "here"),
        Case("overlap", "swap", "here"),
        Case("prefix", "cut", "here"),
    ]
    return Examples(prepared, {}, cases)


def logits(*predicted: int) -> np.ndarray:
    return np.eye(2, dtype=np.float32)[list(predicted)]


def test_a_row_per_split_and_metric_with_the_coordinates_of_the_run() -> None:
    arrays = {"selection.logits": logits(0, 1, 0), "validation.logits": logits(0, 1, 1)}
    run = Predicted(WHERE, arrays)
    rows, on_hans, by_example = scoring.score([run], {"rte": examples("selection", "validation")})
    assert on_hans == []
    assert list(by_example) == ["rte/imp/2//1/selection", "rte/imp/2//1"]  # of the headline metric
    assert by_example["rte/imp/2//1/selection"].tolist() == pytest.approx([1 / 3, 1 / 3, -2 / 3])
    assert by_example["rte/imp/2//1"].tolist() == [0, 0, 0]  # all are right
    assert [(row["split"], row["metric"], row["headline"]) for row in rows] == [
        ("selection", "accuracy", True),
        ("selection", "loss", False),
        ("validation", "accuracy", True),
        ("validation", "loss", False),
    ]
    assert tuple(rows[0]) == scoring.SCORES
    assert [rows[0][key] for key in ("sparsity", "score", "num_examples")] == [
        0.666667,
        0.666667,
        3,
    ]
    assert rows[2]["score"] == 1


def test_what_is_never_chosen_has_no_deviations_on_selection() -> None:
    arrays = {"selection.logits": logits(0, 1, 0), "validation.logits": logits(0, 1, 1)}
    run = Predicted(WHERE | {"kind": "random"}, arrays)
    _, _, by_example = scoring.score([run], {"rte": examples("selection", "validation")})
    assert list(by_example) == ["rte/random/2//1"]


def test_hans_has_a_row_per_subcase_and_no_other_score() -> None:
    run = Predicted(WHERE, {"x.hans.logits": logits(0, 0, 1)}, "x.")
    rows, on_hans, _ = scoring.score([run], {"rte": examples("hans")})
    assert rows == []
    assert [(row["subcase"], row["entailed"], row["accuracy"]) for row in on_hans] == [
        ("swap", True, 1),
        ("swap", False, 0),
        ("cut", False, 1),
    ]
    assert tuple(on_hans[0]) == tuple(scoring.HANS)


def test_tables_have_six_digits_and_blanks_and_the_report_reads_them_alike() -> None:
    record = scoring.rounded(WHERE | {"score": 0.123456789, "headline": True, "collapsed": False})
    record |= {"split": "validation", "metric": "accuracy", "num_examples": 3}
    text = to_csv([record], header=scoring.SCORES)
    assert (
        text.splitlines()[1] == "rte,imp,1,2,0.666667,,,validation,accuracy,True,0.123457,3,False"
    )
    (row,) = scoring.as_rows([record])
    assert (row.score, row.sparsity, row.source, row.point) == (0.123457, 0.666667, "", None)
    assert to_csv([{"a": 1}], header=["a", "b"]) == "a,b\n1,\n"


@pytest.fixture
def study(tmp_path) -> Manifest:
    """Two runs of one subnetwork, of which a file says what it keeps."""
    size = tmp_path / "subnetwork.json"
    size.write_text(json.dumps({"kept": 30, "prunable": 40, "heads": 2}), encoding="utf-8")
    runs = [
        Run(str(tmp_path / kind), "rte", kind, 1, 0, None, "structured good", None, str(size))
        for kind in ("pruned", "retrained")
    ]
    for run in runs:
        files.save_arrays(
            {"validation.logits": logits(0, 1, 1)}, tmp_path / run.kind / "predictions.safetensors"
        )
    baselines = {
        f"{kind}.validation.logits": logits(0, 0, 0) for kind in ("bag_of_words", "majority")
    }
    files.save_arrays(baselines, tmp_path / "baselines.safetensors")
    files.save_arrays(
        {"word_vectors.validation.logits": logits(1, 1, 1)}, tmp_path / "rte.safetensors"
    )
    folder = {"folder": str(tmp_path)}
    return Manifest(
        tuple(runs), {"prepared": [{"task": "rte", **folder}], "baselines": [folder]}, {}
    )


def test_runs_come_before_baselines_and_sparsity_is_that_of_the_file(study: Manifest) -> None:
    made = list(scoring.predicted(study, {"rte": examples("validation")}))
    assert [(run.coordinates["kind"], run.coordinates["sparsity"]) for run in made] == [
        ("pruned", 0.25), ("retrained", 0.25),
        ("word_vectors", 0.0), ("majority", 0.0), ("bag_of_words", 0.0),
    ]  # fmt: skip
    rows, _, by_example = scoring.score(made, {"rte": examples("validation")})
    assert [row["score"] for row in rows if row["headline"]] == [1, 1, 0.666667, 0.333333, 0.333333]
    assert {row["seed"] for row in rows} == {1, None}
    assert by_example["rte/majority/0//None"] == pytest.approx([2 / 3, -1 / 3, -1 / 3])


def test_a_subnetwork_is_described_once(study: Manifest) -> None:
    assert scoring.sizes(study) == [
        {"task": "rte", "seed": 1, "kind": "structured", "subnetwork": "good"}
        | {"kept": 30, "prunable": 40, "heads": 2}
    ]


def test_a_task_is_described_by_its_examples() -> None:
    (row,) = scoring.described({"rte": examples("selection", "validation")})
    assert list(row.values()) == ["rte", "classification", 2, "accuracy", 3, 3, 3, 0]
