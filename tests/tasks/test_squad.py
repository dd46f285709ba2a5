"""Answers of SQuAD v1.1: how they are compared, and how they come out of logits."""

import re
import string
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax

from stages.tickets.tasks import squad
from stages.tickets.tasks.squad import Asked

# --- comparing answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Cat", "cat"),
        ("  a   cat\tand\nthe dog ", "cat and dog"),
        ("theatre, another, an anthem; a", "theatre another anthem"),  # articles inside words stay
        ("U.S.", "us"),
        ("the-cat", "thecat"),  # punctuation goes first, so there is no article left
        ("a.b", "ab"),
        ("the\u2013cat", "\u2013cat"),  # an en dash is no punctuation of ASCII, and ends a word
        ("Beyonc\u00e9\u2019s", "beyonc\u00e9\u2019s"),
        ("\u00c9COLE", "\u00e9cole"),
        ("24\u201310", "24\u201310"),
        ("$1,000.50", "100050"),
        ("", ""),
        ("the", ""),
        ("A... an!", ""),
        ("\u00a0x\u00a0", "x"),
    ],
)
def test_answers_are_compared_without_case_punctuation_articles_and_blanks(
    text: str, plain: str
) -> None:
    assert squad.normalised(text) == plain


@given(st.text(alphabet=[*"aAnThe ,.-\n\t", "\u2013", "\u00e9", "\u00a0"], max_size=20))
def test_an_answer_is_compared_as_word_by_word(text: str) -> None:
    """Articles are taken out one by one, by looking at their neighbours."""
    bare = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    kept, place = "", 0
    while place < len(bare):
        matched = re.compile(r"\w+").match(bare, place)
        word = matched.group() if matched else bare[place]
        kept += " " if word in ("a", "an", "the") else word
        place += len(word)
    assert squad.normalised(text) == " ".join(kept.split())


@pytest.mark.parametrize(
    ("answer", "golds", "overlap", "match"),
    [
        ("The Denver Broncos", ["Denver Broncos"], 1.0, True),
        ("Broncos", ["Denver Broncos"], 2 / 3, False),
        ("the Denver Broncos team", ["Denver Broncos"], 4 / 5, False),
        ("cat", ["dog"], 0.0, False),
        ("cat", ["dog", "old cat", "Cat!"], 1.0, True),  # the best of several
        ("two cats", ["cats", "two dogs here"], 2 / 3, False),
        ("a a cat cat", ["cat"], 2 / 3, False),  # a word counts as often as it is in both
        ("", ["cat"], 0.0, False),
        ("the", ["A."], 0.0, True),  # nothing is left of either: equal, and yet no word in common
        ("", ["the", "cat"], 0.0, True),
    ],
)
def test_overlap_and_match_by_hand(
    answer: str, golds: list[str], overlap: float, match: bool
) -> None:
    assert squad.f1(answer, golds) == pytest.approx(overlap)
    assert squad.exact_match(answer, golds) is match


WORDS = st.lists(st.sampled_from(["cat", "dog", "the", "x.", "X"]), max_size=6).map(" ".join)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_the_overlap_is_that_of_precision_and_recall(answer: str, golds: list[str]) -> None:
    best = 0.0
    for gold in golds:
        left = squad.normalised(gold).split()
        total, hits = len(left), 0
        said = squad.normalised(answer).split()
        for word in said:
            if word in left:
                left.remove(word)
                hits += 1
        if hits:
            precision, recall = hits / len(said), hits / total
            best = max(best, 2 * precision * recall / (precision + recall))
    assert squad.f1(answer, golds) == pytest.approx(best)


# --- from logits to answers ------------------------------------------------------------------


def brute_force(logits: NDArray[np.float64], inside: NDArray[np.bool_]) -> float | None:
    """The highest sum over all allowed pairs, one at a time."""
    starts, ends = (
        sorted(range(len(logits)), key=lambda i: -logits[i, side])[: squad.NUM_BEST]
        for side in (0, 1)
    )
    sums = [
        logits[first, 0] + logits[last, 1]
        for first, last in product(starts, ends)
        if inside[first] and inside[last] and first <= last < first + squad.MOST_TOKENS
    ]
    return max(sums, default=None)


@pytest.mark.parametrize("num", [1, 5, 60])
@given(st.integers(0, 10_000))
def test_the_best_span_is_that_of_all_pairs(num: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(num, 2))
    inside = generator.random(num) < 0.7
    best, expected = squad.best_span(logits, inside), brute_force(logits, inside)
    assert (best is None) == (expected is None)
    if best is not None:
        total, first, last = best
        assert total == pytest.approx(expected)
        assert logits[first, 0] + logits[last, 1] == pytest.approx(total)
        assert inside[first]
        assert inside[last]
        assert 0 <= last - first < squad.MOST_TOKENS


def test_an_answer_has_at_most_thirty_tokens() -> None:
    logits = np.zeros((80, 2))
    logits[5, 0], logits[5 + 30, 1], logits[5 + 29, 1] = 9, 9, 8
    everywhere = np.ones(80, dtype=bool)
    assert squad.best_span(logits, everywhere) == (17, 5, 34)


def test_an_end_is_not_before_its_start_and_nothing_is_outside_the_context() -> None:
    logits = np.zeros((6, 2))
    logits[4, 0], logits[2, 1] = 9, 9  # backwards
    logits[0] = 20  # [CLS]
    inside = np.array([False, False, True, True, True, True])
    assert squad.best_span(logits, inside) == (9, 4, 4)


def test_without_context_there_is_no_span() -> None:
    assert squad.best_span(np.zeros((4, 2)), np.zeros(4, dtype=bool)) is None


def test_starts_and_ends_beyond_the_best_twenty_are_not_tried() -> None:
    """As in the official rule, tokens of the question take places among the twenty."""
    logits = np.zeros((30, 2))
    logits[:20] = 1  # of the question
    inside = np.arange(30) >= 20
    assert squad.best_span(logits, inside) is None
    logits[19] = -1
    assert squad.best_span(logits, inside) == (0, 20, 20)


TEXT = "the cat sees the old dog"
PLACES = {word: (TEXT.index(word), TEXT.index(word) + len(word)) for word in TEXT.split()}
PLACES |= {"[CLS]": (-1, -1), "who": (-1, -1)}


def asked_of(windows: list[list[str]], question: list[int], golds: list[list[str]]) -> Asked:
    return Asked(
        [f"q{number}" for number in range(len(golds))],
        golds,
        [TEXT],
        np.zeros(len(golds), dtype=np.int64),
        np.array(question),
        np.array([PLACES[word] for words in windows for word in words], dtype=np.int32),
    )


def test_the_best_answer_over_all_windows_of_a_question() -> None:
    windows = [["[CLS]", "who", "cat", "sees"], ["[CLS]", "who", "old", "dog"], ["[CLS]", "who"]]
    asked = asked_of(windows, [0, 0, 1], [["cat"], ["dog"]])
    logits = np.zeros((10, 2), dtype=np.float32)
    logits[2] = 1  # cat
    logits[6, 0], logits[7, 1] = 2, 2  # old dog
    starts = np.array([0, 4, 8, 10])
    assert squad.answers(asked, logits, starts) == ["old dog", ""]
    logits[2] = 3
    assert squad.answers(asked, logits, starts) == ["cat", ""]


def test_of_equal_answers_the_first_window_has_it() -> None:
    asked = asked_of([["cat"], ["dog"]], [0, 0], [["cat"]])
    assert squad.answers(asked, np.zeros((2, 2), np.float32), np.array([0, 1, 2])) == ["cat"]


def test_the_most_likely_tokens_of_every_window() -> None:
    logits = np.array([[1, 0], [0, 5], [2, 2], [2, 3], [9, 0]], dtype=np.float32)
    assert squad.most_likely(logits, np.array([0, 2, 5])).tolist() == [[0, 1], [2, 1]]


@given(st.integers(0, 1000))
def test_the_loss_is_the_mean_cross_entropy_of_starts_and_ends(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 9, 4)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    logits = generator.normal(0, 50, (int(starts[-1]), 2)).astype(np.float32)
    labels = np.stack([generator.integers(0, lengths), generator.integers(0, lengths)], axis=1)
    expected = [
        -log_softmax(logits[start : start + length, side].astype(np.float64))[right[side]]
        for start, length, right in zip(starts, lengths, labels, strict=False)
        for side in (0, 1)
    ]
    assert squad.loss(logits, starts, labels) == pytest.approx(np.mean(expected))
