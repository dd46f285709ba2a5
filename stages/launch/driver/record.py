"""Entries of finished stages, on their way into the dvc.lock files."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.launch.driver import dvc, locks
from stages.tickets import output
from stages.tickets.settings import UserError

BEFORE = dvc.FOLDER / "before.json"
"""File with the names of the entries that dvc.lock files had before a run; it goes when all is done."""
FLUSH_SECONDS = 30
SHARE = 20
"""Writing dvc.lock files takes at most one part in so many of the time."""


class Record:
    """Entries of finished stages; `flush` writes them into their dvc.lock files.

    A kill loses the entries since the last `flush`, but no results: the next run takes these from DVC's
    cache of runs. New entries stand in the order in which `dvc repro` would have appended them, also if a
    run was killed in between and another went on.
    """

    def __init__(self, stages: Iterable[Any]) -> None:
        self.order = dvc.names(stages)
        self.entries: dict[Path, dict[str, str]] = {}
        self.written = time.monotonic()
        self.cost = 0.0
        if not BEFORE.exists():
            files = sorted({dvc.lock_of(stage) for stage in stages if dvc.names([stage])})
            before = {str(file): list(read(file)[1]) for file in files}
            output.save_text(json.dumps(before), BEFORE)
        self.before: dict[str, list[str]] = json.loads(BEFORE.read_text(encoding="utf-8"))

    def note(self, file: Path, name: str, entry: str) -> None:
        """Remember the entry of a finished stage for a dvc.lock."""
        self.entries.setdefault(file, {})[name] = entry

    def due_in(self) -> float | None:
        """Return the seconds until it is time to write the entries that wait; None if none waits."""
        if not self.entries:
            return None
        pause = max(FLUSH_SECONDS, SHARE * self.cost)
        return max(self.written + pause - time.monotonic(), 0.0)

    def flush(self) -> list[Path]:
        """Write all entries, and return the files that have changed."""
        start = time.monotonic()
        changed = []
        for file, new in list(self.entries.items()):
            text, old = read(file)
            first = self.before.get(str(file), list(old))
            merged = locks.merge(text, new, first, self.order)
            if merged != text:
                output.save_text(merged, file)
                changed.append(file)
            del self.entries[file]
        self.written = time.monotonic()
        self.cost = self.written - start
        return changed

    @staticmethod
    def finish() -> None:
        """Forget the entries before the run, since all of its stages are done."""
        BEFORE.unlink(missing_ok=True)


def read(file: Path) -> tuple[str, dict[str, str]]:
    """Return the text of a dvc.lock and its entries by name; an edited text as DVC would write it.

    Raises:
        UserError: the file has parts that the driver does not know.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        return text, locks.split(text)
    except ValueError:
        text = dvc.rewritten(text, file)
    try:
        return text, locks.split(text)
    except ValueError as error:
        raise UserError(
            f"{file} is not as DVC writes it: {error}; delete the file and run the same command again, "
            "which takes finished stages from DVC's cache"
        ) from None
