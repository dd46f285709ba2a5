"""Walks of masked language modelling and of spans, and of HANS, from stages to rows of tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from stages.launch import copies as copy_files
from stages.tickets import files
from stages.tickets.settings import UserError
from stages.tickets.statistics import paths
from stages.tickets.statistics.paths import PLACE, Walk
from stages.tickets.tasks import scores
from stages.tickets.tasks import spans as windows
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import NOT_SCORED, Prepared
from stages.tickets.training import endpoints
from tests.conftest import QUESTIONS, Words, asked_of
from tests.connectivity.project import Project, geometry, made, path, walk_stored


@pytest.fixture(scope="module")
def hidden_words(
    encoder_folder: Path, prepared_words: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    return made(encoder_folder, prepared_words, tmp_path_factory.mktemp("mlm"))


@pytest.fixture(scope="module")
def questions(
    encoder_folder: Path, prepared_spans: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    return made(encoder_folder, prepared_spans, tmp_path_factory.mktemp("spans"))


def rows_of(
    project: Project, out: Path, asked: Asked | None = None
) -> tuple[Walk, Prepared, dict[str, list[Any]]]:
    place = dict(zip(PLACE, (project.task, "dense", 0, 0, "order", "rest"), strict=True))
    walk = Walk(place, "1", path(out), geometry(out))
    prepared = tasks.load_prepared(project.prepared)
    questions = {project.task: asked} if asked else {}
    return walk, prepared, paths.tables([walk], {project.task: prepared}, questions, 2.0, 0.95)


def curve(rows: dict[str, list[Any]], split: str, metric: str) -> list[float]:
    return [
        row["value"] for row in rows["curves"] if (row["split"], row["metric"]) == (split, metric)
    ]


def test_hidden_words_along_a_path(hidden_words: Project, tmp_path: Path) -> None:
    out = hidden_words.spawn(tmp_path / "out", "ticket", "order")
    walk, prepared, rows = rows_of(hidden_words, out)
    for end, copy in ((0, "copy-1"), (-1, "copy-2")):
        stored = files.load_arrays(out / copy / "predictions.safetensors")
        for key in ("validation.tokens", "validation.losses"):
            np.testing.assert_array_equal(walk.arrays[key][end], stored[key])
    validation = prepared.evaluated["validation"]
    for point in range(5):
        arrays = {key: array[point] for key, array in walk.arrays.items()}
        known = scores.score(prepared.task, arrays, "validation", validation)
        score = {row.metric: row.value for row in known}
        assert curve(rows, "validation", "masked_accuracy")[point] == pytest.approx(
            100 - 100 * score["masked_accuracy"]
        )
        assert curve(rows, "validation", "loss")[point] == pytest.approx(score["loss"])
    # The sample of train has words hidden once and for all, as validation has.
    labels = walk.arrays["train.labels"]
    assert walk.arrays["train.losses"].shape == (5, np.count_nonzero(labels != NOT_SCORED))
    assert len(curve(rows, "train", "masked_accuracy")) == 5
    assert {row["verdict"] for row in rows["barriers"]} == {""}
    assert geometry(out)["layers"]["start_distance"] == 0


def test_half_way_hidden_words_are_predicted_by_the_mean_weights(
    hidden_words: Project,
) -> None:
    """The decoder is tied to the word embeddings, which must not be moved twice."""
    out = hidden_words.folder / "seeds"
    loaded = hidden_words.load()
    ends = [loaded.model(hidden_words.weights(seed, "trained")) for seed in (1, 2)]
    start = loaded.model()
    first, second = (endpoints.end(start, None, model, loaded.encoder) for model in ends)
    copy_files.walk(loaded, (first, second), 3, 6, False, out)
    mean = loaded.model()
    states = [dict(model.named_parameters()) for model in ends]
    with torch.no_grad():
        for name, parameter in mean.named_parameters():
            parameter.copy_((states[0][name] + states[1][name]) / 2)
    mean.train(mode=False)
    split, losses = loaded.prepared.evaluated["validation"], []
    for start_, stop in zip(split.starts[:-1], split.starts[1:], strict=True):
        ids = torch.from_numpy(split.ids[start_:stop]).long()[None]
        labels = torch.from_numpy(split.labels[start_:stop]).long()
        with torch.no_grad():
            words = mean(input_ids=ids).logits[0]
        hidden = labels != NOT_SCORED
        losses += nn.functional.cross_entropy(
            words[hidden], labels[hidden], reduction="none"
        ).tolist()
    np.testing.assert_allclose(path(out)["validation.losses"][1], losses, rtol=1e-3, atol=1e-5)


def test_answers_along_a_path(questions: Project, words: Words, tmp_path: Path) -> None:
    _, asked = windows.windows(asked_of(QUESTIONS), words[0], 14, 3)
    out = questions.spawn(tmp_path / "out", "dense", "order")
    walk, prepared, rows = rows_of(questions, out, asked)
    validation = prepared.evaluated["validation"]
    assert walk.arrays["validation.logits"].shape == (5, len(validation.ids), 2)
    for point in range(5):
        arrays = {"x.logits": walk.arrays["validation.logits"][point]}
        score = {
            row.metric: row.value
            for row in scores.score(prepared.task, arrays, "x", validation, asked)
        }
        assert curve(rows, "validation", "answer_f1")[point] == pytest.approx(
            100 - 100 * score["answer_f1"]
        )
        assert curve(rows, "validation", "loss")[point] == pytest.approx(score["loss"])
    assert curve(rows, "train", "answer_f1") == []  # the texts of training answers are not kept
    assert len(curve(rows, "train", "loss")) == 5
    assert "validation.refit" not in walk.arrays


def test_seeds_of_spans_have_heads_of_their_own_and_are_refused(
    questions: Project, study_here: Path
) -> None:
    with pytest.raises(UserError, match=r"'question' started with heads of .* one label"):
        walk_stored(questions, study_here / "out", [1, 2], "seeds")
    walk_stored(questions, study_here / "out", [1], "rounds")
    assert len(list((study_here / "out").glob("*/path.safetensors"))) == 2


def test_seeds_of_hidden_words_share_the_encoders_own_head(
    hidden_words: Project, study_here: Path
) -> None:
    walk_stored(hidden_words, study_here / "out", [1, 2], "seeds")
    assert geometry(study_here / "out" / "1.0-2.0")["head"]["start_distance"] == 0


def test_hans_is_walked_where_the_task_has_it(
    encoder_folder: Path, prepared: Prepared, tmp_path: Path
) -> None:
    hans = tasks.take(prepared.evaluated["validation"], np.arange(4))
    task = replace(prepared.task, name="entailment", num_labels=3, metrics=("accuracy",))
    asked = replace(prepared, task=task, evaluated={**prepared.evaluated, "hans": hans})
    project = made(encoder_folder, asked, tmp_path)
    out = project.spawn(tmp_path / "out", "dense", "order")
    walk, _, rows = rows_of(project, out)
    logits = walk.arrays["hans.logits"]
    assert logits.shape == (5, 4, 3)
    entailed = (logits[..., 0] >= logits[..., 1:].max(axis=-1)).astype(int)
    expected = 100 * (entailed == hans.labels).mean(axis=1)  # label 0 is entailment
    assert curve(rows, "hans", "accuracy") == pytest.approx(expected.tolist())
    assert curve(rows, "hans", "loss") == []
    of_hans = [row for row in rows["barriers"] if row["split"] == "hans"]
    assert len(of_hans) == 5
    assert {row["verdict"] for row in of_hans} == {""}
