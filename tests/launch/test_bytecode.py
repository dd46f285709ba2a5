"""Bytecode: what a full disk has cut off stops no stage, and the project leaves none behind."""

import py_compile
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import ROOT
from tests.launch.project import end_processes, make_project, run

BLOCK = 4096


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = make_project(tmp_path_factory.mktemp("bytecode") / "p")
    yield folder
    end_processes(folder)


def cached(source: Path) -> Path:
    """Compile a file to where Python looks for its bytecode."""
    return Path(str(py_compile.compile(str(source), doraise=True)))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("way", ["1", "0"], ids=["warm", "directly"])
def test_bytecode_that_was_cut_off_stops_no_stage(project: Path, way: str, kept: float) -> None:
    modules = set((project / "stages").rglob("*.py")) - {project / "stages" / "__init__.py"}
    assert len(modules) > 15
    for module in modules:
        bytecode = cached(module)
        content = bytecode.read_bytes()
        bytecode.write_bytes(content[: int(kept * len(content))])
    found = run(project, "show", SCRATCHCARD_WARM=way)
    assert (found.returncode, found.stdout) == (0, f"42 {project} None\n")


def test_the_only_bytecode_of_the_project_fits_a_block_which_no_disk_cuts_off(
    project: Path,
) -> None:
    for folder in list(project.rglob("__pycache__")):
        shutil.rmtree(folder)
    for way in "10":
        run(project, "show", SCRATCHCARD_WARM=way, PYTHONDONTWRITEBYTECODE="")
    left = list((project / "stages").rglob("*.pyc"))
    assert [file.parent.parent.name for file in left] == ["stages"]
    assert left[0].name.startswith("__init__.")
    assert left[0].stat().st_size < BLOCK
    assert list((project / "torch").rglob("*.pyc"))  # libraries start faster with theirs


def test_the_project_of_these_tests_starts_like_the_real_one(project: Path) -> None:
    for name in ("__init__.py", "__main__.py"):
        assert (project / "stages" / name).read_bytes() == (ROOT / "stages" / name).read_bytes()
