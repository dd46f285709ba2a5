"""Kills: whatever is killed and however, no training runs on, and a dead one is reported."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.project import (
    command,
    end_processes,
    environment,
    happens,
    is_alive,
    make_project,
    processes,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="trainings fork on Linux only")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
SECONDS = 5
DVC = """
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
command = ["/bin/sh", "-c", f"true && {sys.argv[1]}; code=$?; exit $code"]
stage = subprocess.Popen(command, env=os.environ | {"DVC_STAGE": "family"})
sys.exit(stage.wait() and 1)
"""
"""A program that starts a stage as DVC does, with a shell between; SIGINT ends it as Ctrl-C would."""
PARTS = ("stage", "first", "second")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = make_project(tmp_path_factory.mktemp("kills") / "p")
    yield folder
    end_processes(folder)


class Family:
    """A stage with two trainings under way, and all processes that it needs, by name."""

    def __init__(self, project: Path, warm: str, program: str = DVC) -> None:
        self.numbers: dict[str, int] = {}
        for file in project.glob("pid-*"):
            file.unlink()
        self.dvc = subprocess.Popen(
            [sys.executable, "-c", program, " ".join(command("family"))],
            cwd=project,
            env=environment(project, SCRATCHCARD_WARM=warm),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        files = [project / f"pid-{part}" for part in PARTS]
        assert happens(lambda: all(file.exists() and file.read_text() for file in files))
        self.numbers = {p: int((project / f"pid-{p}").read_text(encoding="utf-8")) for p in PARTS}
        self.numbers |= {"dvc": self.dvc.pid}
        asked = [sys.executable, "-m", "stages", "family", ""]
        for number, words in processes(project).items():
            if words == asked and number not in (self.numbers["first"], self.numbers["second"]):
                self.numbers["asker"] = number
        assert (self.numbers["asker"] == self.numbers["stage"]) == (warm == "0")

    def gone(self) -> bool:
        """Tell whether all have ended before SECONDS are over."""
        return happens(lambda: not any(map(is_alive, self.numbers.values())), SECONDS)

    def outcome(self) -> tuple[int, str]:
        """Return exit code and messages of the stage."""
        return self.dvc.wait(SECONDS), self.dvc.communicate()[1]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("killed", ["dvc", "asker", "stage", "first"])
@pytest.mark.parametrize("warm", ["1", "0"], ids=["warm", "directly"])
def test_nothing_runs_on(project: Path, warm: str, killed: str, number: signal.Signals) -> None:
    family = Family(project, warm)
    os.kill(family.numbers[killed], number)
    assert family.gone()
    code, messages = family.outcome()
    assert code == (-number if killed == "dvc" else 1)
    assert "Traceback" not in messages
    if killed == "first":
        assert "the training 'first' was " in messages


@pytest.mark.parametrize("warm", ["1", "0"], ids=["warm", "directly"])
def test_what_a_user_starts_in_the_background_outlives_the_shell(project: Path, warm: str) -> None:
    family = Family(project, warm, DVC.replace("DVC_STAGE", "NO_DVC"))
    family.dvc.kill()
    assert not happens(lambda: not is_alive(family.numbers["stage"]), 1)
    os.kill(family.numbers["asker"], signal.SIGKILL)
    family.numbers.pop("dvc")
    assert family.gone()
    family.dvc.communicate()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stage_outlives_the_warm_process(project: Path, number: signal.Signals) -> None:
    family = Family(project, "1")
    servers = [n for n, words in processes(project).items() if "stages.launch.server" in words]
    servers = [n for n in servers if n not in family.numbers.values()]
    assert len(servers) == 1
    os.kill(servers[0], number)
    assert not happens(lambda: not all(map(is_alive, family.numbers.values())), 0.3)
    family.dvc.kill()
    assert family.gone()
    family.dvc.communicate()
