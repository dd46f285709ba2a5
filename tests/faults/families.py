"""What can happen during a run: the families of faults, and the cases of each."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.faults.project import BY_GIT_ALONE, EDITS, Run, close, kinds
from tests.faults.trial import Fault, Trial
from tests.launch.driver_project import git

SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
VICTIMS = ("engine", "worker", "training", "warm")
PLACES = ("cache", "folder in the cache", "cache of runs", "results", "dvc.lock", "rwlock")
ROOM = 8 << 20


# --- kills -----------------------------------------------------------------------------------


def victim(trial: Trial, run: Run, kind: str) -> int | None:
    """Choose a process to kill as soon as there is one; None if the run has ended before."""
    if kind == "engine":
        return run.process.pid
    names = {"worker": ["keeper"] if run.kind == "driver" else ["shell", "asker"]}.get(kind, [kind])
    while run.process.poll() is None:
        by_kind = kinds(trial.lane.project)
        numbers = [number for name in names for number in by_kind[name]]
        if numbers:
            return trial.random.choice(numbers)
        time.sleep(0.005)
    return None


def kill(engine: str, of: str, name: str, trial: Trial) -> None:
    trial.begin()
    is_group = bool((trial.outcome.number // len(cases())) % 2) ^ (trial.random.random() < 0.2)
    trial.outcome.case += ", group" if is_group else ", alone"
    run = trial.start(engine)
    number = victim(trial, run, of) if trial.instant(run, spare=2 * (of != "engine")) else None
    trial.outcome.missed = number is None
    if number is not None:
        with contextlib.suppress(ProcessLookupError):
            send = os.killpg if is_group else os.kill
            send(os.getpgid(number) if is_group else number, signal.Signals[name])
    run.end()


# --- full disks ------------------------------------------------------------------------------


def limit(engine: str, trial: Trial) -> None:
    """Have no file grow beyond a random size."""
    trial.begin()
    size = int(4096 * 2 ** trial.random.uniform(0, 7))
    trial.outcome.case += f", {size} bytes"
    trial.start(engine, most_bytes=size).end()


def small_disk(engine: str, trial: Trial) -> None:
    """Put the project on a file system of its own with little room."""
    project = trial.lane.project
    if not mount(project, "256m"):
        limit(engine, trial)
        return
    trial.begin()
    used = shutil.disk_usage(project).used
    room = int(8192 * 2 ** trial.random.uniform(0, 8))
    trial.outcome.case += f", {room} bytes"
    mount(project, str(used + room), "remount,")
    trial.start(engine).end()
    mount(project, "256m", "remount,")


def mount(folder: Path, size: str, option: str = "") -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"{option}size={size}", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def unmount(trial: Trial) -> None:
    if trial.lane.project.is_mount():
        close(trial.lane)
        subprocess.run(["umount", "-l", str(trial.lane.project)], check=True)


# --- cut and flipped bytes -------------------------------------------------------------------


def damage(place: str, how: str, trial: Trial) -> None:
    trial.begin(finished=True)
    project = trial.lane.project
    cache, runs = project / ".dvc/cache/files/md5", project / ".dvc/cache/runs"
    files = {
        "cache": [file for file in cache.glob("*/*") if file.suffix != ".dir"],
        "folder in the cache": list(cache.glob("*/*.dir")),
        "cache of runs": list(runs.glob("*/*/*")),
        "results": [file for file in project.glob("results/**/*") if file.is_file()],
        "dvc.lock": list(project.rglob("dvc.lock")),
        "rwlock": [project / ".dvc/tmp/rwlock"],
    }[place]
    owners = owned(project)
    file = trial.random.choice(sorted(file for file in files if file.stat().st_size))
    trial.outcome.case += f", {file.relative_to(project)}"
    trial.allowed = Counter(owners.get(file.relative_to(project).as_posix(), ()))
    if place == "rwlock":
        pid = {"pid": 1 << 22, "cmd": "dvc repro"}
        file.write_text(json.dumps({"write": {str(project / "results/x"): pid}, "read": {}}))
    elif place == "dvc.lock":
        trial.allowed = Counter([*YAML(typ="safe").load(file)["stages"], *BY_GIT_ALONE])
    elif place == "cache of runs":
        out = YAML(typ="safe").load(file)["outs"][0]["path"]
        trial.allowed = Counter(owners[out]) + Counter(BY_GIT_ALONE)
        git(project, "checkout", "--", ".")
    spoil(trial, file, how)
    if place in ("cache", "folder in the cache", "cache of runs"):
        shutil.rmtree(project / "results")


def spoil(trial: Trial, file: Path, how: str) -> None:
    """Cut a file, or flip a bit; half of the times with the time of the last write as before."""
    status, content = file.stat(), bytearray(file.read_bytes())
    position = trial.random.randrange(len(content))
    if how == "cut":
        del content[position:]
    else:
        content[position] ^= 1 << trial.random.randrange(8)
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(status.st_mode)
    if trial.random.random() < 0.5:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        trial.outcome.case += " (old time)"


def owned(project: Path) -> dict[str, list[str]]:
    """Return the stages by what they have made: paths of outputs and of objects in the cache."""
    owners: dict[str, list[str]] = {}
    for lock in project.rglob("dvc.lock"):
        for name, entry in YAML(typ="safe").load(lock)["stages"].items():
            for path in (path for out in entry["outs"] for path in _paths(project, out)):
                owners.setdefault(path, []).append(name)
    return owners


def _paths(project: Path, out: dict[str, Any]) -> Iterator[str]:
    listing = project / _object(out["md5"])
    yield from (out["path"], _object(out["md5"]))
    if out["md5"].endswith(".dir") and listing.exists():
        for entry in json.loads(listing.read_text(encoding="utf-8")):
            yield from (f"{out['path']}/{entry['relpath']}", _object(entry["md5"]))


def _object(digest: str) -> str:
    return f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"


# --- edits -----------------------------------------------------------------------------------


def edit(engine: str, what: str, undone: bool, trial: Trial) -> None:
    trial.begin()
    name, change = EDITS[what]
    file = trial.lane.project / name
    before, status = file.read_bytes(), file.stat()
    run = trial.start(engine)
    trial.outcome.missed = not trial.instant(run)
    change(trial.lane.project)
    trial.allowed = Counter(trial.reference.affected(what))
    if undone:
        time.sleep(trial.random.uniform(0.1, 2))
        file.write_bytes(before)
        if trial.random.random() < 0.5:
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        trial.expected = what
    run.end()


# --- two at once -----------------------------------------------------------------------------


def two(first: str, second: str, trial: Trial) -> None:
    trial.begin()
    run = trial.start(first)
    trial.outcome.missed = not trial.instant(run, spare=2)
    other = trial.start(second)
    run.end()
    other.end()


def cases() -> list[tuple[str, str, Fault]]:
    """List all cases as family, case and function; trials take them in turn."""
    listed: list[tuple[str, str, Fault]] = []
    engines = ("dvc", "driver")
    listed += [
        ("kill", f"{name} to {of} of {engine}", partial(kill, engine, of, name))
        for name, of, engine in product(SIGNALS, VICTIMS, engines)
    ]
    listed += [
        ("bytes", f"{how} in {place}", partial(damage, place, how))
        for place, how in product(PLACES, ("cut", "flip"))
    ]
    listed += [
        (
            "edit",
            f"{what} beside {engine}{', undone' * undone}",
            partial(edit, engine, what, undone),
        )
        for what, engine, undone in product(EDITS, engines, (False, True))
    ]
    listed += [
        ("disk", f"{name} for {engine}", partial(function, engine))
        for engine, (name, function) in product(
            engines, (("limit", limit), ("small disk", small_disk))
        )
    ]
    listed += [
        ("two", f"{first} and {second}", partial(two, first, second))
        for first, second in product(engines, engines)
    ]
    return listed
