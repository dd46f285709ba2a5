"""Where the texts of a task come from, what is scored on it, and how they become token ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tokenizers import Tokenizer

from stages.tickets.files import Split
from stages.tickets.language import questions, sentences
from stages.tickets.settings import (
    SQUAD,
    WIKITEXT,
    Data,
    FolderData,
    HubData,
    Kind,
    Metric,
    MiniatureData,
    OwnData,
    ParamsError,
    TextData,
)
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import corpora, hub, spans
from stages.tickets.tasks.corpora import Paragraphs
from stages.tickets.tasks.spans import Answer, Question, Questions
from stages.tickets.tasks.task import Task


@dataclass(frozen=True)
class Texts:
    """Examples of one split before tokenisation; `seconds` is None for single sentences."""

    firsts: list[str]
    seconds: list[str] | None
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.firsts)

    def take(self, numbers: NDArray[np.int64]) -> "Texts":
        return Texts(
            [self.firsts[number] for number in numbers],
            None if self.seconds is None else [self.seconds[number] for number in numbers],
            self.labels[numbers],
        )


Source: TypeAlias = Texts | Questions | Paragraphs
"""Examples of one split before tokenisation, or the text they are cut from."""


@dataclass(frozen=True)
class GlueTask:
    columns: tuple[str, ...]
    num_labels: int
    metrics: tuple[Metric, ...]


GLUE = {
    "cola": GlueTask(("sentence",), 2, ("matthews",)),
    "sst2": GlueTask(("sentence",), 2, ("accuracy",)),
    "mrpc": GlueTask(("sentence1", "sentence2"), 2, ("accuracy", "f1")),
    "stsb": GlueTask(("sentence1", "sentence2"), 1, ("pearson", "spearman")),
    "qqp": GlueTask(("question1", "question2"), 2, ("accuracy", "f1")),
    "mnli": GlueTask(("premise", "hypothesis"), 3, ("accuracy",)),
    "qnli": GlueTask(("question", "sentence"), 2, ("accuracy",)),
    "rte": GlueTask(("sentence1", "sentence2"), 2, ("accuracy",)),
    "wnli": GlueTask(("sentence1", "sentence2"), 2, ("accuracy",)),
}
"""The tasks of Wang et al. 2018 with their official metrics; as headline the one of Chen et al. 2020."""
GLUE_SPLITS = {
    "train": "train",
    "validation": "validation",
    "validation_matched": "validation",
    "validation_mismatched": "validation_mismatched",
}
"""Splits of the Hub's layout, and what they are called here; only MNLI has the last two."""

MINIATURE_METRICS: dict[str, tuple[Metric, ...]] = {
    "acceptability": ("matthews",),
    "sentiment": ("accuracy",),
    "paraphrase": ("accuracy", "f1"),
    "similarity": ("pearson", "spearman"),
    "entailment": ("accuracy",),
}


def load(name: str, data: Data | OwnData) -> tuple[Task, Mapping[str, Source]]:
    """The task and its texts: `train`, `validation`, and `validation_mismatched` for MNLI.

    The kind of a task comes from its data, whatever its name is, but for those of the miniature.

    Raises:
        ParamsError: a file, column or label is missing or not as described.
    """
    if isinstance(data, OwnData):
        return load_own(name, data)
    if isinstance(data, MiniatureData):
        return _miniature(name, data)
    if isinstance(data, TextData) or data.config in WIKITEXT:
        return Task(name, "mlm", 0, ("masked_accuracy",)), corpora.load(name, data)
    if data.config in SQUAD:
        return _span_task(name), spans.load(name, data)
    return _glue(name, data)


def _span_task(name: str) -> Task:
    return Task(name, "span", 2, ("answer_f1", "exact_match"))


def _miniature(name: str, data: MiniatureData) -> tuple[Task, Mapping[str, Source]]:
    sizes = {"train": data.train, "validation": data.validation}
    if name == "question":
        return _span_task(name), {
            split: Questions(
                [
                    Question(
                        f"{split} {i}", one.question, one.context, (Answer(one.answer, one.start),)
                    )
                    for i, one in enumerate(questions.quizzes(split, num, data.seed))
                ]
            )
            for split, num in sizes.items()
        }
    if name == "mlm":
        lines = sentences.sentences(sum(sizes.values()), stable_seed("mlm", data.seed))
        halves = {"train": lines[: data.train], "validation": lines[data.train :]}
        return Task(name, "mlm", 0, ("masked_accuracy",)), {
            split: Texts(texts, None, np.zeros(len(texts))) for split, texts in halves.items()
        }
    num_labels, is_pair = sentences.LABELLED[name]
    # A mean squared error on 0 to 5 spends the few steps of the miniature on the mean.
    scale = 5 if num_labels == 1 else 1
    splits = {}
    for split, num in sizes.items():
        examples = sentences.examples(name, split, num, data.seed)
        splits[split] = Texts(
            [example.first for example in examples],
            [example.second or "" for example in examples] if is_pair else None,
            _typed([example.label / scale for example in examples], num_labels),
        )
    kind: Kind = "classification" if num_labels > 1 else "regression"
    return Task(name, kind, num_labels, MINIATURE_METRICS[name]), splits


def _glue(name: str, data: HubData | FolderData) -> tuple[Task, dict[str, Texts]]:
    if data.config not in GLUE:
        raise ParamsError(
            f"data.{name}.config is {data.config!r}, allowed are "
            + ", ".join(sorted((*GLUE, *SQUAD, *WIKITEXT)))
        )
    glue = GLUE[data.config]
    splits = {}
    for theirs, table in hub.tables(name, data, tuple(GLUE_SPLITS), "nyu-mll/glue").items():
        splits[GLUE_SPLITS[theirs]] = _texts(
            table, glue.columns, "label", glue.num_labels, f"{data.config}, {theirs}"
        )
    kind: Kind = "classification" if glue.num_labels > 1 else "regression"
    return Task(name, kind, glue.num_labels, glue.metrics), splits


def load_own(name: str, data: OwnData) -> tuple[Task, dict[str, Texts]]:
    tables = {
        path: _read_table(path, f"own.{name}.{split}", data.texts)
        for split, path in {"train": data.train, "validation": data.validation}.items()
    }
    for path, table in tables.items():
        _check_columns(table, path, name, data)
    if data.kind == "regression":
        num_labels = 1
    else:
        classes = tables[data.train][data.label].unique().tolist()
        if len({type(label) for label in classes}) > 1:
            raise ParamsError(f"{data.train} has labels of several types in {data.label!r}")
        classes = sorted(classes)
        num_labels = len(classes)
        _check_classes(classes, name, data)
        for path, table in tables.items():
            tables[path] = table.assign(
                **{data.label: _numbered(table[data.label], classes, path, data)}
            )
    splits = {
        split: _texts(tables[path], data.texts, data.label, num_labels, path)
        for split, path in {"train": data.train, "validation": data.validation}.items()
    }
    return Task(name, data.kind, num_labels, data.metrics), splits


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


def _check_classes(classes: list[object], name: str, data: OwnData) -> None:
    if len(classes) < 2:
        raise ParamsError(
            f"{data.train} has one class only, {classes[0]!r}; allowed are two or more"
        )
    if "f1" in data.metrics and len(classes) != 2:
        raise ParamsError(
            f"own.{name}.metrics has 'f1', allowed for two classes, but {data.train} has "
            f"{len(classes)}"
        )


def _numbered(labels: pd.Series, classes: list[object], path: str, data: OwnData) -> pd.Series:
    """Class numbers, in sorted order of the training table's labels."""
    unknown = [label for label in labels.unique().tolist() if label not in classes]
    if unknown:
        raise ParamsError(f"{path} has the label {unknown[0]!r}, which {data.train} has not")
    return labels.map({label: number for number, label in enumerate(classes)})


def _read_table(path: str, key: str, texts: Sequence[str]) -> pd.DataFrame:
    as_text = dict.fromkeys(texts, str)
    file = Path(path)
    if not file.is_file():
        raise ParamsError(f"{key} is {path!r}, but there is no such file")
    try:
        match file.suffix:
            case ".csv":
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


def _texts(
    table: pd.DataFrame, columns: Sequence[str], label: str, num_labels: int, where: str
) -> Texts:
    hub.check_filled(table, (*columns, label), where)
    labels = _typed(table[label].to_numpy(), num_labels)
    if num_labels > 1 and not ((labels >= 0) & (labels < num_labels)).all():
        raise ParamsError(f"{where} has labels outside 0 to {num_labels - 1}")
    firsts, *seconds = ([str(text) for text in table[column]] for column in columns)
    return Texts(firsts, seconds[0] if seconds else None, labels)


def _typed(labels: ArrayLike, num_labels: int) -> NDArray[Any]:
    return np.asarray(labels, dtype=np.int64 if num_labels > 1 else np.float32)


def tokenise(texts: Texts, tokenizer: Tokenizer, max_length: int) -> Split:
    """Word pieces of every example with the tokenizer's special ones, cut to `max_length`."""
    tokenizer.enable_truncation(max_length)
    inputs = (
        texts.firsts
        if texts.seconds is None
        else list(zip(texts.firsts, texts.seconds, strict=True))
    )
    encodings = tokenizer.encode_batch(inputs)
    lengths = [len(encoding.ids) for encoding in encodings]
    return Split(
        np.concatenate([np.array(encoding.ids, dtype=np.int32) for encoding in encodings]),
        np.concatenate([np.array(encoding.type_ids, dtype=np.int8) for encoding in encodings]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        texts.labels,
    )
