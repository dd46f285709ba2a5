"""A tiny study with real trainings: all ways to run it make the bytes of `dvc repro`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.clusters import Scheduler, make_slurm
from tests.launch.driver_project import contents
from tests.launch.project import end_processes
from tests.pipeline.study import TICKETS_ALONE
from tests.test_incremental import SMALL, Project, make_project, ran

TINY = SMALL | {
    **TICKETS_ALONE,
    "random": SMALL["random"],
    "controls": SMALL["controls"],
    "tasks": ["mood"],
    "data": {},
    "override": {"mood": {}},
}
"""A task, a seed, two rounds, random masks and a control."""


@pytest.fixture(scope="module")
def by_dvc(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `dvc repro` makes."""
    project = make_project(tmp_path_factory.mktemp("by-dvc") / "p", TINY)
    try:
        assert len(ran(project.repro())) > 10
    finally:
        end_processes(project.folder)
    return contents(project.folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = make_project(tmp_path.resolve() / "p", TINY)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    end_processes(made.folder)


def drive(project: Project, *options: str) -> str:
    command = [sys.executable, "-m", "stages", "run", *options]
    done = subprocess.run(
        command, cwd=project.folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_workers_make_the_bytes_of_dvc(project: Project, by_dvc: dict[str, bytes]) -> None:
    said = drive(project, "--workers", "2")
    assert contents(project.folder) == by_dvc
    assert said.splitlines()[0].startswith("check: ")
    assert ", about " in said.splitlines()[0]  # an estimate before any training
    assert ran(project.repro()) == []


def test_workers_of_dask_make_the_bytes_of_dvc(
    project: Project, by_dvc: dict[str, bytes], tmp_path: Path
) -> None:
    scheduler = Scheduler(tmp_path / "dask")
    try:
        drive(project, "--scheduler", scheduler.address)
    finally:
        scheduler.close()
    assert contents(project.folder) == by_dvc


def test_jobs_of_slurm_make_the_bytes_of_dvc(
    project: Project, by_dvc: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bins, file = make_slurm(tmp_path)
    monkeypatch.setenv("PATH", f"{bins}{os.pathsep}{os.environ['PATH']}")
    drive(project, "--cluster", str(file))
    assert contents(project.folder) == by_dvc
