"""Sets, masks found on them, and their trainings on real examples, done again by hand from the files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedModel

from stages.launch import inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.distillation import learner, sets
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.training import predict
from tests.pipeline.study import SPARSITY, STUDY, assert_predictions, run, ticket

DISTIL = STUDY["distil"]
METHODS = DISTIL["methods"]
ARMS = (*METHODS, "real-short")


def loaded(project: Path, task: str) -> Inputs:
    results = project / "results"
    return inputs.load(task, 2, results / "encoder", results / "prepared" / task)


def folder(project: Path, task: str, arm: str) -> Path:
    return project / "results" / "runs" / "distilled" / task / arm / "seed-2"


def set_of(project: Path, task: str, method: str) -> sets.Sequences:
    return sets.load(project / "results" / "sets" / task / method / "set.safetensors")


@pytest.mark.parametrize("method", METHODS)
def test_sets_are_of_training_examples_of_every_class(project: Path, method: str) -> None:
    of = loaded(project, "mood").prepared
    sequences = set_of(project, "mood", method)
    assert len(sequences) == 10
    assert np.bincount(of.train.labels[sequences.rows]).tolist() == [5, 5]
    np.testing.assert_array_equal(sequences.lengths, of.train.lengths[sequences.rows])
    np.testing.assert_allclose(sequences.labels.sum(axis=1), 1, atol=1e-6)
    real = sets.targets(of.task, of.train.labels[sequences.rows])
    kept = (sequences.labels == real).all()
    assert kept == (method not in ("regression", "noise"))


def test_sets_that_begin_with_the_same_examples_differ_in_what_was_learned(project: Path) -> None:
    random, regression, means = (
        set_of(project, "mood", name) for name in ("random", "regression", "means")
    )
    for other in (regression, means):
        np.testing.assert_array_equal(other.rows, random.rows)
        assert (other.embeddings != random.embeddings).any()
    assert (regression.embeddings != means.embeddings).any()


def test_records_tell_how_a_set_was_learned_by_encoder(project: Path) -> None:
    for method in METHODS:
        record = files.load_record(project / "results" / "sets" / "mood" / method / "record.json")
        if method not in ("regression", "means"):
            assert record == {}
            continue
        assert len(record["losses"]) == DISTIL["set"]["steps"]
        assert list(record["probes"]) == sorted(["0", "50", "trained"])
        for probe in record["probes"].values():
            assert probe["before"]["all"] == probe["after"]["all"]
        assert 0 < record["moved"] < DISTIL["set"]["steps"] * 0.03 * record["word_std"] * 1.01


@pytest.mark.parametrize("arm", ["regression", "noise", "real-short"])
def test_masks_and_trainings_are_those_of_rounds_from_theta_0_done_by_hand(
    project: Path, arm: str
) -> None:
    """Everything is rewound: a model that is built anew gives the stored bytes in every step."""
    of = loaded(project, "mood")
    sequences = None if arm == "real-short" else set_of(project, "mood", arm)
    mask = masks.dense(prunable_weights(of.model(), of.encoder))
    for number, sparsity in SPARSITY.items():
        model: PreTrainedModel = of.model()
        made = learner.prune_round(
            model, of.encoder, of.prepared, sequences, mask, sparsity, of.noise, of.recipe, 3
        )
        mask = made.mask
        place = folder(project, "mood", arm) / f"round-{number}"
        stored = files.load_mask(place / "mask.safetensors")
        assert all((stored[name] == kept).all() for name, kept in mask.items())
        assert files.load_record(place / "movement.json")["steps"] == 3
        if number == 1:
            on_set = folder(project, "mood", arm) / "on-set"
            assert_predictions(on_set, predict.predict(model, of.prepared))
            assert not (place / "predictions.safetensors").exists()
        else:
            assert_predictions(place, of.train(of.model(), mask).predictions)
            losses = files.load_record(place / "history.json")["losses"]
            assert len(losses) == 6  # two epochs of all real examples


def test_a_task_of_scores_has_masks_of_the_exact_size(project: Path) -> None:
    for arm in ARMS:
        before = None
        for number in SPARSITY:
            place = folder(project, "similarity", arm) / f"round-{number}"
            mask = files.load_mask(place / "mask.safetensors")
            assert masks.num_survivors(mask) == masks.num_survivors(
                ticket(project, "similarity", 2, number)
            )
            assert before is None or all((mask[n] <= before[n]).all() for n in mask)
            before = mask


def rows(project: Path, name: str) -> list[dict[str, str]]:
    with (project / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_mask_is_compared_and_tickets_of_other_seeds_beside(project: Path) -> None:
    table = [
        row
        for task in DISTIL["tasks"]
        for row in rows(project, f"results/runs/newcomers/{task}/masks.csv")
    ]
    assert [(row["task"], row["arm"], row["mask_seed"], row["round"]) for row in table] == [
        (task, arm, seed, number)
        for task in DISTIL["tasks"]
        for arm, seed in [*((arm, "2") for arm in ("real-short", *METHODS)), ("real", "1")]
        for number in ("1", "2")
    ]
    assert {row["seed"] for row in table} == {"2"}
    other = next(row for row in table if row["arm"] == "real")
    first, second, one_shot = (
        ticket(project, *of, 1) for of in (("mood", 1), ("mood", 2), ("one-shot", 1))
    )
    shared = sum(np.count_nonzero(first[name] & second[name]) for name in first)
    either = sum(np.count_nonzero(first[name] | second[name]) for name in first)
    assert float(other["jaccard_real"]) == pytest.approx(shared / either, abs=1e-5)
    new = sum(np.count_nonzero(second[name] & ~one_shot[name]) for name in first)
    assert int(other["newcomers_real"]) == new > 0


def test_scores_have_every_arm_on_its_set_and_on_real_examples(project: Path) -> None:
    scored = {
        (row["kind"], row["source"], row["round"], row["sparsity"])
        for row in rows(project, "reports/tiny/scores.csv")
        if row["task"] == "mood" and row["kind"] in ("on_set", "distilled")
    }
    assert scored == {
        place
        for arm in ARMS
        for place in (("on_set", arm, "0", "0"), ("distilled", arm, "2", "0.75"))
    }


def test_a_class_that_is_too_small_is_one_sentence(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (project / "params.yaml").read_text(encoding="utf-8")
    assert '"per_class": 5' in text
    (tmp_path / "params.yaml").write_text(text.replace('"per_class": 5', '"per_class": 999'))
    monkeypatch.chdir(tmp_path)
    results = project / "results"
    code = run(
        "distil", "--task", "mood", "--method", "random", "--encoder", str(results / "encoder"),
        "--prepared", str(results / "prepared" / "mood"),
        "--weights", str(results / "weights" / "mood" / "seed-1"), "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert code == 1
    message = capsys.readouterr().err
    assert message.startswith(
        "distil: distil.set.per_class is 999, but class 0 of task 'mood' has "
    )
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()
