"""A small set of sequences to train on: word embeddings, token types, soft labels, source rows."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from stages.tickets import files
from stages.tickets.files import Split
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import LABELLED, Task

AXES = {
    "embeddings": ("sequences", "tokens", "size"),
    "there": ("sequences", "tokens"),
    "types": ("sequences", "tokens"),
    "labels": ("sequences", "outputs"),
    "rows": ("sequences",),
}


@dataclass(frozen=True)
class Sequences:
    """A set of sequences; tokens are padded on the right."""

    embeddings: NDArray[np.float32]
    """Vectors in the place of word embeddings, (sequences, tokens, size); position, token type and
    LayerNorm follow them in the model. Those of padding are 0."""
    there: NDArray[np.bool_]
    """True for tokens, False for padding, (sequences, tokens)."""
    types: NDArray[np.int8]
    """Token types, (sequences, tokens)."""
    labels: NDArray[np.float32]
    """Probabilities of the classes, which sum to 1, or a score, (sequences, outputs)."""
    rows: NDArray[np.int64]
    """Numbers of the training examples that the sequences begin as, or take lengths from."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> NDArray[np.int64]:
        lengths: NDArray[np.int64] = self.there.sum(axis=1, dtype=np.int64)
        return lengths


def check_kind(task: Task) -> None:
    """Refuse a task whose examples have no label of their own.

    Raises:
        UserError: the task is one of spans or a language model.
    """
    if task.kind not in LABELLED:
        raise UserError(
            f"task {task.name!r} is of the kind {task.kind!r}, allowed for distilled sets are tasks of "
            f"{' and '.join(LABELLED)}"
        )


def targets(task: Task, labels: NDArray[Any]) -> NDArray[np.float32]:
    """Write labels as probabilities of 0 and 1, or scores as they are, (examples, outputs)."""
    if task.kind == "regression":
        return labels.astype(np.float32)[:, None]
    classes: NDArray[np.float32] = np.eye(task.num_labels, dtype=np.float32)[labels]
    return classes


def of_rows(
    task: Task, train: Split, rows: NDArray[np.int64], words: NDArray[np.float32]
) -> Sequences:
    """Take training examples as they are, each with its own length.

    Args:
        task: decides on the form of the labels.
        train: the training split.
        rows: numbers of the examples.
        words: the matrix of word embeddings, (words, size).

    Raises:
        UserError: see `check_kind`.
    """
    check_kind(task)
    columns = np.arange(int(train.lengths[rows].max()))
    there = columns < train.lengths[rows, None]
    places = np.where(there, train.starts[rows, None] + columns, 0)
    return Sequences(
        np.where(there[..., None], words[train.ids[places]], np.float32(0)),
        there,
        np.where(there, train.types[places], 0).astype(np.int8),
        targets(task, train.labels[rows]),
        rows,
    )


def save(sequences: Sequences, path: Path) -> None:
    """Write a set as safetensors; equal sets give equal bytes."""
    files.save_arrays(asdict(sequences), path)


def load(path: Path) -> Sequences:
    """Read a set that `save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the file is no such set; the message names the array and what is wrong with it.
    """
    try:
        arrays = files.load_arrays(path)
        sequences = Sequences(**{field.name: arrays.pop(field.name) for field in fields(Sequences)})
    except (SafetensorError, KeyError) as error:
        problem = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
    else:
        problem = f"it also has {min(arrays)!r}" if arrays else _problem(sequences)
    if problem:
        raise UserError(
            f"{path} is not a set of sequences: {problem}; delete it, and `dvc repro` makes it anew"
        )
    return sequences


def _problem(sequences: Sequences) -> str:
    """Say what is wrong with a set; empty if nothing is."""
    sizes: dict[str, int] = {}
    for name, axes in AXES.items():
        shape = getattr(sequences, name).shape
        for axis, size in zip(axes, shape, strict=False):
            sizes.setdefault(axis, size)
        due = tuple(sizes.get(axis, 0) for axis in axes)
        if shape != due or 0 in due:
            return f"{name} has the shape {shape}, allowed is ({', '.join(axes)})" + (
                "" if 0 in due else f", here {due}"
            )
    if (np.diff(sequences.there.astype(np.int8), axis=1) > 0).any() or not sequences.lengths.all():
        return "there is not tokens first and padding after them"
    for name in ("embeddings", "labels"):
        if not np.isfinite(getattr(sequences, name)).all():
            return f"{name} has a value that is not finite"
    return ""
