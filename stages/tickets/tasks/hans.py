"""HANS (McCoy et al. 2019) for a task of entailment: its examples, and accuracy by subcase."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.tickets import output
from stages.tickets.language import hans
from stages.tickets.settings import (
    Data,
    HansFile,
    MiniatureData,
    OwnData,
    ParamsError,
    TextData,
    expanded,
)
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import reading
from stages.tickets.tasks.tables import shown
from stages.tickets.tasks.texts import Texts

SPLIT = "hans"
"""Name of the split; its labels are 0 for entailment and 1 for non-entailment."""
COLUMNS = ("premise", "hypothesis", "label", "heuristic", "subcase")
OFFICIAL = {
    "sentence1": "premise",
    "sentence2": "hypothesis",
    "gold_label": "label",
    "heuristic": "heuristic",
    "subcase": "subcase",
}
"""Columns of heuristics_evaluation_set.txt, and our names for them."""
LABELS = {"entailment": 0, "non-entailment": 1}


@dataclass(frozen=True)
class Case:
    """The heuristic and the subcase that an example tests, and its origin."""

    heuristic: str
    subcase: str
    origin: str


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of a model in one subcase; `entailed` is the true answer."""

    heuristic: str
    entailed: bool
    subcase: str
    accuracy: float
    num_examples: int
    origin: str


# --- examples --------------------------------------------------------------------------------


def load(name: str, data: Data | OwnData, seed: int) -> tuple[Texts, list[Case]] | None:
    """Load examples with labels 0 (entailment) and 1, and their cases; None if `data` has no `hans`.

    From a file, each subcase gives at most `per_subcase` examples, drawn by a seed of its own. They
    stay in the order of the file, and a smaller draw is part of a larger one.

    Args:
        name: the task's name in messages.
        data: section of the task in params.yaml.
        seed: seed of the draws from a file; the miniature has a seed of its own.

    Raises:
        ParamsError: the file is missing, or it has not the format that `HansFile` describes.
    """
    if isinstance(data, OwnData | TextData) or data.hans is None:
        return None
    if isinstance(data, MiniatureData):
        examples = hans.examples(data.hans.per_subcase, data.seed)
        table = pd.DataFrame(examples, columns=[field.name for field in fields(hans.Example)])
        origin = "the miniature language"
    else:
        file, key = data.hans, f"data.{name}.hans.path"
        table = _drawn(_read(file, key), file.per_subcase, seed)
        path = expanded(file.path, key)
        origin = f"{path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    labels = table["label"].to_numpy(dtype=np.int64)
    cases = zip(table["heuristic"], table["subcase"], strict=True)
    return (
        Texts(table["premise"].tolist(), table["hypothesis"].tolist(), labels),
        [Case(heuristic, subcase, origin) for heuristic, subcase in cases],
    )


def _read(file: HansFile, key: str) -> pd.DataFrame:
    """Read the table with the columns COLUMNS and check every cell."""
    table = reading.table(file.path, key)
    official = file.path.endswith(".txt")
    names = OFFICIAL if official else dict(zip(COLUMNS, COLUMNS, strict=True))
    columns = {
        name: table.cells(source) if name == "label" else table.texts(source)
        for source, name in names.items()
    }
    allowed_in: dict[str, list[int] | list[str]] = {
        "label": list(LABELS) if official else list(LABELS.values()),
        "heuristic": list(hans.HEURISTICS.values()),
    }
    for column, allowed in allowed_in.items():
        for row, cell in enumerate(columns[column]):
            if cell not in allowed:
                raise ParamsError(
                    f"{table.place(row)} has the {column} {shown(cell)}, allowed are "
                    f"{', '.join(map(str, allowed))}"
                )
    for column in ("premise", "hypothesis", "subcase"):
        if "" in columns[column]:
            raise ParamsError(f"{table.place(columns[column].index(''))} has no {column!r}")
    read = pd.DataFrame(columns)
    return read.assign(label=read["label"].map(LABELS)) if official else read


def _drawn(table: pd.DataFrame, per_subcase: int, seed: int) -> pd.DataFrame:
    kept = []
    for subcase, rows in table.groupby("subcase").indices.items():
        generator = np.random.default_rng(stable_seed("hans", str(subcase), seed))
        kept.append(generator.permutation(rows)[:per_subcase])
    return table.iloc[np.sort(np.concatenate(kept))]


def save_cases(cases: Sequence[Case], path: Path) -> None:
    with output.written(path) as part:
        pd.DataFrame(list(cases)).to_csv(part, index=False, lineterminator="\n")


def load_cases(path: Path) -> list[Case]:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [Case(*row) for row in zip(*(table[name] for name in Case.__annotations__), strict=True)]


# --- scores ----------------------------------------------------------------------------------


def by_subcase(
    logits: NDArray[np.floating], labels: NDArray[np.integer], cases: Sequence[Case]
) -> list[Accuracy]:
    """Compute the accuracy in every subcase, in the order in which subcases first occur.

    The model says "entailment" if no class has a higher logit than class 0. With three classes, neutral
    and contradiction thus count as non-entailment.

    Args:
        logits: (examples, classes), class 0 for entailment.
        labels: (examples,), 0 for entailment and 1 for non-entailment.
        cases: a case per example.

    Raises:
        ValueError: logits, labels and cases differ in number.

    McCoy et al. 2019, Sec. 4.
    """
    if not len(logits) == len(labels) == len(cases):
        raise ValueError(
            f"hans has {len(logits)} predictions, {len(labels)} labels and {len(cases)} cases"
        )
    right = (logits.argmax(-1) == 0) == (labels == 0)
    examples: dict[tuple[Case, bool], list[bool]] = {}
    for case, label, is_right in zip(cases, labels.tolist(), right.tolist(), strict=True):
        examples.setdefault((case, label == 0), []).append(is_right)
    return [
        Accuracy(
            case.heuristic,
            entailed,
            case.subcase,
            sum(rights) / len(rights),
            len(rights),
            case.origin,
        )
        for (case, entailed), rights in examples.items()
    ]
