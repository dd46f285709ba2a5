"""Refuse the results of a stage whose settings, code or files of the user changed while it ran.

DVC runs a command and looks at the command's inputs again afterwards: a setting that was edited meanwhile
stands in dvc.lock beside results of the old value, and `dvc status` finds nothing wrong, ever. So a stage
that DVC runs compares three things, and fails with a sentence if one of them moved:

- Its sections of params.yaml at the end with those that it read, and `numerics` with what `code` noted.
  Other sections may change, and so may all that dvc.yaml writes into the command, which dvc.lock keeps.
- Its sources at the start with the hashes in results/code, and with themselves once they are imported. A
  file that was written in between is refused even if its content is as before, as after an edit that was
  undone or a `git checkout` there and back. What is imported cannot change any more, so code may be
  edited while a training runs. What is not imported by then, such as a template, is compared at the end.
- Files from outside results/ and reports/, such as tables of the user, at the end with the start.

`check` and `code` run before the hashes are made, so they compare all sources at the end. Nothing of this
happens in a stage that is run by hand. The moment between the end of a command and DVC's look is left.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from stages.launch import numerics

PARAMS = Path("params.yaml")
CODE = Path("results/code")
"""Folder of the hashes that the stage `code` makes."""
BYTES = "files.sha256"
"""File in it with the hash of all bytes of every source, as `sha256sum` writes them."""
BEFORE_CODE = ("check", "code")
"""Scripts that run before the hashes are made."""
SOURCES = Path("stages")
MADE = ("results", "reports")
"""Folders that only stages write."""
PATHS = ("path", "train", "validation")
"""Keys of params.yaml whose texts are paths of files or folders."""
FOLDERS = ("--published",)
"""Options whose values are paths even without a slash; other words may be names of tasks."""
EDITED = "the stage `code` hashed it before; run `dvc repro`, and `dvc repro -f -s code` if need be"
AGAIN = "nothing was stored, and `dvc repro` runs the stage again"


class State(NamedTuple):
    """What changes if a file is written; times of the last write and of any change are in ns."""

    written: int
    changed: int
    inode: int
    size: int


class MovedError(Exception):
    """Raised if an input of a running stage is not what the stage read; the message is a sentence."""


class Guard:
    """The inputs that a running stage has read, with their states at that time."""

    def __init__(self) -> None:
        self.sources: dict[Path, State | None] = {}
        self.numerics: str | None = None
        self.inputs: dict[Path, dict[Path, State | None]] = {}
        self.settings: dict[tuple[str, ...], object] = {}
        self.read: Callable[[], object] = dict

    def watch(self, path: Path) -> None:
        """Remember a file, or all files of a folder, unless stages have made it."""
        if path not in self.inputs and path.exists() and not _is_made(path):
            self.inputs[path] = states(path)

    def check_sources(self) -> None:
        """Raise MovedError if a source was written since the start; forget those that are imported."""
        _compare(self.sources, {path: state(path) for path in self.sources})
        imported = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        for path in list(self.sources):
            if str(path.absolute()) in imported:
                del self.sources[path]

    def check_numerics(self, mode: str | None) -> None:
        """Raise MovedError if `mode` is not that in results/code, for which results are stored."""
        if self.numerics is not None and mode != self.numerics:
            reason = f"numerics in params.yaml is {mode!r}, but `code` noted {self.numerics!r}"
            raise MovedError(f"{reason}; nothing was stored; run `dvc repro` for all stages")

    def check_end(self) -> None:
        """Raise MovedError if something that the stage has read is not as it was."""
        _compare(self.sources, {path: state(path) for path in self.sources})
        for path, before in self.inputs.items():
            _compare(before, states(path))
        try:
            now = self.read()
        except ValueError as error:
            raise MovedError(f"{error}, after an edit while the stage ran; {AGAIN}") from None
        for key, value in self.settings.items():
            if _text(_part(now, key)) != _text(value):
                name = f"{'.'.join(key)} in params.yaml" if key else "params.yaml"
                raise MovedError(f"{name} was edited while the stage ran; {AGAIN}")
        self.check_numerics(numerics.asked(PARAMS))


RUNNING: list[Guard] = []
"""The guard of the stage that this process runs under DVC, if it does."""


@contextmanager
def watching(command: Sequence[str]) -> Iterator[None]:
    """Guard a stage that DVC runs, given by its name and options.

    If an input has moved, the process prints a sentence and ends with exit code 1.
    """
    script, *options = command
    guard = Guard()
    try:
        if script in BEFORE_CODE:
            guard.watch(SOURCES)
        else:
            guard.sources, guard.numerics = hashed_sources(script)
        for before, option in zip(command, options, strict=False):
            if "/" in option or before in FOLDERS:
                guard.watch(Path(option))
        RUNNING[:] = [guard]
        try:
            yield
        except SystemExit as end:
            if end.code:
                raise
        guard.check_end()
    except MovedError as error:
        print(f"{script.replace('_', '-')}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        RUNNING.clear()


def imported(mode: str | None) -> None:
    """Tell the guard that the stage's modules are imported.

    Args:
        mode: the numerics of the process; None if it computes nothing.

    Raises:
        MovedError: one of them was written since the start, or `code` has noted other numerics.
    """
    for guard in RUNNING:
        guard.check_sources()
        guard.check_numerics(guard.numerics if mode is None else mode)


def remember(read: Callable[[], object], parts: Mapping[tuple[str, ...], object]) -> None:
    """Tell the guard of the parts of params.yaml that the stage has read.

    Args:
        read: reads params.yaml; a ValueError says that it cannot.
        parts: values as YAML gives them, by section and by key in the section; all of the file by ().
    """
    for guard in RUNNING:
        guard.read = read
        guard.settings = {**parts, **guard.settings}
        for path in (path for part in parts.values() for path in _paths(part)):
            guard.watch(Path(os.path.expandvars(path)).expanduser())


def hashed_sources(script: str) -> tuple[dict[Path, State | None], str | None]:
    """Return the states of a script's sources, if they have the hashes in results/code; and its numerics.

    A source whose bytes changed since then, such as in a comment, is hashed as `code` does it.

    Raises:
        MovedError: a source has another hash.
    """
    hashed = CODE / f"{script}.json"
    if not hashed.exists():
        return {}, None
    expected: dict[str, str] = json.loads(hashed.read_text(encoding="utf-8"))
    mode = expected.pop("numerics", None)
    of_bytes: dict[str, str] = {}
    if (CODE / BYTES).exists():
        lines = (CODE / BYTES).read_text(encoding="utf-8").splitlines()
        of_bytes = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    states_now = {Path(path): state(Path(path)) for path in expected}
    for path, digest in expected.items():
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise MovedError(f"{path} cannot be read ({error.strerror}), but {EDITED}") from None
        if of_bytes.get(path) != hashlib.sha256(content).hexdigest():
            from stages.launch import hashes  # noqa: PLC0415  seldom needed, and slow

            if hashes.digests(path, content).code != digest:
                raise MovedError(f"{path} was edited, but {EDITED}")
    return states_now, mode


def state(path: Path) -> State | None:
    """Return what changes whenever a file is written, even if it gets the same bytes."""
    try:
        status = path.stat()
    except OSError:
        return None
    return State(status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)


def states(path: Path) -> dict[Path, State | None]:
    """Return the states of a file, or of all files in a folder but hidden ones and bytecode.

    A backup may change the mode or the links of inputs, so `changed` is 0 but for the project's sources.
    """
    files = [] if path.is_dir() else [path]
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__" and name[0] != "."]
        files += [Path(folder, name) for name in names if name[0] != "."]
    full = {file: state(file) for file in files}
    kept = full if path == SOURCES else {}
    return {file: entry and entry._replace(changed=0) for file, entry in full.items()} | kept


def _compare(before: Mapping[Path, State | None], now: Mapping[Path, State | None]) -> None:
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path):
            raise MovedError(f"{path} was written while the stage ran; {AGAIN}")


def _is_made(path: Path) -> bool:
    parts = Path(os.path.relpath(path)).parts
    return bool(parts) and parts[0] in MADE


def _paths(value: object) -> Iterator[str]:
    """List the texts under a key that says that it holds a path, at any depth."""
    for key, entry in value.items() if isinstance(value, Mapping) else ():
        if isinstance(entry, str):
            yield from [entry] if key in PATHS else ()
        else:
            yield from _paths(entry)


def _part(content: Any, key: Sequence[str]) -> object:  # noqa: ANN401
    for name in key:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _text(value: Any) -> str:  # noqa: ANN401
    """Write a value so that 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, default=str)
