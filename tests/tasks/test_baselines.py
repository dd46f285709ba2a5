"""The majority and the bag of words: by hand, and against scikit-learn on the texts themselves."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from stages.tickets.files import Split
from stages.tickets.tasks import baselines
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task, Vocabulary

VOCABULARY = Vocabulary(size=12, pad=0, mask=4, special=(0, 1, 2, 3, 4))
# Words of the first text, words of the second, label.
TRAIN = [
    ([5, 6, 6], [7], 1),
    ([5, 8], [7, 9], 0),
    ([6, 10], [11], 2),
    ([5, 5, 5], [8], 1),
    ([9], [6, 5], 0),
    ([10, 11], [6], 2),
]
VALIDATION = [([5, 6], [7], 1), ([8, 8], [9], 0), ([5], [5], 2)]

Rows = list[tuple[list[int], list[int], int]]


def split_of(rows: Rows, dtype: type = np.int64) -> Split:
    """[CLS] first [SEP] second [SEP]."""
    ids = [[2, *first, 3, *second, 3] for first, second, _ in rows]
    types = [[0] * (len(first) + 2) + [1] * (len(second) + 1) for first, second, _ in rows]
    return Split(
        np.concatenate([np.array(one, dtype=np.int32) for one in ids]),
        np.concatenate([np.array(one, dtype=np.int8) for one in types]),
        np.cumsum([0, *map(len, ids)]),
        np.array([label for _, _, label in rows], dtype=dtype),
    )


def prepared_of(
    kind: str, num_labels: int, train: Rows = TRAIN, validation: Rows = VALIDATION
) -> Prepared:
    dtype = np.float32 if kind == "regression" else np.int64
    evaluated = {
        "selection": split_of(validation[:2], dtype),
        "validation": split_of(validation, dtype),
    }
    metric = {"regression": "pearson", "classification": "accuracy"}[kind]
    task = Task("mine", kind, num_labels, (metric,))  # type: ignore[arg-type]
    return Prepared(task, VOCABULARY, split_of(train, dtype), evaluated)


def features(rows: Rows) -> list[tuple[str, str]]:
    return [
        (" ".join(map(str, [2, *first, 3])), " ".join(map(str, [*second, 3])))
        for first, second, _ in rows
    ]


# --- by hand ---------------------------------------------------------------------------------


def test_every_split_gets_both_baselines() -> None:
    found = baselines.predict(prepared_of("classification", 3))
    assert {name: array.shape for name, array in found.items()} == {
        f"{baseline}.{split}.logits": (num, 3)
        for baseline in ("majority", "bag_of_words")
        for split, num in {"selection": 2, "validation": 3}.items()
    }
    assert all(array.dtype == np.float32 for array in found.values())


@pytest.mark.parametrize(
    ("labels", "majority"), [([1, 1, 0], 1), ([2, 0, 2], 2), ([1, 0, 2], 0), ([2, 1, 2, 1], 1)]
)
def test_the_majority_is_the_most_frequent_class_and_of_equals_the_first(
    labels: list[int], majority: int
) -> None:
    train: Rows = [([5 + label], [6], label) for label in labels]
    found = baselines.predict(prepared_of("classification", 3, train))
    assert found["majority.validation.logits"].argmax(-1).tolist() == [majority] * 3


def test_the_majority_of_ratings_is_their_mean() -> None:
    found = baselines.predict(prepared_of("regression", 1))
    assert found["majority.validation.logits"].ravel().tolist() == [1.0] * 3


def test_a_class_that_training_lacks_is_never_said() -> None:
    train: Rows = [([5], [6], 0), ([7], [8], 2), ([5], [7], 0)]
    found = baselines.predict(prepared_of("classification", 4, train))
    logits = found["bag_of_words.validation.logits"]
    assert logits.shape == (3, 4)
    assert (logits[:, [1, 3]] < logits[:, [0, 2]].min()).all()


def test_the_majority_of_words_is_the_most_frequent_one() -> None:
    train = split_of([([5, 6, 6], [6, 7], 0), ([7, 6], [9], 0)])
    hidden = split_of([([6, 4], [6], 0), ([8], [4], 0)])
    labels = np.full(len(hidden.ids), NOT_SCORED)
    labels[[1, 2, 9]] = [6, 5, 10]
    validation = Split(hidden.ids, hidden.types, hidden.starts, labels)
    task = Task("mlm", "mlm", 0, ("masked_accuracy",))
    found = baselines.predict(Prepared(task, VOCABULARY, train, {"validation": validation}))
    assert set(found) == {"majority.validation.tokens", "majority.validation.losses"}
    assert found["majority.validation.tokens"].tolist() == [6, 6, 6]
    # Eight words and one more for each of the twelve in the vocabulary: 6 has 4 + 1 of 20.
    expected = -np.log([5 / 20, 2 / 20, 1 / 20])
    np.testing.assert_allclose(found["majority.validation.losses"], expected, rtol=1e-6)


# --- against scikit-learn --------------------------------------------------------------------


def test_the_bag_of_words_is_a_logistic_regression_on_counts() -> None:
    counts = [CountVectorizer(token_pattern=r"\d+") for _ in range(2)]
    columns = list(zip(*features(TRAIN), strict=True))
    train = hstack([c.fit_transform(column) for c, column in zip(counts, columns, strict=True)])
    reference = LogisticRegression(max_iter=1000).fit(train, [row[2] for row in TRAIN])
    columns = list(zip(*features(VALIDATION), strict=True))
    unseen = hstack([c.transform(column) for c, column in zip(counts, columns, strict=True)])
    found = baselines.predict(prepared_of("classification", 3))["bag_of_words.validation.logits"]
    np.testing.assert_allclose(np.exp(found), reference.predict_proba(unseen), atol=1e-3)


def test_the_bag_of_words_is_a_ridge_for_ratings() -> None:
    counts = [CountVectorizer(token_pattern=r"\d+") for _ in range(2)]
    columns = list(zip(*features(TRAIN), strict=True))
    train = hstack([c.fit_transform(column) for c, column in zip(counts, columns, strict=True)])
    reference = Ridge().fit(train.toarray(), [row[2] for row in TRAIN])
    columns = list(zip(*features(VALIDATION), strict=True))
    unseen = hstack([c.transform(column) for c, column in zip(counts, columns, strict=True)])
    found = baselines.predict(prepared_of("regression", 1))["bag_of_words.validation.logits"]
    np.testing.assert_allclose(found.ravel(), reference.predict(unseen.toarray()), atol=1e-2)


def test_the_bag_of_words_knows_the_two_texts_of_a_pair_apart() -> None:
    """The same words, in the first text or in the second, are all that tells the classes apart."""
    rows: Rows = [([5], [6], 0), ([6], [5], 1)] * 4
    logits = baselines.predict(prepared_of("classification", 2, rows, rows))
    assert logits["bag_of_words.validation.logits"].argmax(-1).tolist() == [0, 1] * 4


def test_spans_have_no_baseline() -> None:
    labels = np.zeros((len(TRAIN), 2), dtype=np.int64)
    split = replace(split_of(TRAIN), labels=labels)
    task = Task("asked", "span", 2, ("answer_f1",))
    assert baselines.predict(Prepared(task, VOCABULARY, split, {"validation": split})) == {}
