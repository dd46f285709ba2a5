"""The cores that this process may use; this module is light, so that the driver can ask it."""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What Linux gives a container: microseconds of work, or `max`, and the period for them."""


def visible() -> list[int]:
    """Return the numbers of the cores that this process may be put on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def number() -> int:
    """Return how many cores this process may use: those it sees, within its container's quota."""
    seen = len(visible())
    try:
        work, period = QUOTA.read_text(encoding="utf-8").split()
        return max(1, min(seen, int(work) // int(period)))
    except (OSError, ValueError):  # there is no container, or it has no quota
        return seen
