"""Outputs appear complete or not at all, with the mode of any new file, whichever writer makes them."""

import ast
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stages.tickets import files, output
from stages.tickets.settings import UserError
from stages.tickets.tasks import hans
from tests.imports import ROOT

Writer = Callable[[Path], None]
LARGE = 1 << 20
LIMIT = 1 << 16


def save_text(path: Path) -> None:
    output.save_text("x" * LARGE, path)


def save_arrays(path: Path) -> None:
    files.save_arrays({"x": np.zeros(LARGE, dtype=np.uint8)}, path)


def save_mask(path: Path) -> None:
    files.save_mask({"x": np.zeros((LARGE, 8), dtype=np.bool_)}, path)


def save_record(path: Path) -> None:
    files.save_record({"x": "x" * LARGE}, path)


def save_table(path: Path) -> None:
    files.save_table([{"x": "x" * LARGE}], ["x"], path)


def save_cases(path: Path) -> None:
    hans.save_cases([hans.Case("x" * LARGE, "y", "z")], path)


@pytest.fixture(params=[save_text, save_arrays, save_mask, save_record, save_table, save_cases])
def writer(request: pytest.FixtureRequest) -> Writer:
    chosen: Writer = request.param
    return chosen


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files of this process end at LIMIT bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_one_sentence_and_leaves_the_file_of_before(
    tmp_path: Path, writer: Writer
) -> None:
    path = tmp_path / "result"
    path.write_text("of before", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"result could not be written \(.*File too large.*make room"
    ):
        writer(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == "of before"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_file_has_the_mode_of_any_new_file(tmp_path: Path, writer: Writer, umask: int) -> None:
    before = os.umask(umask)
    try:
        writer(tmp_path / "new" / "result")
        (tmp_path / "plain").write_text("", encoding="utf-8")
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new" / "result", tmp_path / "plain")
    ]
    assert modes == [0o666 & ~umask] * 2


def test_a_killed_writer_leaves_no_half_of_a_file_and_the_next_run_clears_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "result"
    child = os.fork()
    if child == 0:
        with output.written(path) as part:
            part.write_text("half", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert [file.name for file in tmp_path.iterdir()] == ["result.part"]
    output.save_text("all of it", path)
    assert [file.name for file in tmp_path.iterdir()] == ["result"]
    assert path.read_text(encoding="utf-8") == "all of it"


def test_an_error_of_the_values_comes_through_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has the columns b"):
        files.save_table([{"a": 1}, {"b": 2}], ["a"], tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_device_and_a_pipe_are_written_to_directly(tmp_path: Path) -> None:
    output.save_text("to nowhere", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output.save_text("through", pipe)
    assert os.read(reader, 99) == b"through"
    os.close(reader)


# --- all writers -----------------------------------------------------------------------------

WRITERS = {"write_text", "write_bytes", "save_file", "to_json_file", "savefig", "tofile", "savez"}
ELSEWHERE = {
    "stages/launch/driver/keeper.py": "its log is read as it grows",
    "stages/launch/warm.py": "a mark for the stages after it, of which a half does no harm",
    "stages/tickets/plan/stages.py": "it writes to a temporary folder",
    "stages/tickets/report/figure.py": "it draws in memory",
}


def direct_writes(source: str) -> list[str]:
    """List calls that write to a file that `output.written` did not name."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(c) for c in calls if _writes(c) and "part" not in _names(c)]


def _names(call: ast.Call) -> set[str]:
    return {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    texts = {a.value for a in ast.walk(call) if isinstance(a, ast.Constant)}
    opens = name == "open" and not texts.isdisjoint({"w", "wb", "a", "ab", "x", "xb", "w+"})
    frame = name == "to_csv" and any(keyword.arg == "index" for keyword in call.keywords)
    return name in WRITERS or opens or frame


def test_no_module_writes_past_the_helper() -> None:
    found = {
        file.relative_to(ROOT).as_posix(): direct_writes(file.read_text(encoding="utf-8"))
        for file in sorted((ROOT / "stages").rglob("*.py"))
    }
    assert {file for file, calls in found.items() if calls} == set(ELSEWHERE)


@pytest.mark.parametrize(
    "call",
    [
        'path.write_text("x")',
        "save_file(tensors, path)",
        'path.open("w")',
        'open(path, mode="wb")',
        "frame.to_csv(path, index=False)",
    ],
)
def test_a_direct_write_is_reported(call: str) -> None:
    assert direct_writes(f"{call}\n{call.replace('path', 'part')}") == [
        ast.unparse(ast.parse(call))
    ]
