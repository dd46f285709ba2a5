"""Budgets: sums are sums, what is not known is said, and bytes are those of dvc.lock."""

import math
from dataclasses import replace

import pytest

from stages.tickets import settings
from stages.tickets.plan import budget, flops, sizes, work
from stages.tickets.plan import stages as pipeline
from stages.tickets.plan.flops import Examples, Lengths
from stages.tickets.plan.lineage import Changes
from stages.tickets.plan.sizes import Sizes
from tests.conftest import RECIPE
from tests.imports import ROOT
from tests.pipeline import resolve
from tests.plan.test_flops import TINY
from tests.plan.test_stages import stage

EXAMPLES = Examples("classification", 2, 90, 30, 8, Lengths.of([5]), Lengths.of([6]))
SIZES = Sizes(TINY, "guess", {"mood": RECIPE}, {"mood": EXAMPLES}, {"mood": "a table"})
UNKNOWN = replace(SIZES, examples={"mood": Examples("mlm", 0, 9, 9, 8)})
NONE = Changes((), (), ())


def trained(name, command="--task mood --point 0 --kinds ticket"):
    return stage(name, command=f"python -m stages controls {command}")


def scored():
    return stage("score", command="python -m stages score")


def test_costs_of_a_chain_by_hand():
    chain = {
        "fine-tune@a": "fine_tune --task mood --points 0 --points 50",
        "prune-round@a": "prune_round --task mood --round 0 --rewind_to 50",
        "prune-round@b": "prune_round --task mood --round 1 --rewind_to 50",
        "score": "score",
    }
    stages = [stage(name, command=f"python -m stages {text}") for name, text in chain.items()]
    plan = budget.budget(stages, SIZES, NONE)
    predicted = flops.prediction(TINY, EXAMPLES)
    rows = budget.summed(plan.costs, "stage")["padded"]
    assert rows["fine-tune"] == pytest.approx(flops.training(TINY, EXAMPLES, RECIPE) + predicted)
    half = flops.training(TINY, EXAMPLES, RECIPE, 50)
    assert rows["prune-round"] == pytest.approx(half + predicted)
    assert rows["score"] == 0
    total = budget.total(plan.costs)
    assert (total["stages"], total["trainings"]) == (4, 2)
    assert total["real"] < total["padded"]
    weights = 4 * (2 * TINY.parameters("classification", 2) + 2 * 16 + 2)
    assert list(total[list(budget.STORED)]) == [
        0, 0, weights, 2 * 30 * 2 * 4, 2 * -(-TINY.prunable // 8)
    ]  # fmt: skip
    assert plan.not_counted == ()


def test_several_tasks_at_once_cost_what_each_does_alone():
    tracked = {"transfer.round": 2, "multitask.tasks": ["mood", "other"]}
    joint = stage("multi-task@1", command="python -m stages multi_task", **tracked)
    two = replace(
        SIZES,
        examples=dict.fromkeys(("mood", "other"), EXAMPLES),
        recipes=dict.fromkeys(("mood", "other"), RECIPE),
    )
    row, reasons = budget.cost(joint, two)
    assert (row["task"], row["stages"], row["trainings"], reasons) == ("mood other", 1, 4, [])
    assert row["padded"] == pytest.approx(4 * flops.training(TINY, EXAMPLES, RECIPE))
    assert row["masks"] == 2 * flops.mask_bytes(TINY)


def test_what_is_not_known_is_said_and_not_zero_in_silence():
    stages = [
        stage("invented@1", command="python -m stages invented --task mood"),
        stage("invented@2", command="python -m stages invented --task mood"),
        trained("ticket@far", "--task far --point 0 --kinds ticket"),
        trained("ticket@none", "--point 0 --kinds ticket"),
        stage("search@mood", command="python -m stages search --task mood --variants joint"),
    ]
    plan = budget.budget(stages, SIZES, NONE)
    assert list(budget.total(plan.costs)[["stages", "trainings"]]) == [5, 2]
    assert [sentence.split(":")[0] for sentence in plan.not_counted] == [
        "stages invented",
        "FLOPs and bytes of far",
        "FLOPs and bytes of ticket@none",
        "forward passes of searches, whose number depends on what they find",
    ]


def test_lengths_that_are_not_known_stay_unknown_in_sums():
    costs = budget.budget([trained("ticket@mood"), scored()], UNKNOWN, NONE).costs
    assert math.isnan(budget.total(costs)["real"])
    assert list(budget.summed(costs, "stage")["real"].isna()) == [True, False]
    assert budget.total(costs)["padded"] > 0
    assert budget.total(budget.budget([scored()], UNKNOWN, NONE).costs)["real"] == 0


def test_what_a_change_runs():
    changes = Changes(("ticket@mood",), ("ticket@old",), ("score",))
    plan = budget.budget([trained("ticket@mood"), scored(), trained("ticket@b")], SIZES, changes)
    assert dict(plan.costs["change"]) == {"ticket@mood": "new", "score": "again", "ticket@b": ""}
    assert plan.gone == ("ticket@old",)
    assert plan.seconds_of_change < plan.seconds


def test_time_by_hand():
    assert budget.hours(7.2e15, 2.0) == pytest.approx(1.0)


def test_dvc_takes_as_long_as_its_lock_files_are():
    """96 stages took 53 s in one file and 14.6 s in eight; 164 in one took 1.15 s each."""

    def seconds(number, files=1):
        stages = [replace(stage(f"a@{n}"), file=f"{n % files}/dvc.yaml") for n in range(number)]
        return budget.overhead(stages, stages) - 0.6 * number  # the start of processes

    assert seconds(96) == pytest.approx(53, rel=0.25)
    assert seconds(96, 8) == pytest.approx(14.6, rel=0.25)
    assert seconds(164) / 164 == pytest.approx(1.15, rel=0.25)
    stages = [stage(f"a@{n}") for n in range(30)]
    parts = budget.overhead(stages[:10], stages[:10]) + budget.overhead(stages[10:], stages)
    assert budget.overhead(stages, stages) == pytest.approx(parts)


def test_bytes_are_those_that_dvc_lock_has():
    """Headers and losses of one run are 6 kB at most, or one per cent."""
    content = settings.content(ROOT / "params.yaml")
    sized = sizes.measure(settings.checked(content, "it"), content, ROOT / "none", {})
    locked = pipeline.locked(ROOT)
    compared = set()
    for made in resolve(content):
        entry = locked.get(made.name, {"cmd": ""})
        options = made.command.partition(" --")[2]
        if entry["cmd"].partition(" --")[2] != options or made.script not in (
            "fine_tune", "prune_round", "controls", "rewind", "scratch"
        ):  # fmt: skip
            continue
        compared.add(made.group)
        row, _ = budget.cost(made, sized)
        size = sum(out["size"] for out in entry["outs"])
        if made.group == "fine-tune":  # its mask without zeros is one file for all
            size -= next(out["size"] for out in entry["outs"] if "rounds" in out["path"])
        # Of masked language modelling hidden words are counted as if all texts were the longest.
        slack = 6_000 if row["task"] != "mlm" else 25_000
        done = work.of(made)
        runs = done.predictions if done and done.predictions else 1
        stored = sum(row[kind] for kind in budget.STORED)
        assert abs(size - stored) < max(slack * runs, 0.01 * size), made.name
    assert compared
