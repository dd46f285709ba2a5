"""The warm process: a stage run by it behaves as one run directly.

The project of these tests is a copy of stages/warm.py with stages of a few lines, and its libraries are
stand-ins, so that the warm process starts in a moment.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.launch import warm
from tests.imports import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or Path("/dev/nvidiactl").exists(),
    reason="no warm process here: it needs Linux, and a GPU's driver does not survive a fork",
)

STAGES = {
    "show": """
        import os, sys, torch
        from stages.tickets import method
        print(method.ANSWER, os.getcwd(), os.environ.get("COLOUR"), *sys.argv[1:])
        print("standard input:", sys.stdin.read().strip(), file=sys.stderr)
        """,
    "parent": "import os; print(os.getppid())",
    "options": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--seed", type=int, required=True)
        parser.parse_args()
        """,
    "end": "import sys; sys.exit(7)",
    "sentence": "import sys; sys.exit('no such task')",
    "broken": "raise KeyError('nothing here')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "long": """
        import os, sys, time
        print(os.getpid(), flush=True)
        time.sleep(60)
        """,
    "meet": """
        import pathlib, sys, time
        mine, other = map(pathlib.Path, sys.argv[1:])
        mine.touch()
        for _ in range(200):
            if other.exists():
                sys.exit(0)
            time.sleep(0.05)
        sys.exit("the other one did not come")
        """,
    "loaded": """
        import sys
        print(*sorted(name for name in sys.modules if name.split(".")[0] in ("stages", "torch")))
        """,
}


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """A folder with the stages; its path is short, since that of a socket may not be long."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_project(Path(folder).resolve() / "p", idle_seconds=20)
        end_warm_processes(Path(folder))


def make_project(folder: Path, idle_seconds: float) -> Path:
    package = folder / "stages"
    (package / "tickets").mkdir(parents=True)
    (folder / "tmp").mkdir()
    source = (ROOT / "stages" / "launch" / "warm.py").read_text(encoding="utf-8")
    numerics = ROOT / "stages" / "launch" / "numerics.py"
    changed = re.sub(r"(?m)^IDLE_SECONDS = .*$", f"IDLE_SECONDS = {idle_seconds}", source)
    assert changed != source
    (package / "launch").mkdir()
    (package / "launch" / "__init__.py").touch()
    (package / "launch" / "warm.py").write_text(changed, encoding="utf-8")
    shutil.copy(numerics, package / "launch")
    shutil.copy(ROOT / "stages" / "__main__.py", package)
    (package / "__init__.py").touch()
    (package / "tickets" / "__init__.py").touch()
    (package / "tickets" / "method.py").write_text("ANSWER = 42\n", encoding="utf-8")
    for name, code in STAGES.items():
        lines = code.strip().split("\n")
        text = "\n".join(line.removeprefix(" " * 8) for line in lines)
        (package / f"{name}.py").write_text(text + "\n", encoding="utf-8")
    for library in warm.LIBRARIES:
        parts = library.split(".")
        for depth in range(1, len(parts) + 1):
            stand_in = folder.joinpath(*parts[:depth], "__init__.py")
            stand_in.parent.mkdir(exist_ok=True)
            stand_in.touch()
    return folder


def end_warm_processes(folder: Path) -> None:
    """Those whose socket lies in a folder."""
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"--serve" in command and any(os.fsencode(folder) in part for part in command):
                os.kill(int(process.name), signal.SIGKILL)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stages", *arguments]


def environment(project: Path, **variables: str) -> dict[str, str]:
    return (
        os.environ
        | {"TMPDIR": str((project / "tmp").resolve()), "SCRATCHCARD_WARM": "1"}
        | variables
    )


def run(
    project: Path, *arguments: str, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=project,
        env=environment(project, **variables),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        cwd=project,
        env=environment(project),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def happens(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether something is the case before the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return False
    return state[0] != "Z"


@pytest.fixture(params=["1", "0"], ids=["warm", "directly"])
def way(request: pytest.FixtureRequest) -> str:
    """SCRATCHCARD_WARM: both ways have to behave alike."""
    return str(request.param)


def test_streams_folder_environment_and_arguments_pass_through(project: Path, way: str) -> None:
    found = run(
        project,
        "show",
        "--text",
        "two words",
        "",
        given="hello",
        COLOUR="b=l ue",
        SCRATCHCARD_WARM=way,
    )
    assert found.stdout == f"42 {project} b=l ue --text two words \n"
    assert found.stderr == "standard input: hello\n"
    assert found.returncode == 0


def test_a_variable_of_an_earlier_call_is_gone(project: Path) -> None:
    assert "red" in run(project, "show", COLOUR="red").stdout
    assert run(project, "show").stdout == f"42 {project} None\n"


@pytest.mark.parametrize(
    ("stage", "code", "message"),
    [
        ("end", 7, ""),
        ("sentence", 1, "no such task"),
        ("options", 2, "the following arguments are required: --seed"),
        ("broken", 1, "KeyError: 'nothing here'"),
        ("nonsense", 2, "no stage or command is called 'nonsense'"),
    ],
)
def test_exit_codes_and_messages_pass_through(
    project: Path, way: str, stage: str, code: int, message: str
) -> None:
    found = run(project, stage, SCRATCHCARD_WARM=way)
    assert (found.returncode, found.stdout) == (code, "")
    assert message in found.stderr
    assert ("Traceback" in found.stderr) == (stage == "broken")


def test_calls_run_in_forks_of_one_process_and_directly_in_none(project: Path) -> None:
    parents = {run(project, "parent").stdout for _ in range(2)}
    assert len(parents) == 1
    assert is_alive(int(parents.pop()))
    assert run(project, "parent", SCRATCHCARD_WARM="0").stdout == f"{os.getpid()}\n"


def test_a_killed_stage_is_reported(project: Path) -> None:
    found = run(project, "killed")
    assert found.returncode == 1
    assert found.stderr == "killed: the process was killed\n"
    assert run(project, "end").returncode == 7  # and the next one is served


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stage_ends_with_the_one_who_asked(project: Path, number: signal.Signals) -> None:
    asker = start(project, "long")
    assert asker.stdout
    stage = int(asker.stdout.readline())
    assert is_alive(stage)
    asker.send_signal(number)
    assert asker.wait(20) != 0
    assert happens(lambda: not is_alive(stage))
    asker.communicate()


def test_two_calls_run_at_once(project: Path, tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    askers = [start(project, "meet", one, two), start(project, "meet", two, one)]
    assert [(asker.communicate(timeout=60)[1], asker.returncode) for asker in askers] == [
        ("", 0)
    ] * 2


def test_the_warm_process_holds_libraries_and_nothing_of_the_project(project: Path) -> None:
    found = run(project, "loaded").stdout.split()
    assert {"torch", "torch._dynamo"} <= set(found)
    assert set(found) - {"torch", "torch._dynamo"} == {"stages"}  # which runs the stage


def test_a_changed_source_file_takes_effect_at_the_next_call(project: Path) -> None:
    method = project / "stages" / "tickets" / "method.py"
    before = run(project, "parent").stdout
    assert run(project, "show").stdout.startswith("42 ")
    method.write_text("ANSWER = 'another'\n", encoding="utf-8")
    try:
        assert run(project, "show").stdout.startswith("another ")
        assert run(project, "parent").stdout == before  # without a new warm process
    finally:
        method.write_text("ANSWER = 42\n", encoding="utf-8")
        shutil.rmtree(method.parent / "__pycache__", ignore_errors=True)


def test_another_folder_has_another_warm_process(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("tmp"))
    (other / "tmp").symlink_to(project / "tmp")  # the same place for sockets
    assert run(project, "parent").stdout != run(other, "parent").stdout


def test_without_work_the_warm_process_ends_and_the_next_call_starts_another(
    tmp_path: Path,
) -> None:
    folder = make_project(tmp_path / "p", idle_seconds=0.5)
    first = int(run(folder, "parent").stdout)
    assert happens(lambda: not is_alive(first))
    sockets = [path for path in (folder / "tmp").rglob("*") if path.is_socket()]
    assert sockets == []
    second = int(run(folder, "parent").stdout)
    assert second != first
    assert happens(lambda: not is_alive(second))


def test_a_warm_process_that_was_killed_is_replaced(project: Path) -> None:
    first = int(run(project, "parent").stdout)
    os.kill(first, signal.SIGKILL)
    assert happens(lambda: not is_alive(first))
    assert [
        path for path in (project / "tmp").rglob("*") if path.is_socket()
    ]  # it left this behind
    assert int(run(project, "parent").stdout) != first


def test_a_folder_that_others_can_enter_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / f"scratchcard-{os.getuid()}").mkdir(mode=0o755)
    found = run(project, "end", TMPDIR=str(tmp_path))
    assert found.returncode == 1
    assert "is not private to this user; SCRATCHCARD_WARM=0 does without it" in found.stderr
    assert run(project, "end", TMPDIR=str(tmp_path), SCRATCHCARD_WARM="0").returncode == 7
