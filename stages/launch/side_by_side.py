"""Run several trainings of one stage side by side, on the cores that a single one leaves idle."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from stages.tickets.encoder import device

_JOBS: list[Callable[[], None]] = []
"""Jobs that forked processes find in memory; a function that holds a model cannot be sent to them."""


def run(jobs: Sequence[Callable[[], None]], threads: int) -> None:
    """Do all jobs in forks of this process, as many at a time as the cores have room for.

    Jobs run one after another on a GPU, whose driver does not survive a fork, outside Linux, and on one
    core. Results are the same either way, since each training has generators of its own.

    Args:
        jobs: functions, each of which writes files of its own.
        threads: CPU threads that one job uses.

    Raises:
        The error of the first job that fails, after all jobs that had begun have ended.
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
        # Newer Pythons warn of forks beside threads. The only other thread is that of `warm.end_with`.
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(at_once) as pool:
            pool.map(_do, range(len(jobs)), chunksize=1)


def _do(number: int) -> None:
    _JOBS[number]()
