"""A folder is there whole or not at all."""

import subprocess
import sys

import pytest

from stages.tickets.export import folders
from stages.tickets.settings import ParamsError
from tests.imports import ROOT


def test_a_folder_appears_when_all_is_written(tmp_path):
    out = tmp_path / "a" / "b"
    with folders.new(out) as folder:
        (folder / "file").write_text("x")
        assert not out.exists()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "a", "a/b", "a/b/file",
    ]  # fmt: skip


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "b").mkdir()
    with folders.new(tmp_path / "b") as folder:
        (folder / "file").write_text("x")
    assert (tmp_path / "b" / "file").read_text() == "x"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [False, True])
def test_after_an_error_all_is_as_it_was(tmp_path, error, there):
    out = tmp_path / "b"
    if there:
        out.mkdir()

    def fails():
        with folders.new(out) as folder:
            (folder / "file").write_text("x")
            raise error

    with pytest.raises(type(error)):
        fails()
    assert list(tmp_path.iterdir()) == ([out] if there else [])
    assert not there or list(out.iterdir()) == []


def test_a_killed_process_leaves_no_folder_of_that_name(tmp_path):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom stages.tickets.export import folders\n"
        "with folders.new(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "b"], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [path.name[:3] for path in tmp_path.iterdir()] == [".b-"]
    with folders.new(tmp_path / "b"):
        pass
    assert (tmp_path / "b").is_dir()


def test_what_is_there_is_never_written_over(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("full", "full/file", "link"):
        with pytest.raises(ParamsError, match="allowed is a folder without files"):
            folders.check_free(tmp_path / name)
        with pytest.raises(ParamsError), folders.new(tmp_path / name):
            pytest.fail("it began")
    folders.check_free(tmp_path / "new")
