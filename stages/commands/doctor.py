"""Say what a killed run, a merge or a full disk left behind that stops DVC, and what to do about it.

This is a command, not a stage: `uv run python -m stages doctor` only looks, and with `--mend` it removes
what DVC makes anew. It looks at params.yaml, at every dvc.yaml and dvc.lock, and at DVC's own files.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from stages.launch import cli, holders, stored
from stages.tickets import settings
from stages.tickets.plan.stages import FILES, ROOT_FILE

CONFLICT = re.compile(r"(?m)^(<<<<<<<|=======|>>>>>>>)")
KEPT = (
    "nothing is lost if this machine's cache holds the results, since DVC takes finished stages from it "
    "and makes only the report anew; other stages run again"
)
RESTORED = "stages that have run since the commit come from DVC's cache or run again"


@dataclass(frozen=True)
class Problem:
    """Something that stops DVC."""

    sentence: str
    """A sentence that says what is wrong, what to do, and what is lost by that."""
    mend: Callable[[], object] | None = None
    """Does it; None if only the user can."""


def problems(project: Path) -> list[Problem]:
    """List what is wrong in a project, in the order in which to mend it."""
    return [
        *_of_params(project / cli.PARAMS),
        *(Problem(_conflict(file)) for file in _pipelines(project) if _has_conflict(file)),
        *_of_locks(project),
        *_of_rwlock(project / holders.RWLOCK),
        *_of_runs(project),
    ]


def _of_params(file: Path) -> Iterator[Problem]:
    try:
        if file.exists() and _has_conflict(file):
            raise settings.UserError(_conflict(file))
        settings.load(file)
    except settings.UserError as error:
        yield Problem(str(error))


def _has_conflict(file: Path) -> bool:
    return bool(CONFLICT.search(file.read_text(encoding="utf-8", errors="replace")))


def _conflict(file: Path) -> str:
    return (
        f"{file} holds git's marks of a conflict: edit it, or take one side with "
        f"`git checkout --ours {file}` or `--theirs`"
    )


# --- dvc.lock --------------------------------------------------------------------------------


def _pipelines(project: Path) -> list[Path]:
    return [file for file in (project / ROOT_FILE, *sorted(project.glob(FILES))) if file.exists()]


def _locks(project: Path) -> list[Path]:
    files = (file.with_suffix(".lock") for file in _pipelines(project))
    return [lock for lock in files if lock.exists()]


def _of_locks(project: Path) -> Iterator[Problem]:
    for lock in _locks(project):
        yield from of_lock(lock)


def of_lock(lock: Path) -> Iterator[Problem]:
    """Say why DVC cannot read a dvc.lock, if so."""
    content = lock.read_bytes()
    if not content.strip():
        yield _of_wrong(lock, "is empty")
    elif _has_conflict(lock):
        yield _of_wrong(lock, "holds git's marks of a conflict")
    elif not _is_lock(content):
        yield _of_wrong(lock, "is cut off, or no dvc.lock")


def _of_wrong(lock: Path, reason: str) -> Problem:
    mend: Callable[[], object] = lock.unlink
    advice, kept = "delete it", KEPT
    if committed := _committed(lock):
        advice = f"take the committed one by `git checkout HEAD -- {lock}`"
        kept, mend = RESTORED, partial(lock.write_bytes, committed)
    return Problem(f"{lock} {reason}: {advice}, then run `dvc repro`; {kept}", mend)


def _committed(lock: Path) -> bytes | None:
    """Return a dvc.lock of the last commit; None if there is none that DVC can read."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{lock.name}"], cwd=lock.parent, capture_output=True, check=False
    )
    is_lock = shown.returncode == 0 and _is_lock(shown.stdout)
    return shown.stdout if is_lock else None


def _is_lock(content: bytes) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content.decode()))
    except (YAMLError, Invalid, ValueError):  # no UTF-8, or a date with a month 13
        return False
    return True


# --- who runs --------------------------------------------------------------------------------


def _of_rwlock(file: Path) -> Iterator[Problem]:
    try:
        held = holders.listed(file)
    except ValueError:
        yield Problem(
            f"{file} is empty or cut off, as a kill leaves it: delete it; nothing is lost, since it only "
            "says who writes which file at the moment",
            file.unlink,
        )
        return
    for number, command in sorted(held.items()):
        now = holders.command_of(number)
        if now and not holders.may_be_dvc(now):
            yield Problem(
                f"{file} says that `{command}` runs as process {number}, but that number now belongs to "
                f"`{now}`: delete {file}; nothing is lost, since the process that wrote it is dead",
                file.unlink,
            )
            return


# --- the cache of runs -----------------------------------------------------------------------


def _of_runs(project: Path) -> Iterator[Problem]:
    with Repo(str(project)) as repo:
        runs = Path(repo.stage_cache.cache_dir)
    for folder in sorted(runs.glob("*/*")):
        if folder.is_dir() and not any(folder.iterdir()):
            yield Problem(
                f"{os.path.relpath(folder, project)} is empty, as a kill leaves it, and DVC then fails "
                "with a TypeError about join(): delete the folder; nothing is lost, since DVC "
                "stores a run there once it has ended",
                folder.rmdir,
            )


def _of_bytes(project: Path) -> Iterator[Problem]:
    with Repo(str(project)) as repo:
        cache, runs = Path(repo.cache.local.path), Path(repo.stage_cache.cache_dir)
    locks = _locks(project) if not any(_of_locks(project)) else []
    for lock in locks:
        if wrong := stored.wrong_sizes(project, cache, lock):
            yield _of_wrong(lock, f"has another size of {', '.join(wrong)}")
    for file, reason in stored.damaged(project, cache, runs, locks):
        yield Problem(f"{os.path.relpath(file, project)} {reason}", partial(stored.remove, file))


def main(
    mend: Annotated[bool, typer.Option("--mend", help="Remove what DVC makes anew.")] = False,
    read: Annotated[bool, typer.Option("--bytes", help="Read all results and the cache.")] = False,
) -> None:
    project = Path()
    if not (project / ".dvc").is_dir():
        raise settings.UserError("there is no folder .dvc; run this from the project's folder")
    listed = problems(project) + (list(_of_bytes(project)) if read else [])
    if mend and (who := holders.running(project)):
        raise settings.UserError(f"DVC is at work ({who}); wait for its end, then mend")
    left = 0
    for problem in listed:
        if mend and problem.mend:
            problem.mend()
        left += not (mend and problem.mend)
        print(f"{'mended' if mend and problem.mend else 'wrong'}: {problem.sentence}")
    if not listed:
        print(
            "nothing is wrong"
            + (f"; DVC is at work ({who})" if (who := holders.running(project)) else "")
        )
    raise typer.Exit(int(left > 0))


if __name__ == "__main__":
    cli.run(main, computes=False)
