"""The stages of a study, as DVC expands them from dvc.yaml."""

import configparser
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.parsing import DataResolver

from stages.tickets.plan.lineage import Stage
from stages.tickets.settings import ParamsError

PARAMS = "params.yaml"


def parsing(config: Path) -> dict[str, str]:
    """The section `parsing` of DVC's settings: how lists are written in commands; empty without one."""
    read = configparser.ConfigParser()
    read.read(config, encoding="utf-8")
    return dict(read["parsing"]) if "parsing" in read else {}


def expand(
    pipeline: Mapping[str, Any], study: Mapping[str, Any], settings: Mapping[str, str]
) -> list[Stage]:
    """All stages, in the order of dvc.yaml, each with its variables filled in by DVC itself.

    Args:
        pipeline: content of dvc.yaml.
        study: content of params.yaml.
        settings: as `parsing`.

    Raises:
        ParamsError: dvc.yaml names a setting that the study has not.
    """
    repository = SimpleNamespace(fs=LocalFileSystem(), config={"parsing": dict(settings)})
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(study)  # JSON is YAML
        (Path(folder) / PARAMS).write_text(text, encoding="utf-8")
        try:
            resolver = DataResolver(repository, folder, dict(pipeline))
            resolved = resolver.resolve()["stages"]
        except DvcException as error:
            message = " ".join(str(error).split()).replace(f"{os.path.relpath(folder)}/", "")
            raise ParamsError(f"the settings do not fit dvc.yaml: {message}") from error
    return [
        Stage(
            name,
            body["cmd"],
            tuple(body.get("deps", ())),
            tuple(
                _path(out) for kind in ("outs", "metrics", "plots") for out in body.get(kind, ())
            ),
            tracked(body.get("params", ()), study),
        )
        for name, body in resolved.items()
    ]


def _path(out: str | Mapping[str, Any]) -> str:
    return out if isinstance(out, str) else next(iter(out))


def tracked(
    names: list[str | dict[str, list[str] | None]], study: Mapping[str, Any]
) -> dict[str, object]:
    """Values of what a stage tracks, by dotted key; of the whole of params.yaml by its name.

    Raises:
        ParamsError: a stage tracks another file than params.yaml.
    """
    found: dict[str, object] = {}
    for name in names:
        if isinstance(name, str):
            found[name] = value(study, name)
            continue
        for file, keys in name.items():
            if file != PARAMS:
                raise ParamsError(f"dvc.yaml tracks {file!r}, allowed is {PARAMS}")
            found |= {key: value(study, key) for key in keys} if keys else {PARAMS: study}
    return found


def value(study: Mapping[str, Any], key: str) -> object:
    """The value of a dotted key; None where there is none, as for a task without a section."""
    found: Any = study
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
