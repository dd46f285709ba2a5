"""A project of a few lines to start stages in: the real `stages/launch`, and stand-ins for all else.

Its libraries are empty, so that the warm process starts in a moment.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stages.launch import server
from tests.imports import ROOT

STAGES = {
    "show": """
        import os, sys, torch
        from stages.tickets import method
        print(method.ANSWER, os.getcwd(), os.environ.get("COLOUR"), *sys.argv[1:])
        print("standard input:", sys.stdin.read().strip(), file=sys.stderr)
        """,
    "parent": "import os; print(os.getppid())",
    "limits": "import os; print(os.sched_getaffinity(0), oct(os.umask(0)))",
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
    "count": """
        import os, pathlib, sys
        pathlib.Path("parents").open("a").write(f"{os.getppid()}\\n")
        """,
    "family": """
        import functools, os, pathlib, sys, time
        from stages.launch import side_by_side
        def write(name):
            pathlib.Path(f"pid-{name}").write_text(str(os.getpid()))
        def train(name):
            write(name)
            time.sleep(60)
        os.sched_getaffinity = lambda _: range(4)
        write("stage")
        try:
            names = ("first", "second")
            side_by_side.run({name: functools.partial(train, name) for name in names}, 1)
        except side_by_side.UserError as error:
            sys.exit(str(error))
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


METHOD = {
    "method.py": "ANSWER = 42\n",
    "settings.py": "class UserError(ValueError): pass\n",
    "encoder/device.py": "import types\ndevice = lambda: types.SimpleNamespace(type='cpu')\n",
}
"""Modules of `stages/tickets`, of which the last two are what `side_by_side` imports."""


def make_project(folder: Path, **changes: float) -> Path:
    """Make a project in a new folder; `changes` are constants of `stages/launch`."""
    package = folder / "stages"
    shutil.copytree(ROOT / "stages" / "launch", package / "launch")
    for constant, seconds in ({"IDLE_SECONDS": 20} | changes).items():
        patch(folder, rf"(?m)^{constant} = .*$", f"{constant} = {seconds}")
    (folder / "tmp").mkdir()
    (package / "tickets" / "encoder").mkdir(parents=True)
    for empty in ("tickets", "tickets/encoder"):
        (package / empty / "__init__.py").touch()
    for place, code in METHOD.items():
        (package / "tickets" / place).write_text(code, encoding="utf-8")
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "stages" / name, package)
    for name, code in STAGES.items():
        lines = code.strip().split("\n")
        text = "\n".join(line.removeprefix(" " * 8) for line in lines)
        (package / f"{name}.py").write_text(text + "\n", encoding="utf-8")
    for library in server.LIBRARIES:
        parts = library.split(".")
        for depth in range(1, len(parts) + 1):
            stand_in = folder.joinpath(*parts[:depth], "__init__.py")
            stand_in.parent.mkdir(exist_ok=True)
            stand_in.touch()
    return folder


def patch(project: Path, pattern: str, replacement: str) -> None:
    """Change the code of `stages/launch` in a project."""
    changed = 0
    for file in (project / "stages" / "launch").glob("*.py"):
        text, number = re.subn(pattern, replacement, file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
        changed += number
    assert changed


def processes(folder: Path) -> dict[int, list[str]]:
    """Commands of all living processes that run in a folder, by number."""
    found = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            number = int(process.name)
            if (process / "cwd").readlink() == folder and is_alive(number):
                found[number] = os.fsdecode((process / "cmdline").read_bytes()).split("\0")
    return found


def end_processes(folder: Path) -> None:
    for number in set(processes(folder)) - {os.getpid()}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


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
