"""Every stage end to end on questions with an answer in a text, and on a corpus of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.tickets import files
from stages.tickets.language import sentences
from stages.tickets.tasks import squad, task
from tests.pipeline.study import STUDY, TICKETS_ALONE, run_all, stages

FEW: dict[str, Any] = STUDY | {
    **TICKETS_ALONE,
    "study": "spans",
    "tasks": ["question", "novels"],
    "seeds": [1],
    "data": {
        "question": {"source": "miniature", "train": 30, "validation": 20, "seed": 0},
        "novels": {
            "source": "text",
            "train": "novels.txt",
            "validation": "held_out.txt",
            "max_length": 16,
            "examples": {"train": 20, "validation": 10},
        },
    },
    "own": {},
    "prepare": STUDY["prepare"] | {"max_length": 24},  # windows of up to 32 tokens are cut in two
    "override": {"question": {}, "novels": {}},
    "rewind": STUDY["rewind"] | {"tasks": ["question"]},
    "random": {"rounds": [2]},
    "scratch": {"tasks": ["question", "novels"], "seeds": [1]},
    "controls": STUDY["controls"] | {"tasks": ["question"], "rounds": [2]},
    "standard": {"tasks": ["novels"], "seeds": [1], "aliased": {"rounds": [2]}},
    "transfer": STUDY["transfer"] | {key: ["question", "novels"] for key in ("sources", "targets")},
}
OUT = Path("reports") / "spans"


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("spans")
    lines = sentences.sentences(120, 5)
    for name, part in {"novels": lines[:80], "held_out": lines[80:]}.items():
        (folder / f"{name}.txt").write_text("\n\n".join(part), encoding="utf-8")
    FEW["data"]["novels"] |= {
        "train": str(folder / "novels.txt"),
        "validation": str(folder / "held_out.txt"),
    }
    return run_all(folder / "project", FEW)


def test_every_training_predicts_a_start_and_an_end_of_every_token(project: Path) -> None:
    prepared = task.load_prepared(project / "results" / "prepared" / "question")
    assert len(prepared.evaluated["validation"]) > 20  # windows
    found = list((project / "results").glob("**/question/**/predictions.safetensors"))
    assert len(found) >= len([one for one in stages(FEW) if one.option("task") == "question"]) - 3
    for path in found:
        if "transfer/question/novels" in str(path):
            continue
        arrays = files.load_arrays(path)
        assert {name: array.shape for name, array in arrays.items()} == {
            f"{name}.logits": (len(split.ids), 2) for name, split in prepared.evaluated.items()
        }
        assert all(np.isfinite(array).all() for array in arrays.values())


def test_scores_are_of_questions_not_of_windows(project: Path) -> None:
    table = pd.read_csv(project / OUT / "scores.csv")
    here = table.query("task == 'question'")
    assert set(here["kind"]) == {
        "dense",
        "imp",
        "random",
        "control",
        "scratch",
        "rewind",
        "transfer",
    }
    assert set(here["metric"]) == {"answer_f1", "exact_match", "loss"}
    assert set(here.query("headline")["metric"]) == {"answer_f1"}
    assert set(here.query("split == 'validation'")["num_examples"]) == {20}
    assert set(here.query("split == 'selection'")["num_examples"]) == {6}
    assert table["score"].notna().all()
    folder = project / "results" / "prepared" / "question"
    split = files.load_split(folder / "validation.safetensors")
    about = squad.load_asked(folder, "validation")
    run = project / "results" / "runs" / "dense" / "question" / "seed-1"
    logits = files.load_arrays(run / "predictions.safetensors")["validation.logits"]
    said = squad.answers(about, logits, split.starts)
    expected = np.mean([squad.f1(*one) for one in zip(said, about.golds, strict=True)])
    dense = here.query("kind == 'dense' and split == 'validation' and metric == 'answer_f1'")
    assert dense["score"].item() == pytest.approx(expected, abs=1e-5)


def test_no_question_has_a_context_in_both_training_and_selection(project: Path) -> None:
    folder = project / "results" / "prepared" / "question"
    outside = squad.load_asked(folder, "selection")
    inside = task.load_prepared(folder).train
    tokens = {tuple(part) for part in np.split(inside.ids, inside.starts[1:-1])}
    selection = task.load_prepared(folder).evaluated["selection"]
    assert tokens.isdisjoint(tuple(p) for p in np.split(selection.ids, selection.starts[1:-1]))
    assert len(outside.ids) == 6
    assert not (folder / "train-questions.json").exists()


def test_a_corpus_of_ones_own_is_masked_language_modelling(project: Path) -> None:
    prepared = task.load_prepared(project / "results" / "prepared" / "novels")
    assert (prepared.task.name, prepared.task.kind) == ("novels", "mlm")
    assert [len(prepared.train), *map(len, prepared.evaluated.values())] == [16, 4, 10]
    assert set(prepared.train.lengths) == {16}
    table = pd.read_csv(project / OUT / "scores.csv").query("task == 'novels'")
    assert "majority" in set(table["kind"])
    assert set(table["metric"]) == {"masked_accuracy", "loss"}


def test_the_report_has_both_tasks(project: Path) -> None:
    scores = (project / OUT / "tables" / "scores.md").read_text(encoding="utf-8")
    assert "F1 of answers" in scores
    assert "masked accuracy" in scores
    described = pd.read_csv(project / OUT / "tasks.csv").set_index("task")
    assert described.loc["question", "kind"] == "span"
    other = (project / OUT / "tables" / "other_metrics.md").read_text(encoding="utf-8")
    assert "exact match" in other
    assert (project / OUT / "index.html").is_file()
