"""Tasks from the user's tables: a csv, tsv, jsonl or parquet file per split."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from stages.tickets.settings import OwnData, ParamsError
from stages.tickets.tasks import reading, tables, texts
from stages.tickets.tasks.tables import Table
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.tasks.texts import Texts

NO_LABEL = {"-": "+", "-1": "1"}
"""Labels that many data sets give to rows without one, and the only class beside which they are one."""
WITHOUT_WIDTH = "\u200b\u2060\ufeff"
"""Blanks without width, which Unicode does not count among blanks."""
MOST_CLASSES = 1000
"""Most classes of a task; with more, the label is likely to be the number of a row, or a rating."""


def load(name: str, data: OwnData) -> tuple[Task, dict[str, Texts]]:
    """Load a task and the texts of `train` and `validation`.

    Raises:
        ParamsError: a file, column or label is missing, or has not the format that `OwnData` describes.
    """
    by_split = _read(name, data)
    num_labels = 1
    labels: Mapping[str, Sequence[float]]
    if data.kind == "classification":
        classes, labels = _class_numbers(by_split, name, data)
        num_labels = len(classes)
    else:
        labels = {split: table.numbers(data.label) for split, table in by_split.items()}
        _check_several(labels["train"], "number", data)
    splits = {
        split: texts.from_table(table, data.texts, texts.typed(labels[split], num_labels))
        for split, table in by_split.items()
    }
    return Task(name, data.kind, num_labels, data.metrics), splits


def class_names(name: str, data: OwnData, prepared: Prepared) -> tuple[str, ...]:
    """List the names of the classes by number: the labels of the training table as text.

    Raises:
        ParamsError: the tables have changed since they were prepared.
    """
    classes, numbers = _class_numbers(_read(name, data), name, data)
    if (
        len(classes) != prepared.task.num_labels
        or numbers["validation"] != prepared.evaluated["validation"].labels.tolist()
    ):
        raise ParamsError(
            f"own.{name} names tables whose labels are not those of results/prepared/{name}; after a "
            "change run `uv run dvc repro` first"
        )
    return tuple(classes)


def _read(name: str, data: OwnData) -> dict[str, Table]:
    paths = {"train": data.train, "validation": data.validation}
    return {split: reading.table(path, f"own.{name}.{split}") for split, path in paths.items()}


def _class_numbers(
    by_split: Mapping[str, Table], name: str, data: OwnData
) -> tuple[list[str], dict[str, list[int]]]:
    """List the classes of the training table, sorted, and the class numbers of the rows of each split."""
    labels = {split: table.labels(data.label) for split, table in by_split.items()}
    classes = sorted(set(labels["train"]))
    if all(
        re.fullmatch("-?[0-9]{1,18}", label) for label in classes
    ):  # int() has a limit of digits
        classes.sort(key=int)
    if len(classes) > MOST_CLASSES:
        raise ParamsError(
            f"{data.train} has {len(classes):,} classes in {data.label!r}, allowed are at most "
            f"{MOST_CLASSES:,}; if they are numbers to predict, take kind: regression"
        )
    for split, table in by_split.items():
        _check_labels(labels[split], table, classes, data)
    _check_several(classes, "class", data)
    if "f1" in data.metrics and len(classes) != 2:
        raise ParamsError(
            f"own.{name}.metrics has 'f1', allowed for two classes, but {data.train} has "
            f"{len(classes)}"
        )
    number_of = {label: number for number, label in enumerate(classes)}
    return classes, {split: [number_of[label] for label in of] for split, of in labels.items()}


def _check_labels(
    labels: Sequence[str], table: Table, classes: Sequence[str], data: OwnData
) -> None:
    """Refuse labels that mean none, that only look alike, or that training lacks."""
    known = set(classes)
    bare = {_bare(label): label for label in reversed(classes)}
    for row, label in enumerate(labels):
        has = f"{table.place(row)} has the label {tables.shown(label)} in {data.label!r}, which "
        alike = bare.get(_bare(label), label)
        if label in NO_LABEL and known != {label, NO_LABEL[label]}:
            raise ParamsError(
                f"{has}in many data sets means that a row has no label: leave such rows out of the "
                "file, or give the class a name"
            )
        if alike != label:
            raise ParamsError(
                f"{has}differs from the label {tables.shown(alike)} by blanks or by the way accents are "
                "encoded alone"
            )
        if label not in known:
            raise ParamsError(f"{has}{data.train} has not: its labels are {tables.quoted(classes)}")


def _bare(label: str) -> str:
    return unicodedata.normalize("NFC", label).strip().strip(WITHOUT_WIDTH).strip()


def _check_several(values: Sequence[object], what: str, data: OwnData) -> None:
    if len(set(values)) < 2:
        raise ParamsError(
            f"{data.train} has one {what} only in {data.label!r}, {tables.shown(values[0])}; allowed are "
            "two or more"
        )
