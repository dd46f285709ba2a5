"""Texts with a label each, and their tokenisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tokenizers import Tokenizer

from stages.tickets.files import Split
from stages.tickets.tasks.tables import Table


@dataclass(frozen=True)
class Texts:
    """Examples of one split before tokenisation; `seconds` is None for single sentences."""

    firsts: list[str]
    seconds: list[str] | None
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.firsts)

    @property
    def num_empty(self) -> int:
        """Count the examples of which a text is empty or blank."""
        pairs = zip(self.firsts, self.firsts if self.seconds is None else self.seconds, strict=True)
        return sum(not (first.strip() and second.strip()) for first, second in pairs)

    def take(self, numbers: NDArray[np.int64]) -> "Texts":
        return Texts(
            [self.firsts[number] for number in numbers],
            None if self.seconds is None else [self.seconds[number] for number in numbers],
            self.labels[numbers],
        )


def from_table(table: Table, columns: Sequence[str], labels: NDArray[Any]) -> Texts:
    """Make examples from the rows of a table.

    Args:
        table: one row per example.
        columns: names of one or two columns of texts.
        labels: a label per row.

    Raises:
        ParamsError: a column is missing, or a cell in one is no text.
    """
    firsts, *seconds = (table.texts(column) for column in columns)
    return Texts(firsts, seconds[0] if seconds else None, labels)


def typed(labels: ArrayLike, num_labels: int) -> NDArray[Any]:
    """Convert labels to int64 if they are classes, else to float32."""
    return np.asarray(labels, dtype=np.int64 if num_labels > 1 else np.float32)


def tokenise(texts: Texts, tokenizer: Tokenizer, max_length: int) -> Split:
    """Tokenise every example, with special tokens, and cut it to `max_length` tokens."""
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
