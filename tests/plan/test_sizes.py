"""Sizes of data: where they come from, and that they are those of what is prepared."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.tickets import files as artifacts
from stages.tickets import settings
from stages.tickets.files import Split
from stages.tickets.language import questions, sentences
from stages.tickets.plan import sizes
from stages.tickets.plan import stages as pipeline
from stages.tickets.plan.flops import Lengths
from stages.tickets.plan.sizes import PRETRAINING
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.glue import GLUE
from stages.tickets.tasks.task import Prepared, Task, Vocabulary
from tests.imports import ROOT
from tests.plan.test_shapes import BASE, SHAPE

DATA = os.environ.get("SCRATCHCARD_DATA")


def study(name="params", **changes):
    path = ROOT / ("params.yaml" if name == "params" else f"studies/{name}.yaml")
    content = settings.content(path) | changes
    return settings.checked(content, "params.yaml"), content


@pytest.mark.parametrize("examples", [2, 3, 10, 635, 392_702])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.9])
def test_splits_are_as_large_as_carving_makes_them(examples, share):
    split = Split(
        np.zeros(examples, np.int32),
        np.zeros(examples, np.int8),
        np.arange(examples + 1, dtype=np.int64),
        np.zeros(examples),
    )
    cut = tasks.carve(split, share, 0)
    assert sizes.carved(examples, share) == tuple(map(len, cut))


def test_the_miniature_has_the_examples_of_its_settings():
    own, content = study()
    found = sizes.measure(own, content, Path("none"), {})
    hans = content["data"]["entailment"]["hans"]["per_subcase"]
    entailment = found.examples["entailment"]
    assert (entailment.train, entailment.outputs) == (810, 3)
    assert entailment.evaluated == 90 + 400 + 20 * hans
    assert (found.examples["mlm"].kind, found.examples["mlm"].hidden) == ("mlm", 0.15)
    assert found.examples[PRETRAINING].train == content["encoder"]["sentences"]
    assert set(found.examples) == {*own.tasks, PRETRAINING}


def test_scores_have_an_output_and_a_task_its_own_recipe():
    _, content = study()
    data = {"source": "miniature", "train": 100, "validation": 50, "seed": 0}
    content["data"]["similarity"] = data
    content["tasks"] = [*content["tasks"], "similarity"]
    content["override"]["similarity"] = {"batch_size": 16}
    found = sizes.measure(settings.checked(content, "it"), content, Path("none"), {})
    assert found.examples["similarity"].outputs == 1
    batches = {task: recipe.batch_size for task, recipe in found.recipes.items()}
    assert (batches["similarity"], batches["sentiment"]) == (16, content["train"]["batch_size"])


def test_questions_of_the_miniature_are_spans():
    own, content = study()
    content["data"]["question"] = {"source": "miniature", "train": 100, "validation": 50, "seed": 0}
    content["tasks"], content["override"]["question"] = [*content["tasks"], "question"], {}
    found = sizes.measure(settings.checked(content, "it"), content, Path("none"), {})
    asked = found.examples["question"]
    assert (asked.kind, asked.outputs, asked.train, asked.evaluated) == ("span", 2, 90, 60)
    assert own.tasks != content["tasks"]


def test_a_corpus_of_which_a_part_is_taken_has_that_many_full_blocks():
    _, content = study()
    corpus = {"source": "text", "train": "a.txt", "validation": "b.txt", "max_length": 32}
    content["data"]["mlm"] = corpus
    checked = settings.checked(content, "it")
    assert "mlm" not in sizes.measure(checked, content, Path("none"), {}).examples
    content["data"]["mlm"] = corpus | {"examples": {"train": 200, "validation": 40}}
    found = sizes.measure(settings.checked(content, "it"), content, Path("none"), {})
    blocks = found.examples["mlm"]
    assert (blocks.kind, blocks.train, blocks.evaluated, blocks.longest) == ("mlm", 180, 60, 32)
    assert blocks.lengths == Lengths(32, 32**2)


@pytest.mark.parametrize("task", [*sentences.LABELLED, "mlm", "question"])
def test_texts_of_the_miniature_are_as_long_as_a_draw_says(task):
    if task == "question":
        asked = questions.quizzes("train", 800, 3)
        texts_of = [f"{one.question} [SEP] {one.context}" for one in asked]
    elif task == "mlm":
        texts_of = sentences.sentences(800, 3)
    else:
        outputs, _ = sentences.LABELLED[task]
        assert sizes.KNOWN.outputs[task] == outputs
        drawn = sentences.examples(task, "train", 800, 3)
        texts_of = [f"{x.first} [SEP] {x.second}" if x.second else x.first for x in drawn]
    lengths = [len(text.split()) + 2 for text in texts_of]
    assert sizes.KNOWN["mean"][task] == pytest.approx(np.mean(lengths), rel=0.03)
    assert sizes.KNOWN["std"][task] == pytest.approx(np.std(lengths), rel=0.05)
    assert sizes.KNOWN["cut"][task] >= max(lengths)


OFFICIAL = {
    "cola": (8_551, 1_043), "sst2": (67_349, 872), "mrpc": (3_668, 408), "stsb": (5_749, 1_500),
    "qqp": (363_846, 40_430), "mnli": (392_702, 9_815, 9_832), "qnli": (104_743, 5_463),
    "rte": (2_490, 277), "wnli": (635, 71),
}  # fmt: skip
"""Examples of GLUE in nyu-mll/glue: for training, and in every validation split."""


def test_glue_has_its_official_sizes_and_outputs():
    assert OFFICIAL.keys() == GLUE.keys()
    own, content = study("bert-base-glue")
    found = sizes.measure(own, content, Path("none"), {})
    for task, (train, *validation) in OFFICIAL.items():
        numbers = (GLUE[task].num_labels, train, sum(validation))
        assert tuple(sizes.KNOWN.loc[task, ["outputs", "train", "validation"]]) == numbers
        assert found.examples[task].train == sizes.carved(sizes.KNOWN.train[task], 0.1)[0]
    mnli = found.examples["mnli"]
    assert mnli.evaluated == 39_270 + 9_815 + 9_832
    assert mnli.lengths
    assert mnli.lengths.mean == pytest.approx(39.9)
    short, content = study("bert-base-glue", prepare=content["prepare"] | {"max_length": 64})
    assert sizes.measure(short, content, Path("none"), {}).examples["mnli"].lengths is None


def test_a_local_folder_says_how_many_examples_it_has(tmp_path):
    own, content = study("minilm-rte-mrpc")
    (tmp_path / "rte").mkdir()
    for split, rows in {"train-0": 30, "train-1": 10, "validation-0": 5}.items():
        pd.DataFrame({"label": [0] * rows}).to_parquet(tmp_path / "rte" / f"{split}.parquet")
    data = {"source": "folder", "path": str(tmp_path), "config": "rte"}
    own, content = study("minilm-rte-mrpc", data=content["data"] | {"rte": data})
    found = sizes.examples_of(own, "rte", SHAPE)
    assert found
    examples, source = found
    assert (examples.train, examples.evaluated, source) == (36, 4 + 5, "its tables")


def test_a_table_of_ones_own_is_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split, rows in {"train": 20, "validation": 4}.items():
        table = pd.DataFrame({"text": ["a"] * rows, "label": [0, 1] * (rows // 2)})
        table.to_csv(f"{split}.csv", index=False)
    _, content = study()
    task = {"train": "train.csv", "validation": "validation.csv", "texts": ["text"]} | {
        "label": "label",
        "kind": "classification",
        "metrics": ["accuracy"],
    }
    own, content = study(
        tasks=[*content["tasks"], "reviews"],
        own={"reviews": task},
        override=content["override"] | {"reviews": {}},
    )
    found = sizes.measure(own, content, Path("none"), {})
    assert (found.examples["reviews"].train, found.examples["reviews"].evaluated) == (18, 2 + 4)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Folders as `dvc repro` leaves them, and the part of dvc.lock about them."""
    monkeypatch.chdir(tmp_path)
    own, content = study()
    starts = np.array([0, 4, 6, 12], np.int64)
    split = Split(np.zeros(12, np.int32), np.zeros(12, np.int8), starts, np.zeros(3, np.int64))
    task = Task("sentiment", "classification", 2, ("accuracy",))
    prepared = Prepared(
        task, Vocabulary(9, 0, 1, (0, 1)), split, {"selection": split, "validation": split}
    )
    tasks.save_prepared(prepared, Path("results/prepared/sentiment"))
    artifacts.save_record(BASE, Path("results/encoder/config.json"))
    locked = {}
    for folder, keys in {
        "results/encoder": ("encoder",),
        "results/prepared/sentiment": ("prepare", "data.sentiment"),
    }.items():
        files = [file.stat().st_size for file in Path(folder).iterdir()]
        tracked = {key: pipeline.value(content, key) for key in keys}
        out = {"path": folder, "size": sum(files), "nfiles": len(files)}
        locked[folder] = {"outs": [out], "params": {"params.yaml": tracked}}
    return own, content, locked


def test_what_is_prepared_says_how_long_examples_are(project):
    own, content, locked = project
    found = sizes.measure(own, content, Path("results"), locked)
    examples = found.examples["sentiment"]
    assert (examples.train, examples.evaluated, examples.longest) == (3, 6, 32)
    assert examples.lengths == Lengths(4, (16 + 4 + 36) / 3)
    assert found.sources["sentiment"] == "results/prepared/sentiment"


def test_what_is_prepared_for_another_study_does_not_count(project):
    own, content, locked = project
    other = content | {"prepare": content["prepare"] | {"max_length": 16}}
    for case in (
        lambda: sizes.measure(settings.checked(other, ""), other, Path("results"), locked),
        lambda: sizes.measure(own, content, Path("results"), {}),
        lambda: sizes.measure(own, content, Path("elsewhere"), locked),
    ):
        found = case()
        assert (found.examples["sentiment"].train, found.sources["sentiment"]) == (
            720,
            "data.sentiment",
        )
    (Path("results/prepared/sentiment/task.json")).write_text("{}", encoding="utf-8")
    assert sizes.measure(own, content, Path("results"), locked).sources["sentiment"] == (
        "data.sentiment"
    )


@pytest.mark.skipif(not DATA, reason="needs GLUE in the folder $SCRATCHCARD_DATA")
@pytest.mark.parametrize("task", ["cola", "sst2", "mrpc", "stsb", "rte", "wnli"])
def test_official_sizes_are_those_of_the_files(task):
    folder = Path(DATA or "") / "data" / "glue" / task
    for split in ("train", "validation"):
        rows = sum(len(pd.read_parquet(file)) for file in folder.glob(f"{split}*-*.parquet"))
        assert rows == sizes.KNOWN[split][task]
