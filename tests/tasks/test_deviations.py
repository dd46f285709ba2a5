"""What each example adds to a score: against leaving examples out, and by hand."""

import numpy as np
import pytest

from stages.tickets.files import Split
from stages.tickets.settings import Kind, Metric
from stages.tickets.tasks import scores, squad
from stages.tickets.tasks.deviations import deviations
from stages.tickets.tasks.task import NOT_SCORED, Task

NUM = 400


def split_of(labels: np.ndarray) -> Split:
    ids = np.zeros(len(labels))
    return Split(ids.astype(np.int32), ids.astype(np.int8), np.arange(len(labels) + 1), labels)


def without(split: Split, left_out: int) -> Split:
    return split_of(np.delete(split.labels, left_out))


def made(metric: Metric) -> tuple[Task, Split, np.ndarray]:
    """Predictions that are often right, of two or of three classes, or of a number."""
    rng = np.random.default_rng(0)
    if metric in ("pearson", "spearman"):
        numbers = rng.normal(size=NUM)
        task = Task("made", "regression", 1, (metric,))
        return task, split_of(numbers), (numbers + rng.normal(size=NUM))[:, None]
    classes = 3 if metric == "matthews" else 2
    labels = rng.integers(0, classes, NUM)
    predicted = np.where(rng.random(NUM) < 0.7, labels, rng.integers(0, classes, NUM))
    task = Task("made", "classification", classes, (metric,))
    return task, split_of(labels), np.eye(classes)[predicted]


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews", "pearson"])
def test_leaving_an_example_out_moves_the_score_by_what_it_adds(metric: Metric) -> None:
    """The score without an example is lower by its deviation over n - 1, up to the next order."""
    task, split, logits = made(metric)
    moved = deviations(task, {"v.logits": logits}, "v", split)
    assert moved.shape == (NUM,)
    assert moved.mean() == pytest.approx(0, abs=1e-12)
    score = scores.score(task, {"v.logits": logits}, "v", split)[0].value
    for left_out in range(0, NUM, 20):
        arrays = {"v.logits": np.delete(logits, left_out, axis=0)}
        less = scores.score(task, arrays, "v", without(split, left_out))[0].value
        assert (score - less) * (NUM - 1) == pytest.approx(moved[left_out], abs=0.03)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews", "pearson", "spearman"])
def test_the_error_is_that_of_drawing_examples_again(metric: Metric) -> None:
    task, split, logits = made(metric)
    rng = np.random.default_rng(1)
    again = []
    for _ in range(300):
        drawn = rng.integers(0, NUM, NUM)
        arrays = {"v.logits": logits[drawn]}
        again.append(scores.score(task, arrays, "v", split_of(split.labels[drawn]))[0].value)
    moved = deviations(task, {"v.logits": logits}, "v", split)
    error = moved.std() / np.sqrt(NUM)
    assert np.std(again) == pytest.approx(error, rel=0.25 if metric == "spearman" else 0.12)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("regression", "pearson"), ("classification", "matthews"), ("classification", "f1")],
)
def test_a_constant_adds_nothing(kind: Kind, metric: Metric) -> None:
    outputs = 1 if kind == "regression" else 2
    logits = np.zeros((4, outputs))
    labels = np.array([0.0, 1.0, 2.0, 3.0]) if kind == "regression" else np.array([0, 0, 1, 0])
    moved = deviations(
        Task("x", kind, outputs, (metric,)), {"v.logits": logits}, "v", split_of(labels)
    )
    assert moved.tolist() == [0, 0, 0, 0]


def test_hidden_words_are_summed_by_sentence() -> None:
    """Two sentences: of the first both hidden words are found, of the second none of one."""
    labels = np.array([NOT_SCORED, 5, 6, NOT_SCORED, 7])
    split = Split(np.zeros(5, np.int32), np.zeros(5, np.int8), np.array([0, 3, 5]), labels)
    task = Task("mlm", "mlm", 0, ("masked_accuracy",))
    moved = deviations(task, {"v.tokens": np.array([5, 6, 8])}, "v", split)
    assert moved == pytest.approx(np.array([2 / 3, -2 / 3]) * 2 / 3)


def test_questions_count_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    none = np.zeros(0, np.int64)
    asked = squad.Asked(["q", "r"], [["a"], ["b"]], ["c"], none, none, none.astype(np.int32))
    monkeypatch.setattr(squad, "answers", lambda *_: ["a", "x"])
    task = Task("squad", "span", 2, ("exact_match", "answer_f1"))
    split = split_of(np.zeros(2))
    moved = deviations(task, {"v.logits": np.zeros((2, 2))}, "v", split, asked)
    assert moved.tolist() == [0.5, -0.5]
