"""The stages of dvc.yaml as tests run them and look at them."""

import copy
import json
import shlex
import tempfile
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dvc.fs import LocalFileSystem
from dvc.parsing import DataResolver

from stages.tickets import settings
from stages.tickets.plan import declared, stages
from stages.tickets.plan.manifest import Manifest
from stages.tickets.settings import compose
from tests.imports import ROOT

STUDIES = [ROOT / "params.yaml", *compose.studies(ROOT / "studies")]
PARSING = stages.parsing(ROOT / stages.CONFIG)
CODE = "results/code"
"""What the code of a script amounts to, in a file per script."""
CHECKED = "results/params-checked"
"""A dep without content, which only says that `check` has run."""


@dataclass(frozen=True)
class Stage(stages.Stage):
    """A stage with the parts of its command."""

    @cached_property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    @property
    def arguments(self) -> list[str]:
        return self.words[4:]

    @property
    def inputs(self) -> list[str]:
        """Deps that the command reads."""
        return [dep for dep in self.deps if dep != CHECKED and not lies_in(dep, CODE)]


def pipeline() -> dict[str, Any]:
    """Content of every dvc.yaml, to be changed."""
    return copy.deepcopy(_pipeline())


@cache
def _pipeline() -> dict[str, Any]:
    return stages.read(ROOT)


def resolve(study: dict[str, Any], files: dict[str, Any] | None = None) -> list[Stage]:
    """The stages of a study, each after those that it reads from; of other dvc.yaml than those here."""
    expanded = stages.expand(files or _pipeline(), study, PARSING)
    names = [field.name for field in fields(stages.Stage)]
    return [Stage(**{name: getattr(stage, name) for name in names}) for stage in expanded]


def manifest(study: dict[str, Any], files: dict[str, Any] | None = None) -> Manifest:
    files = files or _pipeline()
    return declared.manifest_of(stages.expand(files, study, PARSING), files, study)


def read(path: Path) -> dict[str, Any]:
    """Content of the params file of a study."""
    return settings.content(path)


SHIPPED, OFF = read(ROOT / "params.yaml"), read(ROOT / "studies" / "off.yaml")
OWN = ("study", "title", "tasks", "seeds", "encoder", "data", "prepare", "train", "override")
TRANSFER = OFF["transfer"] | {"round": SHIPPED["last_round"]}
BASE = OFF | {key: SHIPPED[key] for key in (*OWN, "rounds", "last_round")} | {"transfer": TRANSFER}
"""The miniature with every experiment switched off, which small studies of tests begin with."""


def lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def shown(
    study: dict[str, Any], files: dict[str, Any] | None = None
) -> tuple[list[Any], list[str]]:
    """The plots and the metrics that dvc.yaml names, with variables filled in by DVC."""
    root = (files or _pipeline())[stages.ROOT_FILE]
    repository = SimpleNamespace(fs=LocalFileSystem(), config={})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / stages.PARAMS).write_text(json.dumps(study), encoding="utf-8")
        resolver = DataResolver(
            repository, folder, {key: root[key] for key in ("plots", "metrics")}
        )
        return resolver.resolve_plots(), resolver.resolve_metrics()


def shown_columns(
    study: dict[str, Any], files: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """File and column of all that the plots show."""
    columns: list[tuple[str, str]] = []
    for plot in (plot for entry in shown(study, files)[0] for plot in entry.values()):
        axes = [plot["x"], plot["y"]]
        if isinstance(plot["x"], str):  # a column of each file of y
            axes[0] = dict.fromkeys(plot["y"], plot["x"])
        columns += [item for axis in axes for item in axis.items()]
    return columns
