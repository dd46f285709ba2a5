"""GLUE in the layout of the Hub: columns, labels, splits, and what is refused."""

import os
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest

from stages.tickets.plan.sizes import KNOWN
from stages.tickets.settings import FolderData, HubData, ParamsError
from stages.tickets.settings.data import GLUE as NAMES
from stages.tickets.tasks import glue
from stages.tickets.tasks.glue import GLUE


def glue_table(config: str, num: int, prefix: str) -> pd.DataFrame:
    task = GLUE[config]
    labels = [i % task.num_labels if task.classes else i / 2 for i in range(num)]
    rows = {column: [f"{prefix} {column} {i}" for i in range(num)] for column in task.columns}
    return pd.DataFrame({**rows, "label": labels, "idx": range(num)})


def write_glue(folder: Path, config: str, tables: dict[str, pd.DataFrame]) -> FolderData:
    (folder / config).mkdir()
    for split, table in tables.items():
        table.to_parquet(folder / config / f"{split}-00000-of-00001.parquet")
    return FolderData(source="folder", path=str(folder), config=config)


def test_the_table_is_that_of_the_paper_and_the_hub() -> None:
    """Numbers of classes and official metrics as in Wang et al. 2018, Table 1."""
    metrics = {
        "cola": {"matthews"}, "mrpc": {"accuracy", "f1"}, "qqp": {"accuracy", "f1"},
        "stsb": {"pearson", "spearman"},
    }  # fmt: skip
    assert {name: set(task.metrics) for name, task in GLUE.items()} == {
        name: metrics.get(name, {"accuracy"}) for name in GLUE
    }
    num_labels = {name: task.num_labels for name, task in GLUE.items()}
    assert num_labels == dict.fromkeys(GLUE, 2) | {"stsb": 1, "mnli": 3}
    assert {name for name, task in GLUE.items() if len(task.columns) == 1} == {"cola", "sst2"}
    assert all(len(set(task.classes)) == len(task.classes) != 1 for task in GLUE.values())
    assert tuple(GLUE) == NAMES


@pytest.mark.parametrize("config", GLUE)
def test_every_glue_task_is_read(tmp_path: Path, config: str) -> None:
    first, *second = GLUE[config].columns
    validation = "validation_matched" if config == "mnli" else "validation"
    tables = {split: glue_table(config, 6, split) for split in ("train", validation, "test")}
    task, splits = glue.load("mine", write_glue(tmp_path, config, tables))
    assert (task.name, task.num_labels) == ("mine", GLUE[config].num_labels)
    assert task.kind == ("regression" if config == "stsb" else "classification")
    assert list(splits) == ["train", "validation"]
    train = splits["train"]
    assert train.firsts == [f"train {first} {i}" for i in range(6)]
    assert train.seconds == ([f"train {second[0]} {i}" for i in range(6)] if second else None)
    assert splits["validation"].firsts[0] == f"{validation} {first} 0"
    assert train.labels.dtype == (np.float32 if config == "stsb" else np.int64)
    assert train.labels.tolist() == tables["train"]["label"].tolist()


def test_mnli_is_scored_on_both_of_its_validation_splits(tmp_path: Path) -> None:
    names = ("train", "validation_matched", "validation_mismatched")
    data = write_glue(tmp_path, "mnli", {split: glue_table("mnli", 3, split) for split in names})
    _, splits = glue.load("mnli", data)
    assert list(splits) == ["train", "validation", "validation_mismatched"]
    assert splits["validation"].firsts[0] == "validation_matched premise 0"
    assert splits["validation_mismatched"].firsts[0] == "validation_mismatched premise 0"


def test_the_hub_gives_what_a_folder_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {split: glue_table("cola", 4, split) for split in ("train", "validation", "test")}
    stored = datasets.DatasetDict(
        {split: datasets.Dataset.from_pandas(table) for split, table in tables.items()}
    )
    stored["train"] = stored["train"].select([3, 1])  # not in the order in which it is stored
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: stored)
    data = HubData(source="hub", name="nyu-mll/glue", config="cola", revision="0" * 40)
    tables["train"] = tables["train"].iloc[[3, 1]]
    hub, folder = (
        glue.load("cola", each)[1] for each in (data, write_glue(tmp_path, "cola", tables))
    )
    assert hub["train"].firsts == ["train sentence 3", "train sentence 1"]
    for split, texts in folder.items():
        assert hub[split].firsts == texts.firsts
        assert hub[split].labels.tolist() == texts.labels.tolist()


def test_files_of_one_split_follow_one_another(tmp_path: Path) -> None:
    data = write_glue(tmp_path, "cola", {"validation": glue_table("cola", 2, "v")})
    for number in (1, 0):
        table = glue_table("cola", 2, f"part {number}")
        table.to_parquet(tmp_path / "cola" / f"train-0000{number}-of-00002.parquet")
    assert glue.load("cola", data)[1]["train"].firsts == [
        "part 0 sentence 0",
        "part 0 sentence 1",
        "part 1 sentence 0",
        "part 1 sentence 1",
    ]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_missing_split_is_named(tmp_path: Path, split: str) -> None:
    data = write_glue(tmp_path, "cola", {split: glue_table("cola", 2, split)})
    with pytest.raises(ParamsError, match=r"data\.mine\.path is .*cola lacks train-\*\.parquet or"):
        glue.load("mine", data)


@pytest.mark.parametrize("label", [-1, 2])
def test_hidden_labels_are_refused(tmp_path: Path, label: int) -> None:
    """The test sets of GLUE come with -1 for every label."""
    hidden = glue_table("cola", 3, "v").assign(label=[0, 1, label])
    data = write_glue(tmp_path, "cola", {"train": glue_table("cola", 3, "t"), "validation": hidden})
    with pytest.raises(
        ParamsError, match=f"cola, validation, row 3, has the number {label} in 'label', "
    ):
        glue.load("cola", data)


@pytest.mark.parametrize("labels", [[0.0, 1.0, 0.7], ["0", "1", "0"], [True, False, True]])
def test_labels_of_another_type_are_refused(tmp_path: Path, labels: Any) -> None:
    """A fraction is not cut to a class number, and text is no number."""
    table = glue_table("cola", 3, "t").assign(label=labels)
    data = write_glue(tmp_path, "cola", {"train": table, "validation": glue_table("cola", 2, "v")})
    with pytest.raises(
        ParamsError, match=r"cola, train, row 1, has the .* in 'label', allowed are 0 to 1"
    ):
        glue.load("cola", data)


def test_a_part_that_cannot_be_read_or_is_empty_is_named(tmp_path: Path) -> None:
    table = glue_table("cola", 3, "t")
    data = write_glue(tmp_path, "cola", {"train": table, "validation": table.head(0)})
    with pytest.raises(ParamsError, match=r"^data\.mine has no rows in its split validation$"):
        glue.load("mine", data)
    (tmp_path / "cola" / "train-00001-of-00002.parquet").write_text("no table")
    with pytest.raises(
        ParamsError, match=r"mine\.path is '.*train-00001-of-.*', which cannot be read"
    ):
        glue.load("mine", data)
    other = tmp_path / "cola" / "train-00001-of-00002.parquet"
    table.assign(label=["a", "b", "c"]).to_parquet(other)
    with pytest.raises(ParamsError, match=r"mine\.path is 'train-00000-.*, which cannot be read: "):
        glue.load("mine", data)


@pytest.mark.parametrize("column", ["sentence", "label"])
def test_a_missing_glue_column_is_named(tmp_path: Path, column: str) -> None:
    table = glue_table("cola", 3, "t")
    data = write_glue(
        tmp_path, "cola", {"train": table, "validation": table.drop(columns=[column])}
    )
    with pytest.raises(ParamsError, match=rf"validation.*'{column}'"):
        glue.load("cola", data)


def test_a_missing_glue_text_is_not_the_word_none(tmp_path: Path) -> None:
    table = glue_table("cola", 3, "t").assign(sentence=pd.Series(["a", None, "b"], dtype=object))
    data = write_glue(tmp_path, "cola", {"train": table, "validation": glue_table("cola", 2, "v")})
    with pytest.raises(ParamsError, match=r"cola, train, row 2, has no 'sentence'"):
        glue.load("cola", data)


@pytest.mark.skipif(
    "SCRATCHCARD_DATA" not in os.environ, reason="SCRATCHCARD_DATA is not set: no real GLUE here"
)
@pytest.mark.parametrize("config", ["cola", "rte", "mrpc", "stsb", "wnli", "sst2"])
def test_the_real_glue_is_as_the_table_says(config: str) -> None:
    data = FolderData(source="folder", path="$SCRATCHCARD_DATA/data/glue", config=config)
    task, splits = glue.load(config, data)
    sizes = KNOWN.loc[config, ["train", "validation"]].astype(int).to_dict()
    assert {name: len(split.firsts) for name, split in splits.items()} == sizes
    for split in splits.values():
        assert len(split.labels) == len(split.firsts)
        assert all(split.firsts)
        if task.num_labels > 1:
            assert set(split.labels.tolist()) == set(range(task.num_labels))
        else:
            assert 0 <= split.labels.min() < split.labels.max() <= 5
