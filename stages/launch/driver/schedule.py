"""Which stage is the most urgent, and how long the rest of a run takes."""

import contextlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stages.tickets import output

S = TypeVar("S", bound=Hashable)
STARTED = " started"
"""End of the name of a group of stages of which the plan has no more than the start."""


class Seconds:
    """Seconds of stages: the plan's, corrected by what was measured.

    A group is all stages of a name whose work the plan counts, or all those of which it has the start
    alone, the least of the plan: a round that only prunes says nothing about rounds that train. Stages
    take their planned seconds times the ratio of measured to planned seconds of their group, in this
    run, else in earlier runs. Groups never measured take the ratio of all counted ones together.

    Args:
        file: keeps what was measured from run to run.
        planned: seconds by address; a stage that is not there counts as a second.
    """

    def __init__(self, file: Path, planned: Mapping[str, float]) -> None:
        self.file, self.planned = file, planned
        self.start = min(planned.values(), default=0.0)
        self.early: dict[str, list[float]] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):  # a file that is cut tells nothing
            self.early = json.loads(file.read_text(encoding="utf-8"))
        self.measured: dict[str, list[float]] = {}

    def add(self, address: str, seconds: float) -> None:
        """Note the seconds of a stage's command."""
        sums = self.measured.setdefault(self.group(address), [0.0, 0.0])
        sums[0] += seconds
        sums[1] += self.planned.get(address, 1.0)

    def group(self, address: str) -> str:
        """Return the name of a stage before it is repeated, marked if the plan has its start alone."""
        name = address.split("@", maxsplit=1)[0].rsplit(":", 1)[-1]
        started_only = self.planned.get(address, self.start) <= self.start
        return name + STARTED * (started_only and bool(self.planned))

    def estimates(self, addresses: Iterable[str]) -> dict[str, float]:
        """Estimate the seconds of stages; without a plan and measurements, a second each."""
        sums = self.early | self.measured
        ratios = {name: measured / planned for name, (measured, planned) in sums.items()}
        telling = [sums[name] for name in sums if not name.endswith(STARTED)]
        together = [sum(column) for column in zip(*telling, strict=True)]
        other = together[0] / together[1] if together else 1.0
        return {
            address: self.planned.get(address, 1.0) * ratios.get(self.group(address), other)
            for address in addresses
        }

    @property
    def are_known(self) -> bool:
        """Whether estimates are more than a number of stages."""
        return bool(self.planned or self.early or self.measured)

    def save(self) -> None:
        """Keep what was measured for the next run."""
        if self.measured:
            output.save_text(json.dumps(self.early | self.measured), self.file)


def readers(stages: Sequence[S], needs: Mapping[S, Sequence[S]]) -> dict[S, list[S]]:
    """Return the stages that read from each stage."""
    turned: dict[S, list[S]] = {stage: [] for stage in stages}
    for stage in stages:
        for maker in needs[stage]:
            turned[maker].append(stage)
    return turned


def urgency(
    stages: Sequence[S], read_by: Mapping[S, Sequence[S]], cost: Mapping[S, float]
) -> dict[S, float]:
    """Return the length of the longest way from the beginning of each stage to the end of the run.

    Args:
        stages: each after those that it reads from.
        read_by: the readers of each stage.
        cost: the length of each stage, such as its seconds.
    """
    longest: dict[S, float] = {}
    for stage in reversed(stages):
        after = max((longest[reader] for reader in read_by[stage]), default=0.0)
        longest[stage] = cost[stage] + after
    return longest


def remaining(costs: Iterable[float], longest: float, places: int) -> float:
    """Estimate the seconds of a run: all costs side by side, but not shorter than the longest way.

    Args:
        costs: seconds of all stages that are left.
        longest: seconds of the longest way through them.
        places: number of stages at a time; 0, as of a cluster whose workers have left, counts as 1.
    """
    return max(sum(costs) / max(places, 1), longest)


def spelled(seconds: float) -> str:
    """Spell a duration in one or two words: 8 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
