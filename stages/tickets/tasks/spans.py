"""Questions whose answer is a span of a text (SQuAD v1.1), as windows of tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from stages.tickets.files import Split
from stages.tickets.settings import FolderData, HubData, ParamsError
from stages.tickets.tasks import hub
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.tables import Table, kind_of

LONGEST_QUESTION = 64
"""Most word pieces of a question; the rest is cut (Devlin et al. 2019)."""
AT_ONCE = 500
"""Number of questions tokenised together, whose encodings are in memory at once."""


@dataclass(frozen=True)
class Answer:
    text: str
    start: int
    """Number of its first character in the context, from 0."""


@dataclass(frozen=True)
class Question:
    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    """Right answers, at least one; training uses the first."""


@dataclass(frozen=True)
class Questions:
    """The questions of one split."""

    questions: list[Question]

    def __len__(self) -> int:
        return len(self.questions)

    def take(self, numbers: NDArray[np.int64]) -> "Questions":
        return Questions([self.questions[number] for number in numbers])


def load(name: str, data: HubData | FolderData) -> dict[str, Questions]:
    """Load `train` and `validation` of SQuAD v1.1.

    Raises:
        ParamsError: a file or column is missing, or a question has no answer in its context.
    """
    tables = hub.tables(name, data, ("train", "validation"), "rajpurkar/squad")
    return {split: _questions(table) for split, table in tables.items()}


def _questions(table: Table) -> Questions:
    columns = (
        table.cells("id"),
        table.texts("question"),
        table.texts("context"),
        table.cells("answers"),
    )
    questions = []
    for row, (id_, question, context, given) in enumerate(zip(*columns, strict=True)):
        where = table.place(row)
        try:
            pairs = list(zip(given["text"], given["answer_start"], strict=True))
            answers = tuple(Answer(text, int(start)) for text, start in pairs)
        except (TypeError, KeyError, ValueError):
            raise ParamsError(
                f"{where} has {kind_of(given)} in 'answers', allowed are texts and where they start"
            ) from None
        if not answers:
            raise ParamsError(
                f"{where} has no answer to the question {id_!r}, allowed is SQuAD v1.1"
            )
        for answer in answers:
            if context[answer.start : answer.start + len(answer.text)] != answer.text:
                raise ParamsError(
                    f"{where} has the answer {answer.text!r} to the question {id_!r}, which is not at "
                    f"character {answer.start} of its context"
                )
        questions.append(Question(str(id_), question, context, answers))
    return Questions(questions)


def carve(questions: Questions, share: float, seed: int) -> tuple[Questions, Questions]:
    """Split off the questions of a share of the contexts, drawn by a seed.

    All questions of a context are on the same side, and each side has at least one context.

    Returns:
        The questions that are left, and the questions that are split off.

    Raises:
        ValueError: fewer than two contexts.
    """
    context = _numbered([question.context for question in questions.questions])[1]
    number = int(context.max()) + 1
    if number < 2:
        raise ValueError(f"the questions of {number} contexts cannot be carved")
    drawn = np.random.default_rng(seed).permutation(number)
    outside = np.isin(context, drawn[: min(max(round(share * number), 1), number - 1)])
    return questions.take(np.flatnonzero(~outside)), questions.take(np.flatnonzero(outside))


def _numbered(texts: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """List the distinct texts in order of occurrence, and the number of every text in this list."""
    numbers: dict[str, int] = {}
    number_of = [numbers.setdefault(text, len(numbers)) for text in texts]
    return list(numbers), np.array(number_of, dtype=np.int64)


# --- windows ---------------------------------------------------------------------------------


def windows(
    questions: Questions, tokenizer: Tokenizer, max_length: int, stride: int
) -> tuple[Split, Asked]:
    """Tokenise every question with its context, which is cut into overlapping windows.

    A question is cut only if it has more than LONGEST_QUESTION word pieces. All windows of a question
    but the last have `max_length` tokens, and neighbouring windows share `stride` word pieces of the
    context. (The library of Chen et al. 2020, with the same numbers, starts a window every 128 word
    pieces.)

    Args:
        questions: all questions of a split.
        tokenizer: tokenizer of the encoder.
        max_length: most tokens of a window, special ones included.
        stride: word pieces that neighbouring windows share.

    Returns:
        The windows, with labels (windows, 2), int64: first and last token of the first right answer,
        or 0 and 0, which is [CLS], if a part of it is outside the window; and the questions to score.

    Raises:
        ValueError: a question leaves no more than `stride` word pieces to its context.
    """
    asking = questions.questions
    cut = [
        window
        for start in range(0, len(asking), AT_ONCE)
        for window in _windows(
            asking[start : start + AT_ONCE], start, tokenizer, max_length, stride
        )
    ]
    labels = [located(window.offsets, asking[window.question].answers[0]) for window in cut]
    split = Split(
        np.concatenate([window.ids for window in cut]),
        np.concatenate([window.types for window in cut]),
        np.concatenate([[0], np.cumsum([len(window.ids) for window in cut])]).astype(np.int64),
        np.array(labels, dtype=np.int64),
    )
    contexts, context = _numbered([question.context for question in asking])
    return split, Asked(
        [question.id for question in asking],
        [[answer.text for answer in question.answers] for question in asking],
        contexts,
        context,
        np.array([window.question for window in cut], dtype=np.int64),
        np.concatenate([window.offsets for window in cut]),
    )


@dataclass(frozen=True)
class _Window:
    question: int
    """Number of the window's question."""
    ids: NDArray[np.int32]
    types: NDArray[np.int8]
    offsets: NDArray[np.int32]


def _windows(
    questions: list[Question], first: int, tokenizer: Tokenizer, max_length: int, stride: int
) -> Iterator[_Window]:
    """Cut some questions, whose numbers start at `first`, into windows."""
    texts = [question.question for question in questions]
    tokenizer.no_truncation()
    for number, encoding in enumerate(tokenizer.encode_batch(texts, add_special_tokens=False)):
        pieces = min(len(encoding.ids), LONGEST_QUESTION)
        if len(encoding.ids) > LONGEST_QUESTION:
            texts[number] = texts[number][: encoding.offsets[LONGEST_QUESTION - 1][1]]
        room = max_length - tokenizer.num_special_tokens_to_add(True) - pieces
        if room <= stride:
            raise ValueError(
                f"the question {questions[number].id!r} has {pieces} word pieces, which leave {room} of "
                f"{max_length} tokens to its context, allowed is more than the stride of {stride}"
            )
    tokenizer.enable_truncation(max_length, stride=stride, strategy="only_second")
    contexts = [question.context for question in questions]
    pairs = list(zip(texts, contexts, strict=True))
    for number, encoding in enumerate(tokenizer.encode_batch(pairs)):
        for window in (encoding, *encoding.overflowing):
            ids = np.array(window.ids, dtype=np.int32)
            types = np.array(window.type_ids, dtype=np.int8)
            yield _Window(first + number, ids, types, _places(window))


def _places(window: Encoding) -> NDArray[np.int32]:
    """Return offsets in the context, (tokens, 2), int32; -1 for tokens outside the context."""
    inside = np.array([sequence == 1 for sequence in window.sequence_ids])
    return np.where(inside[:, np.newaxis], np.array(window.offsets, dtype=np.int32), np.int32(-1))


def located(offsets: NDArray[np.int32], answer: Answer) -> tuple[int, int]:
    """Find the first and last token of an answer; (0, 0) if a part of it is outside the window.

    White space around an answer does not count.

    Args:
        offsets: (tokens, 2), see `Asked`.
        answer: text and position in the context.
    """
    text = answer.text.strip()
    start = answer.start + answer.text.index(text)
    stop = start + len(text)
    inside = np.flatnonzero(offsets[:, 0] >= 0)
    if not len(inside) or start < offsets[inside[0], 0] or stop > offsets[inside[-1], 1]:
        return 0, 0
    touched = inside[(offsets[inside, 1] > start) & (offsets[inside, 0] < stop)]
    return (int(touched[0]), int(touched[-1])) if len(touched) else (0, 0)
