"""Machines without a shared file system: a remote, and two clones that run other targets."""

from pathlib import Path

import pytest

from stages.launch.driver.dvc import Look
from tests.launch.driver_project import (
    NAMES,
    contents,
    drive,
    git,
    make_project,
    ran,
    run_dvc,
    start,
)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")


def dvc(folder: Path, *arguments: str) -> None:
    done = run_dvc(folder, *arguments)
    assert done.returncode == 0, done.stderr


def clone(origin: Path, folder: Path, remote: Path) -> Path:
    git(origin, "clone", "-q", str(origin), str(folder))
    dvc(folder, "remote", "add", "--local", "-d", "shared", str(remote))
    return folder


def test_two_clones_and_a_remote_make_what_one_machine_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of docs/many-cores.md, of which git moves none of the results."""
    monkeypatch.setenv("SHELL", "/bin/sh")
    alone = make_project(tmp_path / "alone")
    first, second = (
        clone(alone, tmp_path / name, tmp_path / "remote") for name in ("first", "second")
    )
    monkeypatch.chdir(alone)
    drive("train@b-1")  # entries of dvc.lock stand in the order in which stages have run
    drive()
    monkeypatch.chdir(first)
    drive("folder@a")
    assert set(ran(first)) == {"begin", "train@a-1", "train@a-2", "folder@a"}
    dvc(first, "push", "--run-cache")
    monkeypatch.chdir(second)
    drive("train@b-1")
    assert set(ran(second)) == {"begin", "train@b-1"}
    driver, _ = drive(pull=True)
    assert driver.done == {Look.UNCHANGED: 2, Look.RESTORED: 3, Look.CHANGED: 4}
    assert set(ran(second)) == NAMES - {"begin", "train@b-1", "train@a-1", "train@a-2", "folder@a"}
    assert contents(second) == contents(alone)
    assert "up to date" in run_dvc(second, "repro").stdout


def test_a_project_without_a_remote_is_told(tmp_path: Path) -> None:
    driver = start(make_project(tmp_path / "p"), "--pull")
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert "no remote specified" in errors
    assert errors.count("\n") == 1
