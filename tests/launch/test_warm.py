"""The warm process: a stage run by it behaves as one run directly."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.project import (
    end_processes,
    happens,
    is_alive,
    make_project,
    patch,
    processes,
    run,
    start,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or Path("/dev/nvidiactl").exists(),
    reason="no warm process here: it needs Linux, and a GPU's driver does not survive a fork",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the stages."""
    folder = make_project(tmp_path_factory.mktemp("warm") / "p")
    yield folder
    end_processes(folder)


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


def test_cores_and_umask_are_those_of_the_asker(project: Path, way: str) -> None:
    assert run(project, "end", SCRATCHCARD_WARM=way).returncode == 7  # another one has started it
    cores, mask = os.sched_getaffinity(0), os.umask(0o027)
    try:
        assert run(project, "limits", SCRATCHCARD_WARM=way).stdout == f"{cores} 0o27\n"
        os.umask(0o022)
        os.sched_setaffinity(0, {min(cores)})
        assert run(project, "limits", SCRATCHCARD_WARM=way).stdout == f"{ {min(cores)} } 0o22\n"
    finally:
        os.sched_setaffinity(0, cores)
        os.umask(mask)


@pytest.mark.parametrize(
    ("stage", "code", "message"),
    [
        ("end", 7, ""),
        ("sentence", 1, "no such task"),
        ("options", 2, "the following arguments are required: --seed"),
        ("broken", 1, "KeyError: 'nothing here'"),
        ("nonsense", 2, "no stage or command is called 'nonsense', there are: broken, "),
        ("option", 2, "no stage or command is called 'option'; did you mean options?"),
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
    method.write_text("ANSWER = 43\n", encoding="utf-8")  # in the same second, and as long
    try:
        assert run(project, "show").stdout.startswith("43 ")
        assert run(project, "parent").stdout == before  # without a new warm process
    finally:
        method.write_text("ANSWER = 42\n", encoding="utf-8")


def test_another_folder_has_another_warm_process(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("tmp"))
    (other / "tmp").symlink_to(project / "tmp")  # the same place for sockets
    assert run(project, "parent").stdout != run(other, "parent").stdout


def test_without_work_the_warm_process_ends_and_the_next_call_starts_another(
    tmp_path: Path,
) -> None:
    folder = make_project(tmp_path / "p", IDLE_SECONDS=0.5)
    first = int(run(folder, "parent").stdout)
    assert happens(lambda: not is_alive(first))
    assert list((folder / "tmp").iterdir()) == []
    second = int(run(folder, "parent").stdout)
    assert second != first
    assert happens(lambda: not is_alive(second))


def test_a_warm_process_that_was_killed_is_replaced_and_leaves_nothing(project: Path) -> None:
    first = int(run(project, "parent").stdout)
    os.kill(first, signal.SIGKILL)
    assert happens(lambda: not is_alive(first))
    assert list((project / "tmp").iterdir()) == []
    assert int(run(project, "parent").stdout) != first


def test_no_temporary_folder_is_needed(project: Path) -> None:
    parents = {
        run(project, "parent", TMPDIR=folder).stdout for folder in ("/nowhere", "/proc", "/")
    }
    assert len(parents) == 1
    assert is_alive(int(parents.pop()))


# --- when it does not answer -----------------------------------------------------------------


LISTENER = """
import socket, time
from stages.launch import numerics, warm
listener = socket.socket(socket.AF_UNIX)
listener.bind(chr(0) + warm.name(numerics.asked(warm.PARAMS)))
listener.listen()
print("listening", flush=True)
time.sleep(60)
"""


def parents(folder: Path) -> list[int]:
    """Parents of the stages `count` that have run; this process is that of one without a fork."""
    return [int(line) for line in (folder / "parents").read_text(encoding="utf-8").split()]


def test_a_call_while_the_idle_process_ends_is_served_once(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "p", IDLE_SECONDS=0.1)
    moment = '    open("ending", "w").close(); time.sleep(1)\n\n\ndef answer'
    patch(folder, r"(?m)^def answer", moment)
    assert run(folder, "count").returncode == 0
    assert happens((folder / "ending").exists)
    found = run(folder, "count")
    assert (found.returncode, found.stderr) == (0, "")
    first, second = parents(folder)
    assert len({first, second, os.getpid()}) == 3
    end_processes(folder)


@pytest.mark.parametrize("reason", ["broken", "slow", "silent", "foreign"])
def test_without_an_answer_a_stage_runs_once_without_the_warm_process(
    tmp_path: Path, reason: str
) -> None:
    folder = make_project(tmp_path / "p", START_SECONDS=1)
    if reason == "broken":
        (folder / "torch" / "__init__.py").write_text("1 / 0", encoding="utf-8")
    if reason == "slow":
        text = "import time; time.sleep(2)"
        (folder / "torch" / "__init__.py").write_text(text, encoding="utf-8")
    if reason == "foreign":  # another user took the name
        patch(folder, r"== os.getuid\(\)", "== os.getuid() + 1")
    if reason == "silent":
        program = [sys.executable, "-c", LISTENER]
        listener = subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert listener.stdout
        assert listener.stdout.readline() == "listening\n"
    (folder / ".dvc" / "tmp").mkdir(parents=True)
    found = run(folder, "count")
    assert found.returncode == 0
    why = " (ZeroDivisionError: division by zero)" if reason == "broken" else ""
    assert found.stderr == (
        f"count: the warm process did not answer{why}, so stages start without it until it does\n"
    )
    if reason == "slow":  # now it answers, and does not run the stage a second time
        assert happens(lambda: int(run(folder, "parent").stdout) in processes(folder))
    assert parents(folder) == [os.getpid()]
    if reason == "silent":
        listener.kill()
        listener.communicate()
    end_processes(folder)


def test_under_lasting_load_stages_wait_once_and_say_so_once(tmp_path: Path) -> None:
    """Then they wait a moment each, until the process answers, or the failure is long ago."""
    folder = make_project(tmp_path / "p", START_SECONDS=6, AGAIN_SECONDS=0.1)
    (folder / ".dvc" / "tmp").mkdir(parents=True)
    library = folder / "torch" / "__init__.py"
    library.write_text("import os, time\nwhile os.path.exists('load'): time.sleep(0.1)\n")
    (folder / "load").touch()
    waits, words = [], []
    for _ in range(3):
        begin = time.monotonic()
        words.append(run(folder, "count").stderr)
        waits.append(time.monotonic() - begin)
    assert words[0] != ""
    assert words[1:] == ["", ""]
    assert waits[0] > 6
    assert max(waits[1:]) < 5
    failure = folder / ".dvc" / "tmp" / "warm-failed"
    failure.write_text("that of another environment", encoding="utf-8")
    assert run(folder, "count").stderr == words[0]
    os.utime(failure, (0, 0))
    assert run(folder, "count").stderr == words[0]
    assert parents(folder) == [os.getpid()] * 5
    (folder / "load").unlink()
    assert happens(lambda: int(run(folder, "parent").stdout) in processes(folder))
    end_processes(folder)
