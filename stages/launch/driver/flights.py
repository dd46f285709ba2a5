"""Commands that may outlive a driver, since other machines run them: how the next driver ends them."""

import secrets
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from stages.launch.driver.dvc import FOLDER
from stages.tickets import output

TOKEN = FOLDER / "token"
"""File with a text that every driver makes anew; commands under another text end."""
FLIGHT = FOLDER / "flight"
"""Folder with a file for every command at work on another machine."""
STILL_SECONDS = 5
"""A command is dead if its file was not touched for so long; it is touched every second."""
BEAT_SECONDS = 5


def take_over() -> str:
    """End the commands of earlier drivers, wait until they have ended, and return the new token."""
    token = secrets.token_hex(8)
    output.save_text(token, TOKEN)
    wait_for(FLIGHT.glob("*"))
    shutil.rmtree(FLIGHT, ignore_errors=True)
    FLIGHT.mkdir(exist_ok=True)
    return token


def stop(names: Iterable[str]) -> None:
    """End attempts at commands, and wait until they have ended."""
    stopped = [FLIGHT / name for name in names]
    for flight in stopped:
        flight.with_suffix(".stop").touch()
    wait_for(stopped)
    for flight in stopped:
        flight.unlink(missing_ok=True)


def wait_for(files: Iterable[Path]) -> None:
    """Wait until files are gone or still."""
    left = _times(file for file in files if not file.suffix)
    while left:
        time.sleep(STILL_SECONDS)
        left = {file: when for file, when in _times(left).items() if when != left[file]}


def _times(files: Iterable[Path]) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in files if file.exists()}


def beat(until: threading.Event) -> None:
    """Touch the token until the event is set, so that commands know that the driver is alive."""
    while not until.wait(BEAT_SECONDS):
        TOKEN.touch()
