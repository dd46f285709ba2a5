"""Where texts come from: GLUE in the Hub's layout, tables of one's own, and how they are tokenised."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from stages.tickets.settings import Data, FolderData, MiniatureData, OwnData, ParamsError
from stages.tickets.tasks import texts
from stages.tickets.tasks.task import Task, Vocabulary
from stages.tickets.tasks.texts import Texts

# Columns as in nyu-mll/glue, number of classes and official metrics as in Wang et al. 2018, Tab. 1.
GLUE = {
    "cola": (["sentence"], 2, {"matthews"}),
    "sst2": (["sentence"], 2, {"accuracy"}),
    "mrpc": (["sentence1", "sentence2"], 2, {"accuracy", "f1"}),
    "stsb": (["sentence1", "sentence2"], 1, {"pearson", "spearman"}),
    "qqp": (["question1", "question2"], 2, {"accuracy", "f1"}),
    "mnli": (["premise", "hypothesis"], 3, {"accuracy"}),
    "qnli": (["question", "sentence"], 2, {"accuracy"}),
    "rte": (["sentence1", "sentence2"], 2, {"accuracy"}),
    "wnli": (["sentence1", "sentence2"], 2, {"accuracy"}),
}


def loaded(name: str, data: Data | OwnData) -> tuple[Task, dict[str, Texts]]:
    """A task whose examples are single texts or pairs."""
    task, splits = texts.load(name, data)
    return task, {split: found for split, found in splits.items() if isinstance(found, Texts)}


def glue_table(config: str, num: int, prefix: str) -> pd.DataFrame:
    columns, num_labels, _ = GLUE[config]
    labels = [i % num_labels if num_labels > 1 else i / 2 for i in range(num)]
    rows = {column: [f"{prefix} {column} {i}" for i in range(num)] for column in columns}
    return pd.DataFrame({**rows, "label": labels, "idx": range(num)})


def write_glue(folder: Path, config: str, tables: dict[str, pd.DataFrame]) -> FolderData:
    (folder / config).mkdir()
    for split, table in tables.items():
        table.to_parquet(folder / config / f"{split}-00000-of-00001.parquet")
    return FolderData(source="folder", path=str(folder), config=config)


# --- GLUE ------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", GLUE)
def test_every_glue_task_is_read(tmp_path: Path, config: str) -> None:
    columns, num_labels, metrics = GLUE[config]
    validation = "validation_matched" if config == "mnli" else "validation"
    tables = {split: glue_table(config, 6, split) for split in ("train", validation, "test")}
    task, splits = loaded("mine", write_glue(tmp_path, config, tables))
    assert (task.name, task.num_labels, set(task.metrics)) == ("mine", num_labels, metrics)
    assert task.kind == ("regression" if config == "stsb" else "classification")
    assert list(splits) == ["train", "validation"]
    train = splits["train"]
    assert train.firsts == [f"train {columns[0]} {i}" for i in range(6)]
    assert train.seconds == (
        [f"train {columns[1]} {i}" for i in range(6)] if len(columns) == 2 else None
    )
    assert splits["validation"].firsts[0] == f"{validation} {columns[0]} 0"
    if config == "stsb":
        assert train.labels.dtype == np.float32
        assert train.labels.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    else:
        assert train.labels.dtype == np.int64
        assert train.labels.tolist() == [i % num_labels for i in range(6)]


def test_mnli_is_scored_on_both_of_its_validation_splits(tmp_path: Path) -> None:
    names = ("train", "validation_matched", "validation_mismatched")
    data = write_glue(tmp_path, "mnli", {split: glue_table("mnli", 3, split) for split in names})
    _, splits = loaded("mnli", data)
    assert list(splits) == ["train", "validation", "validation_mismatched"]
    assert splits["validation"].firsts[0] == "validation_matched premise 0"
    assert splits["validation_mismatched"].firsts[0] == "validation_mismatched premise 0"


def test_files_of_one_split_follow_one_another(tmp_path: Path) -> None:
    data = write_glue(tmp_path, "cola", {"validation": glue_table("cola", 2, "v")})
    for number in (1, 0):
        table = glue_table("cola", 2, f"part {number}")
        table.to_parquet(tmp_path / "cola" / f"train-0000{number}-of-00002.parquet")
    assert loaded("cola", data)[1]["train"].firsts == [
        "part 0 sentence 0",
        "part 0 sentence 1",
        "part 1 sentence 0",
        "part 1 sentence 1",
    ]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_missing_split_is_named(tmp_path: Path, split: str) -> None:
    data = write_glue(tmp_path, "cola", {split: glue_table("cola", 2, split)})
    with pytest.raises(ParamsError, match=r"data\.mine\.path is .*cola lacks train-\*\.parquet or"):
        loaded("mine", data)


def test_an_unknown_glue_task_is_named() -> None:
    data = FolderData(source="folder", path="glue", config="squad")
    with pytest.raises(ParamsError, match=r"data\.mine\.config is 'squad', allowed are cola, mnli"):
        loaded("mine", data)


@pytest.mark.parametrize("label", [-1, 2])
def test_hidden_labels_are_refused(tmp_path: Path, label: int) -> None:
    """The test sets of GLUE come with -1 for every label."""
    hidden = glue_table("cola", 3, "v").assign(label=[0, 1, label])
    data = write_glue(tmp_path, "cola", {"train": glue_table("cola", 3, "t"), "validation": hidden})
    with pytest.raises(ParamsError, match="cola, validation has labels outside 0 to 1"):
        loaded("cola", data)


@pytest.mark.parametrize("column", ["sentence", "label"])
def test_a_missing_glue_column_is_named(tmp_path: Path, column: str) -> None:
    table = glue_table("cola", 3, "t")
    data = write_glue(
        tmp_path, "cola", {"train": table, "validation": table.drop(columns=[column])}
    )
    with pytest.raises(ParamsError, match=rf"validation.*'{column}'"):
        loaded("cola", data)


def test_a_missing_glue_text_is_not_the_word_none(tmp_path: Path) -> None:
    table = glue_table("cola", 3, "t").assign(sentence=pd.Series(["a", None, "b"], dtype=object))
    data = write_glue(tmp_path, "cola", {"train": table, "validation": glue_table("cola", 2, "v")})
    with pytest.raises(ParamsError, match=r"train.*'sentence'.*row 2"):
        loaded("cola", data)


@pytest.mark.skipif(
    "SCRATCHCARD_DATA" not in os.environ, reason="SCRATCHCARD_DATA is not set: no real GLUE here"
)
@pytest.mark.parametrize(
    ("config", "train", "validation"),
    [
        ("cola", 8551, 1043),
        ("rte", 2490, 277),
        ("mrpc", 3668, 408),
        ("stsb", 5749, 1500),
        ("wnli", 635, 71),
        ("sst2", 67349, 872),
    ],
)
def test_the_real_glue_has_its_published_sizes(config: str, train: int, validation: int) -> None:
    data = FolderData(source="folder", path="$SCRATCHCARD_DATA/data/glue", config=config)
    task, splits = loaded(config, data)
    assert {name: len(split.firsts) for name, split in splits.items()} == {
        "train": train,
        "validation": validation,
    }
    for split in splits.values():
        assert len(split.labels) == len(split.firsts)
        assert all(split.firsts)
        if task.num_labels > 1:
            assert set(split.labels.tolist()) == set(range(task.num_labels))
        else:
            assert 0 <= split.labels.min() < split.labels.max() <= 5


# --- tables of one's own ---------------------------------------------------------------------

ROWS: dict[str, list[Any]] = {"title": ["red", "green", "blue"], "label": ["no", "yes", "no"]}


def write_table(rows: dict[str, list[Any]], path: Path) -> Path:
    table = pd.DataFrame(rows)
    match path.suffix:
        case ".csv":
            table.to_csv(path, index=False)
        case ".jsonl":
            table.to_json(path, orient="records", lines=True)
        case _:
            table.to_parquet(path)
    return path


def own(train: Path, validation: Path | None = None, **changes: object) -> OwnData:
    """Where there is no other table for validation, a copy of that for training."""
    if validation is None:
        validation = Path(shutil.copy(train, train.with_stem("copy")))
    described = {
        "train": str(train),
        "validation": str(validation),
        "texts": ["title"],
        "label": "label",
        "kind": "classification",
        "metrics": ["accuracy"],
    }
    return OwnData.model_validate({**described, **changes})


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_ones_own_is_read(tmp_path: Path, suffix: str) -> None:
    train = write_table(ROWS, tmp_path / f"train{suffix}")
    validation = write_table({"title": ["grey"], "label": ["yes"]}, tmp_path / f"valid{suffix}")
    task, splits = loaded("mine", own(train, validation))
    assert task == Task("mine", "classification", 2, ("accuracy",))
    assert splits["train"].firsts == ["red", "green", "blue"]
    assert splits["train"].seconds is None
    assert splits["train"].labels.tolist() == [0, 1, 0]  # in sorted order of the training labels
    assert splits["validation"].labels.tolist() == [1]


def test_a_table_of_pairs_and_ratings_is_read(tmp_path: Path) -> None:
    seconds = ["z, and a comma", 'a "quote"']
    path = write_table({"a": ["x", "y"], "b": seconds, "stars": [1, 4.5]}, tmp_path / "own.csv")
    task, splits = loaded(
        "mine",
        own(path, texts=["a", "b"], label="stars", kind="regression", metrics=["spearman"]),
    )
    assert task == Task("mine", "regression", 1, ("spearman",))
    assert splits["train"].seconds == seconds
    assert splits["train"].labels.tolist() == [1, 4.5]


@pytest.mark.parametrize("labels", [[3, 1, 3], [True, False, True], [2.5, -1.0, 2.5]])
def test_labels_that_are_no_text_are_numbered_too(tmp_path: Path, labels: list[Any]) -> None:
    path = write_table({**ROWS, "label": labels}, tmp_path / "own.csv")
    assert loaded("mine", own(path))[1]["train"].labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    "written", [["007", "1.50", "2"], ["2020-01-01", "2021-03-05", "2022-07-31"], ["a", "b ", "3"]]
)
def test_texts_stay_as_they_are_written(tmp_path: Path, suffix: str, written: list[str]) -> None:
    """Nothing is read as a number or as a date."""
    path = write_table({"date": written, "label": ["a", "b", "a"]}, tmp_path / f"own{suffix}")
    assert loaded("mine", own(path, texts=["date"]))[1]["train"].firsts == written


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_words_that_look_like_missing_values_are_words(tmp_path: Path, suffix: str) -> None:
    rows = {"title": ["None", "NA", "null"], "label": ["None", "some", "None"]}
    splits = loaded("mine", own(write_table(rows, tmp_path / f"own{suffix}")))[1]
    assert splits["train"].firsts == rows["title"]
    assert splits["train"].labels.tolist() == [0, 1, 0]


def refused(train: Path, validation: Path | None = None, **changes: object) -> str:
    """What is said about tables that cannot be used."""
    with pytest.raises(ParamsError) as caught:
        loaded("mine", own(train, validation, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = write_table(ROWS, tmp_path / "own.csv")
    said = refused(path, tmp_path / "nothing.csv")
    assert said == f"own.mine.validation is '{tmp_path}/nothing.csv', but there is no such file"


@pytest.mark.parametrize(
    ("column", "change"), [("colour", {"texts": ["colour"]}), ("stars", {"label": "stars"})]
)
def test_a_missing_column_is_named(tmp_path: Path, column: str, change: dict[str, Any]) -> None:
    path = write_table(ROWS, tmp_path / "own.csv")
    said = refused(path, **change)
    assert said == f"own.mine names the column '{column}', but {path} has 'title', 'label'"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("column", ["title", "label"])
def test_a_missing_value_is_named_with_its_row(tmp_path: Path, column: str, suffix: str) -> None:
    train = write_table(ROWS, tmp_path / f"train{suffix}")
    validation = write_table({**ROWS, column: ["yes", None, "no"]}, tmp_path / f"valid{suffix}")
    assert refused(train, validation) == f"{validation} has no '{column}' in its row 2"


def test_one_class_is_too_few(tmp_path: Path) -> None:
    path = write_table({**ROWS, "label": ["yes"] * 3}, tmp_path / "own.csv")
    assert refused(path) == f"{path} has one class only, 'yes'; allowed are two or more"


def test_a_label_that_only_validation_has_is_named(tmp_path: Path) -> None:
    train = write_table(ROWS, tmp_path / "train.csv")
    validation = write_table({**ROWS, "label": ["no", "maybe", "yes"]}, tmp_path / "valid.csv")
    assert (
        refused(train, validation) == f"{validation} has the label 'maybe', which {train} has not"
    )


def test_f1_is_for_two_classes(tmp_path: Path) -> None:
    path = write_table({**ROWS, "label": ["a", "b", "c"]}, tmp_path / "own.csv")
    said = refused(path, metrics=["accuracy", "f1"])
    assert said == f"own.mine.metrics has 'f1', allowed for two classes, but {path} has 3"


@pytest.mark.parametrize("label", ["good", "inf"])
def test_ratings_that_are_no_numbers_are_refused(tmp_path: Path, label: str) -> None:
    path = write_table({**ROWS, "label": ["1", label, "2"]}, tmp_path / "own.csv")
    said = refused(path, kind="regression", metrics=["pearson"])
    assert "own.mine.kind is regression, but the labels of" in said
    assert str(path) in said


def test_labels_of_several_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"title": "red", "label": "no"}\n{"title": "green", "label": 1}\n')
    assert "own.jsonl" in refused(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("own.csv", "", "cannot be read"),
        ("own.csv", "title,label\n", "has no rows"),
        ("own.csv", "title,label\na,1\nb,2,3,4\n", "cannot be read"),
        ("own.jsonl", '{"title": "a", "label"', "cannot be read"),
        ("own.parquet", "no parquet", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    message = refused(path)
    assert message.startswith(f"own.mine.train is '{path}', which ")
    assert said in message


# --- the miniature ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*texts.MINIATURE_METRICS, "mlm"])
def test_every_miniature_task_comes_in_the_size_that_was_asked_for(name: str) -> None:
    data = MiniatureData(source="miniature", train=30, validation=20, seed=0)
    task, splits = loaded(name, data)
    assert task.name == name
    assert {split: len(found.firsts) for split, found in splits.items()} == {
        "train": 30,
        "validation": 20,
    }
    for found in splits.values():
        assert len(found.labels) == len(found.firsts)
        assert found.seconds is None or len(found.seconds) == len(found.firsts)
    other = loaded(name, data.model_copy(update={"seed": 1}))[1]
    assert other["train"].firsts != splits["train"].firsts
    assert loaded(name, data)[1]["train"].firsts == splits["train"].firsts


# --- tokenising ------------------------------------------------------------------------------


def test_sentences_are_tokenised_with_special_tokens(words: tuple[Tokenizer, Vocabulary]) -> None:
    tokenizer, _ = words
    split = texts.tokenise(
        Texts(["the cat", "a dog sees a unicorn"], None, np.array([1, 0])), tokenizer, 12
    )
    tokens = [tokenizer.id_to_token(number) for number in split.ids]
    assert tokens == [
        *("[CLS]", "the", "cat", "[SEP]"),
        *("[CLS]", "a", "dog", "sees", "a", "[UNK]", "[SEP]"),
    ]
    assert split.starts.tolist() == [0, 4, 11]
    assert not split.types.any()
    assert split.labels.tolist() == [1, 0]
    dtypes = [array.dtype.name for array in (split.ids, split.types, split.starts)]
    assert dtypes == ["int32", "int8", "int64"]


def test_pairs_are_tokenised_with_token_types(words: tuple[Tokenizer, Vocabulary]) -> None:
    tokenizer, _ = words
    split = texts.tokenise(Texts(["the cat"], ["a dog sees"], np.array([0.5])), tokenizer, 12)
    tokens = [tokenizer.id_to_token(number) for number in split.ids]
    assert tokens == ["[CLS]", "the", "cat", "[SEP]", "a", "dog", "sees", "[SEP]"]
    assert split.types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("seconds", [None, ["a dog sees the old old cats"]])
def test_long_inputs_are_cut_and_keep_their_special_tokens(
    words: tuple[Tokenizer, Vocabulary], seconds: list[str] | None
) -> None:
    tokenizer, _ = words
    found = Texts(["the old old old cat sleeps not"], seconds, np.array([1]))
    split = texts.tokenise(found, tokenizer, 8)
    assert len(split.ids) == 8
    assert tokenizer.id_to_token(split.ids[0]) == "[CLS]"
    assert tokenizer.id_to_token(split.ids[-1]) == "[SEP]"
    assert len(set(split.types.tolist())) == (2 if seconds else 1)
