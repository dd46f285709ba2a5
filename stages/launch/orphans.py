"""Processes that end with the one that started them."""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

SET_SIGNAL_OF_PARENTS_DEATH = 1
"""Number of PR_SET_PDEATHSIG in Linux, which Python does not name."""
LOOK_SECONDS = 0.3


def end_with(parent: int) -> None:
    """Have Linux kill this process as soon as its parent has ended, however that happens.

    Args:
        parent: number of the process that started this one. If it has ended already, so does this one.
    """
    ctypes.CDLL(None).prctl(SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_with_dvc() -> None:
    """Kill this process soon after the DVC that started it has ended, or a shell between them.

    If DVC did not start this process, or outside Linux, nothing happens: what a user starts in the
    background may outlive the shell.
    """
    if sys.platform == "linux" and "DVC_STAGE" in os.environ:
        threading.Thread(target=_watch, args=(_ancestors(),), daemon=True).start()


def _watch(ancestors: list[int]) -> None:
    while _ancestors() == ancestors:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _ancestors() -> list[int]:
    """List the processes above this one up to DVC, the first that DVC's variables were not given to."""
    numbers = [os.getppid()]
    try:
        while b"\0DVC_STAGE=" in b"\0" + Path(f"/proc/{numbers[-1]}/environ").read_bytes():
            stat = Path(f"/proc/{numbers[-1]}/stat").read_text(encoding="utf-8", errors="replace")
            numbers.append(int(stat.rsplit(")", 1)[1].split()[1]))
    except OSError:  # it has just ended, or belongs to another user
        pass
    return numbers
