"""What stages cost: every name of dvc.yaml has a rule, sums are sums, and bytes are those of dvc.lock."""

import math

import pytest

from stages.tickets import settings
from stages.tickets.plan import flops, sizes, work
from stages.tickets.plan import stages as pipeline
from stages.tickets.plan.flops import Examples, Lengths
from stages.tickets.plan.work import Cost, Study, Work
from tests.conftest import RECIPE
from tests.imports import ROOT
from tests.pipeline import resolve
from tests.plan.test_flops import TINY
from tests.plan.test_stages import stage

EXAMPLES = Examples("classification", 2, 90, 30, 8, Lengths.of([5]), Lengths.of([6]))
STUDY = Study(TINY, {"mood": EXAMPLES}, {"mood": RECIPE}, {"far": "nobody knows"})


def test_every_stage_of_dvc_yaml_has_a_rule():
    assert {name for file in pipeline.read(ROOT).values() for name in file["stages"]} <= set(
        work.RULES
    )


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        (
            "fine-tune@x",
            "--points 0 --points 5 --points 50",
            Work(1, predictions=1, weights=3, heads=1),
        ),
        ("prune-round@x", "--round 0 --rewind_to 5", Work(masks=1)),
        ("prune-round@x", "--round 2 --rewind_to 5", Work(1, 5, predictions=1, masks=1)),
        (
            "prune-round@x",
            "--round 2 --rewind_to 0 --keep_weights 1 --keep_weights 2",
            Work(1, predictions=1, masks=1, weights=1),
        ),
        (
            "prune-round@x",
            "--round 0 --rewind_to 5 --decay_over 10",
            Work(1, 5, predictions=1, masks=1),
        ),
        ("ticket@x", "--point 0 --kinds ticket", Work(1, predictions=1)),
        ("ticket@x", "--point 0 --kinds ticket --kinds random", Work(2, predictions=2, masks=1)),
        (
            "controls@x",
            "--point 5 --kinds one-shot --kinds reinitialised --kinds random-by-matrix",
            Work(3, 5, predictions=3, masks=2),
        ),
        ("rewind@x", "--point 20 --source dense", Work(1, 20, predictions=1)),
        ("rewind@x", "--point 20 --source sparse", Work(1, 0, predictions=1)),
        ("random@x", "--point 20 --round 1 --kinds random", Work(1, 20, predictions=1, masks=1)),
        ("cross@x", "--mask-seed 1 --seed 2 --point 0", Work(1, predictions=1)),
        ("cross@x", "--mask-seed 2 --seed 2 --point 0", Work()),
        ("transfer@x", "--source a --target b --point 5", Work(1, 5, predictions=1)),
        ("transfer@x", "--source a --target a --point 5", Work()),
        ("retrain@x", "--kind structured", Work(1, predictions=2)),
        ("super@x", "", Work()),
    ],
)
def test_rules(name, command, expected):
    found = stage(name, command=f"python -m stages.x {command}")
    assert work.RULES[found.group](found) == expected


def test_standard_pruning_is_a_training_a_round_and_one_for_every_aliased_mask():
    rounds = [{"from": 0, "to": 1, "sparsity": 0.4}, {"from": 1, "to": 2, "sparsity": 0.6}]
    for options, trainings in {"": 2, "--rounds 2": 3, "--rounds 1 --rounds 2": 4}.items():
        found = stage("standard@x", command=f"python -m stages.x {options}", rounds=rounds)
        assert work.RULES["standard"](found) == Work(trainings, predictions=trainings, masks=2)


def test_several_tasks_at_once_cost_what_each_does_alone():
    joint = stage("multi-task@1", **{"transfer.round": 2, "multitask.tasks": ["mood", "other"]})
    examples = {"mood": EXAMPLES, "other": EXAMPLES}
    study = Study(TINY, examples, dict.fromkeys(examples, RECIPE))
    found, left_out = work.cost_of(joint, study)
    one = flops.training(TINY, EXAMPLES, RECIPE, 0, True)
    assert (found.stages, found.trainings, left_out) == (1, 4, [])
    assert found.padded == pytest.approx(4 * one)
    assert found.stored == {"masks": 2 * flops.mask_bytes(TINY)}


def test_pre_training_is_a_training():
    for source, number in {"pretrain": 1, "hub": 0}.items():
        found = work.RULES["encoder"](stage("encoder", encoder={"source": source}))
        assert (found.trainings, found.stores) == (number, "encoder")


def test_costs_of_a_chain_by_hand():
    stages = [
        stage("fine-tune@a", command="x --task mood --points 0 --points 50"),
        stage("prune-round@a", command="x --task mood --round 0 --rewind_to 50"),
        stage("prune-round@b", command="x --task mood --round 1 --rewind_to 50"),
        stage("score"),
    ]
    found = work.budget(stages, STUDY)
    whole = flops.training(TINY, EXAMPLES, RECIPE)
    half = flops.training(TINY, EXAMPLES, RECIPE, 50)
    said = flops.prediction(TINY, EXAMPLES)
    assert found.by_stage["fine-tune", "mood"].padded == pytest.approx(whole + said)
    assert found.by(0)["prune-round"].padded == pytest.approx(half + said)
    assert found.by(1)[""] == Cost(1)
    total = found.total
    assert (total.stages, total.trainings) == (4, 2)
    assert total.real < total.padded
    assert total.stored == {
        "masks": 2 * -(-TINY.prunable // 8),
        "dense weights": 4 * (2 * TINY.parameters("classification", 2) + 2 * 16 + 2),
        "predictions": 2 * 30 * 2 * 4,
    }
    assert found.not_counted == ()


def test_what_is_not_known_is_said_and_not_zero_in_silence():
    stages = [
        stage("invented@1", command="x --task mood"),
        stage("invented@2", command="x --task mood"),
        stage("ticket@far", command="x --task far --point 0 --kinds ticket"),
        stage("ticket@none", command="x --point 0 --kinds ticket"),
        stage("search@mood", command="x --task mood --variants joint"),
    ]
    found = work.budget(stages, STUDY)
    assert (found.total.stages, found.total.trainings) == (5, 2)
    assert [sentence.split(":")[0] for sentence in found.not_counted] == [
        "stages invented",
        "FLOPs and bytes of far",
        "FLOPs and bytes of ticket@none",
        "forward passes of searches, whose number depends on what they find",
    ]


def test_lengths_that_are_not_known_stay_unknown_in_sums():
    unknown = Study(TINY, {"mood": Examples("mlm", 0, 9, 9, 8)}, {"mood": RECIPE})
    trained = stage("ticket@mood", command="x --task mood --point 0 --kinds ticket")
    total = work.budget([trained, stage("score")], unknown).total
    assert math.isnan(total.real)
    assert total.padded > 0
    assert work.budget([stage("score")], unknown).total.real == 0


def test_trainings_of_the_bert_base_study_are_those_of_its_lists():
    path = ROOT / "studies" / "bert-base-glue.yaml"
    study = settings.load(path)
    stages = resolve(settings.content(path))
    by_group: dict[str, int] = {}
    for one in stages:
        if one.group in work.RULES:
            number = work.RULES[one.group](one).trainings
            by_group[one.group] = by_group.get(one.group, 0) + number
    chains = len(study.tasks) * len(study.seeds)
    rewind = study.rewind
    assert by_group["fine-tune"] * 2 == by_group["ticket"] == chains * 2
    assert by_group["prune-round"] == chains * (len(study.rounds) - 1)
    assert by_group["rewind"] == len(rewind.tasks) * len(rewind.seeds) * len(rewind.points)
    assert by_group["encoder"] == 0


def test_bytes_are_those_that_dvc_lock_has():
    """Of stages as they were: headers and losses of one run are 6 kB at most, or one per cent."""
    content = settings.content(ROOT / "params.yaml")
    study = settings.checked(content, "params.yaml")
    found = sizes.measure(study, content, ROOT / "none", {})
    costed = Study(found.shape, found.examples, found.recipes)
    locked = pipeline.locked(ROOT)
    compared = set()
    for one in resolve(content):
        if one.group not in ("fine-tune", "prune-round", "ticket", "rewind", "random", "scratch"):
            continue
        entry = locked.get(one.name, {"cmd": None})
        if entry["cmd"] != one.command:
            continue
        compared.add(one.group)
        stored = sum(work.cost_of(one, costed)[0].stored.values())
        size = sum(out["size"] for out in entry["outs"])
        if one.group == "fine-tune":  # its mask without zeros is one file for all
            size -= next(out["size"] for out in entry["outs"] if "rounds" in out["path"])
        # Of masked language modelling hidden words are counted as if all texts were the longest.
        slack = 6_000 if work.task_of(one) != "mlm" else 25_000
        runs = max(1, work.RULES[one.group](one).predictions)
        assert abs(size - stored) < max(slack * runs, 0.01 * size), one.name
    assert compared
