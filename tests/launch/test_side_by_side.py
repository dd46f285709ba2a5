"""Several trainings of one stage at once: all are done, their errors come through."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from stages.commands import run
from stages.launch import cores, side_by_side
from stages.tickets.settings import ParamsError, UserError

pytestmark = pytest.mark.usefixtures("on_the_cpu")


def write(folder: Path, number: int) -> None:
    (folder / str(number)).write_text(str(os.getpid()), encoding="utf-8")


def jobs(folder: Path, count: int = 5) -> dict[str, Callable[[], None]]:
    return {f"job {number}": partial(write, folder, number) for number in range(count)}


@pytest.mark.parametrize("at_hand", [1, 2, 8])
def test_every_job_is_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(at_hand))
    side_by_side.run(jobs(tmp_path), threads=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(i) for i in range(5)]
    processes = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert (str(os.getpid()) in processes) == (at_hand == 1)


def test_as_many_at_a_time_as_their_threads_leave_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))
    side_by_side.run(jobs(tmp_path), threads=4)
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize(
    ("quota", "number"),
    [
        ("max 100000\n", 8),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        (None, 8),
    ],
)
def test_a_container_has_no_more_cores_than_its_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, number: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    if quota is not None:
        cores.QUOTA.write_text(quota, encoding="utf-8")
    assert cores.number() == number
    assert len(run.places(None, None, 1)) == number
    (tmp_path / "made").mkdir()
    side_by_side.run(jobs(tmp_path / "made"), threads=1)
    processes = {path.read_text(encoding="utf-8") for path in (tmp_path / "made").iterdir()}
    assert (str(os.getpid()) in processes) == (number == 1)


def refuse() -> None:
    raise ParamsError("train.learning_rate is 9")


@pytest.mark.parametrize("at_hand", [1, 2])
def test_an_error_comes_through_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(at_hand))
    with pytest.raises(ParamsError, match=r"^train.learning_rate is 9$"):
        side_by_side.run(jobs(tmp_path, 1) | {"refused": refuse}, threads=1)


class UnsentError(Exception):
    """An error that cannot be made again from its text."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def kill(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def raise_unsent() -> None:
    raise UnsentError("a", "b")


DEATHS: dict[str, Callable[[], object]] = {
    "was killed, as Linux does when memory runs out": partial(kill, signal.SIGKILL),
    "was ended by SIGTERM": partial(kill, signal.SIGTERM),
    "was ended by SIGINT": partial(kill, signal.SIGINT),
    "was ended by SIGHUP": partial(kill, signal.SIGHUP),
    "ended with exit code 3": partial(sys.exit, 3),
    "ended with exit code 0 before it was done": sys.exit,
    "ended with exit code 4": partial(os._exit, 4),
    "ended with exit code 1": raise_unsent,
}


def sleep(folder: Path) -> None:
    write(folder, 0)
    time.sleep(60)


@pytest.mark.parametrize("death", DEATHS)
def test_a_dead_job_is_named_and_its_siblings_end_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, death: str
) -> None:
    def die() -> None:
        while not (tmp_path / "0").exists():
            time.sleep(0.01)
        DEATHS[death]()

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(2))
    family: dict[str, Callable[[], None]] = {"asleep": partial(sleep, tmp_path), "dying": die}
    family |= jobs(tmp_path)
    begin = time.monotonic()
    with pytest.raises(UserError, match=rf"^the training 'dying' {death}"):
        side_by_side.run(family, 1)
    assert time.monotonic() - begin < 10
    assert multiprocessing.active_children() == []
    assert [path.name for path in tmp_path.iterdir()] == ["0"]  # none was started after that


def test_the_traceback_of_an_error_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(2))
    with pytest.raises(ZeroDivisionError) as caught:
        side_by_side.run(jobs(tmp_path, 1) | {"wrong": lambda: print(1 / 0)}, threads=1)
    assert "print(1 / 0)" in "".join(caught.value.__notes__)
