"""Scores from stored predictions: by hand, against scikit-learn and scipy, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from stages.tickets.files import Split
from stages.tickets.settings import Metric
from stages.tickets.tasks import scores
from stages.tickets.tasks.scores import Score
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import NOT_SCORED, Task

TWO = Task("two", "classification", 2, ("f1", "accuracy", "matthews"))
THREE = Task("three", "classification", 3, ("accuracy", "matthews"))
RATED = Task("rated", "regression", 1, ("pearson", "spearman"))
WORDS = Task("words", "mlm", 0, ("masked_accuracy",))
ASKED = Task("asked", "span", 2, ("answer_f1", "exact_match"))


def labelled(labels: list[int] | list[float]) -> Split:
    num = len(labels)
    floats = any(isinstance(label, float) for label in labels)
    return Split(
        np.zeros(num, dtype=np.int32),
        np.zeros(num, dtype=np.int8),
        np.arange(num + 1),
        np.array(labels, dtype=np.float32 if floats else np.int64),
    )


def scored(
    task: Task, predicted: list[list[float]], labels: list[int] | list[float]
) -> dict[str, float]:
    logits = {"validation.logits": np.array(predicted, dtype=np.float32)}
    measures = scores.score(task, logits, "validation", labelled(labels))
    return {score.metric: score.value for score in measures}


# --- laws and hand-worked examples -----------------------------------------------------------


def test_the_headline_comes_first_and_the_loss_last() -> None:
    logits = {"a.b.logits": np.array([[0, 1], [2, 0]], dtype=np.float32)}
    measures = scores.score(TWO, logits, "a.b", labelled([1, 0]))
    assert [score.metric for score in measures] == ["f1", "accuracy", "matthews", "loss"]
    assert {(score.num_examples, score.collapsed) for score in measures} == {(2, False)}


def test_classes_by_hand() -> None:
    """Predicted 1, 1, 0, 1 for 1, 0, 0, 1: two hits, one false alarm, one correct rejection."""
    measures = scored(TWO, [[0, 1], [0, 1], [1, 0], [0, 1]], [1, 0, 0, 1])
    assert measures["accuracy"] == 0.75
    assert measures["f1"] == pytest.approx(4 / 5)
    assert measures["matthews"] == pytest.approx(2 / math.sqrt(3 * 2 * 2 * 1))
    wrong, right = math.log(1 + math.e), math.log(1 + math.exp(-1))
    assert measures["loss"] == pytest.approx((wrong + 3 * right) / 4)


def test_a_large_logit_does_not_overflow() -> None:
    assert scored(THREE, [[1e4, 0, 0], [0, 0, 1e4]], [0, 0])["loss"] == pytest.approx(5e3)


def test_ratings_by_hand() -> None:
    """1, 2, 9 for 1, 2, 3: less their means -3, -2, 5 and -1, 0, 1, with products 3, 0, 5."""
    measures = scored(RATED, [[1], [2], [9]], [1.0, 2.0, 3.0])
    assert measures["spearman"] == pytest.approx(1)
    assert measures["pearson"] == pytest.approx(8 / math.sqrt(2 * 38))
    assert measures["loss"] == pytest.approx(12)


def test_hidden_words_by_hand() -> None:
    whole = labelled([0] * 5)
    labels = np.array([NOT_SCORED, 7, 8, NOT_SCORED, 9])
    split = Split(whole.ids, whole.types, np.array([0, 2, 5]), labels)
    arrays = {
        "selection.tokens": np.array([7, 5, 9], dtype=np.int32),
        "selection.losses": np.array([0.5, 2.0, 0.5], dtype=np.float32),
    }
    assert scores.score(WORDS, arrays, "selection", split) == [
        Score("masked_accuracy", 2 / 3, 3, collapsed=False),
        Score("loss", 1.0, 3, collapsed=False),
    ]


@pytest.mark.parametrize(
    ("task", "predicted", "labels", "expected"),
    [
        (TWO, [[0, 1], [1, 2], [3, 4]], [1, 0, 1], {"accuracy": 2 / 3, "f1": 0.8, "matthews": 0}),
        (TWO, [[1, 0], [2, 1], [4, 3]], [1, 0, 1], {"accuracy": 1 / 3, "f1": 0, "matthews": 0}),
        (RATED, [[2], [2], [2]], [1.0, 2.0, 3.0], {"pearson": 0, "spearman": 0}),
    ],
)
def test_a_collapsed_prediction_is_flagged_and_correlates_with_nothing(
    task: Task,
    predicted: list[list[float]],
    labels: list[int] | list[float],
    expected: dict[str, float],
) -> None:
    logits = {"validation.logits": np.array(predicted, dtype=np.float32)}
    measures = scores.score(task, logits, "validation", labelled(labels))
    assert all(score.collapsed for score in measures)
    by_metric = {score.metric: score.value for score in measures if score.metric != "loss"}
    assert by_metric == pytest.approx(expected)


@pytest.mark.parametrize(
    ("predicted", "collapsed"),
    [
        ([0.0, 1.0, 2.0, 3.0], False),
        ([0.9, 1.3, 1.7, 2.1], False),  # too close together, and still better than the mean
        ([1.48, 1.49, 1.51, 1.52], True),  # in the right order, but all the same
        ([1.44, 1.48, 1.52, 1.56], True),  # spread .0447 of labels that spread 1.118
        ([1.38, 1.46, 1.54, 1.62], False),  # and .0894
        ([3.0, 4.0, 5.0, 6.0], True),  # a perfect correlation, and worse than any constant near 1.5
        ([3.0, 2.0, 1.0, 0.0], True),
        ([1.5, 1.5, 1.5, 1.5], True),
    ],
)
def test_a_regression_that_is_no_better_than_a_constant_has_collapsed(
    predicted: list[float], collapsed: bool
) -> None:
    """Labels 0 to 3 have the mean 1.5 and the variance 1.25, which is the loss of the best constant."""
    labels = [0.0, 1.0, 2.0, 3.0]
    logits = {"v.logits": np.array(predicted, dtype=np.float32)[:, None]}
    measures = scores.score(RATED, logits, "v", labelled(labels))
    assert {score.collapsed for score in measures} == {collapsed}
    if len(set(predicted)) > 1:  # the correlation is what it is
        expected = stats.pearsonr(np.array(predicted, np.float32), labels).statistic
        assert measures[0].value == pytest.approx(expected)


def test_one_word_for_everything_is_flagged() -> None:
    arrays = {"v.tokens": np.array([7, 7]), "v.losses": np.array([0.5, 1.5])}
    measures = scores.score(WORDS, arrays, "v", labelled([7, 8]))
    assert measures[0] == Score("masked_accuracy", 0.5, 2, collapsed=True)


@pytest.mark.parametrize(
    ("task", "arrays"),
    [
        (TWO, {"v.logits": np.zeros((2, 2))}),
        (RATED, {"v.logits": np.zeros((2, 1))}),
        (WORDS, {"v.tokens": np.zeros(2), "v.losses": np.zeros(2)}),
    ],
)
def test_another_number_of_predictions_is_refused(
    task: Task, arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
) -> None:
    with pytest.raises(ValueError, match="v has 2 predictions for 3 labels"):
        scores.score(task, arrays, "v", labelled([1, 0, 1]))


# --- against scikit-learn and scipy ----------------------------------------------------------


@given(st.integers(0, 1000), st.integers(2, 4))
def test_classification_agrees_with_scikit_learn(seed: int, num_labels: int) -> None:
    generator = np.random.default_rng(seed)
    labels = [*range(num_labels), *generator.integers(0, num_labels, 30).tolist()]
    logits = generator.normal(size=(len(labels), num_labels))
    f1: tuple[Metric, ...] = ("f1",) if num_labels == 2 else ()
    task = Task("task", "classification", num_labels, ("accuracy", "matthews", *f1))
    measures = scored(task, logits.tolist(), labels)
    predicted = logits.argmax(-1)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert measures["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert measures["matthews"] == pytest.approx(metrics.matthews_corrcoef(labels, predicted))
    if num_labels == 2:
        assert measures["f1"] == pytest.approx(metrics.f1_score(labels, predicted))
    assert measures["loss"] == pytest.approx(metrics.log_loss(labels, probabilities), rel=1e-5)


@given(st.integers(0, 1000))
def test_regression_agrees_with_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, 25) / 2
    predicted = np.round(labels + generator.normal(size=25), 1)  # with ties in both
    measures = scored(RATED, predicted[:, None].tolist(), labels.tolist())
    assert measures["pearson"] == pytest.approx(
        stats.pearsonr(labels, predicted).statistic, abs=1e-6
    )
    spearman = stats.spearmanr(labels, predicted.astype(np.float32)).statistic
    assert measures["spearman"] == pytest.approx(spearman, abs=1e-6)
    assert measures["loss"] == pytest.approx(
        metrics.mean_squared_error(labels, predicted), rel=1e-5
    )


def two_questions(logits: list[tuple[float, float]]) -> list[Score]:
    """Two windows of [CLS] and the words the, cat, sees, dog; asked are cat and sees dog."""
    text, places = "the cat sees dog", [(-1, -1), (0, 3), (4, 7), (8, 12), (13, 16)]
    asked = Asked(
        ["a", "b"], [["the cat", "a dog"], ["sees the dog"]], [text],
        np.zeros(2, dtype=np.int64), np.arange(2), np.array(places * 2, dtype=np.int32),
    )  # fmt: skip
    split = Split(
        np.zeros(10, dtype=np.int32),
        np.zeros(10, dtype=np.int8),
        np.array([0, 5, 10]),
        np.array([[1, 2], [3, 4]]),
    )
    given = {"x.logits": np.array(logits, dtype=np.float32)}
    return scores.score(ASKED, given, "x", split, asked)


def test_answers_by_hand() -> None:
    """Said: cat, which is right but for its article, and dog, one of two words."""
    zero = [(0.0, 0.0)]
    measures = two_questions([*zero * 2, (5, 5), *zero * 2, *zero * 4, (5, 5)])
    assert [row.metric for row in measures] == ["answer_f1", "exact_match", "loss"]
    assert {(row.num_examples, row.collapsed) for row in measures} == {(2, False)}
    assert measures[0].value == pytest.approx((1 + 2 / 3) / 2)
    assert measures[1].value == 0.5
    miss, hit = math.log(math.exp(5) + 4), math.log(math.exp(5) + 4) - 5
    assert measures[2].value == pytest.approx((miss + hit + miss + hit) / 4)


def test_answers_that_are_always_the_same_are_flagged() -> None:
    zero = [(0.0, 0.0)]
    always_cls = [(9.0, 9.0), *zero * 2, (1, 0), (0, 1), (9, 9), (1, 1), *zero * 3]
    measures = two_questions(always_cls)  # the answers differ, but the model says [CLS]
    assert all(row.collapsed for row in measures)
    same_text = [*zero * 2, (5, 5), *zero * 2, (9, 9), *zero, (5, 5), *zero * 2]
    assert all(row.collapsed for row in two_questions(same_text))


def test_another_number_of_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="x has 3 predictions for 10 tokens"):
        two_questions([(0, 0)] * 3)
