"""Signals that end a run after the thing at hand."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Stop:
    """Whether a signal has come."""

    number: int = 0
    """Number of the signal; 0 if none has come."""


@contextmanager
def heard(stop: Stop, waker: int) -> Iterator[None]:
    """Note a signal in `stop` in a `with` block, and raise KeyboardInterrupt when another one comes.

    Signals that the user has turned off, for example by `nohup`, stay so.

    Args:
        stop: is changed.
        waker: end of a pipe that gets a byte when a signal comes.
    """

    def note(number: int, _: object) -> None:
        if stop.number:
            raise KeyboardInterrupt
        stop.number = number

    handled = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in handled}
    descriptor = signal.set_wakeup_fd(waker)
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
