"""Tasks from the user's tables: a csv, jsonl or parquet file per split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stages.tickets.settings import OwnData, ParamsError
from stages.tickets.tasks import texts
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.tasks.texts import Texts

Classes = list[object]
"""Distinct labels of the training table, sorted; a class number is a position in this list."""


def load(name: str, data: OwnData) -> tuple[Task, dict[str, Texts]]:
    """Load a task and the texts of `train` and `validation`.

    Raises:
        ParamsError: a file, column or label is missing, or has not the format that `OwnData` describes.
    """
    tables = _read(name, data)
    num_labels = 1
    if data.kind == "classification":
        classes = _classes(tables["train"], name, data)
        num_labels = len(classes)
        for split, path in _paths(data).items():
            numbers = _numbered(tables[split][data.label], classes, path, data)
            tables[split] = tables[split].assign(**{data.label: numbers})
    splits = {
        split: texts.from_table(tables[split], data.texts, data.label, num_labels, path)
        for split, path in _paths(data).items()
    }
    return Task(name, data.kind, num_labels, data.metrics), splits


def class_names(name: str, data: OwnData, prepared: Prepared) -> tuple[str, ...]:
    """List the names of the classes by number: the labels of the training table as text.

    Raises:
        ParamsError: the tables have changed since they were prepared.
    """
    tables = _read(name, data)
    classes = _classes(tables["train"], name, data)
    labels = _numbered(tables["validation"][data.label], classes, data.validation, data)
    if (
        len(classes) != prepared.task.num_labels
        or labels.tolist() != prepared.evaluated["validation"].labels.tolist()
    ):
        raise ParamsError(
            f"own.{name} names tables whose labels are not those of results/prepared/{name}; after a "
            "change run `uv run dvc repro` first"
        )
    return tuple(map(str, classes))


def _paths(data: OwnData) -> dict[str, str]:
    return {"train": data.train, "validation": data.validation}


def _read(name: str, data: OwnData) -> dict[str, pd.DataFrame]:
    """Read the tables by split; refuse a missing column or an empty cell."""
    tables = {
        split: _read_table(path, f"own.{name}.{split}", data.texts)
        for split, path in _paths(data).items()
    }
    for split, path in _paths(data).items():
        _check_columns(tables[split], path, name, data)
    return tables


def _read_table(path: str, key: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table; cells of `columns` stay text, even if they look like numbers."""
    file = Path(path)
    if not file.is_file():
        raise ParamsError(f"{key} is {path!r}, but there is no such file")
    try:
        match file.suffix:
            case ".csv":
                as_text = dict.fromkeys(columns, str)
                table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=as_text)
            case ".jsonl":
                table = pd.read_json(file, lines=True, dtype=False)
            case _:
                table = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ParamsError(f"{key} is {path!r}, which cannot be read: {reason}") from error
    if table.empty:
        raise ParamsError(f"{key} is {path!r}, which has no rows")
    return table


def _check_columns(table: pd.DataFrame, path: str, name: str, data: OwnData) -> None:
    for column in (*data.texts, data.label):
        if column not in table.columns:
            raise ParamsError(
                f"own.{name} names the column {column!r}, but {path} has "
                + ", ".join(map(repr, table.columns))
            )
        if table[column].isna().any():
            row = int(np.flatnonzero(table[column].isna())[0]) + 1
            raise ParamsError(f"{path} has no {column!r} in its row {row}")
    if data.kind == "regression" and not (
        pd.api.types.is_numeric_dtype(table[data.label]) and np.isfinite(table[data.label]).all()
    ):
        raise ParamsError(
            f"own.{name}.kind is regression, but the labels of {path} are not all numbers"
        )


def _classes(train: pd.DataFrame, name: str, data: OwnData) -> Classes:
    classes = train[data.label].unique().tolist()
    if len({type(label) for label in classes}) > 1:
        raise ParamsError(f"{data.train} has labels of several types in {data.label!r}")
    if len(classes) < 2:
        raise ParamsError(
            f"{data.train} has one class only, {classes[0]!r}; allowed are two or more"
        )
    if "f1" in data.metrics and len(classes) != 2:
        raise ParamsError(
            f"own.{name}.metrics has 'f1', allowed for two classes, but {data.train} has "
            f"{len(classes)}"
        )
    return sorted(classes)


def _numbered(labels: pd.Series, classes: Classes, path: str, data: OwnData) -> pd.Series:
    """Map the labels of one table to class numbers."""
    unknown = [label for label in labels.unique().tolist() if label not in classes]
    if unknown:
        raise ParamsError(f"{path} has the label {unknown[0]!r}, which {data.train} has not")
    return labels.map({label: number for number, label in enumerate(classes)})
