"""Baselines: by hand, and against scikit-learn on the texts themselves."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from stages.tickets import settings
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

CONFIG = settings.Baselines(examples=1000, penalty=10.0)
EMBEDDINGS = np.random.default_rng(0).normal(size=(VOCABULARY.size, 6)).astype(np.float32)
Rows = list[tuple[list[int], list[int], int]]


def split_of(rows: Rows, dtype: type = np.int64) -> Split:
    """[CLS] first [SEP] second [SEP]."""
    ids = [[2, *first, 3, *second, 3] for first, second, _ in rows]
    types = [[0] * (len(first) + 2) + [1] * (len(second) + 1) for first, second, _ in rows]
    return Split(
        np.concatenate([np.array(words, dtype=np.int32) for words in ids]),
        np.concatenate([np.array(segments, dtype=np.int8) for segments in types]),
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
    arrays = baselines.from_counts(prepared_of("classification", 3))
    assert {name: array.shape for name, array in arrays.items()} == {
        f"{baseline}.{split}.logits": (num, 3)
        for baseline in ("majority", "bag_of_words")
        for split, num in {"selection": 2, "validation": 3}.items()
    }
    assert all(array.dtype == np.float32 for array in arrays.values())


@pytest.mark.parametrize(
    ("labels", "majority"), [([1, 1, 0], 1), ([2, 0, 2], 2), ([1, 0, 2], 0), ([2, 1, 2, 1], 1)]
)
def test_the_majority_is_the_most_frequent_class_and_of_equals_the_first(
    labels: list[int], majority: int
) -> None:
    train: Rows = [([5 + label], [6], label) for label in labels]
    arrays = baselines.from_counts(prepared_of("classification", 3, train))
    assert arrays["majority.validation.logits"].argmax(-1).tolist() == [majority] * 3


def test_the_majority_of_ratings_is_their_mean() -> None:
    arrays = baselines.from_counts(prepared_of("regression", 1))
    assert arrays["majority.validation.logits"].ravel().tolist() == [1.0] * 3


def test_a_class_that_training_lacks_is_never_said() -> None:
    train: Rows = [([5], [6], 0), ([7], [8], 2), ([5], [7], 0)]
    arrays = baselines.from_counts(prepared_of("classification", 4, train))
    logits = arrays["bag_of_words.validation.logits"]
    assert logits.shape == (3, 4)
    assert (logits[:, [1, 3]] < logits[:, [0, 2]].min()).all()


def test_the_majority_of_words_is_the_most_frequent_one() -> None:
    train = split_of([([5, 6, 6], [6, 7], 0), ([7, 6], [9], 0)])
    hidden = split_of([([6, 4], [6], 0), ([8], [4], 0)])
    labels = np.full(len(hidden.ids), NOT_SCORED)
    labels[[1, 2, 9]] = [6, 5, 10]
    validation = Split(hidden.ids, hidden.types, hidden.starts, labels)
    task = Task("mlm", "mlm", 0, ("masked_accuracy",))
    arrays = baselines.from_counts(Prepared(task, VOCABULARY, train, {"validation": validation}))
    assert set(arrays) == {"majority.validation.tokens", "majority.validation.losses"}
    assert arrays["majority.validation.tokens"].tolist() == [6, 6, 6]
    # Eight words and one more for each of the twelve in the vocabulary: 6 has 4 + 1 of 20.
    expected = -np.log([5 / 20, 2 / 20, 1 / 20])
    np.testing.assert_allclose(arrays["majority.validation.losses"], expected, rtol=1e-6)


# --- against scikit-learn --------------------------------------------------------------------


def counted() -> tuple[csr_matrix, csr_matrix]:
    """Counts of words in TRAIN and in VALIDATION, those of first and second texts side by side."""
    counts = [CountVectorizer(token_pattern=r"\d+") for _ in range(2)]
    train, unseen = (list(zip(*features(rows), strict=True)) for rows in (TRAIN, VALIDATION))
    return (
        hstack([c.fit_transform(column) for c, column in zip(counts, train, strict=True)]),
        hstack([c.transform(column) for c, column in zip(counts, unseen, strict=True)]),
    )


def test_the_bag_of_words_is_a_logistic_regression_on_counts() -> None:
    train, unseen = counted()
    reference = LogisticRegression(max_iter=1000).fit(train, [row[2] for row in TRAIN])
    logits = baselines.from_counts(prepared_of("classification", 3))[
        "bag_of_words.validation.logits"
    ]
    np.testing.assert_allclose(np.exp(logits), reference.predict_proba(unseen), atol=1e-3)


def test_the_bag_of_words_is_a_ridge_for_ratings() -> None:
    train, unseen = counted()
    reference = Ridge().fit(train.toarray(), [row[2] for row in TRAIN])
    logits = baselines.from_counts(prepared_of("regression", 1))["bag_of_words.validation.logits"]
    np.testing.assert_allclose(logits.ravel(), reference.predict(unseen.toarray()), atol=1e-2)


def test_the_bag_of_words_knows_the_two_texts_of_a_pair_apart() -> None:
    """The same words, in the first text or in the second, are all that tells the classes apart."""
    rows: Rows = [([5], [6], 0), ([6], [5], 1)] * 4
    logits = baselines.from_counts(prepared_of("classification", 2, rows, rows))
    assert logits["bag_of_words.validation.logits"].argmax(-1).tolist() == [0, 1] * 4


def test_spans_have_no_baseline() -> None:
    labels = np.zeros((len(TRAIN), 2), dtype=np.int64)
    split = replace(split_of(TRAIN), labels=labels)
    task = Task("asked", "span", 2, ("answer_f1",))
    assert baselines.from_counts(Prepared(task, VOCABULARY, split, {"validation": split})) == {}


# --- word vectors ----------------------------------------------------------------------------


def test_features_of_a_pair_by_hand() -> None:
    inputs = baselines._features(split_of(TRAIN), VOCABULARY.special, EMBEDDINGS)
    u = EMBEDDINGS[[5, 6, 6]].mean(0)
    v = EMBEDDINGS[[7]].mean(0)
    np.testing.assert_allclose(inputs[0], np.concatenate([u, v, abs(u - v), u * v]), rtol=1e-6)


def test_a_single_text_has_its_mean_alone() -> None:
    """[CLS], [SEP] and such do not count; a text of nothing else is 0."""
    split = split_of([([5, 9], [], 0), ([], [], 1)])
    split.types[:] = 0
    means = baselines._features(split, VOCABULARY.special, EMBEDDINGS)
    np.testing.assert_allclose(means, [EMBEDDINGS[[5, 9]].mean(0), np.zeros(6)], rtol=1e-6)


def test_every_split_gets_logits_of_word_vectors() -> None:
    arrays = baselines.from_word_vectors(prepared_of("classification", 3), EMBEDDINGS, CONFIG)
    assert {name: (array.shape, array.dtype) for name, array in arrays.items()} == {
        f"word_vectors.{split}.logits": ((num, 3), np.dtype(np.float32))
        for split, num in {"selection": 2, "validation": 3}.items()
    }


def test_a_word_that_decides_the_label_is_learned() -> None:
    rows: Rows = [([5 + i % 2, 8 + i % 4], [10], i % 2) for i in range(40)]
    arrays = baselines.from_word_vectors(
        prepared_of("classification", 2, rows, rows[:6]), EMBEDDINGS, CONFIG
    )
    assert arrays["word_vectors.validation.logits"].argmax(1).tolist() == [0, 1] * 3


def test_scores_get_a_draw_from_their_normal_as_well() -> None:
    rows: Rows = [([5 + i % 5], [10], i % 5) for i in range(400)]
    prepared = prepared_of("regression", 1, rows, rows)
    arrays = baselines.from_word_vectors(prepared, EMBEDDINGS, CONFIG)
    again = baselines.from_word_vectors(prepared, EMBEDDINGS, CONFIG)
    draw = arrays["normal_draw.validation.logits"]
    assert draw.shape == (400, 1)
    assert draw.mean() == pytest.approx(2.0, abs=0.25)
    assert draw.std() == pytest.approx(np.std([0, 1, 2, 3, 4]), abs=0.2)
    assert abs(np.corrcoef(draw[:, 0], prepared.train.labels)[0, 1]) < 0.15
    assert (draw == again["normal_draw.validation.logits"]).all()
    own = np.corrcoef(arrays["word_vectors.validation.logits"][:, 0], prepared.train.labels)[0, 1]
    assert own > 0.9


def test_a_class_that_training_lacks_is_never_said_by_word_vectors() -> None:
    rows = [row for row in TRAIN if row[2] != 1]
    arrays = baselines.from_word_vectors(
        prepared_of("classification", 3, rows, VALIDATION), EMBEDDINGS, CONFIG
    )
    assert 1 not in arrays["word_vectors.validation.logits"].argmax(1)


def test_it_learns_from_no_more_examples_than_it_may() -> None:
    """All but a few labels are wrong, so that what it says depends on how many it sees."""
    rows: Rows = [([5 + i % 2], [10], i % 2) for i in range(60)]
    prepared = prepared_of("classification", 2, rows, rows[:6])
    few = baselines.from_word_vectors(
        prepared, EMBEDDINGS, CONFIG.model_copy(update={"examples": 10})
    )
    again = baselines.from_word_vectors(
        prepared, EMBEDDINGS, CONFIG.model_copy(update={"examples": 10})
    )
    every = baselines.from_word_vectors(prepared, EMBEDDINGS, CONFIG)
    name = "word_vectors.validation.logits"
    np.testing.assert_array_equal(few[name], again[name])
    assert (few[name] != every[name]).any()


def test_a_bag_of_words_takes_memory_by_the_words_of_its_examples_not_by_the_vocabulary() -> None:
    rows: Rows = [([5 + i % 30, 100 + i], [], i % 30) for i in range(120)]
    few = prepared_of("classification", 30, rows, rows[:30])
    many = replace(few, vocabulary=replace(VOCABULARY, size=250_000))
    few = replace(few, vocabulary=replace(VOCABULARY, size=300))
    tracemalloc.start()
    arrays = baselines.from_counts(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # 30 * 250,000 coefficients of one text take 60 MB, and training 25 copies
    np.testing.assert_array_equal(
        arrays["bag_of_words.validation.logits"],
        baselines.from_counts(few)["bag_of_words.validation.logits"],
    )
    assert arrays["bag_of_words.validation.logits"].argmax(1).tolist() == list(range(30))


def test_a_bag_of_words_that_is_too_large_keeps_the_words_of_most_examples(monkeypatch) -> None:
    rows: Rows = [([5 + i % 2, 7], [], i % 2) for i in range(8)]
    rows += [([8], [], 0)]
    prepared = prepared_of("classification", 2, rows, rows)
    counts = baselines._counts(prepared.train, VOCABULARY.size)
    # [CLS] and [SEP] are in every example, 7 in eight, 5 and 6 in four, 8 in one.
    assert baselines._most_common(counts, 5).tolist() == [2, 3, 5, 7, 15]
    assert baselines._most_common(counts, 100).tolist() == [2, 3, 5, 6, 7, 8, 15]
    monkeypatch.setattr(baselines, "MOST_COEFFICIENTS", 2 * 5)
    logits = baselines.from_counts(prepared)["bag_of_words.validation.logits"]
    assert (logits[:8].argmax(1) == prepared.train.labels[:8]).all()
