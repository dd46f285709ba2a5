"""What stages do: every script of dvc.yaml has a rule, and rules by hand."""

from dataclasses import replace

import pytest

from stages.tickets import settings
from stages.tickets.plan import work
from stages.tickets.plan.done import Work
from tests.imports import ROOT
from tests.pipeline import resolve
from tests.plan.test_stages import stage

TRACKED = {
    "random.rounds": [1, 2],
    "distil.masks": {"steps": 60, "rounds": [2]},
    "rewind.points": [20, 50],
    "rewind.source": "dense",
    "retrain.structured": ["good", "bad"],
    "retrain.magnitude": ["good"],
    "retrain.scratch": ["random"],
    "imp": {"keep_weights": [1, 4, 2]},
    "learned_masks.rounds": [1, 3],
    "learned_masks.noise.points": 10,
    "learned_masks.noise.sample": 400,
    "greedy.sparsities": [0.5, 0.75, 0.9],
    "greedy.keep_weights": [0.75],
}
ROUNDS = [{"from": 0, "to": 1, "sparsity": 0.4}, {"from": 1, "to": 2, "sparsity": 0.6}]


def test_a_script_without_a_rule_trains_the_runs_that_it_declares():
    runs = [{"kind": "new", "folder": "results/runs/new"}] * 2
    made = replace(stage("new@1", command="python -m stages new --point 20"), meta={"runs": runs})
    assert work.of(made) == Work(2, 20, predictions=2)
    assert "not known" in work.of(replace(made, meta={})).left_out


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "fine_tune --points 0 --points 5 --points 50",
            Work(1, predictions=1, weights=3, heads=1),
        ),
        ("prune_round --round 0 --rewind_to 5", Work(masks=1)),
        ("prune_round --round 2 --rewind_to 5", Work(1, 5, predictions=1, masks=1)),
        (
            "prune_round --round 2 --rewind_to 0 --keep_weights 1 --keep_weights 2",
            Work(1, predictions=1, masks=1, weights=1),
        ),
        (
            "prune_round --round 0 --rewind_to 5 --decay_over 10",
            Work(1, 5, predictions=1, masks=1),
        ),
        ("controls --point 0 --kinds ticket", Work(1, predictions=1)),
        ("controls --point 0 --kinds ticket --kinds random", Work(2, predictions=2, masks=1)),
        (
            "controls --point 5 --kinds one-shot --kinds reinitialised --kinds random-by-matrix",
            Work(3, 5, predictions=3, masks=2),
        ),
        ("ticket --point 5", Work(3, 5, predictions=3, masks=2)),
        ("rewind", Work(2, 35, predictions=2)),
        ("standard", Work(2, predictions=2, masks=2)),
        ("standard --rounds 1 --rounds 2", Work(4, predictions=4, masks=2)),
        (
            "distil_rounds --task mood --seed 1",
            Work(
                1,
                predictions=2,
                masks=2,
                left_out="short trainings on sets and on as few real examples",
            ),
        ),
        ("reference_masks", Work(masks=2 * 4)),
        ("train --mask-seed 1 --seed 2 --point 0", Work(1, predictions=1)),
        ("train --mask-seed 2 --seed 2 --point 0", Work()),
        ("train --source a --target b --point 5", Work(1, 5, predictions=1)),
        ("train --source a --target a --point 5", Work()),
        ("train --source a --target a --body --point 5", Work(1, 5, predictions=1)),
        ("train --task a --from-scratch", Work(1, predictions=1)),
        ("retrain", Work(4, predictions=7)),
        ("spawn --point 20 --steps rest --grid 11", Work(2, 20, predictions=13)),
        ("spawn --point 20 --steps all --grid 11", Work(2, 0, predictions=13)),
        ("spawn --point 20 --steps rest-warmed --grid 11", Work(2, 20, predictions=13)),
        ("spawn --net ticket --point 0 --steps rest --grid 11", Work(2, 0, predictions=13)),
        ("spawn --net dense --point 0 --steps rest --grid 11", Work(1, 0, predictions=13)),
        ("spawn --net dense --point 20 --steps rest --grid 11", Work(2, 20, predictions=13)),
        ("between --seeds 1 --seeds 2 --seeds 3 --pairs seeds --grid 11", Work(predictions=33)),
        ("between --seeds 1 --seeds 2 --pairs rounds --grid 11", Work(predictions=2 * 2 * 11)),
        ("between --seeds 1 --pairs rounds --pairs dense --grid 5", Work(predictions=4 * 5)),
        ("prune_channels --order greedy", Work(3, predictions=6, weights=1)),
        ("prune_channels --order random", Work(3, predictions=6)),
        ("super_survivors", Work()),
    ],
)
def test_rules(command, expected):
    made = stage("x@1", command=f"python -m stages {command}", rounds=ROUNDS, seeds=[1, 2, 3])
    assert work.of(replace(made, params=dict(made.params) | TRACKED)) == expected


@pytest.mark.parametrize(
    ("length", "prior", "searches"), [(1.0, "size", 2), (0.25, "size", 0.5), (2.5, 0.1, 2.5)]
)
def test_a_search_counts_as_the_training_that_is_as_long(length, prior, searches):
    """A constant prior needs one search for all sizes."""
    made = stage("x@1", command="python -m stages learn_mask --task a --seed 1")
    rule = {"learned_masks.rule": {"length": length, "prior": prior}}
    done = work.of(replace(made, params=TRACKED | rule))
    assert done.trainings * (1 - done.percent / 100) == pytest.approx(2 + searches)
    assert 0 <= done.percent < 100
    assert (done.predictions, done.masks) == (2 * 4, 2)


def test_noisy_trainings_are_counted_and_their_scores_on_the_way_named():
    made = stage("x@1", command="python -m stages noisy_labels --task a --seed 1")
    runs = [{"kind": "noisy", "folder": name, "each": [0.0, 0.2, 0.4]} for name in ("a", "b")]
    done = work.of(replace(made, params=TRACKED, meta={"runs": runs}))
    assert (done.trainings, done.predictions) == (6, 6)
    assert "10 scores" in done.left_out


def test_measuring_in_windows_is_named():
    made = stage("x@1", command="python -m stages channels_within --order greedy")
    done = work.of(replace(made, params=TRACKED))
    assert (done.trainings, done.predictions, done.weights) == (3, 3, 1)
    assert "a third of a training" in done.left_out


@pytest.mark.parametrize(
    ("options", "length", "expected"),
    [
        ("--arm w8a8e8", 0.4, (0.4, 2, 1)),
        ("--arm w8a8", 1.0, (1.0, 2, 2)),
        ("--arm w4a8e2 --sparsity 0.5", 0.4, (1.2, 3, 1)),
        ("--arm w32a32 --sparsity 0.5", 1.0, (3.0, 3, 3)),
    ],
)
def test_trainings_with_quantizers_count_by_their_length_and_models_by_their_bits(
    options, length, expected
):
    made = stage("x@1", command=f"python -m stages quantize --task a --seed 1 {options}")
    orders = {"quantized.pruned.orders": ["prune-first", "quantize-first", "jointly"]}
    done = work.of(replace(made, params={"quantized.rule": {"length": length}} | orders))
    steps = done.trainings * (1 - done.percent / 100)
    assert (pytest.approx(steps), done.predictions, done.weights) == expected


def test_all_of_a_sparse_training_counts():
    params = {"rewind.points": [20, 50], "rewind.source": "sparse"}
    made = replace(stage("x@1", command="python -m stages rewind"), params=params)
    assert work.of(made) == Work(2, 0, predictions=2)


def test_pre_training_is_a_training():
    for source, number in {"pretrain": 1, "hub": 0}.items():
        made = stage("encoder", command="python -m stages encoder", encoder={"source": source})
        assert work.of(made) == Work(number, encoders=1)


def test_trainings_of_the_bert_base_study_are_those_of_its_lists():
    path = ROOT / "studies" / "bert-base-glue.yaml"
    study = settings.load(path)
    by_group: dict[str, int] = {}
    for made in resolve(settings.content(path)):
        done = work.of(made)
        assert done
        by_group[made.group] = by_group.get(made.group, 0) + done.trainings
    chains = len(study.tasks) * len(study.seeds)
    rewind = study.rewind
    assert by_group["fine-tune"] * 2 == chains * 2
    assert by_group["ticket"] == chains * (1 + len(study.random.rounds))
    assert by_group["prune-round"] == chains * (len(study.rounds) - 1)
    assert by_group["rewind"] == len(rewind.tasks) * len(rewind.seeds) * len(rewind.points)
    assert by_group["encoder"] == 0


@pytest.mark.parametrize("meets", [["union"], ["union", "intersection"]])
@pytest.mark.parametrize("kinds", [["seeds"], ["rounds"], ["dense"], ["seeds", "rounds", "dense"]])
def test_lines_are_counted_as_they_are_walked(kinds, meets):
    from stages.tickets.training import endpoints  # noqa: PLC0415  it brings torch

    options = " ".join(f"--pairs {kind}" for kind in kinds)
    options += "".join(f" --meet {meet}" for meet in meets)
    command = f"python -m stages between --seeds 1 --seeds 2 --seeds 3 {options} --grid 1"
    made = replace(stage("x@1", command=command), params=TRACKED)
    walked = endpoints.walks(endpoints.pairs(kinds, [1, 2, 3], [1, 4, 2]), meets)
    assert work.of(made).predictions == len(walked)
