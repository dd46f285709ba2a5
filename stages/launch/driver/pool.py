"""Workers on this machine: places for commands, each with cores and perhaps a GPU of its own."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.launch.driver import keeper

TAIL = 4096
"""Bytes at the end of a log in which the last line is looked for."""


@dataclass(frozen=True)
class Command:
    """The command lines of a stage, with their folder, environment and log."""

    stage: str
    lines: Sequence[Sequence[str] | str]
    """Command lines with their shell; the first that fails is the last that runs."""
    folder: str
    environment: Mapping[str, str]
    log: str
    """File for what the lines print."""

    def request(self, cores: Iterable[int], folder: str = "") -> str:
        """Write the command for its keeper, in one line; `folder` is that of the driver's files."""
        parts = {
            "lines": self.lines,
            "cwd": self.folder,
            "env": dict(self.environment),
            "log": self.log,
            "cores": sorted(cores),
            "folder": folder,
        }
        return json.dumps(parts) + "\n"

    def trace(self) -> str:
        """Say what the command has printed last, and where the rest is."""
        try:
            with Path(self.log).open("rb") as log:
                log.seek(max(log.seek(0, os.SEEK_END) - TAIL, 0))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        printed = f": {lines[-1]}" if lines and not lines[-1].startswith("> ") else ""
        return f"{printed}; its log is {self.log}"


@dataclass(frozen=True)
class Place:
    """A place for one command at a time."""

    number: int
    cores: tuple[int, ...]
    gpu: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that commands in this place get in addition."""
        return {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}


@dataclass(frozen=True)
class End:
    """The end of a command: its exit code, or the reason why nobody knows it."""

    stage: str
    code: int
    """Exit code; minus the number of a signal."""
    seconds: float
    lost: str = ""
    """Why nobody knows how the command has ended; empty if it is known."""

    @property
    def outcome(self) -> str:
        """Say how a command has failed."""
        if self.code > 0:
            return f"failed with exit code {self.code}"
        return f"was killed by signal {-self.code}"


@dataclass
class Running:
    """A command at work."""

    command: Command
    place: Place
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)


def places(workers: int, cores: Sequence[int], gpus: Sequence[str] = ()) -> list[Place]:
    """Share out cores and GPUs: if there are more places than cores, or than GPUs, several share one."""
    made = []
    for number in range(workers):
        share = cores[number * len(cores) // workers : (number + 1) * len(cores) // workers]
        own = tuple(share or [cores[number % len(cores)]])
        made.append(Place(number, own, gpus[number % len(gpus)] if gpus else None))
    return made


class Local:
    """Commands on this machine; all of them end with this process, however it ends."""

    def __init__(self, all_places: Sequence[Place]) -> None:
        self.places = list(all_places)
        self.running: dict[str, Running] = {}
        self.selector = selectors.DefaultSelector()
        self.woken, self.waker = os.pipe()
        os.set_blocking(self.waker, False)
        self.selector.register(self.woken, selectors.EVENT_READ)

    @property
    def busy(self) -> list[str]:
        """List the stages whose commands are at work."""
        return list(self.running)

    def wake(self) -> None:
        """End `wait` at once."""
        os.write(self.waker, b"!")

    def free(self) -> list[Place]:
        """List the places where no command is at work."""
        taken = {each.place.number for each in self.running.values()}
        return [place for place in self.places if place.number not in taken]

    def start(self, command: Command, place: Place, lent: Iterable[Place] = ()) -> None:
        """Start a command in a free place; the cores of `lent` places are its own, too."""
        Path(command.log).parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        given = Command(
            command.stage,
            command.lines,
            command.folder,
            {**command.environment, **place.variables},
            command.log,
        )
        cores = {core for each in (place, *lent) for core in each.cores}
        with contextlib.suppress(BrokenPipeError):  # the keeper was killed; `wait` sees it
            _stream(process.stdin).write(given.request(cores).encode())
            _stream(process.stdin).flush()
        self.running[command.stage] = Running(command, place, process)
        self.selector.register(_stream(process.stdout), selectors.EVENT_READ, command.stage)

    def wait(self, seconds: float | None) -> Iterator[End]:
        """Wait until a command ends, or a signal comes, or the time is over; yield the ends."""
        for key, _ in self.selector.select(seconds):
            if key.data is None:
                os.read(self.woken, 4096)
            else:
                yield self._ended(key.data)

    def end_all(self) -> None:
        """Kill all commands."""
        for stage in list(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running[stage].process.pid, signal.SIGKILL)
            self._ended(stage)

    def close(self) -> None:
        """End all commands, and give back what the pool has opened."""
        self.end_all()
        self.selector.close()
        os.close(self.woken)
        os.close(self.waker)

    def _ended(self, stage: str) -> End:
        each = self.running.pop(stage)
        seconds = time.monotonic() - each.started
        self.selector.unregister(_stream(each.process.stdout))
        printed = _stream(each.process.stdout).read()
        # A keeper that was killed leaves its group, and until `wait` nobody else can get its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(each.process.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            _stream(each.process.stdin).close()
        _stream(each.process.stdout).close()
        code = each.process.wait()
        return End(stage, int(printed) if printed.strip() else code, seconds)


def _stream(stream: Any) -> Any:  # noqa: ANN401  Popen gives None if no pipe was asked for
    return stream
