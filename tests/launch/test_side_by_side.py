"""Several trainings of one stage at once: all are done, their errors come through."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from stages.launch import side_by_side
from stages.tickets.settings import ParamsError

pytestmark = pytest.mark.usefixtures("on_the_cpu")


def write(folder: Path, number: int) -> None:
    (folder / str(number)).write_text(str(os.getpid()), encoding="utf-8")


def jobs(folder: Path, count: int = 5) -> list[Callable[[], None]]:
    return [partial(write, folder, number) for number in range(count)]


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_every_job_is_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    side_by_side.run(jobs(tmp_path), threads=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(i) for i in range(5)]
    processes = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert (str(os.getpid()) in processes) == (cores == 1)


def test_as_many_at_a_time_as_their_threads_leave_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))
    side_by_side.run(jobs(tmp_path), threads=4)
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {str(os.getpid())}


def refuse() -> None:
    raise ParamsError("train.learning_rate is 9")


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_comes_through_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    with pytest.raises(ParamsError, match=r"^train.learning_rate is 9$"):
        side_by_side.run([*jobs(tmp_path, 1), refuse], threads=1)
