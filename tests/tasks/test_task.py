"""Splits: taking and carving examples, hiding words, and a task that comes back from its folder."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.files import Split
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task, Vocabulary

VOCABULARY = Vocabulary(size=30, pad=0, mask=4, special=(0, 1, 2, 3, 4))


def split_of(num: int) -> Split:
    """Example i is [CLS], i % 3 + 1 words, [SEP], and its label is i."""
    examples = [[2, *range(5 + i % 20, 6 + i % 20 + i % 3), 3] for i in range(num)]
    return Split(
        np.concatenate([np.array(example, dtype=np.int32) for example in examples]),
        np.concatenate([np.full(len(e), i % 2, dtype=np.int8) for i, e in enumerate(examples)]),
        np.concatenate([[0], np.cumsum([len(example) for example in examples])]),
        np.arange(num),
    )


def examples_of(split: Split) -> list[tuple[int, ...]]:
    """Label, tokens and token types of every example."""
    spans = zip(split.starts[:-1], split.starts[1:], strict=True)
    return [
        (int(label), *split.ids[start:stop].tolist(), *split.types[start:stop].tolist())
        for label, (start, stop) in zip(split.labels, spans, strict=True)
    ]


# --- taking and carving ----------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_taken_examples_come_whole_and_in_order(numbers: list[int]) -> None:
    whole = split_of(10)
    taken = tasks.take(whole, np.array(numbers))
    assert examples_of(taken) == [examples_of(whole)[number] for number in numbers]
    assert [array.dtype for array in (taken.ids, taken.types, taken.starts, taken.labels)] == [
        array.dtype for array in (whole.ids, whole.types, whole.starts, whole.labels)
    ]


def test_taken_examples_by_hand() -> None:
    taken = tasks.take(split_of(3), np.array([2, 0]))
    assert taken.ids.tolist() == [2, 7, 8, 9, 3, 2, 5, 3]
    assert taken.starts.tolist() == [0, 5, 8]
    assert taken.labels.tolist() == [2, 0]


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 2**63 - 1))
def test_carving_parts_the_examples_in_two(num: int, share: float, seed: int) -> None:
    whole = split_of(num)
    train, selection = tasks.carve(whole, share, seed)
    assert sorted(examples_of(train) + examples_of(selection)) == examples_of(whole)
    assert examples_of(train) == sorted(examples_of(train))
    assert min(len(train), len(selection)) >= 1
    assert abs(len(selection) - share * num) <= 1


def test_carving_depends_on_the_seed_alone() -> None:
    first, again, other = (tasks.carve(split_of(50), 0.2, seed)[1].labels for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert len(first) == 10


def test_a_split_of_one_example_cannot_be_carved() -> None:
    with pytest.raises(ValueError, match="it has 1, allowed are two or more"):
        tasks.carve(split_of(1), 0.5, 0)


# --- hiding words ----------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 29), min_size=1, max_size=60),
    st.integers(1, 99).map(lambda percent: percent / 100),
    st.integers(0, 1000),
)
def test_exactly_the_share_of_the_words_is_hidden_and_nothing_else(
    tokens: list[int], share: float, seed: int
) -> None:
    ids = np.array(tokens, dtype=np.int32)
    before = ids.copy()
    seen, labels = tasks.hide_words(ids, VOCABULARY, share, np.random.default_rng(seed))
    hidden = labels != NOT_SCORED
    num_words = int((ids > 4).sum())
    assert hidden.sum() == min(max(round(share * num_words), 1), num_words)
    assert not hidden[ids <= 4].any()
    np.testing.assert_array_equal(labels[hidden], ids[hidden])
    np.testing.assert_array_equal(seen[~hidden], ids[~hidden])
    assert ((seen[hidden] >= 4) & (seen[hidden] < 30)).all()  # a word, or the mask
    np.testing.assert_array_equal(ids, before)
    assert [seen.dtype.name, labels.dtype.name] == ["int32", "int64"]


def test_where_there_are_no_words_nothing_is_hidden() -> None:
    ids = np.array([[2, 3, 0], [2, 3, 0]], dtype=np.int64)
    seen, labels = tasks.hide_words(ids, VOCABULARY, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(seen, ids)
    assert (labels == NOT_SCORED).all()


def test_the_shape_stays() -> None:
    ids = np.arange(5, 29, dtype=np.int64).reshape(2, 3, 4)
    seen, labels = tasks.hide_words(ids, VOCABULARY, 0.5, np.random.default_rng(0))
    assert seen.shape == labels.shape == ids.shape
    flat, _ = tasks.hide_words(ids.ravel(), VOCABULARY, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(seen.ravel(), flat)


def test_of_hidden_words_most_are_masked_some_swapped_and_some_left() -> None:
    ids = np.full(40_000, 17, dtype=np.int32)
    seen, labels = tasks.hide_words(ids, VOCABULARY, 0.5, np.random.default_rng(0))
    at_hidden = seen[labels != NOT_SCORED]
    assert len(at_hidden) == 20_000
    shares = np.bincount(at_hidden, minlength=30) / 20_000
    assert shares[4] == pytest.approx(0.8, abs=0.015)
    assert shares[17] == pytest.approx(0.1 + 0.1 / 25, abs=0.01)  # left, or swapped with itself
    others = np.delete(shares[5:], 17 - 5)
    assert others == pytest.approx(np.full(24, 0.1 / 25), abs=0.003)
    assert shares[:4].sum() == 0


def test_a_split_with_hidden_words_has_one_label_per_token() -> None:
    whole = split_of(12)
    first, again, other = (
        tasks.hide_in_split(whole, VOCABULARY, 0.4, seed=seed) for seed in (1, 1, 2)
    )
    assert len(first) == 12
    assert first.labels.shape == whole.ids.shape
    np.testing.assert_array_equal(first.starts, whole.starts)
    np.testing.assert_array_equal(first.types, whole.types)
    hidden = first.labels != NOT_SCORED
    np.testing.assert_array_equal(first.labels[hidden], whole.ids[hidden])
    np.testing.assert_array_equal(first.ids, again.ids)
    assert (first.labels != other.labels).any()


def test_golden_hidden_words() -> None:
    ids = np.arange(2, 26, dtype=np.int32)
    seen, labels = tasks.hide_words(ids, VOCABULARY, 0.3, np.random.default_rng(0))
    hidden_words = {int(labels[i]): int(seen[i]) for i in np.flatnonzero(labels != NOT_SCORED)}
    assert hidden_words == {5: 5, 10: 4, 11: 27, 14: 4, 15: 4, 18: 4}  # one is left and one swapped


# --- a prepared task -------------------------------------------------------------------------


def test_empty_texts_are_counted_in_the_file_of_a_task_that_has_them(tmp_path: Path) -> None:
    task = Task("own", "classification", 3, ("accuracy",))
    for number in (0, 2):
        prepared = Prepared(task, VOCABULARY, split_of(9), {"validation": split_of(4)}, number)
        tasks.save_prepared(prepared, tmp_path / str(number))
        assert tasks.load_prepared(tmp_path / str(number)).empty_texts == number
        assert ("empty_texts" in (tmp_path / str(number) / "task.json").read_text()) == (number > 0)


def test_a_prepared_task_comes_back(tmp_path: Path) -> None:
    task = Task("own", "classification", 3, ("accuracy", "matthews"))
    evaluated = {
        "selection": split_of(3),
        "validation": split_of(4),
        "validation_mismatched": split_of(2),
    }
    tasks.save_prepared(Prepared(task, VOCABULARY, split_of(9), evaluated), tmp_path / "own")
    loaded = tasks.load_prepared(tmp_path / "own")
    assert loaded.task == task
    assert loaded.empty_texts == 0
    assert loaded.vocabulary == VOCABULARY
    assert list(loaded.evaluated) == list(evaluated)
    assert examples_of(loaded.train) == examples_of(split_of(9))
    for name, split in evaluated.items():
        assert examples_of(loaded.evaluated[name]) == examples_of(split)


def test_labels_of_regression_come_back_as_floats(tmp_path: Path) -> None:
    whole = split_of(3)
    rated = Split(whole.ids, whole.types, whole.starts, np.array([0.5, 5, 2.25], dtype=np.float32))
    task = Task("rated", "regression", 1, ("pearson",))
    tasks.save_prepared(Prepared(task, VOCABULARY, rated, {"validation": rated}), tmp_path)
    loaded = tasks.load_prepared(tmp_path).train.labels
    assert loaded.dtype == np.float32
    assert loaded.tolist() == [0.5, 5, 2.25]
