"""The stages of a study as DVC expands them from all dvc.yaml files."""

import configparser
import json
import os
import re
import shlex
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.parsing import DataResolver
from ruamel.yaml import YAML

from stages.tickets.settings import ParamsError

PARAMS = "params.yaml"
ROOT_FILE = "dvc.yaml"
FILES = "pipeline/*/dvc.yaml"
CONFIG = ".dvc/config"
LIST = re.compile(r"\$\{([^}]+)\}")
"""Pattern of a variable of params.yaml in a text of dvc.yaml."""
Pipeline = Mapping[str, Mapping[str, Any]]
"""Content of every dvc.yaml, by its path from the project's folder."""


def read(project: Path) -> dict[str, Mapping[str, Any]]:
    """Read dvc.yaml, then the dvc.yaml of every experiment in the order of their names."""
    paths = [*project.glob(ROOT_FILE), *sorted(project.glob(FILES))]
    return {path.relative_to(project).as_posix(): YAML(typ="safe").load(path) for path in paths}


def locked(project: Path) -> dict[str, Any]:
    """Read the entries of all dvc.lock files, by the name of the stage."""
    paths = [project / ROOT_FILE, *project.glob(FILES)]
    locks = [path.with_suffix(".lock") for path in paths]
    contents = [YAML(typ="safe").load(lock) for lock in locks if lock.exists()]
    return {name: entry for content in contents for name, entry in content["stages"].items()}


def parsing(config: Path) -> dict[str, str]:
    """Read the section `parsing` of DVC's settings, on lists in commands; empty if there is none."""
    parser = configparser.ConfigParser()
    parser.read(config, encoding="utf-8")
    return dict(parser["parsing"]) if "parsing" in parser else {}


# --- stages ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """A stage as DVC runs it; two stages are equal if DVC would not tell them apart."""

    name: str
    """Name in its dvc.yaml, such as prune-round@rte-1-after0."""
    command: str
    """The last line of what DVC runs; lines before it check what the line is made of."""
    deps: tuple[str, ...]
    """Paths of the files and folders that it reads."""
    outs: tuple[str, ...]
    params: Mapping[str, object]
    """Settings that it tracks, by dotted key."""
    uncached: tuple[str, ...] = ()
    """Outputs that git keeps, not DVC's cache."""
    file: str = field(default=ROOT_FILE, compare=False)
    lists: tuple[str, ...] = field(default=(), compare=False)
    """Dotted keys of the lists that it is repeated over."""
    meta: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def group(self) -> str:
        """Name of the stage before it is repeated, such as prune-round."""
        return self.name.split("@")[0]

    @property
    def address(self) -> str:
        """Address that DVC gives the stage in the project's folder."""
        return self.name if self.file == ROOT_FILE else f"{self.file}:{self.name}"

    @property
    def script(self) -> str:
        """Script that the stage runs, the NAME of `python -m stages NAME`; empty if it runs none."""
        match = re.match(r"python -m stages (\w+)", self.command)
        return match[1] if match else ""

    @cached_property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Options of the command line with their values in order: `--point 5` gives "point": ("5",)."""
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairwise(shlex.split(self.command)):
            if name.startswith("--") and not value.startswith("--"):
                values[name[2:]] = (*values.get(name[2:], ()), value)
        return values

    def option(self, name: str) -> str | None:
        """Return the last value of an option; None if the command has no such option."""
        values = self.options.get(name)
        return values[-1] if values else None


def expand(
    pipeline: Pipeline, study: Mapping[str, Any], settings: Mapping[str, str]
) -> list[Stage]:
    """Expand all stages, each after those that it reads from; DVC itself fills in variables.

    Args:
        pipeline: content of every dvc.yaml, by its path.
        study: content of params.yaml.
        settings: section `parsing` of DVC's settings.

    Raises:
        ParamsError: dvc.yaml names a setting that the study lacks, or two stages have the same name.
    """
    repository = SimpleNamespace(fs=LocalFileSystem(), config={"parsing": dict(settings)})
    stages: dict[str, Stage] = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / PARAMS).write_text(json.dumps(study), encoding="utf-8")  # JSON is YAML
        for file, content in pipeline.items():
            definitions = {key: value for key, value in content.items() if key != "vars"}
            try:
                resolver = DataResolver(repository, folder, definitions)
                resolved = resolver.resolve()["stages"] or {}
            except DvcException as error:
                message = " ".join(str(error).split()).replace(f"{os.path.relpath(folder)}/", "")
                raise ParamsError(f"the settings do not fit {file}: {message}") from error
            for name, body in resolved.items():
                if name in stages:
                    raise ParamsError(f"{file} and {stages[name].file} both have a stage {name!r}")
                lists = repeated_over(definitions["stages"][name.split("@")[0]])
                stages[name] = _stage(name, body, file, lists, study)
    return in_order(stages.values())


def repeated_over(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """List the dotted keys of the lists of params.yaml that a stage is repeated over."""
    return tuple(LIST.findall(str([definition.get("matrix"), definition.get("foreach")])))


def _stage(
    name: str, body: Mapping[str, Any], file: str, lists: tuple[str, ...], study: Mapping[str, Any]
) -> Stage:
    outs: dict[str, bool] = {}
    for out in (out for kind in ("outs", "metrics", "plots") for out in body.get(kind, ())):
        path, flags = (out, {}) if isinstance(out, str) else next(iter(out.items()))
        outs[path] = flags.get("cache", True)
    return Stage(
        name,
        body["cmd"].splitlines()[-1],
        tuple(body.get("deps", ())),
        tuple(outs),
        tracked(body.get("params", ()), study),
        tuple(path for path, cached in outs.items() if not cached),
        file,
        lists,
        _spelled_out(body.get("meta", {}), study),
    )


def _spelled_out(meta: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """`meta` with every `each` that is the key of a list in params.yaml replaced by that list."""

    def entry(part: Mapping[str, Any]) -> dict[str, Any]:
        each = part.get("each")
        return {**part, "each": value(study, each)} if isinstance(each, str) else dict(part)

    return {
        name: [entry(part) for part in item] if isinstance(item, list) else item
        for name, item in meta.items()
    }


def tracked(
    names: Iterable[str | dict[str, list[str] | None]], study: Mapping[str, Any]
) -> dict[str, object]:
    """Look up the settings that a stage tracks, by dotted key; the key params.yaml means all of it.

    Raises:
        ParamsError: a stage tracks a file other than params.yaml.
    """
    values: dict[str, object] = {}
    for name in names:
        for file, keys in ({PARAMS: [name]} if isinstance(name, str) else name).items():
            if file != PARAMS:
                raise ParamsError(f"dvc.yaml tracks {file!r}, allowed is {PARAMS}")
            values |= {key: value(study, key) for key in keys} if keys else {PARAMS: study}
    return values


def value(study: Mapping[str, Any], key: str) -> object:
    """Return the value of a dotted key; None if there is none, as for a task without a section."""
    part: Any = study
    for name in key.split("."):
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


def in_order(stages: Iterable[Stage]) -> list[Stage]:
    """Sort groups of stages so that each follows those that it reads from; otherwise keep the order.

    Raises:
        ParamsError: stages of two groups read from one another.
    """
    groups: dict[str, list[Stage]] = defaultdict(list)
    for stage in stages:
        groups[stage.group].append(stage)
    everything = [stage for group in groups.values() for stage in group]
    before: dict[str, set[str]] = {name: set() for name in groups}
    for maker, reader in edges(everything):
        before[reader.group] |= {maker.group} - {reader.group}
    ordered: list[str] = []
    while len(ordered) < len(groups):
        ready = [name for name in groups if name not in ordered and before[name] <= set(ordered)]
        if not ready:
            raise ParamsError(f"stages read from one another: {sorted(set(groups) - set(ordered))}")
        ordered.append(ready[0])
    return [stage for name in ordered for stage in groups[name]]


def edges(stages: Sequence[Stage]) -> Iterator[tuple[Stage, Stage]]:
    """Yield pairs of a stage and a reader of its output, of a part of it, or of a folder around it."""
    inside: dict[str, list[Stage]] = defaultdict(list)
    at: dict[str, Stage] = {}
    for stage in stages:
        for out in stage.outs:
            at[out] = stage
            for folder in (out, *folders(out)):
                inside[folder].append(stage)
    for stage in stages:
        for dep in stage.deps:
            makers = [
                *inside.get(dep, ()),
                *(at[folder] for folder in folders(dep) if folder in at),
            ]
            yield from ((maker, stage) for maker in makers)


def folders(path: str) -> list[str]:
    """List the folders that a path lies in: a/b and a for a/b/c."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
