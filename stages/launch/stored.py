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
    bad: set[Path] = set()
    for file in sorted(cache.glob("??/*")):
        if file.is_file() and digest(file) != file.parent.name + file.name.removesuffix(FOLDER):
            bad.add(file)
            yield file, OBJECT
    for file in sorted(runs.glob("*/*/*")):
        if is_no_run(file):
            yield file, RUN
    results = {project / path: value for lock in locks for path, value in _outs(lock)}
    for path, value in sorted(results.items()):
        listing = cache / value[:2] / value[2:]
        if not value.endswith(FOLDER):
            if path.is_file() and digest(path) != value:
                yield path, RESULT
        elif listing.is_file() and listing not in bad:
            entries = json.loads(listing.read_text(encoding="utf-8"))
            for file, expected in ((path / entry["relpath"], entry["md5"]) for entry in entries):
                if file.is_file() and digest(file) != expected:
                    yield file, RESULT


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


def _outs(lock: Path) -> Iterator[tuple[str, str]]:
    """List the paths of a dvc.lock's outputs, from its project's folder, with their hashes."""
    content: Any = YAML(typ="safe").load(lock.read_text(encoding="utf-8"))
    for entry in content.get("stages", {}).values():
        for out in entry.get("outs", []):
            if "md5" in out:
                yield out["path"], out["md5"]
