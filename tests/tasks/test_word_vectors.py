"""Word vectors, averaged: by hand, and as a baseline that learns what single words say."""

import numpy as np
import pytest

from stages.tickets import settings
from stages.tickets.tasks import word_vectors
from tests.tasks.test_baselines import TRAIN, VALIDATION, VOCABULARY, Rows, prepared_of, split_of

CONFIG = settings.Baselines(examples=1000, penalty=10.0)
EMBEDDINGS = np.random.default_rng(0).normal(size=(VOCABULARY.size, 6)).astype(np.float32)


def test_features_of_a_pair_by_hand() -> None:
    found = word_vectors._features(split_of(TRAIN), VOCABULARY.special, EMBEDDINGS)
    u = EMBEDDINGS[[5, 6, 6]].mean(0)
    v = EMBEDDINGS[[7]].mean(0)
    np.testing.assert_allclose(found[0], np.concatenate([u, v, abs(u - v), u * v]), rtol=1e-6)


def test_a_single_text_has_its_mean_alone() -> None:
    """[CLS], [SEP] and such do not count; a text of nothing else is 0."""
    split = split_of([([5, 9], [], 0), ([], [], 1)])
    split.types[:] = 0
    found = word_vectors._features(split, VOCABULARY.special, EMBEDDINGS)
    np.testing.assert_allclose(found, [EMBEDDINGS[[5, 9]].mean(0), np.zeros(6)], rtol=1e-6)


def test_every_split_gets_logits() -> None:
    found = word_vectors.predict(prepared_of("classification", 3), EMBEDDINGS, CONFIG)
    assert {name: (array.shape, array.dtype) for name, array in found.items()} == {
        f"word_vectors.{split}.logits": ((num, 3), np.dtype(np.float32))
        for split, num in {"selection": 2, "validation": 3}.items()
    }


def test_a_word_that_decides_the_label_is_learned() -> None:
    rows: Rows = [([5 + i % 2, 8 + i % 4], [10], i % 2) for i in range(40)]
    found = word_vectors.predict(
        prepared_of("classification", 2, rows, rows[:6]), EMBEDDINGS, CONFIG
    )
    assert found["word_vectors.validation.logits"].argmax(1).tolist() == [0, 1] * 3


def test_scores_get_a_draw_from_their_normal_as_well() -> None:
    rows: Rows = [([5 + i % 5], [10], i % 5) for i in range(400)]
    prepared = prepared_of("regression", 1, rows, rows)
    found = word_vectors.predict(prepared, EMBEDDINGS, CONFIG)
    again = word_vectors.predict(prepared, EMBEDDINGS, CONFIG)
    draw = found["normal_draw.validation.logits"]
    assert draw.shape == (400, 1)
    assert draw.mean() == pytest.approx(2.0, abs=0.25)
    assert draw.std() == pytest.approx(np.std([0, 1, 2, 3, 4]), abs=0.2)
    assert abs(np.corrcoef(draw[:, 0], prepared.train.labels)[0, 1]) < 0.15
    assert (draw == again["normal_draw.validation.logits"]).all()
    own = np.corrcoef(found["word_vectors.validation.logits"][:, 0], prepared.train.labels)[0, 1]
    assert own > 0.9


def test_a_class_that_train_lacks_is_never_said() -> None:
    rows = [row for row in TRAIN if row[2] != 1]
    found = word_vectors.predict(
        prepared_of("classification", 3, rows, VALIDATION), EMBEDDINGS, CONFIG
    )
    assert 1 not in found["word_vectors.validation.logits"].argmax(1)


def test_it_learns_from_no_more_examples_than_it_may() -> None:
    """All but a few labels are wrong, so that what it says depends on how many it sees."""
    rows: Rows = [([5 + i % 2], [10], i % 2) for i in range(60)]
    prepared = prepared_of("classification", 2, rows, rows[:6])
    few = word_vectors.predict(prepared, EMBEDDINGS, CONFIG.model_copy(update={"examples": 10}))
    again = word_vectors.predict(prepared, EMBEDDINGS, CONFIG.model_copy(update={"examples": 10}))
    every = word_vectors.predict(prepared, EMBEDDINGS, CONFIG)
    name = "word_vectors.validation.logits"
    np.testing.assert_array_equal(few[name], again[name])
    assert (few[name] != every[name]).any()


@pytest.mark.parametrize(
    "name", ["embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight"]
)
def test_word_embeddings_are_found_by_their_size(name: str) -> None:
    weights = {"embeddings.position_embeddings.weight": EMBEDDINGS[:5], name: EMBEDDINGS}
    assert word_vectors.embeddings_of(weights, VOCABULARY.size) is weights[name]
    with pytest.raises(settings.ParamsError, match="no word embeddings of 99 words"):
        word_vectors.embeddings_of(weights, 99)
