"""Files that the stages of connectivity run on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from tests.connectivity.project import Project, made
from tests.pipeline.study import STUDY, write_study


@pytest.fixture(scope="session")
def project(
    encoder_folder: Path, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    selection = tasks.take(prepared.train, np.arange(3))
    splits = {"selection": selection, **prepared.evaluated}
    folder = tmp_path_factory.mktemp("connectivity")
    return made(encoder_folder, replace(prepared, evaluated=splits), folder)


@pytest.fixture
def study_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_study(tmp_path, STUDY)
    monkeypatch.chdir(tmp_path)
    return tmp_path
