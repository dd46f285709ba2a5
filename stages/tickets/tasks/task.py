"""Tasks as the stages after `prepare` read them: how they are scored, and their tokenised splits."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stages.tickets import files
from stages.tickets.files import Split
from stages.tickets.settings import Kind, Metric

Id = TypeVar("Id", np.int32, np.int64)
LABELLED: tuple[Kind, ...] = ("classification", "regression")
"""Kinds of tasks with one label per example, which the model predicts from the first token."""
NOT_SCORED = -100
"""Label of a token that masked language modelling does not predict."""


@dataclass(frozen=True)
class Vocabulary:
    """The part of the tokenizer's vocabulary that batches need."""

    size: int
    pad: int
    mask: int
    special: tuple[int, ...]
    """Ids of special tokens, which are never hidden."""


@dataclass(frozen=True)
class Task:
    """Name, kind, outputs and metrics of a task."""

    name: str
    kind: Kind
    num_labels: int
    """Outputs of the classifier: number of classes, 1 for regression, 0 for `mlm`, 2 for `span`."""
    metrics: tuple[Metric, ...]
    """Metrics to score with; the first is the headline."""


def take(split: Split, examples: NDArray[np.int64]) -> Split:
    """Take the given examples of a split, in the given order; labels are per example."""
    tokens = np.concatenate([np.arange(split.starts[i], split.starts[i + 1]) for i in examples])
    return Split(
        split.ids[tokens],
        split.types[tokens],
        np.concatenate([[0], np.cumsum(split.lengths[examples])]).astype(np.int64),
        split.labels[examples],
    )


def carve(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Split off a share of the examples, drawn by a seed; each side has at least one.

    Returns:
        The examples that are left, and the examples that are split off.

    Raises:
        ValueError: fewer than two examples.
    """
    if len(split) < 2:
        raise ValueError(
            f"it has {len(split)}, allowed are two or more, of which selection gets a share"
        )
    order = np.random.default_rng(seed).permutation(len(split))
    num = min(max(round(share * len(split)), 1), len(split) - 1)
    return take(split, np.sort(order[num:])), take(split, np.sort(order[:num]))


def drawn(num: int, number: int, seed: int) -> NDArray[np.int64]:
    """Draw `number` of `num` examples without replacement, in ascending order; all if they are fewer."""
    return np.sort(np.random.default_rng(seed).permutation(num)[:number])


def hide_words(
    ids: NDArray[Id], vocabulary: Vocabulary, share: float, generator: np.random.Generator
) -> tuple[NDArray[Id], NDArray[np.int64]]:
    """Hide words for masked language modelling.

    If n tokens are not special, exactly round(share * n) are to be predicted, at least one if n > 0.
    Each of these becomes the mask token (80 %), a random token (10 %), or stays (10 %).

    Args:
        ids: token ids, any shape.
        vocabulary: vocabulary of the tokenizer.
        share: share of words to predict, in (0, 1).
        generator: draws the words and their fate.

    Returns:
        The ids that the model sees, and the labels: the hidden id, or NOT_SCORED.

    Devlin et al. 2019, Sec. 3.1.
    """
    words = np.flatnonzero(~np.isin(ids, vocabulary.special))
    num_hidden = min(max(round(share * len(words)), 1), len(words))
    chosen = generator.choice(words, num_hidden, replace=False)
    labels = np.full(ids.size, NOT_SCORED, dtype=np.int64)
    labels[chosen] = ids.reshape(-1)[chosen]
    seen = ids.reshape(-1).copy()
    fate = generator.random(num_hidden)
    seen[chosen[fate < 0.8]] = vocabulary.mask
    swapped = chosen[fate >= 0.9]
    ordinary = np.setdiff1d(np.arange(vocabulary.size), vocabulary.special)
    seen[swapped] = generator.choice(ordinary, len(swapped))
    return seen.reshape(ids.shape), labels.reshape(ids.shape)


def hide_in_split(split: Split, vocabulary: Vocabulary, share: float, seed: int) -> Split:
    """Hide words of a split once and for all, to score masked language modelling on it."""
    seen, labels = hide_words(split.ids, vocabulary, share, np.random.default_rng(seed))
    return Split(seen, split.types, split.starts, labels)


# --- a prepared task -------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """A task as the stages after `prepare` read it."""

    task: Task
    vocabulary: Vocabulary
    train: Split
    evaluated: dict[str, Split]
    """Splits that are scored, by name, such as `selection` and `validation`."""
    empty_texts: int = 0
    """Number of examples of all splits of which a text is empty or blank."""

    @property
    def pairs(self) -> bool:
        """Tell whether examples have two texts, which the tokenizer tells apart by token types."""
        return bool(self.train.types.any())


def save_prepared(prepared: Prepared, folder: Path) -> None:
    record: dict[str, Any] = {
        "task": asdict(prepared.task),
        "vocabulary": asdict(prepared.vocabulary),
        "evaluated": list(prepared.evaluated),
    }
    if prepared.empty_texts:
        record["empty_texts"] = prepared.empty_texts
    files.save_record(record, folder / "task.json")
    for name, split in {"train": prepared.train, **prepared.evaluated}.items():
        files.save_split(split, folder / f"{name}.safetensors")


def load_prepared(folder: Path) -> Prepared:
    record = files.load_record(folder / "task.json")
    task, vocabulary = record["task"], record["vocabulary"]
    return Prepared(
        Task(**{**task, "metrics": tuple(task["metrics"])}),
        Vocabulary(**{**vocabulary, "special": tuple(vocabulary["special"])}),
        files.load_split(folder / "train.safetensors"),
        {name: files.load_split(folder / f"{name}.safetensors") for name in record["evaluated"]},
        record.get("empty_texts", 0),
    )
