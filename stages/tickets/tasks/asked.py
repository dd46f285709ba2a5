"""What is asked of which text, and where its tokens are: with it logits become answers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.tickets import files


@dataclass(frozen=True)
class Asked:
    """The questions of a split, and where the tokens of its windows are in their contexts."""

    ids: list[str]
    """Of the data set, one per question."""
    golds: list[list[str]]
    """Right answers of every question, one at least."""
    contexts: list[str]
    """Each context once."""
    context: NDArray[np.int64]
    """(questions,): number of the context of each."""
    question: NDArray[np.int64]
    """(windows,): number of the question of each; those of one question follow one another."""
    offsets: NDArray[np.int32]
    """(tokens, 2): characters from, and up to before, in the context; -1 where it is no token of one."""


def save(asked: Asked, folder: Path, split: str) -> None:
    """Write what the scorer needs of a split beside it."""
    record = {"ids": asked.ids, "golds": asked.golds, "contexts": asked.contexts}
    files.save_record(record, folder / f"{split}-questions.json")
    arrays: files.Arrays = {
        "context": asked.context,
        "question": asked.question,
        "offsets": asked.offsets,
    }
    files.save_arrays(arrays, folder / f"{split}-windows.safetensors")


def load(folder: Path, split: str) -> Asked:
    record = files.load_record(folder / f"{split}-questions.json")
    arrays = files.load_arrays(folder / f"{split}-windows.safetensors")
    return Asked(
        record["ids"],
        record["golds"],
        record["contexts"],
        arrays["context"],
        arrays["question"],
        arrays["offsets"],
    )
