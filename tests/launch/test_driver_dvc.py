"""All of DVC's insides that the driver uses are as they were when it was written."""

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

import dvc
import pytest
from dvc import rwlock
from dvc.repo import Repo
from dvc.repo.scm_context import SCMContext
from dvc.stage import PipelineStage, Stage
from dvc.stage.cache import StageCache

from stages.launch import driver
from tests.imports import ROOT

used: Any = importlib.import_module("stages.launch.driver.dvc")
SIGNATURES = {
    used.apply_overrides: "path, overrides",
    used.collect_stages: "repo, targets, recursive=False, glob=False",
    used.dumps_yaml: "d",
    used.get_active_graph: "graph",
    used.get_executable: "",
    used.parse_yaml_for_update: "text, path",
    used.plan_repro: "graph, stages=None, pipeline=False, downstream=False",
    used.prepare_kwargs: "stage, run_env=None",
    used.to_lockfile: "stage, **kwargs",
    used._enforce_cmd_list: "cmd",
    used._get_stage_hash: "stage",
    used._make_cmd: "executable, cmd",
    rwlock.rwlock: "tmp_dir, fs, cmd, read, write, hardlink",
    StageCache.restore: "self, stage, run_cache=True, pull=False, dry=False",
    StageCache.pull: "self, remote, odb=None",
    StageCache._get_cache_dir: "self, key",
    SCMContext.__call__: "self, autostage=None, quiet=None",
    SCMContext.track_file: "self, paths=None",
    Stage.changed: "self, allow_missing=False, upstream=None",
    Stage.commit: "self, allow_missing=False, filter_info=None, **kwargs",
    Stage.dump: "self, **kwargs",
    Stage.remove_outs: "self, ignore_remove=False, force=False",
    Stage.reproduce: "self, interactive=False, **kwargs",
    Stage.save: "self, allow_missing=False, run_cache=True",
    Stage.save_deps: "self, allow_missing=False",
}
"""What the driver calls, with the arguments that it may give."""
ATTRIBUTES = {
    Repo: ("close", "index", "lock", "scm_context", "stage_cache", "tmp_dir"),
    PipelineStage: ("addressing", "relpath"),
}
FLOW = {
    Stage.run: "remove_outs _run_stage save commit",
    Stage.reproduce: "changed run",
    Repo.reproduce: "collect_stages get_active_graph plan_repro _reproduce",
}
"""Functions of DVC that the driver stands in for, with the steps that it takes in the same order."""


def test_dvc_is_pinned_to_the_version_that_was_read() -> None:
    assert dvc.__version__ == "3.67.1"
    assert f'"dvc=={dvc.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda each: each.__qualname__)
def test_signatures(function) -> None:
    parameters = inspect.signature(function).parameters.values()
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    assert ", ".join(map(str, bare)) == SIGNATURES[function]


def test_attributes() -> None:
    code = {kind: inspect.getsource(kind) for kind in ATTRIBUTES}
    missing = [
        name
        for kind, names in ATTRIBUTES.items()
        for name in names
        if not hasattr(kind, name) and f"self.{name}" not in code[kind]
    ]
    assert missing == []


@pytest.mark.parametrize("function", FLOW, ids=lambda each: each.__qualname__)
def test_dvc_takes_the_steps_of_the_driver(function) -> None:
    source = inspect.getsource(inspect.unwrap(function))
    places = [source.index(f"{step}(") for step in FLOW[function].split()]
    assert places == sorted(places)


def test_locks_of_paths_are_looked_up_when_they_are_taken() -> None:
    """The driver replaces this function, which must not be bound to another name before."""
    decorators = importlib.import_module("dvc.stage.decorators")
    assert not hasattr(decorators, "rwlock")
    assert "from dvc.rwlock import rwlock" in inspect.getsource(decorators)


def test_no_other_module_of_the_driver_imports_dvc() -> None:
    folder = Path(driver.__file__).parent
    importing = {
        file.stem
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.split(".")[0].startswith("dvc")
    }
    assert importing == {"dvc"}
