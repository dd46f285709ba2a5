"""Rows about walks: by hand, beside the scores of the project, and between networks at chance."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.tickets.files import Split
from stages.tickets.statistics import barriers, paths
from stages.tickets.statistics.paths import PLACE, Walk
from stages.tickets.tasks import scores
from stages.tickets.tasks.task import Prepared, Task, Vocabulary

CLASSES = Task("toy", "classification", 2, ("matthews", "accuracy"))
NUMBERS = Task("line", "regression", 1, ("pearson",))
LENGTHS = {
    "layers": {"distance": 2.0, "ratio": 0.5, "cosine": 0.9},
    "masks": {"union": 0.3, "jaccard": 1.0},
}


def split(labels: np.ndarray) -> Split:
    number = len(labels)
    ids = np.zeros(number, np.int32)
    return Split(ids, ids.astype(np.int8), np.arange(number + 1, dtype=np.int64), labels)


def logits_of(predicted: np.ndarray, margin: float = 2.0) -> np.ndarray:
    """Logits (..., 2) of predicted classes (...)."""
    logits: np.ndarray = (margin * np.eye(2)[predicted]).astype(np.float32)
    return logits


LABELS = np.arange(200) % 2


def wrong_at(*examples: int) -> np.ndarray:
    predicted = LABELS.copy()
    predicted[list(examples)] = 1 - predicted[list(examples)]
    return predicted


def tables(
    walks: list[Walk], task: Task = CLASSES, labels: np.ndarray = LABELS
) -> dict[str, list[Any]]:
    prepared = Prepared(task, Vocabulary(1, 0, 0, ()), split(labels), {"validation": split(labels)})
    return paths.tables(walks, {task.name: prepared}, {}, 2.0, 0.95)


def walk(points: list[np.ndarray], seed: int = 1, task: str = "toy", **more: np.ndarray) -> Walk:
    place = dict(zip(PLACE, (task, "dense", 0, 0, "order", "rest"), strict=True))
    logits = np.stack(points)
    arrays = {"validation.logits": logits, "train.logits": logits, "train.rows": np.arange(200)}
    return Walk(place, str(seed), arrays | more, LENGTHS)


def chosen(rows: list[Any], **cells: object) -> list[Any]:
    return [row for row in rows if all(row[name] == cell for name, cell in cells.items())]


def test_a_ridge_of_ten_points_is_unstable_and_a_flat_path_stable() -> None:
    ridge = [wrong_at(), wrong_at(*range(20)), wrong_at(*range(4))]
    flat = [wrong_at(0), wrong_at(0), wrong_at(0, 1)]
    for points, expected, height in ((ridge, "unstable", 9.0), (flat, "stable", 0.0)):
        made = tables([walk([logits_of(p) for p in points], seed) for seed in (1, 2)])
        (row,) = chosen(
            made["barriers"], split="validation", metric="accuracy", measure="chord", head="own"
        )
        assert (row["mean"], row["n"], row["verdict"]) == (pytest.approx(height), 2, expected)
        assert row["low"] <= row["mean"] <= row["high"]
        undecided = chosen(made["barriers"], metric="loss") + chosen(
            made["barriers"], measure="dip"
        )
        assert {other["verdict"] for other in undecided} == {""}


def test_curves_are_the_scores_of_every_point() -> None:
    points = [wrong_at(0, 3), wrong_at(*range(31)), wrong_at(5)]
    made = tables([walk([logits_of(p) for p in points])])
    for metric in ("accuracy", "matthews", "loss"):
        curve = [row["value"] for row in chosen(made["curves"], split="validation", metric=metric)]
        for value, predicted in zip(curve, points, strict=True):
            of_point = scores.score(CLASSES, {"x.logits": logits_of(predicted)}, "x", split(LABELS))
            score = next(s.value for s in of_point if s.metric == metric)
            assert value == pytest.approx(score if metric == "loss" else 100 - 100 * score)
    assert [row["alpha"] for row in chosen(made["curves"], split="train", metric="loss")] == [
        0,
        0.5,
        1,
    ]


def test_networks_at_chance_have_no_barrier() -> None:
    constants = [logits_of(np.full(200, label)) for label in (0, 1, 1)]
    made = tables([walk(constants), walk(constants, 2)])
    (row,) = chosen(made["barriers"], split="validation", metric="accuracy", measure="chord")
    assert (row["verdict"], row["n"], row["mean"]) == ("at chance", 0, None)
    assert [end["learned"] for end in made["ends"]] == [0, 0]
    assert [end["disagreement"] for end in made["ends"]] == [1, 1]
    assert [end["chance"] for end in made["ends"]] == [0.5, 0.5]


def test_a_pair_at_chance_is_left_out_of_the_mean_of_seeds() -> None:
    ridge = [logits_of(p) for p in (wrong_at(), wrong_at(*range(20)), wrong_at())]
    constants = [logits_of(np.full(200, 0))] * 3
    made = tables([walk(ridge), walk(constants, 2), walk(ridge, 3)])
    (row,) = chosen(made["barriers"], split="validation", metric="accuracy", measure="chord")
    assert (row["n"], row["mean"]) == (2, pytest.approx(10))


def test_what_the_ends_share() -> None:
    points = [logits_of(wrong_at(0, 1)), logits_of(wrong_at(0)), logits_of(wrong_at(0, 2), 5.0)]
    (row,) = tables([walk(points)])["ends"]
    assert row["disagreement"] == 2 / 200
    assert row["chance"] == pytest.approx(2 * 0.01 * 0.99)
    assert row["middle"] == 199 / 200
    assert row["average"] == 198 / 200  # where the two differ, the surer one decides
    assert row["divergence"] > 0
    assert (row["ratio"], row["union"], row["learned"]) == (0.5, 0.3, 1)
    assert set(row) == set(paths.COLUMNS["ends"])


def test_heads_fitted_anew_have_curves_of_their_own() -> None:
    ridge = [logits_of(p) for p in (wrong_at(), wrong_at(*range(20)), wrong_at())]
    flat = np.stack([logits_of(wrong_at())] * 3)
    more = {"validation.refit": flat, "train.refit": flat}
    made = tables([walk(ridge, seed, "toy", **more) for seed in (1, 2)])
    kind = {"split": "validation", "metric": "accuracy", "measure": "chord"}
    heights = {row["head"]: row["mean"] for row in chosen(made["barriers"], **kind)}
    assert heights == {"own": pytest.approx(10), "refit": 0}


def test_a_regression_has_no_verdict_and_no_classes() -> None:
    labels = np.linspace(0, 5, 200).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=200)
    points = [(labels + scale * noise)[:, None].astype(np.float32) for scale in (0.1, 2, 0.1)]
    made = tables([walk(points, seed, "line") for seed in (1, 2)], NUMBERS, labels)
    assert {row["metric"] for row in made["barriers"]} == {"pearson", "loss"}
    assert {row["verdict"] for row in made["barriers"]} == {""}
    (row,) = chosen(made["barriers"], split="validation", metric="loss", measure="chord")
    assert row["mean"] == pytest.approx(float((4 - 0.01) * np.mean(noise**2)), rel=1e-3)
    assert made["ends"][0]["disagreement"] is None
    assert made["ends"][0]["learned"] == 1


def test_pairs_of_seeds_have_an_interval_of_pairs() -> None:
    """The three pairs of three seeds are no three seeds: their interval is twice as wide."""
    ridges = [
        [logits_of(p) for p in (wrong_at(), wrong_at(*range(height)), wrong_at())]
        for height in (10, 20, 40)
    ]
    single = [walk(points, seed) for seed, points in enumerate(ridges)]
    pairs = [replace(w, seeds=pair) for w, pair in zip(single, ("1 2", "1 3", "2 3"), strict=True)]
    kind = {"split": "validation", "metric": "accuracy", "measure": "chord", "head": "own"}
    (alone,), (shared,) = (chosen(tables(walks)["barriers"], **kind) for walks in (single, pairs))
    assert (alone["mean"], alone["n"]) == (shared["mean"], shared["n"])
    assert shared["high"] - shared["mean"] > 1.8 * (alone["high"] - alone["mean"])


def test_every_barrier_stands_beside_the_union_of_masks() -> None:
    flat = [logits_of(wrong_at(0))] * 3
    other = replace(walk(flat, 2), geometry=LENGTHS | {"masks": {"union": 0.5, "jaccard": 0.2}})
    rows = tables([walk(flat), other])["barriers"]
    assert {row["union"] for row in rows} == {0.4}


def test_hidden_words_of_a_sentence_are_no_words_of_their_own() -> None:
    """100 sentences of ten hidden words, all right in 56 of them: sure by word, not by sentence."""
    labels = np.tile(np.arange(2), 500)
    predicted = np.where(np.arange(1000) // 10 < 56, labels, 1 - labels)
    assert barriers.above_majority(predicted, labels, 0.95)
    groups = np.arange(1000) // 10
    assert not barriers.above_majority(predicted, labels, 0.95, groups)
    assert barriers.above_majority(labels, labels, 0.95, groups)
