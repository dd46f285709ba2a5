"""Sets of sequences: made of examples, stored, and refused if they are not what they should be."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.distillation import coresets, sets
from stages.tickets.distillation.sets import Sequences
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared

WORDS = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)


@pytest.fixture
def sequences(prepared: Prepared) -> Sequences:
    return sets.of_rows(prepared.task, prepared.train, np.array([2, 4]), WORDS)


def test_a_set_of_examples_has_their_words_lengths_and_labels(
    prepared: Prepared, sequences: Sequences
) -> None:
    train = prepared.train
    assert sequences.embeddings.shape == (2, int(train.lengths[[2, 4]].max()), 4)
    for number, row in enumerate((2, 4)):
        ids = train.ids[train.starts[row] : train.starts[row + 1]]
        np.testing.assert_array_equal(
            sequences.embeddings[number][sequences.there[number]], WORDS[ids]
        )
        assert sequences.lengths[number] == len(ids)
    assert (sequences.embeddings[~sequences.there] == 0).all()
    np.testing.assert_array_equal(sequences.labels, [[0, 1], [1, 0]])
    assert sequences.rows.tolist() == [2, 4]


def test_pairs_keep_their_token_types_and_scores_stay_as_they_are(prepared_pairs: Prepared) -> None:
    train = prepared_pairs.train
    of_pairs = sets.of_rows(prepared_pairs.task, train, np.arange(3), WORDS)
    np.testing.assert_array_equal(of_pairs.types[of_pairs.there], train.types[: train.starts[3]])
    assert of_pairs.types.any()
    np.testing.assert_array_equal(of_pairs.labels[:, 0], train.labels[:3])


def test_a_set_is_read_as_it_was_written_and_equal_sets_have_equal_bytes(
    sequences: Sequences, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        sets.save(sequences, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    for name, array in asdict(sets.load(tmp_path / "a")).items():
        np.testing.assert_array_equal(array, getattr(sequences, name))
        assert array.dtype == getattr(sequences, name).dtype


CHANGES: dict[str, tuple[Callable[[Sequences], Sequences], str]] = {
    "labels": (
        lambda s: replace(s, labels=s.labels[:1]),
        r"labels has the shape \(1, 2\), allowed",
    ),
    "tokens": (lambda s: replace(s, types=s.types[:, 1:]), r"types has the shape"),
    "axes": (lambda s: replace(s, embeddings=s.embeddings[0]), r"embeddings has the shape"),
    "none": (lambda s: Sequences(*(a[:0] for a in asdict(s).values())), r"allowed is \(sequences"),
    "left": (lambda s: replace(s, there=s.there[:, ::-1].copy()), "tokens first and padding after"),
    "empty": (lambda s: replace(s, there=s.there & False), "tokens first and padding after"),
    "nan": (
        lambda s: replace(s, labels=s.labels * np.nan),
        "labels has a value that is not finite",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_is_no_set_is_refused(name: str, sequences: Sequences, tmp_path: Path) -> None:
    change, problem = CHANGES[name]
    sets.save(change(sequences), tmp_path / "set")
    with pytest.raises(UserError, match=f"set is not a set of sequences: .*{problem}"):
        sets.load(tmp_path / "set")


def test_a_file_of_other_arrays_and_a_broken_file_are_refused(
    sequences: Sequences, tmp_path: Path
) -> None:
    arrays = asdict(sequences)
    files.save_arrays(arrays | {"rates": np.ones(3)}, tmp_path / "more")
    del arrays["rows"]
    files.save_arrays(arrays, tmp_path / "less")
    (tmp_path / "broken").write_bytes(b"no tensors")
    for name, problem in {"more": "also has 'rates'", "less": "lacks 'rows'", "broken": ""}.items():
        with pytest.raises(
            UserError, match=f"{name} is not a set of sequences: .*{problem}.*anew$"
        ):
            sets.load(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="dvc repro"):
        sets.load(tmp_path / "none")


def test_tasks_without_labels_are_refused(
    prepared_spans: Prepared, prepared_words: Prepared
) -> None:
    for task, kind in ((prepared_spans, "span"), (prepared_words, "mlm")):
        with pytest.raises(UserError, match=f"{task.task.name}' is of the kind '{kind}', allowed"):
            sets.of_rows(task.task, task.train, np.arange(2), WORDS)
        with pytest.raises(UserError, match=f"is of the kind '{kind}', allowed"):
            coresets.classes(task, 1)
