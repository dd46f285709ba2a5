"""The bytes of stored results, compared with the names and hashes that DVC has for them.

DVC gives each object of its cache the name of its hash and makes it read-only, and from then on it
believes the name of any file with that mode. It also believes the hash that it once took of a result if
size, time and inode are as they were. So what a failing disk has changed comes back as a result, and
`dvc status` finds nothing wrong.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dvc.stage.cache import _get_cache_hash
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

FOLDER = ".dir"
"""End of the hash of a folder, whose object lists its files."""
OBJECT = (
    "has other bytes than DVC stored under that name, and DVC does not look: delete it; nothing is lost "
    "but time, since the stage that makes it runs again"
)
RUN = (
    "is not what DVC stored under that name: delete it; nothing is lost, since DVC finds finished stages "
    "by their dvc.lock, too, or runs them again"
)
RESULT = (
    "is not what its dvc.lock says, and DVC may not notice: delete it; `dvc repro` takes it from "
    "the cache or runs its stage again"
)


def damaged(
    project: Path, cache: Path, runs: Path, locks: Iterable[Path]
) -> Iterator[tuple[Path, str]]:
    """List objects of the cache and results that have other bytes than DVC says, each with a sentence.

    Args:
        project: folder of the project.
        cache: folder of the cache, with an object `ab/cdef...` for the hash abcdef...
        runs: folder of the cache of runs.
        locks: the dvc.lock files to compare results with; all of them can be read.
    """
    for file in sorted(cache.glob("??/*")):
        if file.is_file() and digest(file) != file.parent.name + file.name.removesuffix(FOLDER):
            yield file, OBJECT
    for file in sorted(runs.glob("*/*/*")):
        if is_no_run(file):
            yield file, RUN
    for out in (out for lock in locks for out in _outs(lock)):
        for file, value in _files(project, cache, out).items():
            if file.is_file() and digest(file) != value:
                yield file, RESULT


def wrong_sizes(project: Path, cache: Path, lock: Path) -> list[str]:
    """List the results whose size in a dvc.lock is not theirs, as if the dvc.lock was cut off.

    DVC does not compare sizes, and keeps them as long as the hash is right.
    """
    wrong = []
    for out in _outs(lock):
        files = _files(project, cache, out)
        if files and all(file.is_file() and digest(file) == files[file] for file in files):
            right = {"size": sum(file.stat().st_size for file in files)}
            if out["md5"].endswith(FOLDER):
                right["nfiles"] = len(files)
            if any(out.get(key) != value for key, value in right.items()):
                wrong.append(out["path"])
    return wrong


def is_no_run(file: Path) -> bool:
    """Tell whether an entry of a folder of the cache of runs is not what its name says."""
    if file.is_dir():
        return not any(file.iterdir())
    try:
        content: Any = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return bool(_get_cache_hash(content) != file.name)
    except (YAMLError, ValueError, TypeError, AttributeError):
        return True


def remove_no_run(folder: Path) -> bool:
    """Delete a folder of the cache of runs if it or an entry is not what its name says; tell if so."""
    spoiled = folder.is_dir() and any(map(is_no_run, (folder, *folder.iterdir())))
    if spoiled:
        shutil.rmtree(folder)
    return spoiled


def remove(file: Path) -> None:
    """Delete a file; an empty folder in the cache of runs would stop DVC, so its folder goes, too."""
    file.unlink()
    if not any(file.parent.iterdir()):
        file.parent.rmdir()


def digest(file: Path) -> str:
    """Return the hash that DVC takes of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "md5").hexdigest()


def _outs(lock: Path) -> Iterator[dict[str, Any]]:
    """List the outputs in a dvc.lock, with paths from the folder of their project."""
    content: Any = YAML(typ="safe").load(lock.read_text(encoding="utf-8"))
    for entry in content.get("stages", {}).values():
        yield from (out for out in entry.get("outs", []) if "md5" in out)


def _files(project: Path, cache: Path, out: dict[str, Any]) -> dict[Path, str]:
    """Return the files of an output with their hashes; none if the cache cannot list a folder."""
    path, value = project / out["path"], out["md5"]
    if not value.endswith(FOLDER):
        return {path: value}
    listing = cache / value[:2] / value[2:]
    if not listing.is_file() or digest(listing) != value.removesuffix(FOLDER):
        return {}
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return {path / entry["relpath"]: entry["md5"] for entry in entries}
