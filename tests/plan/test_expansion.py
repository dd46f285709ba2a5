"""The stages of a study: those that DVC itself sees."""

import shlex
import shutil

import pytest
from dvc.repo import Repo  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from stages.tickets import settings
from stages.tickets.plan import expansion
from stages.tickets.settings import ParamsError
from tests.imports import ROOT
from tests.test_pipeline import STUDIES, pipeline, read, resolve

SETTINGS = expansion.parsing(ROOT / ".dvc" / "config")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_stages_are_those_that_dvc_sees(path, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / "dvc.yaml", project)
    shutil.copy(ROOT / ".dvc" / "config", project / ".dvc")
    YAML().dump(settings.content(path), project / "params.yaml")
    local = project / ".dvc" / "config.local"
    local.write_text("[core]\n    no_scm = true\n", encoding="utf-8")
    monkeypatch.chdir(project)
    with Repo() as repo:
        theirs = {
            stage.name: (
                stage.cmd,
                sorted(str(dep) for dep in stage.deps if not hasattr(dep, "params")),
                sorted(str(out) for out in stage.outs),
                sorted(key for dep in stage.deps if hasattr(dep, "params") for key in dep.params),
            )
            for stage in repo.index.stages
        }
    ours = expansion.expand(pipeline(), settings.content(path), SETTINGS)
    assert len(ours) == len(theirs)
    for stage in ours:
        tracked = sorted(key for key in stage.params if key != expansion.PARAMS)
        assert theirs[stage.name] == (
            stage.command,
            sorted(stage.deps),
            sorted(stage.outs),
            tracked,
        )


def test_stages_are_those_of_an_independent_expansion():
    study = read(ROOT / "params.yaml")
    ours = expansion.expand(pipeline(), study, SETTINGS)
    theirs = resolve(pipeline(), study)
    assert [(s.name, tuple(shlex.split(s.command)), s.deps, set(s.outs)) for s in ours] == [
        (s.name, s.command, s.deps, set(s.outs)) for s in theirs
    ]


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
    found = expansion.expand({"stages": stages}, study, {"list": "append"})
    assert [stage.name for stage in found] == [
        *("first@x", "first@y", "second@x-1", "second@x-7", "second@y-1", "second@y-7")
    ]
    assert found[0].command == "run x --keep 1 --keep 2 --rate 1e-08"
    assert found[-1].outs == ("m/y-7",)
    assert found[-1].params == {"size": 1, "none.y": None, "params.yaml": study}


def test_settings_that_do_not_fit_are_one_sentence():
    stages = {"first": {"cmd": "run ${size.small}", "outs": ["o"]}}
    with pytest.raises(ParamsError, match=r"^the settings do not fit dvc.yaml: .*size.small"):
        expansion.expand({"stages": stages}, {"size": {}}, {})
    tracking = {"stages": {"first": {"cmd": "run", "params": [{"other.yaml": ["a"]}]}}}
    with pytest.raises(ParamsError, match=r"dvc.yaml tracks 'other.yaml', allowed is params.yaml"):
        expansion.expand(tracking, {}, {})
