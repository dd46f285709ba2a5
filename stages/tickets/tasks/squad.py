"""SQuAD v1.1 (Rajpurkar et al. 2016): what is asked, the answers that logits give, their scores."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.tickets import files

NUM_BEST = 20
"""Starts, and ends, of every window that are tried with each other (Devlin et al. 2019)."""
MOST_TOKENS = 30
"""Tokens of the longest answer (Devlin et al. 2019)."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")


@dataclass(frozen=True)
class Asked:
    """The questions of a split, and where the tokens of its windows are in their contexts."""

    ids: list[str]
    """The data set's name for every question."""
    golds: list[list[str]]
    """Right answers to every question, at least one."""
    contexts: list[str]
    """Each context once."""
    context: NDArray[np.int64]
    """(questions,): number of the question's context."""
    question: NDArray[np.int64]
    """(windows,): number of the window's question; windows of one question follow one another."""
    offsets: NDArray[np.int32]
    """(tokens, 2): the token's first character in the context and the one after its last; -1 for a
    token that is not in the context."""


def save_asked(asked: Asked, folder: Path, split: str) -> None:
    """Write the questions beside their split; this is all that a scorer needs."""
    record = {"ids": asked.ids, "golds": asked.golds, "contexts": asked.contexts}
    files.save_record(record, folder / f"{split}-questions.json")
    arrays: files.Arrays = {
        "context": asked.context,
        "question": asked.question,
        "offsets": asked.offsets,
    }
    files.save_arrays(arrays, folder / f"{split}-windows.safetensors")


def load_asked(folder: Path, split: str) -> Asked:
    record = files.load_record(folder / f"{split}-questions.json")
    arrays: dict[str, Any] = files.load_arrays(folder / f"{split}-windows.safetensors")
    return Asked(**record, **arrays)


# --- comparing answers -----------------------------------------------------------------------


@lru_cache(maxsize=2**17)
def normalised(text: str) -> str:
    """An answer as the official rule compares it.

    In this order: lower case; without the 32 characters of punctuation of ASCII, so that those around
    one become neighbours (U.S. is us, while dashes and quotes beyond ASCII stay); a blank for every
    article (a, an, the) that is a word of its own; white space collapsed.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Whether the answer is one of the right ones; two answers of articles and punctuation are equal."""
    return any(normalised(answer) == normalised(gold) for gold in golds)


def f1(answer: str, golds: Sequence[str]) -> float:
    """Most overlap of words with a right answer, in [0, 1].

    It is the harmonic mean of precision and recall of words, each counted as often as both have it. It
    is 0 without a common word, even if both answers are empty by the official rule and match exactly.
    """
    return max(_overlap(normalised(answer).split(), normalised(gold).split()) for gold in golds)


def _overlap(answer: Sequence[str], gold: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(gold)).total()
    return 2 * common / (len(answer) + len(gold)) if common else 0.0


# --- from logits to answers ------------------------------------------------------------------


def best_span(
    logits: NDArray[np.floating], inside: NDArray[np.bool_]
) -> tuple[float, int, int] | None:
    """The most likely answer in one window.

    The NUM_BEST highest starts and the NUM_BEST highest ends among all tokens are paired. A pair is
    allowed if both tokens are in the context, the end is not before the start, and the answer has no more
    than MOST_TOKENS tokens. Among equal sums the pair with the higher start wins, among equal logits the
    first token.

    Args:
        logits: (tokens, 2), of start and end.
        inside: (tokens,), True for tokens of the context.

    Returns:
        Sum of both logits, first and last token; None if no pair is allowed.
    """
    first, last = (np.argsort(-logits[:, side], kind="stable")[:NUM_BEST] for side in (0, 1))
    reach = last[np.newaxis] - first[:, np.newaxis]
    allowed = (reach >= 0) & (reach < MOST_TOKENS)
    allowed &= inside[first][:, np.newaxis] & inside[last][np.newaxis]
    if not allowed.any():
        return None
    sums = logits[first, 0][:, np.newaxis] + logits[last, 1][np.newaxis]
    row, column = np.unravel_index(np.where(allowed, sums, -np.inf).argmax(), sums.shape)
    return float(sums[row, column]), int(first[row]), int(last[column])


def answers(asked: Asked, logits: NDArray[np.floating], starts: NDArray[np.int64]) -> list[str]:
    """The answer to every question: the best over its windows, of equal ones the first.

    A question with no allowed pair in any window has the empty answer. The text is that of the context
    as it is written. Unlike Devlin et al. 2019, a token in two windows may be an answer's in either.

    Args:
        asked: the questions.
        logits: (tokens, 2), all windows one after another.
        starts: (windows + 1,), the first token of every window.
    """
    inside = asked.offsets[:, 0] >= 0
    exact = logits.astype(np.float64)
    best = [(-np.inf, "")] * len(asked.ids)
    for window, question in enumerate(asked.question.tolist()):
        tokens = slice(int(starts[window]), int(starts[window + 1]))
        span = best_span(exact[tokens], inside[tokens])
        if span and span[0] > best[question][0]:
            total, first, last = span
            offsets = asked.offsets[tokens]
            context = asked.contexts[asked.context[question]]
            best[question] = total, context[offsets[first, 0] : offsets[last, 1]]
    return [text for _, text in best]


def most_likely(logits: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Token of the highest start and of the highest end in every window, (windows, 2), int64."""
    parts = np.split(logits, starts[1:-1])
    return np.array([part.argmax(axis=0) for part in parts], dtype=np.int64)


def loss(
    logits: NDArray[np.floating], starts: NDArray[np.int64], labels: NDArray[np.int64]
) -> float:
    """Mean cross-entropy in nats over windows and over start and end; `labels` are (windows, 2)."""
    exact = logits.astype(np.float64)
    highest = np.maximum.reduceat(exact, starts[:-1])
    shifted = np.exp(exact - np.repeat(highest, np.diff(starts), axis=0))
    log_total = np.log(np.add.reduceat(shifted, starts[:-1])) + highest
    right = exact[starts[:-1, np.newaxis] + labels, [0, 1]]
    return float(np.mean(log_total - right))
