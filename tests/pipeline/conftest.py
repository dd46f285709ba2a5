"""A study that has run once, for all tests of this folder."""

from pathlib import Path

import pytest

from tests.pipeline.study import run_all


@pytest.fixture(scope="session")
def finished(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A folder in which every stage has run once."""
    return run_all(tmp_path_factory.mktemp("stages") / "first")


@pytest.fixture
def project(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished)
    return finished
