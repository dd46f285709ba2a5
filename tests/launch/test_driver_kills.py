"""Kills of the driver and of its parts: nothing runs on, nothing is wrong, and the next run goes on."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.driver_project import (
    NAMES,
    contents,
    drive,
    make_project,
    ran,
    run_dvc,
    start,
    start_dvc,
)
from tests.launch.project import end_processes, happens, processes

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
SLOW = "case $out in *runs/*) seconds=60;; esac\n"
SECONDS = 5


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose four trainings take a minute."""
    folder = make_project(tmp_path / "p")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHELL", "/bin/sh")
    (folder / "slow").write_text(SLOW, encoding="utf-8")
    yield folder
    end_processes(folder)


def others(project: Path) -> dict[int, list[str]]:
    """Processes in the project's folder, but this one."""
    return {number: words for number, words in processes(project).items() if number != os.getpid()}


def in_training(project: Path, trainings: int = 2) -> bool:
    return happens(lambda: len(list(project.glob("slow.*.txt"))) == trainings)


def start_training(project: Path) -> subprocess.Popen[str]:
    """Start the driver, and wait until two trainings are under way, both a minute from their end."""
    driver = start(project, "--workers", "2")
    assert in_training(project)
    return driver


def go_on(project: Path) -> None:
    """Run the rest, and compare with a run without a kill."""
    for file in project.glob("slow*"):
        file.unlink()
    drive()
    finished = contents(project)
    other = make_project(project.parent / "other")
    os.chdir(other)
    drive()
    assert finished == contents(other)


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
def test_after_a_kill_of_the_driver_nothing_runs_on_and_the_next_run_goes_on(
    project: Path, number: str
) -> None:
    driver = start_training(project)
    sent = signal.Signals[number]
    driver.send_signal(sent)
    _, errors = driver.communicate(timeout=SECONDS)
    assert happens(lambda: not others(project), SECONDS)
    if number == "SIGKILL":
        assert driver.returncode == -sent
    else:
        assert driver.returncode == 128 + sent
        assert errors == "run: stopped; the same command goes on where this was\n"
        assert "  begin:\n" in (project / "dvc.lock").read_text(encoding="utf-8")
        assert json.loads((project / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}
    assert len(ran(project)) == 3
    go_on(project)
    names = ran(project)
    assert (len(names), set(names)) == (len(NAMES) - 1, NAMES - {"begin"})
    assert "up to date" in run_dvc(project, "repro").stdout


@pytest.mark.parametrize(
    ("part", "number"), [("keeper", "SIGKILL"), ("keeper", "SIGINT"), ("shell", "SIGKILL")]
)
def test_a_kill_of_a_command_fails_its_stage_and_leaves_nothing(
    project: Path, part: str, number: str
) -> None:
    driver = start_training(project)
    word = {"keeper": "keeper.py", "shell": "make.sh"}[part]
    for victim, words in others(project).items():
        if word in " ".join(words):
            os.kill(victim, signal.Signals[number])
    said, errors = driver.communicate(timeout=SECONDS)
    assert happens(lambda: not others(project), SECONDS)
    assert driver.returncode == 1
    assert re.fullmatch(r"run: .* failed, see above; 6 others did not run\n", errors)
    assert said.count(f"was killed by signal {signal.Signals[number]:d} after") == 2
    go_on(project)


# --- two at once -----------------------------------------------------------------------------


def test_a_second_driver_and_dvc_are_refused(project: Path) -> None:
    driver = start_training(project)
    table = json.loads((project / ".dvc/tmp/rwlock").read_text(encoding="utf-8"))
    runs = [path for path in table["write"] if "results/runs" in path]
    assert len(runs) == 2
    second = start(project)
    beside = run_dvc(project, "repro")
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 1
    assert errors.startswith(
        "run: another DVC or driver is at work in this folder (python -m stages run --workers 2, "
        f"process {driver.pid}); wait for its end"
    )
    assert "Unable to acquire lock" in beside.stderr
    assert len(ran(project)) == 3
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=SECONDS)
    go_on(project)


def test_the_driver_waits_for_no_running_dvc(project: Path) -> None:
    dvc = start_dvc(project, "repro", "pipeline/train/dvc.yaml:train@a-1")
    assert in_training(project, 1)
    driver = start(project)
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 1
    assert errors.startswith("run: DVC runs a stage in this folder (")
    assert f"process {dvc.pid}" in errors
    end_processes(project)
    dvc.communicate(timeout=SECONDS)


def test_a_driver_under_nohup_outlives_the_terminal(project: Path) -> None:
    driver = start(project, "begin", by=["nohup"])
    assert happens((project / ".dvc/tmp/run/flight").exists)
    driver.send_signal(signal.SIGHUP)
    said, errors = driver.communicate(timeout=30)
    assert driver.returncode == 0, errors
    assert "1 stages: 1 run; " in said
