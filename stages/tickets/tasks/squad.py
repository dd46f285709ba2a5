"""SQuAD v1.1 (Rajpurkar et al. 2016): questions, answers from logits, and their scores."""

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
"""Number of starts, and of ends, that are paired in every window (Devlin et al. 2019)."""
MOST_TOKENS = 30
"""Most tokens of an answer (Devlin et al. 2019)."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")


@dataclass(frozen=True)
class Asked:
    """The questions of a split, and the places of its tokens in their contexts."""

    ids: list[str]
    """Identifier of every question in the data set."""
    golds: list[list[str]]
    """Right answers to every question, at least one."""
    contexts: list[str]
    """Distinct contexts."""
    context: NDArray[np.int64]
    """(questions,): number of the question's context."""
    question: NDArray[np.int64]
    """(windows,): number of the window's question; windows of one question follow one another."""
    offsets: NDArray[np.int32]
    """(tokens, 2): number of the token's first character in the context, and of the first character
    after the token; -1 for a token that is not in the context."""


def save_asked(asked: Asked, folder: Path, split: str) -> None:
    """Write the questions beside their split, with all that a scorer needs."""
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
    """Normalise an answer as the official rule does before it compares answers.

    The steps are, in this order: lower case; drop the 32 ASCII characters of punctuation, so that U.S.
    becomes us, while dashes and quotes beyond ASCII stay; replace every article (a, an, the) that is a
    word of its own by a blank; collapse white space.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Tell whether the normalised answer equals a right one; two answers may be equal as empty texts."""
    return any(normalised(answer) == normalised(gold) for gold in golds)


def f1(answer: str, golds: Sequence[str]) -> float:
    """Return the largest overlap of words with a right answer, in [0, 1].

    It is the harmonic mean of precision and recall; a common word counts as often as both answers have
    it. It is 0 without a common word, even if both answers are empty when normalised, and so match.
    """
    return max(_overlap(normalised(answer).split(), normalised(gold).split()) for gold in golds)


def _overlap(answer: Sequence[str], gold: Sequence[str]) -> float:
    common = (Counter(answer) & Counter(gold)).total()
    return 2 * common / (len(answer) + len(gold)) if common else 0.0


# --- from logits to answers ------------------------------------------------------------------


def best_span(
    logits: NDArray[np.floating], inside: NDArray[np.bool_]
) -> tuple[float, int, int] | None:
    """Find the most likely answer in one window.

    The NUM_BEST highest starts and the NUM_BEST highest ends among all tokens are paired. A pair is
    allowed if both tokens are in the context, the end is not before the start, and the answer has no more
    than MOST_TOKENS tokens. Among equal sums the pair with the higher start wins, among equal logits the
    first token.

    Args:
        logits: (tokens, 2), logits of start and end.
        inside: (tokens,), True for tokens of the context.

    Returns:
        Sum of the two logits, first and last token; None if no pair is allowed.
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
    """Answer every question: the best answer over its windows, and the first among equals.

    A question with no allowed pair in any window has the empty answer. The text is cut out of the context
    unchanged. Unlike in Devlin et al. 2019, a token in two windows may start an answer in either window.

    Args:
        asked: the questions.
        logits: (tokens, 2), logits of start and end, all windows one after another.
        starts: (windows + 1,), number of the first token of every window, and of all tokens.
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
    """Find the tokens of the highest start and end logit in every window, (windows, 2), int64."""
    parts = np.split(logits, starts[1:-1])
    return np.array([part.argmax(axis=0) for part in parts], dtype=np.int64)


def loss(
    logits: NDArray[np.floating], starts: NDArray[np.int64], labels: NDArray[np.int64]
) -> float:
    """Average the cross-entropy, in nats, over windows and over start and end.

    The shapes are (tokens, 2) of `logits`, (windows + 1,) of `starts` and (windows, 2) of `labels`.
    """
    exact = logits.astype(np.float64)
    highest = np.maximum.reduceat(exact, starts[:-1])
    shifted = np.exp(exact - np.repeat(highest, np.diff(starts), axis=0))
    log_total = np.log(np.add.reduceat(shifted, starts[:-1])) + highest
    right = exact[starts[:-1, np.newaxis] + labels, [0, 1]]
    return float(np.mean(log_total - right))
