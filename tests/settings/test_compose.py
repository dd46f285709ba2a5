"""Studies composed: what differs, `all` spelled out, other values, and fewer tasks and seeds."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from stages.tickets import settings
from stages.tickets.settings import ParamsError, compose
from stages.tickets.settings.base import rules
from tests.imports import ROOT

STUDIES = ROOT / "studies"
TINY = """\
study: tiny
title: Two tasks
tasks: [sst2, rte]
seeds: [1, 2]
encoder: {source: folder, path: x, pooler: fresh}
data:
  rte: {source: folder, path: glue, config: rte}
  sst2: {source: folder, path: glue, config: sst2}
train: {learning_rate: 1.0e-4}   # slow
rounds:
  - {from: 0, to: 1, sparsity: 0.5}
  - {from: 1, to: 2, sparsity: 0.7}
  - {from: 2, to: 3, sparsity: 0.9}
imp: {keep_weights: all}
random: {rounds: all}
controls: {more: {kinds: [one-shot]}, tasks: [rte], seeds: all, rounds: all}
standard: {tasks: all, seeds: all, aliased: {rounds: [2]}}
cross: {tasks: all, mask_seeds: all, seeds: [2]}
multitask: {tasks: all, seeds: all}
scratch: {tasks: all, seeds: [2]}
transfer: {sources: [all, aliased-rte, multi-task, one-shot], targets: all, seeds: all}
search: {tasks: [rte], seeds: all}
retrain: {tasks: all, seeds: all, structured: [good]}
patterns: {tasks: all, network: {seeds: [7]}}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    shutil.copy(STUDIES / "off.yaml", tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    return tmp_path / "tiny.yaml"


def cut(path: Path, tasks: list[str] | None = None, seeds: list[int] | None = None) -> Any:
    content = compose.plain(compose.composed(path, (), tasks, seeds))
    settings.checked(content, "cut")
    return content


def test_off_yaml_has_every_section_and_no_experiment() -> None:
    off = compose.read(STUDIES / "off.yaml")
    assert list(off) == list(settings.Study.model_fields)
    lists = {
        "tasks",
        "seeds",
        "rounds",
        "points",
        "sources",
        "targets",
        "mask_seeds",
        "keep_weights",
    }
    for key, _ in rules(settings.Study):
        *path, last = key.split(".")
        section = off
        for part in path:
            section = section[part]
        assert section[last] == [] or last not in lists, key


def test_a_study_holds_what_differs(tiny: Path) -> None:
    content, off = settings.content(tiny), compose.read(tiny.with_name("off.yaml"))
    assert content["title"] == "Two tasks"
    assert content["train"] == off["train"] | {"learning_rate": 1e-4}
    assert list(content) == list(off)
    assert list(content["train"]) == list(off["train"])
    assert content["override"] == {"sst2": {}, "rte": {}}
    assert (content["last_round"], content["transfer"]["round"]) == (3, 3)
    assert settings.load(tiny).tasks == ("sst2", "rte")


def test_comments_at_the_ends_of_lines_are_kept() -> None:
    text = compose.dump(compose.composed(STUDIES / "miniature.yaml"))
    assert re.search(r"(?m)^grid: listed +# or tenths", text)  # of off.yaml
    assert re.search(r"initializer_range: 0.05 +# 0.02 of BERT", text)  # of the study
    assert "\n\nencoder:\n" in text


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("imp.keep_weights", [1, 2]),  # before the last
        ("random.rounds", [1, 2, 3]),
        ("controls.rounds", [1, 2, 3]),
        ("controls.seeds", [1, 2]),
        ("standard.tasks", ["sst2", "rte"]),
        ("retrain.tasks", ["rte"]),  # those searched
        ("patterns.tasks", ["rte"]),
        ("transfer.sources", ["sst2", "rte", "aliased-rte", "multi-task", "one-shot"]),
    ],
)
def test_all_is_spelled_out(tiny: Path, key: str, expected: list[object]) -> None:
    value: Any = settings.content(tiny)
    for part in key.split("."):
        value = value[part]
    assert value == expected


def test_one_more_seed_is_one_change(tiny: Path) -> None:
    content = settings.content(tiny, ["seeds=[1, 2, 5]"])
    assert content["search"]["seeds"] == content["retrain"]["seeds"] == [1, 2, 5]
    assert content["scratch"]["seeds"] == [2]
    content = settings.content(ROOT / "params.yaml", ["train.learning_rate=2e-5", "plot.columns=1"])
    assert content["train"]["learning_rate"] == 2e-5
    assert content["plot"]["columns"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train", "-S train is not possible: Error parsing override 'train' missing EQUAL"),
        ("tran.epochs=1", "Could not override 'tran.epochs'.*there are the keys study, title, "),
        (
            "train.epoch=1",
            "Could not override 'train.epoch'; there are the keys epochs, batch_size",
        ),
        ("train.betas.5=1", "-S train.betas.5=1 is not possible"),
        ("seeds=[1", "-S seeds=.1 is not possible"),
    ],
)
def test_a_change_that_leads_nowhere_is_one_sentence(tiny: Path, change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message) as caught:
        settings.content(tiny, [change])
    assert "\n" not in str(caught.value)


def test_one_task_and_one_seed_of_a_study(tiny: Path) -> None:
    content = cut(tiny, ["rte"], [2])
    assert (content["tasks"], content["seeds"]) == (["rte"], [2])
    assert list(content["data"]) == list(content["override"]) == ["rte"]
    assert content["standard"] == {"tasks": ["rte"], "seeds": [2], "aliased": {"rounds": [2]}}
    assert content["multitask"] == {"tasks": [], "seeds": []}  # of one task it is none
    assert content["cross"] == {"tasks": [], "mask_seeds": [], "seeds": []}
    assert content["transfer"]["sources"] == ["rte", "aliased-rte", "one-shot"]
    assert content["retrain"]["structured"] == ["good"]


def test_what_is_left_without_a_task_is_switched_off(tiny: Path) -> None:
    content = cut(tiny, ["sst2"])
    off = compose.read(tiny.with_name("off.yaml"))
    assert content["search"] == off["search"]
    assert content["retrain"] == off["retrain"]
    assert content["patterns"]["network"]["seeds"] == []
    assert content["controls"] == off["controls"]
    assert content["random"] == {"rounds": [1, 2, 3]}  # it is for all tasks
    assert content["transfer"]["sources"] == ["sst2", "one-shot"]
    assert cut(tiny, None, [1])["scratch"] == {"tasks": [], "seeds": []}


def test_a_report_of_the_whole_study_is_none_of_a_part() -> None:
    assert settings.content(STUDIES / "minilm-glue.yaml")["ran"]["hours"] == 8.0
    assert cut(STUDIES / "minilm-glue.yaml", None, [1])["ran"] is None
    assert settings.content(STUDIES / "minilm-glue.yaml", ["seeds=[1]"])["ran"] is None
    assert settings.content(STUDIES / "minilm-glue.yaml", ["title=x"])["ran"]["hours"] == 8.0


@pytest.mark.parametrize("path", compose.studies(STUDIES), ids=lambda path: path.stem)
def test_every_task_and_every_seed_alone_is_a_study(path: Path) -> None:
    study = settings.load(path)
    for task in study.tasks:
        assert cut(path, [task])["tasks"] == [task]
    for seed in study.seeds:
        assert cut(path, None, [seed])["seeds"] == [seed]


@pytest.mark.parametrize(
    ("tasks", "seeds", "message"),
    [
        (["mnli"], None, "--tasks has 'mnli', allowed are the tasks of tiny, sst2, rte"),
        (None, [3], "--seeds has 3, allowed are the seeds of tiny, 1, 2"),
    ],
)
def test_an_unknown_task_or_seed_is_refused(
    tiny: Path, tasks: list[str] | None, seeds: list[int] | None, message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        cut(tiny, tasks, seeds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: [", "tiny.yaml is not YAML"),
        ("- 1", "tiny.yaml is .1., but it should be the sections"),
    ],
)
def test_a_study_that_is_no_yaml_is_refused(tiny: Path, text: str, message: str) -> None:
    tiny.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        settings.load(tiny)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seeds=3", "seeds is 3, allowed are lists"),
        ("rounds=3", "rounds is 3, allowed are lists"),
        ("~transfer", "transfer is missing"),
        ("search=all", "search is 'all', allowed are sections, with keys and values"),
        ("controls.seeds=[all,9]", "controls.seeds has 9, allowed are the seeds 1, 2"),
    ],
)
def test_a_composed_study_that_is_wrong_is_refused(tiny: Path, change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        settings.checked(settings.content(tiny, [change]), "tiny")
    tiny.write_text(TINY + "earlier: 3\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="earlier is 3, but it should be a section"):
        settings.load(tiny)


def test_what_a_study_has_to_say_is_missed(tiny: Path) -> None:
    tiny.write_text(TINY.replace("tasks: [sst2, rte]\n", ""), encoding="utf-8")
    with pytest.raises(ParamsError, match="tasks is None, allowed are lists"):
        settings.load(tiny)
