"""A finished study: params.yaml has to be that of the report."""

import json
import shutil
from pathlib import Path

import pytest

from stages.tickets import settings
from stages.tickets.export import study
from stages.tickets.plan import manifest as manifests
from stages.tickets.settings import ParamsError
from tests.pipeline import manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """params.yaml as shipped, and a lock that says that the report was made with it."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "results" / "encoder").mkdir(parents=True)
    (tmp_path / "results" / "encoder" / "encoder.json").write_text("{}")
    content = settings.content(tmp_path / "params.yaml")
    manifests.save(manifest(content), tmp_path / "results" / "manifest.json")
    lock = {"stages": {"report": {"params": {"params.yaml": content}}}}
    (tmp_path / "dvc.lock").write_text(json.dumps(lock))  # JSON is YAML
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load() -> study.Finished:
    return study.load(Path("params.yaml"), Path("results"), Path("reports"))


def test_the_study_of_the_report_is_loaded(project: Path) -> None:
    assert load().settings.study == "miniature"
    (project / "dvc.lock").unlink()
    assert load().settings.study == "miniature"


def test_other_settings_than_those_of_the_report_are_named(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(
        text.replace("learning_rate: 5.0e-4", "learning_rate: 6.0e-4")
    )
    with pytest.raises(
        ParamsError, match=r"^train in params\.yaml is not what the report was made with"
    ):
        load()
    (project / "params.yaml").write_text(text.replace("panel_width: 3.2", "panel_width: 4"))
    assert load().settings.plot.panel_width == 4  # of the figures alone


def test_a_lock_without_a_report_is_not_a_finished_study(project: Path) -> None:
    (project / "dvc.lock").write_text(json.dumps({"stages": {"encoder": {}}}))
    with pytest.raises(ParamsError, match="has no report of this study"):
        load()
