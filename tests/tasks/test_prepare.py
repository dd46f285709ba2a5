"""How splits are cut and carved, the longest input an encoder takes, and the recipe of a task."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.tickets import files, settings
from stages.tickets.settings import (
    Examples,
    FolderData,
    Kind,
    Override,
    ParamsError,
    Recipe,
    TextData,
)
from stages.tickets.tasks import baselines, miniature, scores
from stages.tickets.tasks.corpora import Paragraphs
from stages.tickets.tasks.prepare import Cut, check_length, counted, cut_of, prepare, recipe
from stages.tickets.tasks.sources import Source
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task
from stages.tickets.tasks.texts import Texts
from tests.conftest import Words
from tests.imports import ROOT

SHIPPED = settings.load(ROOT / "params.yaml")


def recipe_with(override: Override) -> Recipe:
    return recipe(SHIPPED.noise, SHIPPED.train, override)


def test_an_override_changes_what_it_names_and_no_more() -> None:
    once = recipe_with(Override(learning_rate=3e-5)).train
    assert once.learning_rate == 3e-5
    assert once.model_copy(update={"learning_rate": SHIPPED.train.learning_rate}) == SHIPPED.train
    changed = recipe_with(Override(epochs=7, batch_size=3)).train
    assert (changed.epochs, changed.batch_size) == (7, 3)
    assert changed.learning_rate == SHIPPED.train.learning_rate


def test_an_empty_override_changes_nothing() -> None:
    assert recipe_with(Override()) == Recipe(noise=SHIPPED.noise, train=SHIPPED.train)


def test_a_written_recipe_is_read_as_it_was(tmp_path: Path) -> None:
    written = recipe_with(Override(learning_rate=1 / 3 * 1e-5))
    files.save_record(written.model_dump(), tmp_path / "recipe.json")
    assert Recipe.model_validate(files.load_record(tmp_path / "recipe.json")) == written


def test_inputs_are_at_most_as_long_as_the_encoder_takes() -> None:
    check_length(512, 512, "data.squad.max_length")
    with pytest.raises(ParamsError, match=r"^data\.squad\.max_length is 513, .* is at most 512$"):
        check_length(513, 512, "data.squad.max_length")


def test_an_encoder_without_positions_takes_inputs_of_any_length() -> None:
    check_length(10_000, None, "prepare.max_length")


# --- how examples are cut --------------------------------------------------------------------

SQUAD = FolderData(source="folder", path="squad", config="plain_text")
TEXT = TextData(source="text", train="a.txt", validation="b.txt")


def test_sections_of_data_say_how_their_texts_are_cut() -> None:
    config = SHIPPED.prepare
    assert cut_of(SQUAD, config) == Cut(None, 32, 10)
    assert cut_of(SQUAD.model_copy(update={"max_length": 384}), config) == Cut(None, 384, 128)
    assert cut_of(SQUAD.model_copy(update={"stride": 0}), config) == Cut(None, 32, 0)
    assert cut_of(TEXT.model_copy(update={"max_length": 512}), config).max_length == 512
    few = Examples(train=100, validation=10)
    cut = cut_of(TEXT.model_copy(update={"examples": few}), config)
    names = ("train", "validation", "validation_mismatched", "hans")
    assert [cut.number(name) for name in names] == [100, 10, 10, None]
    assert cut_of(SHIPPED.data["mlm"], config) == Cut(None, 32, 10)


SENTENCES = [f"the {'old ' * i}cat sees the {'old ' * j}dog" for i in range(7) for j in range(6)]


def cut_up(
    words: Words, kind: str, examples: Examples | None = None, seed: int = 0, length: int = 40
) -> Prepared:
    task = Task("words", "mlm", 0, ("masked_accuracy",))
    sources: dict[str, Source] = dict.fromkeys(("train", "validation"), Paragraphs(SENTENCES * 3))
    if kind == "classification":
        task = Task("labelled", "classification", 2, ("accuracy",))
        labels = np.arange(len(SENTENCES)) % 2
        sources = dict.fromkeys(("train", "validation"), Texts(SENTENCES, None, labels))
    elif kind == "span":
        data = settings.MiniatureData(source="miniature", train=30, validation=15, seed=0)
        task, questions = miniature.load("question", data)
        sources = dict(questions)
    config = SHIPPED.prepare.model_copy(update={"seed": seed, "selection": 0.2})
    return prepare(task, sources, *words, config, Cut(examples, length, length // 3))[0]


@pytest.mark.parametrize("kind", ["classification", "mlm", "span"])
def test_as_many_examples_are_taken_as_are_asked_for(words: Words, kind: str) -> None:
    few = Examples(train=10, validation=12)
    part, again, other = (cut_up(words, kind, few, seed) for seed in (0, 0, 1))
    assert {name: len(split) for name, split in part.evaluated.items()} == {
        "selection": 2,
        "validation": 12,
    }
    assert len(part.train) == 8
    assert part.train.ids.tolist() == again.train.ids.tolist()
    assert part.train.ids.tolist() != other.train.ids.tolist()
    everything, more = (
        cut_up(words, kind, examples)
        for examples in (None, Examples(train=10_000, validation=10_000))
    )
    assert len(everything.train) > 10
    assert more.train.ids.tolist() == everything.train.ids.tolist()


def test_hidden_words_of_a_corpus_depend_on_the_seed_of_prepare_alone(words: Words) -> None:
    """So validation is the same for all runs and seeds of a study, and from one run to the next."""
    first, again, other = (cut_up(words, "mlm", seed=seed) for seed in (0, 0, 1))
    for name in ("selection", "validation"):
        np.testing.assert_array_equal(first.evaluated[name].ids, again.evaluated[name].ids)
        np.testing.assert_array_equal(first.evaluated[name].labels, again.evaluated[name].labels)
        assert (first.evaluated[name].labels != NOT_SCORED).any()
    assert (first.evaluated["validation"].labels != other.evaluated["validation"].labels).any()
    assert not first.train.labels.any()  # nothing is hidden before the training


def test_selection_of_questions_is_carved_by_context(words: Words) -> None:
    prepared = cut_up(words, "span", length=15)  # several windows a question
    assert list(prepared.evaluated) == ["selection", "validation"]
    assert len(prepared.train) > 30
    assert prepared.train.labels.shape == (len(prepared.train), 2)
    assert prepared.train.labels.any()


def test_texts_that_cannot_be_cut_are_named(words: Words) -> None:
    with pytest.raises(
        ParamsError, match=r"^data\.words has too little text, train: its \d+ tokens"
    ):
        cut_up(words, "mlm", length=2000)
    with pytest.raises(
        ParamsError, match=r"^data\.question cannot be cut into windows: the question"
    ):
        cut_up(words, "span", length=10)


# --- few examples ----------------------------------------------------------------------------


def of_labels(words: Words, kind: Kind, train: list[Any], validation: list[Any]) -> Prepared:
    """Prepare a task with these labels, all of the same text; a label of 0 has an empty one."""
    num_labels = 1 if kind == "regression" else len({*train, *validation})
    sources: dict[str, Source] = {
        name: Texts(["the cat" if label else " " for label in labels], None, np.array(labels))
        for name, labels in (("train", train), ("validation", validation))
    }
    task = Task("few", kind, num_labels, ("pearson" if kind == "regression" else "accuracy",))
    return prepare(task, sources, *words, SHIPPED.prepare, Cut(None, 40, 13))[0]


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_one_row_is_too_few(words: Words, kind: Kind) -> None:
    problem = "^'few' has too few examples to train on: it has 1, allowed are two or more"
    with pytest.raises(ParamsError, match=problem):
        of_labels(words, kind, [1], [0, 1])


def test_one_class_left_is_too_few(words: Words) -> None:
    with pytest.raises(ParamsError, match=r"which leaves 'few' one class to train on$"):
        of_labels(words, "classification", [0, 1], [0, 1])


def test_one_example_each_is_enough_for_numbers(words: Words) -> None:
    """One example for training, one for selection and one for validation are scored without a warning."""
    prepared = of_labels(words, "regression", [1.0, 2.0], [3.0])
    sizes = {name: len(split) for name, split in prepared.evaluated.items()}
    assert (len(prepared.train), sizes) == (1, {"selection": 1, "validation": 1})
    for name, split in prepared.evaluated.items():
        arrays = baselines.from_counts(prepared)
        score = scores.score(prepared.task, arrays, f"bag_of_words.{name}", split)
        assert score[0].value == 0.0  # a correlation with a constant


def test_one_example_in_selection_is_scored(words: Words) -> None:
    prepared = of_labels(words, "classification", [1, 0, 1, 0, 1, 0], [1])
    assert len(prepared.evaluated["selection"]) == 1
    arrays = baselines.from_counts(prepared)
    for name, split in prepared.evaluated.items():
        for metric in ("accuracy", "f1", "matthews"):
            task = replace(prepared.task, metrics=(metric,))
            value = scores.score(task, arrays, f"majority.{name}", split)[0].value
            assert 0 <= value <= 1


def test_what_was_read_is_counted(words: Words) -> None:
    task = Task("few", "classification", 3, ("accuracy",))
    train = Texts(["a", " ", "b"], ["", "c", "d"], np.array([0, 2, 0]))
    full = Texts(["a"], None, np.array([1]))
    counts = counted(task, {"train": train, "validation": full})
    assert counts == (
        "few: 3 examples for train; by class 2, 0, 1; with an empty text 2. "
        "1 examples for validation; by class 0, 1, 0"
    )
    corpus = Task("words", "mlm", 0, ("masked_accuracy",))
    paragraphs = Paragraphs(["a", "b"])
    assert counted(corpus, {"train": paragraphs}) == "words: 2 examples for train"
    assert of_labels(words, "classification", [1, 2, 0, 1, 2, 0], [0, 1]).empty_texts == 3
