"""Folders for others that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.tickets.settings import ParamsError


def check_free(out: Path) -> None:
    """Raise ParamsError unless `out` is new, or a folder without files."""
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise ParamsError(f"--out is {str(out)!r}, allowed is a folder without files")


@contextmanager
def new(out: Path) -> Iterator[Path]:
    """Open a new folder beside `out` to write to, which takes its place once all is written.

    After an error it is gone and `out` as it was. What a killed process leaves is a hidden folder with
    the number of the process in its name.

    Raises:
        ParamsError: as `check_free`.
    """
    check_free(out)
    out = out.resolve()
    beside = out.with_name(f".{out.name}-{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        yield beside
        beside.replace(out)
    except BaseException:
        shutil.rmtree(beside)
        raise
