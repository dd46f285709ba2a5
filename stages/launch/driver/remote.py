"""The part of the driver on a Dask worker: it starts the keeper of a command and looks after it.

This module goes to the worker as it is, so that the worker need not find it; it needs the standard
library alone. Every attempt at a stage has a file of its own in the folder `flight`, which is touched
every second while the command is at work. Dask may ask for a task again, even for a finished one, if the
worker that holds its result dies; the file tells the second asking that there was a first.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SILENT_SECONDS = 60
OWN = ("CUDA_VISIBLE_DEVICES", "SLURM_", "TMPDIR")
"""Beginnings of variables that a command has from its worker; it has all others from the driver."""


def run(request: str, keeper: str, name: str, token: str) -> int:
    """Run a command in the project's folder, and return its exit code.

    The command ends if this worker dies, if the file `token` gets another text from another driver, if
    nobody touches that file for a minute, since the driver is dead, and if there is a file NAME.stop.

    Args:
        request: the command, as `pool.Command.request` writes it.
        keeper: path of the program `keeper`.
        name: name of this attempt.
        token: text of the driver's file `token`.

    Raises:
        RuntimeError: the folder is not that of the driver, or the command did not come to its end.
    """
    parts = json.loads(request)
    folder = Path(parts["folder"])
    flight = folder / "flight" / name
    ended = flight.with_suffix(".end")
    if read(folder / "token") != token:
        raise RuntimeError(
            f"{socket.gethostname()} does not see {folder} as the driver does, but they need a "
            "file system that they share"
        )
    if ended.exists():
        return int(read(ended))
    try:
        flight.touch(exist_ok=False)
    except FileExistsError:
        raise RuntimeError("its worker was lost") from None
    try:
        others = {key: text for key, text in parts["env"].items() if not key.startswith(OWN)}
        own = {key: text for key, text in os.environ.items() if key.startswith(OWN)}
        parts["env"] = others | own
        code = kept(parts, keeper, flight, token)
        part = flight.with_suffix(".part")
        part.write_text(str(code), encoding="utf-8")
        part.replace(ended)
        return code
    finally:
        flight.unlink(missing_ok=True)


def kept(parts: dict[str, object], keeper: str, flight: Path, token: str) -> int:
    """Start a keeper, and wait for its end or for a reason to kill it."""
    sign = flight.parents[1] / "token"
    if (
        read(sign) != token
    ):  # again, since the next driver has looked for files before this one was there
        raise RuntimeError("its driver has given it up")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper],
        cwd=flight.parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    touched, seen = 0, time.monotonic()
    try:
        process.stdin.write(json.dumps(parts).encode() + b"\n")
        process.stdin.flush()
        while not select.select([process.stdout], [], [], 1)[0]:
            os.utime(flight)
            if (now := sign.stat().st_mtime_ns) != touched:
                touched, seen = now, time.monotonic()
            silent = time.monotonic() - seen > SILENT_SECONDS
            if silent or read(sign) != token or flight.with_suffix(".stop").exists():
                raise RuntimeError("its driver has given it up")
        printed = process.stdout.read()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        process.stdout.close()
        with contextlib.suppress(OSError):
            process.stdin.close()
    return int(printed) if printed.strip() else code


def read(file: Path) -> str:
    """Return the text of a file; empty if there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
