"""Who works on a project, by DVC's table of readers and writers and by its lock."""

import fcntl
import json
import subprocess
from pathlib import Path

from dvc.rwlock import SCHEMA
from voluptuous import Invalid

LOCK = Path(".dvc/tmp/lock")
RWLOCK = Path(".dvc/tmp/rwlock")


def running(project: Path, locked: bool = True) -> str | None:
    """Return the command of a DVC at work on the project; with `locked`, its lock alone counts."""
    try:
        held = listed(project / RWLOCK)
    except ValueError:
        held = {}
    for number, command in held.items():
        now = command_of(number)
        if now and may_be_dvc(now):
            return f"{command}, process {number}"
    if not locked or not (project / LOCK).exists():
        return None
    with (project / LOCK).open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return f"process {file.read().strip() or 'unknown'}"
    return None


def listed(file: Path) -> dict[int, str]:
    """Return the processes in DVC's table of readers and writers, with their commands.

    Raises:
        ValueError: the file is no such table.
    """
    if not file.exists():
        return {}
    try:
        table = SCHEMA(json.loads(file.read_text(encoding="utf-8")))
    except Invalid as error:
        raise ValueError(str(error)) from None
    entries = [
        *table["write"].values(),
        *(entry for each in table["read"].values() for entry in each),
    ]
    return {entry["pid"]: entry["cmd"] for entry in entries}


def command_of(number: int) -> str:
    """Return the command line of a process; empty if there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            text = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""
        return " ".join(text.split("\0")).strip()
    shown = subprocess.run(
        ["ps", "-p", str(number), "-o", "args="], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def may_be_dvc(command: str) -> bool:
    """Tell whether a command line is that of a DVC or of a driver."""
    return any(Path(word).name in ("dvc", "stages") for word in command.split())
