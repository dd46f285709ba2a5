"""What an export says of where it comes from, without a word about this machine."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIBRARIES = ("numpy", "safetensors", "tokenizers", "torch", "transformers")


def digest(weights: Mapping[str, NDArray[Any]]) -> str:
    """sha256 of weights by name, whatever file they come from.

    Of every array in order of the names: a line of JSON, [name, shape], then its values as little-endian
    float32, row by row.
    """
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(json.dumps([name, list(weights[name].shape)]).encode() + b"\n")
        found.update(np.ascontiguousarray(weights[name], dtype="<f4").tobytes())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Of Python and of the libraries whose change may move a result."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in LIBRARIES
    }


def commit(folder: Path) -> str | None:
    """Of the git repository of `folder`; "+changes" after it if tracked files differ; None for none."""

    def git(*arguments: str) -> str | None:
        try:
            found = subprocess.run(
                ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:  # no git on this machine
            return None
        return found.stdout.strip() if found.returncode == 0 else None

    head = git("rev-parse", "--verify", "HEAD")
    if not head:
        return None
    return head + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
