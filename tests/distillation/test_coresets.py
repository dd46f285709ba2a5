"""Random, herded and noise sets: which examples, how many, and what becomes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.distillation import coresets, sets
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared

POINTS = np.array([[0.0], [1.0], [2.0], [10.0]])
ALL = [np.arange(4)]


def test_herding_worked_by_hand() -> None:
    """The mean is 3.25; the sums that are due are 3.25, 6.5 and 9.75."""
    assert coresets.herding(POINTS, ALL, 3).tolist() == [2, 1, 3]


def test_herding_of_as_many_as_there_are_is_the_class() -> None:
    assert sorted(coresets.herding(POINTS, ALL, 4)) == [0, 1, 2, 3]


def test_herding_takes_equals_in_the_order_of_their_numbers() -> None:
    points = np.array([[1.0], [3.0], [1.0], [3.0]])
    assert coresets.herding(points, ALL, 4).tolist() == [0, 1, 2, 3]


@given(st.integers(0, 1000), st.integers(1, 5))
def test_herded_examples_are_of_their_class_and_come_once(seed: int, per_class: int) -> None:
    points = np.random.default_rng(seed).standard_normal((12, 3))
    groups = [np.array([0, 3, 4, 7, 9]), np.array([1, 2, 5, 6, 8, 10, 11])]
    picks = coresets.herding(points, groups, per_class)
    first, second = picks[:per_class], picks[per_class:]
    assert set(first) <= set(groups[0])
    assert set(second) <= set(groups[1])
    assert len(set(picks)) == 2 * per_class == len(picks)


def test_random_examples_are_as_many_of_every_class(prepared: Prepared) -> None:
    groups = coresets.classes(prepared, 3)
    picks = coresets.random(groups, 3, np.random.default_rng(1))
    assert np.bincount(prepared.train.labels[picks]).tolist() == [3, 3]
    assert (np.diff(picks) > 0).all()
    others = {tuple(coresets.random(groups, 3, np.random.default_rng(s))) for s in range(9)}
    assert len(others) > 1


def test_a_task_of_scores_is_one_class(prepared_pairs: Prepared) -> None:
    (group,) = coresets.classes(prepared_pairs, 6)
    assert group.tolist() == list(range(6))


def test_a_class_smaller_than_the_set_is_an_error(
    prepared: Prepared, prepared_pairs: Prepared
) -> None:
    with pytest.raises(
        UserError,
        match="per_class is 5, but class 0 of task 'acceptability' has 4 training examples, so allowed "
        "is at most 4",
    ):
        coresets.classes(prepared, 5)
    with pytest.raises(UserError, match="per_class is 7, but task 'similarity' has 6 training"):
        coresets.classes(prepared_pairs, 7)


def test_noise_has_the_lengths_and_labels_of_examples_in_another_order(prepared: Prepared) -> None:
    words = np.random.default_rng(0).standard_normal((40, 300)).astype(np.float32)
    real = sets.of_rows(prepared.task, prepared.train, np.arange(8), words)
    noise = coresets.noise(real, 0.25, np.random.default_rng(0))
    assert noise.embeddings.dtype == np.float32
    assert noise.embeddings[noise.there].std() == pytest.approx(0.25, rel=0.02)
    assert noise.embeddings[noise.there].mean() == pytest.approx(0, abs=0.01)
    assert (noise.embeddings[~noise.there] == 0).all()
    np.testing.assert_array_equal(noise.there, real.there)
    assert (noise.labels != real.labels).any()
    np.testing.assert_array_equal(noise.labels.sum(axis=0), real.labels.sum(axis=0))
