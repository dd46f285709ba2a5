"""Tables of one's own: how they are read, what is refused, and what their classes are called."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.tickets.settings import OwnData, ParamsError
from stages.tickets.tasks import own, sources
from stages.tickets.tasks.task import Prepared, Task
from tests.tasks.test_baselines import VOCABULARY, split_of

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


def described(train: Path, validation: Path | None = None, **changes: object) -> OwnData:
    """The section of a task; without a table for validation, a copy of that for training is one."""
    if validation is None:
        validation = Path(shutil.copy(train, train.with_stem("copy")))
    section = {
        "train": str(train),
        "validation": str(validation),
        "texts": ["title"],
        "label": "label",
        "kind": "classification",
        "metrics": ["accuracy"],
    }
    return OwnData.model_validate({**section, **changes})


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_ones_own_is_read(tmp_path: Path, suffix: str) -> None:
    train = write_table(ROWS, tmp_path / f"train{suffix}")
    validation = write_table({"title": ["grey"], "label": ["yes"]}, tmp_path / f"valid{suffix}")
    task, splits = own.load("mine", described(train, validation))
    assert task == Task("mine", "classification", 2, ("accuracy",))
    assert splits["train"].firsts == ["red", "green", "blue"]
    assert splits["train"].seconds is None
    assert splits["train"].labels.tolist() == [0, 1, 0]  # in sorted order of the training labels
    assert splits["validation"].labels.tolist() == [1]


def test_a_table_of_pairs_and_ratings_is_read(tmp_path: Path) -> None:
    seconds = ["z, and a comma", 'a "quote"']
    path = write_table({"a": ["x", "y"], "b": seconds, "stars": [1, 4.5]}, tmp_path / "own.csv")
    task, splits = own.load(
        "mine",
        described(path, texts=["a", "b"], label="stars", kind="regression", metrics=["spearman"]),
    )
    assert task == Task("mine", "regression", 1, ("spearman",))
    assert splits["train"].seconds == seconds
    assert splits["train"].labels.tolist() == [1, 4.5]


@pytest.mark.parametrize("labels", [[3, 1, 3], [True, False, True], [2.5, -1.0, 2.5]])
def test_labels_that_are_no_text_are_numbered_too(tmp_path: Path, labels: list[Any]) -> None:
    path = write_table({**ROWS, "label": labels}, tmp_path / "own.csv")
    assert own.load("mine", described(path))[1]["train"].labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    "written", [["007", "1.50", "2"], ["2020-01-01", "2021-03-05", "2022-07-31"], ["a", "b ", "3"]]
)
def test_texts_stay_as_they_are_written(tmp_path: Path, suffix: str, written: list[str]) -> None:
    """Nothing is read as a number or as a date."""
    path = write_table({"date": written, "label": ["a", "b", "a"]}, tmp_path / f"own{suffix}")
    assert own.load("mine", described(path, texts=["date"]))[1]["train"].firsts == written


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_words_that_look_like_missing_values_are_words(tmp_path: Path, suffix: str) -> None:
    rows = {"title": ["None", "NA", "null"], "label": ["None", "some", "None"]}
    splits = own.load("mine", described(write_table(rows, tmp_path / f"own{suffix}")))[1]
    assert splits["train"].firsts == rows["title"]
    assert splits["train"].labels.tolist() == [0, 1, 0]


def refused(train: Path, validation: Path | None = None, **changes: object) -> str:
    """The message about tables that cannot be used."""
    with pytest.raises(ParamsError) as caught:
        own.load("mine", described(train, validation, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = write_table(ROWS, tmp_path / "own.csv")
    message = refused(path, tmp_path / "nothing.csv")
    assert message == f"own.mine.validation is '{tmp_path}/nothing.csv', but there is no such file"


@pytest.mark.parametrize(
    ("column", "change"), [("colour", {"texts": ["colour"]}), ("stars", {"label": "stars"})]
)
def test_a_missing_column_is_named(tmp_path: Path, column: str, change: dict[str, Any]) -> None:
    path = write_table(ROWS, tmp_path / "own.csv")
    message = refused(path, **change)
    assert message == f"{path} has no column '{column}': its columns are 'title', 'label'"


@pytest.mark.parametrize(
    ("suffix", "column", "place"),
    [
        (".csv", "label", "line 3"),
        (".jsonl", "title", "line 2"),
        (".jsonl", "label", "line 2"),
        (".parquet", "title", "row 2"),
        (".parquet", "label", "row 2"),
    ],
)
def test_a_missing_value_is_named_with_its_row(
    tmp_path: Path, suffix: str, column: str, place: str
) -> None:
    train = write_table(ROWS, tmp_path / f"train{suffix}")
    validation = write_table({**ROWS, column: ["yes", None, "no"]}, tmp_path / f"valid{suffix}")
    assert refused(train, validation) == f"{validation}, {place}, has no '{column}'"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_empty_texts_are_texts_and_are_counted(tmp_path: Path, suffix: str) -> None:
    """A CSV cannot tell an empty text from a missing one."""
    rows = {**ROWS, "title": ["", "green", " \t"], "more": ["a", "", "b"]}
    path = write_table(rows, tmp_path / f"own{suffix}")
    single = own.load("mine", described(path))[1]["train"]
    assert (single.firsts, single.num_empty) == (rows["title"], 2)
    assert own.load("mine", described(path, texts=["title", "more"]))[1]["train"].num_empty == 3


@pytest.mark.parametrize(
    ("labels", "change", "problem"),
    [
        (["yes"] * 3, {}, "has one class only in 'label', 'yes'; allowed are two or more"),
        (["yes"], {}, "has one class only in 'label', 'yes'; allowed are two or more"),
        (
            ["1", "1.0", "1e0"],
            {"kind": "regression", "metrics": ["pearson"]},
            "has one number only in 'label', 1.0; allowed are two or more",
        ),
    ],
)
def test_a_table_with_nothing_to_learn_is_refused(
    tmp_path: Path, labels: list[str], change: dict[str, Any], problem: str
) -> None:
    rows = {"title": [f"text {i}" for i in range(len(labels))], "label": labels}
    path = write_table(rows, tmp_path / "own.csv")
    assert refused(path, **change) == f"{path} {problem}"


NONE = "in many data sets means that a row has no label: leave such rows out of the file, or "
BLANKS = "differs from the label 'no' by blanks or by the way accents are encoded alone"
UNKNOWN = "{train} has not: its labels are "


@pytest.mark.parametrize(
    ("train", "validation", "place", "label", "problem"),
    [
        (["no", "yes"], ["no", "maybe"], "validation.csv, line 3", "maybe", UNKNOWN),
        (["0", "1"], ["0.0", "1.0"], "validation.csv, line 2", "0.0", UNKNOWN),
        (["no", "yes", "-"], ["no"], "train.csv, line 4", "-", NONE),
        (["no", "yes"], ["-"], "validation.csv, line 2", "-", NONE),
        (["0", "1", "-1", "2"], ["0"], "train.csv, line 4", "-1", NONE),
        (["0", "1"], ["-1", "-1"], "validation.csv, line 2", "-1", NONE),  # a hidden test set
        (["no", "yes", "no "], ["no"], "train.csv, line 4", "no ", BLANKS),
        (["no", "yes"], ["yes", " no"], "validation.csv, line 3", " no", BLANKS),
        (["no", "yes", "no\u200b"], ["no"], "train.csv, line 4", "no\u200b", BLANKS),
    ],
)
def test_labels_that_are_no_class_are_named(
    tmp_path: Path, train: list[str], validation: list[str], place: str, label: str, problem: str
) -> None:
    data = labelled(tmp_path, train, validation)
    with pytest.raises(ParamsError) as caught:
        own.load("mine", data)
    has = f"{tmp_path}/{place}, has the label {label!r} in 'label', which "
    assert str(caught.value).startswith(has + problem.format(train=data.train))


@pytest.mark.parametrize("labels", [["-", "+"], ["-1", "1"]])
def test_signs_are_classes_if_they_are_all(tmp_path: Path, labels: list[str]) -> None:
    splits = own.load("mine", labelled(tmp_path, labels, labels))[1]
    assert sorted(splits["train"].labels.tolist()) == [0, 1]


def test_an_accent_that_is_written_in_two_ways_makes_no_two_classes(tmp_path: Path) -> None:
    data = labelled(tmp_path, ["caf\u00e9", "tea"], ["cafe\u0301"])
    with pytest.raises(ParamsError, match=r"label 'cafe\\u0301' in .* label 'café' by"):
        own.load("mine", data)


def test_a_column_whose_accents_are_written_in_another_way_is_named_by_its_codes(
    tmp_path: Path,
) -> None:
    path = write_table({"cafe\u0301": ["a", "b"], "label": ["x", "y"]}, tmp_path / "own.csv")
    message = refused(path, texts=["caf\u00e9"])
    assert message == f"{path} has no column 'caf\u00e9': its columns are 'cafe\\u0301', 'label'"


def test_numbers_of_rows_are_no_classes(tmp_path: Path) -> None:
    labels = [str(number) for number in range(1001)]
    task, _ = own.load("mine", labelled(tmp_path, labels[1:], ["7"]))
    assert task.num_labels == 1000
    with pytest.raises(
        ParamsError, match=r"train.csv has 1,001 classes in 'label', allowed are at"
    ):
        own.load("mine", labelled(tmp_path, labels, ["7"]))


def test_files_of_two_formats_agree_on_their_labels(tmp_path: Path) -> None:
    """What looks like a number is text in every format, so that train and validation agree."""
    train = write_table({"title": ["a", "b"], "label": ["0", "1"]}, tmp_path / "train.csv")
    for suffix in (".jsonl", ".parquet"):
        for labels in ([1, 0], ["1", "0"]):
            rows = {"title": ["c", "d"], "label": labels}
            validation = write_table(rows, tmp_path / f"valid{suffix}")
            splits = own.load("mine", described(train, validation))[1]
            assert splits["validation"].labels.tolist() == [1, 0]


def test_f1_is_for_two_classes(tmp_path: Path) -> None:
    path = write_table({**ROWS, "label": ["a", "b", "c"]}, tmp_path / "own.csv")
    message = refused(path, metrics=["accuracy", "f1"])
    assert message == f"own.mine.metrics has 'f1', allowed for two classes, but {path} has 3"


@pytest.mark.parametrize(
    "label", ["good", "inf", "nan", "1,5", "1_000", "0x10", "1e39", "\uff11", "4 5", "-"]
)
def test_ratings_that_are_no_numbers_are_refused(tmp_path: Path, label: str) -> None:
    path = write_table({**ROWS, "label": ["1", label, "2"]}, tmp_path / "own.csv")
    message = refused(path, kind="regression", metrics=["pearson"])
    has = f"{path}, line 3, has the text {label!r} in 'label', allowed are finite numbers such as"
    assert message.startswith(has)


def test_columns_may_be_called_by_numbers(tmp_path: Path) -> None:
    """YAML reads 0 as a number, and a header has text alone."""
    path = write_table({"0": ["a", "b"], "2020": ["x", "y"]}, tmp_path / "own.csv")
    data = described(path, texts=[0], label=2020)
    assert (data.texts, data.label) == (("0",), "2020")
    assert own.load("mine", data)[1]["train"].firsts == ["a", "b"]


# --- names of classes ------------------------------------------------------------------------


def prepared(num_labels: int, labels: list[int]) -> Prepared:
    split = split_of([([5], [], label) for label in labels])
    task = Task("mine", "classification", num_labels, ("accuracy",))
    return Prepared(task, VOCABULARY, split, {"validation": split})


def labelled(folder: Path, train: list[Any], validation: list[Any]) -> OwnData:
    paths = [
        write_table({"title": ["a text"] * len(labels), "label": labels}, folder / f"{name}.csv")
        for name, labels in (("train", train), ("validation", validation))
    ]
    return described(*paths)


@pytest.mark.parametrize(
    ("train", "validation", "names"),
    [
        (["sad", "happy", "no", "on: yes"], ["no"], ("happy", "no", "on: yes", "sad")),
        ([10, 2, 10], [2, 10], ("2", "10")),  # numbers sort as numbers
        (["9" * 4301, "2", "10"], ["2"], ("10", "2", "9" * 4301)),  # more digits than int() takes
        ([True, False], [True], ("False", "True")),
    ],
)
def test_classes_are_called_as_the_labels_in_sorted_order(
    tmp_path: Path, train: list[Any], validation: list[Any], names: tuple[str, ...]
) -> None:
    data = labelled(tmp_path, train, validation)
    numbers = [names.index(str(label)) for label in validation]
    assert sources.class_names("mine", data, prepared(len(names), numbers)) == names


def test_a_table_that_has_changed_is_refused(tmp_path: Path) -> None:
    data = labelled(tmp_path, ["b", "a"], ["a", "b"])
    before = prepared(2, [0, 1])
    assert own.class_names("mine", data, before) == ("a", "b")
    more = replace(before, task=replace(before.task, num_labels=3))
    for other in (more, prepared(2, [1, 0])):
        with pytest.raises(ParamsError, match=r"own\.mine names tables whose labels are not"):
            own.class_names("mine", data, other)
