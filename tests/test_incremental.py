"""`dvc repro` runs what has changed and what depends on it, and the same input gives the same bytes."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo  # type: ignore[import-untyped]

from tests.imports import ROOT
from tests.launch.project import end_processes
from tests.pipeline import BASE, lies_in, pipeline
from tests.pipeline.study import (
    NO_CONTROLS,
    STUDY,
    contents,
    run_all,
    stages,
    write_study,
)

SMALL = STUDY | {
    **NO_CONTROLS,
    "rewind": BASE["rewind"],
    "multitask": STUDY["multitask"],
    "tasks": ["mood", "mlm"],
    "seeds": [1],
    "data": {"mlm": STUDY["data"]["mlm"]},
    "override": {"mood": {}, "mlm": {}},
    "random": {"rounds": [1, 2]},
    "scratch": {"tasks": ["mood", "mlm"], "seeds": [1]},
    "controls": STUDY["controls"]
    | {"more": {"kinds": ["one-shot"]}, "tasks": ["mood"], "rounds": [1]},
    "standard": {"tasks": ["mlm"], "seeds": [1], "aliased": {"rounds": []}},
    "transfer": {"sources": ["mood"], "targets": ["mlm"], "seeds": [1], "round": 1},
    "search": STUDY["search"]
    | {"tasks": ["mood"], "seeds": [1]}
    | {"rule": STUDY["search"]["rule"] | {"variants": ["joint", "magnitude"]}},
    "retrain": {
        "tasks": ["mood"],
        "seeds": [1],
        "structured": ["good"],
        "magnitude": ["bad"],
        "scratch": [],
    },
    "patterns": STUDY["patterns"]
    | {"tasks": ["mood"], "network": STUDY["patterns"]["network"] | {"seeds": [1]}},
}
"""A task of one's own, another task, one seed, two rounds."""
MANIFEST = "results/manifest.json"
READERS = {"stability", "survival", "score", "report"}
OF_SEARCHES = {
    "search@mood-1",
    "retrain@mood-1",
    "patterns@mood",
}
TICKETS = {"ticket@mood-1", "ticket@mlm-1"}
"""Stages that also train the random masks of all rounds."""


@dataclass(frozen=True)
class Project:
    """A folder with the pipeline in it, apart from the user's git, DVC settings and warm processes."""

    folder: Path
    study: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        beside = self.folder.parent
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(beside),
            "CUDA_VISIBLE_DEVICES": "",
            "CI": "1",  # no look for a new version of DVC
            "DVC_SITE_CACHE_DIR": str(beside / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(beside / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(beside / "none"),
        }

    def restore(self) -> None:
        """Settings, tables and code as they were."""
        write_study(self.folder, self.study)
        shutil.copytree(self.folder.parent / "code", self.folder / "stages", dirs_exist_ok=True)

    def repro(self) -> str:
        """What `dvc repro` says; it has to succeed."""
        found = subprocess.run(
            [sys.executable, "-m", "dvc", "repro"],
            cwd=self.folder,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout
        return found.stdout

    def changed(self) -> set[str]:
        """The stages that `dvc status` names: their command, settings, files or outs have changed."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            with Repo() as repo:
                return {name_of(address) for address in repo.status()}


def name_of(address: str) -> str:
    """The name of a stage, of that and its dvc.yaml."""
    return address.rpartition(":")[2]


def ran(output: str) -> list[str]:
    """The names of stages that DVC says it runs, in their order."""
    return [name_of(address) for address in re.findall(r"(?m)^Running stage '(.+)':$", output)]


def with_dependants(changed: set[str], study: dict[str, Any]) -> set[str]:
    """Stages and all that depend on what they make.

    Left out are what `check` makes, which is the same unless there are other runs, and code, which no
    setting changes.
    """
    found = set(changed)
    for stage in stages(study):  # each comes after those that it depends on
        made = [out for other in stages(study) if other.name in found for out in other.outs]
        inputs = [dep for dep in stage.inputs if dep != MANIFEST]
        if any(lies_in(dep, out) or lies_in(out, dep) for dep in inputs for out in made):
            found.add(stage.name)
    return found


def make_project(folder: Path, study: dict[str, Any]) -> Project:
    """Make a project in a folder that does not exist yet; what lies beside that is the project's, too."""
    project = Project(folder, study)
    shutil.copytree(ROOT / "published", project.folder / "published")
    for part in (*pipeline(), ".dvcignore", ".dvc/config"):
        (project.folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, project.folder / part)
    own_settings = project.folder / ".dvc" / "config.local"
    own_settings.write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "stages", project.folder.parent / "code", ignore=ignore)
    project.restore()
    return project


@pytest.fixture(scope="module")
def finished() -> Iterator[Project]:
    """A project in which DVC has run every stage."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder).resolve() / "p", SMALL)
        try:
            names = ran(project.repro())
            assert sorted(names) == sorted(stage.name for stage in stages(SMALL))
            yield project
        finally:
            end_processes(project.folder)


@pytest.fixture
def project(finished: Project) -> Iterator[Project]:
    """The same, to be changed."""
    yield finished
    finished.restore()


def test_a_second_repro_runs_nothing(finished: Project) -> None:
    locks = {lock: lock.read_bytes() for lock in finished.folder.rglob("dvc.lock")}
    assert len(locks) == len({stage.file for stage in stages(SMALL)})
    assert "Data and pipelines are up to date." in finished.repro()
    assert {lock: lock.read_bytes() for lock in locks} == locks


@pytest.mark.usefixtures("on_the_cpu")
def test_other_processes_make_the_same_bytes(finished: Project, tmp_path: Path) -> None:
    """DVC and the warm process there, this process here."""
    there, here = contents(finished.folder), contents(run_all(tmp_path / "p", SMALL))
    assert len(here) > 50
    assert here.keys() == there.keys()
    assert [path for path in here if here[path] != there[path]] == []


def chain(task: str, seed: int) -> set[str]:
    """All trainings of a task and a seed, but those from scratch and of masks from elsewhere."""
    run = f"{task}-{seed}"
    rounds = {f"prune-round@{run}-after{index}" for index in range(2)}
    return rounds | {f"fine-tune@{run}", f"ticket@{run}"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"plot": STUDY["plot"] | {"columns": 1}}, {"check", "report"}, id="a figure"),
        pytest.param(
            {"seeds": [1, 2]},
            {
                "check",
                *chain("mood", 2),
                *chain("mlm", 2),
                "patterns@mood",
                "reference-masks",
                *READERS,
            },
            id="a seed",
        ),
        pytest.param(
            {
                "tasks": ["mood", "mlm", "similarity"],
                "data": STUDY["data"],
                "override": {"mood": {}, "mlm": {}, "similarity": {}},
            },
            {
                "check",
                "prepare@similarity",
                "baselines",
                *chain("similarity", 1),
                "multi-task@1",  # it depends on all that is prepared
                *READERS,
            },
            id="a task",
        ),
        pytest.param(
            {"rounds": [*STUDY["rounds"], {"from": 2, "to": 3, "sparsity": 0.9}], "last_round": 3},
            {
                "check",
                *("prune-round@mood-1-after2", "prune-round@mlm-1-after2"),
                *TICKETS,  # the last mask is another
                "multi-task@1",
                "standard@mlm-1",
                "reference-masks",
                *READERS,
            },
            id="a round",
        ),
        pytest.param(
            {"controls": SMALL["controls"] | {"rounds": [1, 2]}},
            {"check", "controls@mood-1-2", *READERS} - {"stability"},
            id="a round of controls",
        ),
        pytest.param(
            {"retrain": SMALL["retrain"] | {"structured": ["good", "random"]}},
            {"check", "retrain@mood-1", *READERS} - {"stability"},
            id="a subnetwork",
        ),
        pytest.param(
            {"random": {"rounds": [2]}},
            {"check", *TICKETS, *READERS} - {"stability"},
            id="a round of random masks",
        ),
        pytest.param(
            {"scratch": {"tasks": ["mood"], "seeds": [1]}},
            {"check", "report"},  # `score` follows if there are other runs, see with_dependants
            id="a task less from scratch",
        ),
        pytest.param(
            {"search": SMALL["search"] | {"permutations": 20}},
            {"check", "patterns@mood", "survival", "report"},
            id="permutations",
        ),
        pytest.param(
            {"patterns": SMALL["patterns"] | {"examples": {"split": "selection", "number": 5}}},
            {"check", "patterns@mood", "report"},
            id="examples of patterns",
        ),
        pytest.param(
            {"override": {"mood": {"learning_rate": 2e-3}, "mlm": {}}},
            {
                "check",
                "prepare-own@mood",
                "baselines",
                *chain("mood", 1),
                "multi-task@1",
                "controls@mood-1-1",
                "scratch@mood-1",
                *OF_SEARCHES,
                "transfer@mood-mlm-1",  # its mask is one of mood's
                *READERS,
            },
            id="the learning rate of a source",
        ),
        pytest.param(
            {"override": {"mood": {}, "mlm": {"learning_rate": 2e-3}}},
            {
                "check",
                "prepare@mlm",
                "baselines",
                *chain("mlm", 1),
                "multi-task@1",
                "standard@mlm-1",
                "scratch@mlm-1",
                "transfer@mood-mlm-1",
                *READERS,
            },
            id="the learning rate of a target",
        ),
    ],
)
def test_a_changed_setting_runs_its_own_stages_and_what_depends_on_them(
    project: Project, change: dict[str, Any], expected: set[str]
) -> None:
    study = SMALL | change
    write_study(project.folder, study)
    assert with_dependants(project.changed(), study) == expected


def test_a_changed_table_of_ones_own_reruns_its_task(project: Project) -> None:
    add("the dog is good,happy\n", project.folder / "train.csv")
    assert with_dependants(project.changed(), SMALL) == {
        "prepare-own@mood",
        "baselines",
        *chain("mood", 1),
        "controls@mood-1-1",
        "multi-task@1",
        "scratch@mood-1",
        *OF_SEARCHES,
        "transfer@mood-mlm-1",
        *READERS,
    }


def test_a_remark_reruns_no_stage_and_what_starts_stages_none_either(project: Project) -> None:
    add("# a remark\n", project.folder / "stages" / "tickets" / "training" / "fit.py")
    add("MORE = 1\n", project.folder / "stages" / "launch" / "warm.py")
    assert ran(project.repro()) == ["code"]


def test_changed_code_and_settings_rerun_what_reads_them(project: Project) -> None:
    """What `dvc repro` does, after all that `dvc status` has foreseen."""
    add("MORE = 1\n", project.folder / "stages" / "stability.py")
    study = SMALL | {"plot": STUDY["plot"] | {"columns": 2}}
    write_study(project.folder, study)
    assert project.changed() == {"code", "check", "report"}
    assert sorted(ran(project.repro())) == ["check", "code", "report", "stability"]
    assert project.changed() == set()


def add(text: str, path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
