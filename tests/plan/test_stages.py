"""The stages of a study: those that DVC itself sees, each after those that it reads from."""

import shutil

import pytest
from dvc.repo import Repo  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from stages.tickets.plan import stages as pipeline
from stages.tickets.plan.stages import Stage, edges, expand, in_order
from stages.tickets.settings import ParamsError
from tests.imports import ROOT
from tests.pipeline import PARSING, STUDIES, read

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
"""DVC's own index of a project warns by pygtrie."""


def stage(name, deps="", outs="", command="run", **tracked):
    return Stage(name, command, tuple(deps.split()), tuple(outs.split()), tracked)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_stages_are_those_that_dvc_sees(path, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    project = tmp_path / "project"
    for file in (*pipeline.read(ROOT), pipeline.CONFIG):
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, project / file)
    YAML().dump(read(path), project / "params.yaml")
    local = project / ".dvc" / "config.local"
    local.write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    monkeypatch.chdir(project)
    with Repo() as repo:
        seen = {
            stage.addressing: (
                stage.cmd.splitlines()[-1],
                sorted(dep.def_path for dep in stage.deps if not hasattr(dep, "params")),
                sorted(out.def_path for out in stage.outs),
                sorted(key for dep in stage.deps if hasattr(dep, "params") for key in dep.params),
                {dep.def_path for dep in stage.deps if hasattr(dep, "params")},
                {out.def_path for out in stage.outs if not out.use_cache},
            )
            for stage in repo.index.stages
        }
        read_by = {(made.addressing, reader.addressing) for reader, made in repo.index.graph.edges}
    ours = expand(pipeline.read(project), read(path), PARSING)
    assert {stage.address for stage in ours} == seen.keys()
    for stage in ours:
        assert seen[stage.address] == (
            stage.command,
            sorted(stage.deps),
            sorted(stage.outs),
            sorted(key for key in stage.params if key != pipeline.PARAMS),
            {pipeline.PARAMS} if stage.params else set(),
            set(stage.uncached),
        )
    assert {(maker.address, reader.address) for maker, reader in edges(ours)} == read_by


def test_a_new_stage_and_another_matrix_appear_by_themselves():
    stages = {
        "first": {
            "foreach": "${names}",
            "do": {"cmd": "run ${item} ${rule}", "outs": ["o/${item}"]},
        },
        "second": {
            "matrix": {"a": "${names}", "b": ["${size}", 7]},
            "cmd": "run ${item.a} ${item.b}",
            "deps": ["o/${item.a}"],
            "params": ["size", "none.${item.a}", {"params.yaml": None}],
            "metrics": [{"m/${item.a}-${item.b}": {"cache": False}}],
        },
    }
    study = {"names": ["x", "y"], "size": 1, "rule": {"keep": [1, 2], "rate": 1e-08}}
    expanded = expand({"pipeline/a/dvc.yaml": {"stages": stages}}, study, {"list": "append"})
    assert [stage.name for stage in expanded] == [
        *("first@x", "first@y", "second@x-1", "second@x-7", "second@y-1", "second@y-7")
    ]
    assert expanded[0].command == "run x --keep 1 --keep 2 --rate 1e-08"
    last = expanded[-1]
    assert (last.group, last.address) == ("second", "pipeline/a/dvc.yaml:second@y-7")
    assert (last.outs, last.uncached, last.lists) == (("m/y-7",), ("m/y-7",), ("names", "size"))
    assert last.params == {"size": 1, "none.y": None, "params.yaml": study}


def test_settings_that_do_not_fit_are_one_sentence():
    stages = {"first": {"cmd": "run ${size.small}", "outs": ["o"]}}
    message = r"^the settings do not fit pipeline/a/dvc.yaml: .*size.small"
    with pytest.raises(ParamsError, match=message):
        expand({"pipeline/a/dvc.yaml": {"stages": stages}}, {"size": {}}, {})
    tracking = {"stages": {"first": {"cmd": "run", "params": [{"other.yaml": ["a"]}]}}}
    with pytest.raises(ParamsError, match=r"dvc.yaml tracks 'other.yaml', allowed is params.yaml"):
        expand({"dvc.yaml": tracking}, {}, {})


def test_options_of_a_command():
    run = stage("a", command="python -m x --point 5 --keep 1 --keep 2 --warm --name 'a b'")
    assert run.options == {"point": ("5",), "keep": ("1", "2"), "name": ("a b",)}
    assert (run.option("keep"), run.option("none")) == ("2", None)


def test_groups_come_after_those_that_they_read_from():
    last, first = stage("last", deps="o", outs="p"), stage("first@1", outs="o/1")
    chain = stage("first@2", deps="o/1", outs="o/2")
    assert in_order([last, first, stage("other"), chain]) == [first, chain, last, stage("other")]
    with pytest.raises(ParamsError, match=r"read from one another: \['a', 'b'\]"):
        in_order([stage("a", "x", "y"), stage("b", "y", "x"), stage("c")])
