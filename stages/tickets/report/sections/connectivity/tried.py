"""The lines that statements on stability are tried on, and what is said if there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from stages.tickets.report.claim import NO_EVIDENCE, Bounded, placed
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.sections.connectivity.lines import Line
from stages.tickets.report.sections.connectivity.measured import POINTS
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

AT_CHANCE = f"{NO_EVIDENCE}: all pairs at chance"
Tests = tuple[list[Bounded], str]
"""The tests of a statement, and why there is none."""


@dataclass(frozen=True)
class Tried:
    """The lines that count: of tasks with accuracy whose dense model has learned."""

    lines: Sequence[Line]
    results: Results
    study: Study

    @property
    def threshold(self) -> float:
        """Barrier under which copies are stable, as a fraction of 1."""
        return self.study.connectivity.threshold / POINTS

    @property
    def margin(self) -> float:
        """Smallest difference of two barriers that is of interest: that of accuracy."""
        return self.study.verdict.margins.accuracy

    def orders(self, *nets: str) -> list[Line]:
        """Return the lines between copies of some networks under the noise of the paper."""
        return [line for line in self.lines if line.is_order and line.net in nets]

    def matching(self, line: Line, gain: Difference | None) -> str:
        """Tell whether a network is surely at least as good as dense: holds, does not, or undecided."""
        return placed(gain, -shared.margin(line.task, self.results), inf)

    def minus(
        self,
        first: Sequence[Line],
        second: Sequence[Line],
        keys: Sequence[str],
        measure: str = "error_barrier",
    ) -> dict[str, Difference]:
        """Subtract the barriers of lines of the same task and `keys`, by the place of the first."""
        known = {_key(line, keys): line for line in second}
        pairs = [(line, known[_key(line, keys)]) for line in first if _key(line, keys) in known]
        confidence = self.study.tickets.confidence
        gains = {place(line): line.minus(other, measure, confidence) for line, other in pairs}
        return {name: gain for name, gain in gains.items() if gain}


def _key(line: Line, keys: Sequence[str]) -> tuple[object, ...]:
    return line.task, *(getattr(line, key) for key in keys)


def place(line: Line) -> str:
    """Name a line among those of one statement."""
    start = "" if line.point is None else f" from {line.point}\N{NO-BREAK SPACE}%"
    return f"{line.task}, {line.name}{start}"


def lacks(lines: Sequence[Line], what: str) -> str:
    """Say why no line of a kind has a barrier: none ran, or all pairs are at chance."""
    return AT_CHANCE if lines else f"not run: connectivity.starts has no {what}"
