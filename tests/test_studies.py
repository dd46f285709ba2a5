"""The studies: all allowed, params.yaml is one of them, and the counts in their comments are true."""

import re
from pathlib import Path

import pytest

from stages.tickets import settings
from stages.tickets.plan import budget, sizes, wording
from stages.tickets.plan.lineage import Changes
from stages.tickets.settings import compose
from tests.pipeline import resolve

ROOT = Path(__file__).parent.parent
STUDIES = compose.studies(ROOT / "studies")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_is_allowed_and_named_after_its_file(path):
    assert settings.load(path).study == path.stem.replace("-", "_")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_says_only_what_differs(path):
    def repeated(study, off, key=""):
        if not (isinstance(study, dict) and isinstance(off, dict)):
            return [key] if study == off else []
        return [
            word for k in study.keys() & off for word in repeated(study[k], off[k], f"{key}.{k}")
        ]

    assert repeated(compose.read(path), compose.read(path.with_name("off.yaml"))) == []


def test_params_yaml_is_the_miniature():
    made = settings.content(ROOT / "studies" / "miniature.yaml")
    assert settings.content(ROOT / "params.yaml") == made


def test_the_counts_of_the_bert_base_study_are_those_in_its_comment():
    path = ROOT / "studies" / "bert-base-glue.yaml"
    study = settings.load(path)
    chains = len(study.tasks) * len(study.seeds)
    transfer, rewind = study.transfer, study.rewind
    pairs = len(transfer.sources) * len(transfer.targets) * len(transfer.seeds)
    own = len(set(transfer.sources) & set(transfer.targets)) * len(transfer.seeds)
    trainings = {
        "dense": chains,
        "in rounds": chains * (len(study.rounds) - 1),
        "of the last tickets": chains,
        "rewound": len(rewind.tasks) * len(rewind.seeds) * len(rewind.points),
        "random": chains * len(study.random.rounds),
        "transfers": pairs - own,
        "from scratch": len(study.scratch.tasks) * len(study.scratch.seeds),
    }
    search, retrain = study.search, study.retrain
    of_all_seeds = study.retrain_super
    names = (*retrain.structured, *retrain.magnitude, *retrain.scratch)
    retrained = len(retrain.tasks) * len(retrain.seeds)
    retrained_super = len(of_all_seeds.tasks) * len(of_all_seeds.seeds)
    trainings["of searched subnetworks"] = retrained * len(names)
    trainings["of searched subnetworks"] += retrained_super * len(of_all_seeds.subnetworks)
    searches = len(search.tasks) * len(search.seeds)
    others = len(
        ("code", "check", "encoder", "baselines", "stability", "survival", "pattern-network")
    )
    others += len(("reference-masks", "score", "report"))
    others += len(study.tasks) + len(study.patterns.tasks) + len(of_all_seeds.tasks)
    alone = ("dense", "in rounds", "of the last tickets", "transfers", "from scratch")
    together = len(rewind.tasks) * len(rewind.seeds) + retrained + retrained_super
    stages = sum(trainings[what] for what in alone) + together + chains + own + others + searches
    comment = re.sub(r"\n# +", " ", path.read_text(encoding="utf-8"))
    assert f"{stages:,} stages" in comment
    assert f"{chains} prune without training, {searches} search and {own} transfers are" in comment
    listed = ", ".join(f"{number} {what}" for what, number in trainings.items())
    assert f"{sum(trainings.values()):,} trainings: {listed}." in comment


@pytest.mark.parametrize("name", ["bert-base-glue", "bert-base-tickets"])
def test_the_costs_in_a_comment_are_those_of_the_budget(name):
    path = ROOT / "studies" / f"{name}.yaml"
    content = settings.content(path)
    study = settings.checked(content, path.name)
    stages = resolve(content)
    found = sizes.measure(study, content, ROOT / "none", {})
    counted = budget.budget(stages, found, Changes((), (), ()))
    total = budget.total(counted.costs)
    comment = re.sub(r"\n# +", " ", path.read_text(encoding="utf-8"))
    real, padded = (wording.short(total[kind] / 1e18) for kind in ("real", "padded"))
    assert f"{total['stages']:,.0f} stages" in comment
    assert f"{total['trainings']:,.0f} trainings" in comment
    assert f"{real} EFLOP at the lengths that texts have, {padded} with all padded" in comment
    hours = wording.duration(budget.hours(total["real"], 100))
    assert f"{hours} at a sustained 100 TFLOP/s" in comment
    stored = {kind: wording.size(total[kind]) for kind in budget.STORED}
    assert f"{stored['dense weights']} of dense weights" in comment
    assert f"{stored['masks']} of masks, {stored['predictions']} of predictions" in comment
    assert f"{wording.size(total[list(budget.STORED)].sum())} in the DVC cache" in comment
    overhead = wording.duration(counted.seconds / 3600)
    assert f"DVC itself adds about {overhead}" in comment
