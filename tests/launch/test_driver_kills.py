"""Kills of the driver and of its parts: nothing runs on, nothing is wrong, and the next run goes on."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.launch.driver import signals
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


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run without a kill makes."""
    folder = make_project(tmp_path_factory.mktemp("undisturbed") / "p")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SHELL", "/bin/sh")
        drive()
    return contents(folder)


def go_on(project: Path, undisturbed: dict[str, bytes]) -> None:
    """Run the rest, and compare with a run without a kill."""
    for file in project.glob("slow*"):
        file.unlink()
    drive()
    assert contents(project) == undisturbed


def test_signals_end_the_driver_and_the_next_run_goes_on(
    project: Path, undisturbed: dict[str, bytes]
) -> None:
    """One after another: each run goes on where the one before was ended."""
    for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
        for file in project.glob("slow.*"):
            file.unlink()
        driver = start_training(project)
        driver.send_signal(sent)
        _, errors = driver.communicate(timeout=SECONDS)
        assert happens(lambda: not others(project), SECONDS)
        assert len([name for name in ran(project) if name != "begin"]) == 2
        if sent == signal.SIGKILL:
            assert driver.returncode == -sent
            continue
        assert driver.returncode == 128 + sent
        assert errors == "run: stopped; the same command goes on where this was\n"
        assert "  begin:\n" in (project / "dvc.lock").read_text(encoding="utf-8")
        assert json.loads((project / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}
    go_on(project, undisturbed)
    names = ran(project)
    assert (len(names), set(names)) == (len(NAMES) - 1, NAMES - {"begin"})
    assert "up to date" in run_dvc(project, "repro").stdout


def test_a_kill_before_dvc_lock_is_written_loses_nothing(
    project: Path, undisturbed: dict[str, bytes]
) -> None:
    """Stages that have ended come from the cache of runs."""
    driver = start_training(project)
    driver.kill()
    driver.communicate(timeout=SECONDS)
    assert not (project / "dvc.lock").exists()
    assert happens(lambda: not others(project), SECONDS)
    assert min(ran(project)) == "begin"
    go_on(project, undisturbed)
    assert set(ran(project)) == NAMES - {"begin"}


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_kills_of_commands_fail_their_stages_and_leave_nothing(
    project: Path, undisturbed: dict[str, bytes], by: signal.Signals
) -> None:
    """One command loses its keeper, the other its shell."""
    driver = start_training(project)
    victims = {number: " ".join(words) for number, words in others(project).items()}
    keeper = next(number for number, words in victims.items() if "keeper.py" in words)
    shell = next(
        number
        for number, words in victims.items()
        if "make.sh" in words and os.getsid(number) != os.getsid(keeper)
    )
    os.kill(keeper, by)
    os.kill(shell, signal.SIGKILL)
    said, errors = driver.communicate(timeout=SECONDS)
    assert happens(lambda: not others(project), SECONDS)
    assert driver.returncode == 1
    assert re.fullmatch(r"run: .* failed, see above; 6 others did not run\n", errors)
    killed = sorted(re.findall(r"was killed by signal (\d+) after", said))
    assert killed == sorted([f"{by:d}", "9"])
    go_on(project, undisturbed)


# --- two at once -----------------------------------------------------------------------------


def test_a_second_driver_and_dvc_are_refused(project: Path, undisturbed: dict[str, bytes]) -> None:
    driver = start_training(project)
    table = json.loads((project / ".dvc/tmp/rwlock").read_text(encoding="utf-8"))
    runs = [path for path in table["write"] if "results/runs" in path]
    assert len(runs) == 2
    second, beside = start(project), start_dvc(project, "repro")
    _, errors = second.communicate(timeout=20)
    _, refused = beside.communicate(timeout=20)
    assert second.returncode == 1
    assert errors.startswith(
        "run: another DVC or driver is at work in this folder (python -m stages run --workers 2, "
        f"process {driver.pid}); wait for its end"
    )
    assert "Unable to acquire lock" in refused
    assert len(ran(project)) == 3
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=SECONDS)
    go_on(project, undisturbed)


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


def test_a_driver_under_nohup_outlives_the_terminal() -> None:
    """`nohup` has SIGHUP ignored, and the driver leaves it so."""
    stop, (woken, waker) = signals.Stop(), os.pipe()
    os.set_blocking(waker, False)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.heard(stop, waker):
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.number == 0
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.number == signal.SIGTERM
    finally:
        signal.signal(signal.SIGHUP, before)
        os.close(woken)
        os.close(waker)
