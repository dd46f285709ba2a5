"""Corpora for masked language modelling: running text, cut into blocks of one length."""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from stages.tickets.files import Split
from stages.tickets.settings import FolderData, HubData, ParamsError, TextData
from stages.tickets.tasks import hub, reading

AT_ONCE = 2000
"""Number of paragraphs tokenised together, whose encodings are in memory at once."""


@dataclass(frozen=True)
class Paragraphs:
    """The text of one split, paragraph by paragraph, none of them empty."""

    lines: list[str]

    def __len__(self) -> int:
        return len(self.lines)


def load(name: str, data: HubData | FolderData | TextData) -> dict[str, Paragraphs]:
    """Read `train` and `validation` of WikiText (Merity et al. 2016), or of the user's files.

    Raises:
        ParamsError: a file, a column or all text is missing.
    """
    if isinstance(data, TextData):
        files = {"train": data.train, "validation": data.validation}
        lines = {split: _lines(path, f"data.{name}.{split}") for split, path in files.items()}
    else:
        read = hub.tables(name, data, ("train", "validation"), "Salesforce/wikitext")
        lines = {split: table.texts("text") for split, table in read.items()}
    kept = {split: [line for line in every if line.strip()] for split, every in lines.items()}
    for split, not_empty in kept.items():
        if not not_empty:
            raise ParamsError(f"data.{name} has no text in its split {split}")
    return {split: Paragraphs(not_empty) for split, not_empty in kept.items()}


def _lines(path: str, key: str) -> list[str]:
    is_table = path.endswith(".parquet")
    return reading.table(path, key).texts("text") if is_table else reading.lines(path, key)


def blocks(paragraphs: Paragraphs, tokenizer: Tokenizer, max_length: int) -> Split:
    """Cut the tokens of all paragraphs, one after another, into blocks of `max_length` tokens.

    A block has the special tokens of a single text around it, which count towards its length. Tokens at
    the end that fill no block are left out, as in Chen et al. 2020. Nothing marks the end of a paragraph.

    Raises:
        ValueError: the text does not fill one block.
    """
    tokenizer.no_truncation()
    lines = paragraphs.lines
    pieces = [
        np.array(encoding.ids, dtype=np.int32)
        for start in range(0, len(lines), AT_ONCE)
        for encoding in tokenizer.encode_batch(
            lines[start : start + AT_ONCE], add_special_tokens=False
        )
    ]
    tokens = np.concatenate(pieces)
    before, after = _around(tokenizer)
    room = max_length - len(before) - len(after)
    number = len(tokens) // room
    if number == 0:
        raise ValueError(
            f"its {len(tokens)} tokens do not fill one block of {max_length}, {room} without special ones"
        )
    ids = np.concatenate(
        [
            np.tile(before, (number, 1)),
            tokens[: number * room].reshape(number, room),
            np.tile(after, (number, 1)),
        ],
        axis=1,
    )
    starts = np.arange(number + 1, dtype=np.int64) * max_length
    return Split(ids.reshape(-1), np.zeros(ids.size, dtype=np.int8), starts, np.zeros(number))


def _around(tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the special tokens before and after a single text, int32."""
    encoding = tokenizer.encode("a")
    ids = np.array(encoding.ids, dtype=np.int32)
    words = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
    return ids[: words[0]], ids[words[-1] + 1 :]
