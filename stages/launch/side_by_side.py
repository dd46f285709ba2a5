"""Several trainings of one stage, side by side on the cores that one of them leaves idle."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from stages.tickets.encoder import device

_JOBS: list[Callable[[], None]] = []
"""What forked processes find in memory: functions with models in them cannot be sent to them."""


def run(jobs: Sequence[Callable[[], None]], threads: int) -> None:
    """Do all jobs, in forks of this process as many at a time as the cores have room for.

    One after another on a GPU, which does not survive a fork, outside Linux, and with one core. Results
    are the same: a training's generators are its own.

    Args:
        jobs: each writes files of its own.
        threads: CPU threads of one.

    Raises:
        The first job's error, when all jobs that had begun have ended.
    """
    one_by_one = sys.platform != "linux" or device.device().type == "cuda"
    cores = 1 if one_by_one else len(os.sched_getaffinity(0))
    at_once = min(len(jobs), max(1, cores // threads))
    if at_once == 1:
        for job in jobs:
            job()
        return
    _JOBS[:] = jobs
    with warnings.catch_warnings():
        # Newer Pythons warn of threads; the only other one waits for the asker of `warm` to go away.
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(at_once) as pool:
            pool.map(_do, range(len(jobs)), chunksize=1)


def _do(number: int) -> None:
    _JOBS[number]()
