"""What a change reruns: by hand, against a walk over all pairs of stages, and in the studies."""

import random

import pytest

from stages.tickets import settings
from stages.tickets.plan import lineage, work
from stages.tickets.plan.lineage import changes
from stages.tickets.plan.stages import Stage
from stages.tickets.settings import compose
from tests.pipeline import STUDIES, lies_in, read, resolve
from tests.plan.test_stages import stage

READERS = {"check", "baselines", "stability", "survival", "score", "report"}


CHAIN = [
    stage("a", outs="out/a", rate=1),
    stage("b", deps="out/a/file", outs="out/b"),
    stage("c", deps="out", outs="out-c"),
    stage("d", deps="out-c", outs="d"),
    stage("e", deps="other", outs="out-b"),
]


def test_nothing_changes_where_nothing_differs():
    assert changes(CHAIN, list(CHAIN)) == lineage.Changes((), (), ())


def test_a_setting_reruns_its_stage_and_all_that_read_it():
    assert changes(CHAIN, [stage("a", outs="out/a", rate=2), *CHAIN[1:]]).stale == tuple("abcd")
    assert changes(CHAIN, [*CHAIN[:4], stage("e", "other", "out-b", "walk")]).stale == ("e",)


def test_readers_of_a_folder_rerun_for_what_is_new_or_gone_in_it():
    more = [*CHAIN, stage("b2", outs="out/b2")]
    assert changes(CHAIN, more) == lineage.Changes(("b2",), (), ("c", "d"))
    assert changes(more, CHAIN) == lineage.Changes((), ("b2",), ("c", "d"))


def test_nothing_reruns_after_a_stage_that_always_makes_the_same():
    old = [stage("check", outs="ok", all=1), stage("next", deps="ok")]
    new = [stage("check", outs="ok", all=2), old[1]]
    assert changes(old, new).stale == ("check",)


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_a_walk_over_all_pairs(seed):
    draw = random.Random(seed)
    places = ["x", "x/y", "x/y/z", "x/w", "v", "v/u", "xy", "t"]
    old = [
        Stage(f"s{n}", "run", tuple(draw.sample(places, 2)), (f"{draw.choice(places)}/{n}",), {})
        for n in range(12)
    ]
    new = [Stage(s.name, draw.choice(["run"] * 5 + ["walk"]), s.deps, s.outs, {}) for s in old[1:]]
    touched = {s.name for s in new if s.command == "walk"}
    reached = {*touched, old[0].name}
    for _ in old:
        made = [out for s in old if s.name in reached for out in s.outs]
        reached |= {
            s.name
            for s in new
            if any(lies_in(out, dep) or lies_in(dep, out) for out in made for dep in s.deps)
        }
    found = changes(old, new)
    assert set(found.stale) == reached - {old[0].name}
    assert found.gone == ("s0",)


def changed(path, *new):
    """What becomes of the stages of a study with other settings."""
    content = read(path)
    other = compose.overridden(content, new)
    settings.checked(other, str(path))
    stages = [resolve(study) for study in (content, other)]
    by_name = {s.name: s for side in stages for s in side}
    return changes(*stages), by_name


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_another_seed_adds_its_own_stages(path):
    seeds = [*settings.load(path).seeds, 99]
    found, stages = changed(path, f"seeds={seeds}")
    assert found.gone == ()
    assert {stages[name].option("seed") for name in found.new} == {"99"}
    assert {"fine-tune", "prune-round", "ticket"} <= {stages[name].group for name in found.new}
    trained = [name for name in found.stale if (made := work.of(stages[name])) and made.trainings]
    sources = {stages[name].option("source") for name in trained}
    assert sources <= {
        "one-shot",
        "random-mask",
    }  # whose masks of the other seeds stay the same bytes


def test_another_recipe_of_one_task_reruns_its_trainings_and_those_of_its_masks():
    found, stages = changed(STUDIES[0], "+override.entailment.epochs=2")
    assert (found.new, found.gone) == ((), ())
    joint = {n for n, s in stages.items() if "multi-task" in (s.group, s.option("source"))}
    assert joint <= set(found.stale)  # it reads all that is prepared
    stale = set(found.stale) - joint
    assert {work.task_of(stages[name]) for name in stale} == {"entailment", ""}
    assert {stages[n].group for n in stale if not work.task_of(stages[n])} <= READERS
    of_task = {name for name, s in stages.items() if work.task_of(s) == "entailment"}
    assert of_task == {n for n in stale if work.task_of(stages[n])}
    found, stages = changed(STUDIES[0], "+override.mlm.epochs=2")
    others = {n for n in found.stale if work.task_of(stages[n]) not in ("mlm", "")}
    assert others == joint | {n for n, s in stages.items() if s.option("source") == "mlm"} - {
        n for n in stages if work.task_of(stages[n]) == "mlm"
    }


def test_a_setting_of_figures_reruns_the_figures():
    found, _ = changed(STUDIES[0], "plot.columns=2")
    assert found == lineage.Changes((), (), ("check", "report"))
