"""Run several trainings of one stage side by side, on the cores that a single one leaves idle."""

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from stages.launch import cores, orphans
from stages.tickets.encoder import device
from stages.tickets.settings import UserError

Job = Callable[[], None]


def run(jobs: Mapping[str, Job], threads: int) -> None:
    """Do all jobs, each in a fork of this process, as many at a time as the cores have room for.

    Jobs run one after another, in this process, on a GPU, whose driver does not survive a fork, outside
    Linux, and on one core. Results are the same either way, since each training has generators of its
    own. Forks end with this process, however it ends.

    Args:
        jobs: functions by name, each of which writes files of its own.
        threads: CPU threads that one job uses.

    Raises:
        UserError: a job ended without an error of its own, for example because memory ran out.
        The error of the first job that fails, after all others have been ended.
    """
    one_by_one = sys.platform != "linux" or device.device().type == "cuda"
    at_hand = 1 if one_by_one else cores.number()
    at_once = min(len(jobs), max(1, at_hand // threads))
    if at_once <= 1:
        for job in jobs.values():
            job()
        return
    waiting = list(jobs.items())
    running: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                name, job = waiting.pop(0)
                end, process = _start(job)
                running[end] = (name, process)
            ready = wait(list(running))
            for end in [end for end in running if end in ready]:
                _check(end, *running.pop(end))
    finally:
        for _, process in running.values():
            process.kill()
        for _, process in running.values():
            process.join()


def _start(job: Job) -> tuple[Connection, BaseProcess]:
    """Start a fork, and return it with the end of a pipe that tells its outcome, or closes if it dies."""
    fork = multiprocessing.get_context("fork")
    end, outcome = fork.Pipe(duplex=False)
    process = fork.Process(target=_do, args=(job, outcome, os.getpid()))
    with warnings.catch_warnings():
        # Newer Pythons warn of forks beside threads. Other threads here only wait for another process.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    outcome.close()
    return end, process


def _do(job: Job, outcome: Connection, parent: int) -> None:
    """Do a job in a fork; send None or its error, with its traceback if it is not for the user."""
    orphans.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        job()
    except Exception as error:  # noqa: BLE001  the stage raises it again
        if not isinstance(error, UserError):
            error.add_note(f"In the fork of a training:\n{traceback.format_exc()}")
        pickle.loads(
            pickle.dumps(error)
        )  # an error that cannot be sent ends this fork, and is printed
        outcome.send(error)
    else:
        outcome.send(None)


def _check(end: Connection, name: str, process: BaseProcess) -> None:
    try:
        error = end.recv()
    except (EOFError, OSError):
        process.join()
        raise UserError(f"the training {name!r} {_ending(process.exitcode or 0)}") from None
    process.join()
    if error is not None:
        raise error


def _ending(code: int) -> str:
    if code == -signal.SIGKILL:
        return (
            "was killed, as Linux does when memory runs out; give the machine more memory, or run fewer "
            "trainings side by side, for example with `taskset -c 0` before the same command"
        )
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}; run the same command again"
    return f"ended with exit code {code} before it was done; what it printed says more"
