"""Texts with a label each, and their tokenisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tokenizers import Tokenizer

from stages.tickets.files import Split
from stages.tickets.settings import ParamsError
from stages.tickets.tasks import hub


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


def from_table(
    table: pd.DataFrame, columns: Sequence[str], label: str, num_labels: int, where: str
) -> Texts:
    """Make examples from the rows of a table.

    Args:
        table: one row per example.
        columns: names of one or two columns of texts.
        label: name of the column of labels.
        num_labels: number of classes; 1 if labels are numbers to predict.
        where: the table's name in messages.

    Raises:
        ParamsError: a column or a value is missing, or a label is no class number.
    """
    hub.check_filled(table, (*columns, label), where)
    labels = typed(table[label].to_numpy(), num_labels)
    if num_labels > 1 and not ((labels >= 0) & (labels < num_labels)).all():
        raise ParamsError(f"{where} has labels outside 0 to {num_labels - 1}")
    firsts, *seconds = ([str(text) for text in table[column]] for column in columns)
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
