"""The stages of the pipeline."""

import os
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from typing import NoReturn

# Threads that wait for each other spin for some microseconds, then sleep. A step of MiniLM on two
# cores is a quarter slower if they sleep at once, and was 80 times as slow if they spun on while
# another process was busy.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class _Source(SourceFileLoader):
    """A loader of this project's modules that neither reads nor writes bytecode.

    A full disk cuts bytecode off, with which Python fails for ever, and an edit within a second that
    keeps the length of a file goes unnoticed. To compile the modules of a stage takes 0.05 seconds.
    """

    def path_stats(self, path: str) -> NoReturn:
        raise OSError(f"the bytecode of {path} is not used")


def _finder(folder: str) -> FileFinder:
    if not f"{folder}/".startswith(f"{__path__[0]}/"):
        raise ImportError(f"{folder} is outside this project", path=folder)
    return FileFinder(folder, (_Source, [".py"]))


sys.path_hooks.insert(0, _finder)
