"""What the user sees of a run: a line for each stage in a log, a bar on a terminal."""

import sys
from collections.abc import Callable

from tqdm import tqdm

from stages.launch.driver import schedule

BAR = "{percentage:3.0f} % |{bar}| {n_fmt} of {total_fmt} stages{postfix}"


class Progress:
    """The lines or the bar of a run.

    Args:
        total: number of stages.
        say: takes lines; without it, stdout gets the lines, or the bar if it is a terminal.
    """

    def __init__(self, total: int, say: Callable[[str], object] | None = None) -> None:
        is_hidden = say is not None or not sys.stdout.isatty()
        self.total = total
        self.bar = tqdm(total=total, file=sys.stdout, disable=is_hidden, bar_format=BAR)
        self.say = say or (_print if is_hidden else self.bar.write)

    def done(self, line: str | None, left: int, seconds: float | None) -> None:
        """Show that a stage is done.

        Args:
            line: what became of it; None if there is nothing to say.
            left: number of stages that are not done.
            seconds: estimate for those; None if it is not known.
        """
        about = "" if seconds is None else f", about {schedule.spelled(seconds)}"
        if not self.bar.disable:
            self.bar.n = self.total - left
            shown = f"{about} left" if left and about else ""
            self.bar.set_postfix_str(f"{shown}; {line or ''}".strip(", ;"))
        elif line:
            self.say(f"{line}; {left} of {self.total} left{about}")

    def close(self) -> None:
        """Leave the bar as it is, and begin a new line after it."""
        self.bar.close()


def _print(line: str) -> None:
    print(line, flush=True)
