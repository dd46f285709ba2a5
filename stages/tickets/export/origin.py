"""Where the encoder and the data of a study come from, for others and without local paths."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.tickets.language import sentences
from stages.tickets.settings import (
    SQUAD,
    Data,
    FolderData,
    FolderEncoder,
    HubData,
    HubEncoder,
    MiniatureData,
    OwnData,
    PackageEncoder,
    Pretrain,
    TextData,
)
from stages.tickets.tasks.glue import GLUE

Encoder = Pretrain | HubEncoder | FolderEncoder | PackageEncoder
LIBRARIES = ("numpy", "safetensors", "tokenizers", "torch", "transformers")
"""Libraries whose change may move a result."""


@dataclass(frozen=True)
class Origin:
    """Where an encoder or the data of a task come from."""

    words: str
    """They read on after "from"."""
    record: dict[str, Any]
    """The same for machines."""
    on_hub: str | None
    """Its name on the Hub; None if it is not from there."""


def of_encoder(source: Encoder) -> Origin:
    """Call a folder by the last part of its path alone."""
    match source:
        case Pretrain():
            words = (
                "this project, which pre-trained it on a made-up language of a few hundred words"
            )
            return Origin(words, {"source": "pretrain", "seed": source.seed}, None)
        case HubEncoder():
            words = f"{source.name} on the Hugging Face Hub, revision {source.revision}"
            return Origin(words, source.model_dump(), source.name)
        case FolderEncoder():
            name = Path(source.path).name
            record = {"source": "folder", "name": name, "pooler": source.pooler}
            return Origin(f"the local folder {name}", record, None)
        case PackageEncoder():
            try:
                version = metadata.version(source.name.split(".")[0])
            except metadata.PackageNotFoundError:
                version = None
            words = f"the Python package {source.name}" + (f" {version}" if version else "")
            record = source.model_dump() | {"version": version}
            return Origin(f"{words}, folder {source.path}", record, None)


def licence_of(source: Encoder) -> str | None:
    """Return the SPDX identifier of the licence of an encoder's weights; None if nobody says it."""
    return "Apache-2.0" if isinstance(source, Pretrain) else source.licence


def of_data(task: str, source: Data | OwnData) -> Origin:
    """Call files by their names alone."""
    match source:
        case MiniatureData():
            words = f"this project, which made it up: the task {task} of its miniature language"
            return Origin(words, {"source": "miniature", "seed": source.seed}, None)
        case HubData():
            words = f"{source.name} on the Hugging Face Hub, configuration {source.config}"
            record = {"config": source.config, "name": source.name, "revision": source.revision}
            return Origin(f"{words}, revision {source.revision}", record, source.name)
        case FolderData():
            words = f"a local folder in the Hub's layout, configuration {source.config}"
            return Origin(words, {"source": "folder", "config": source.config}, None)
        case TextData() | OwnData():
            train, validation = Path(source.train).name, Path(source.validation).name
            words = f"local files, {train} for training and {validation} for reporting"
            kind = "own" if isinstance(source, OwnData) else source.source
            return Origin(words, {"source": kind, "train": train, "validation": validation}, None)


def is_pair(task: str, source: Data | OwnData) -> bool:
    """Tell whether an example has two texts."""
    match source:
        case OwnData():
            return len(source.texts) == 2
        case MiniatureData():
            return task == "question" or sentences.LABELLED.get(task, (0, False))[1]
        case TextData():
            return False
        case _:
            glue = GLUE.get(source.config)
            return source.config in SQUAD or (glue is not None and len(glue.columns) == 2)


def digest(weights: Mapping[str, NDArray[Any]]) -> str:
    """Return the sha256 of weights by name, whatever file they come from.

    It is of every array in order of the names: a line of JSON, [name, shape], then its values as
    little-endian float32, row by row.
    """
    sha256 = hashlib.sha256()
    for name in sorted(weights):
        sha256.update(json.dumps([name, list(weights[name].shape)]).encode() + b"\n")
        sha256.update(np.ascontiguousarray(weights[name], dtype="<f4").tobytes())
    return sha256.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of LIBRARIES."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in LIBRARIES
    }


def commit(folder: Path) -> str | None:
    """Return the commit of a folder, with "+changes" if tracked files differ; None for none."""

    def git(*arguments: str) -> str | None:
        try:
            run = subprocess.run(
                ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:  # no git on this machine
            return None
        return run.stdout.strip() if run.returncode == 0 else None

    head = git("rev-parse", "--verify", "HEAD")
    if not head:
        return None
    return head + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
