"""Which stage is the most urgent, and how long the rest of a run takes."""

import contextlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stages.tickets import output

S = TypeVar("S", bound=Hashable)


class Seconds:
    """Seconds of stages: the plan's, corrected by what was measured.

    A group is all stages of a name. Its stages take their planned seconds times the ratio of measured to
    planned seconds of the group, in this run, else in earlier runs. Groups that were never measured take
    the ratio of all others together whose plan has more than the start of a stage, the least of the plan.
    A stage whose work the plan does not count says nothing about the rate of those whose work it counts.

    Args:
        file: keeps what was measured from run to run.
        planned: seconds by address; a stage that is not there counts as a second.
    """

    def __init__(self, file: Path, planned: Mapping[str, float]) -> None:
        self.file, self.planned = file, planned
        start = min(planned.values(), default=0.0)
        self.counted = {group(address) for address, each in planned.items() if each > start}
        self.early: dict[str, list[float]] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):  # a file that is cut tells nothing
            self.early = json.loads(file.read_text(encoding="utf-8"))
        self.measured: dict[str, list[float]] = {}

    def add(self, address: str, seconds: float) -> None:
        """Note the seconds of a stage's command."""
        sums = self.measured.setdefault(group(address), [0.0, 0.0])
        sums[0] += seconds
        sums[1] += self.planned.get(address, 1.0)

    def estimates(self, addresses: Iterable[str]) -> dict[str, float]:
        """Estimate the seconds of stages; without a plan and measurements, a second each."""
        sums = self.early | self.measured
        ratios = {name: measured / planned for name, (measured, planned) in sums.items()}
        telling = [sums[name] for name in sums if not self.planned or name in self.counted]
        together = [sum(column) for column in zip(*telling, strict=True)]
        other = together[0] / together[1] if together else 1.0
        return {
            address: self.planned.get(address, 1.0) * ratios.get(group(address), other)
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


def group(address: str) -> str:
    """Return the name of a stage before it is repeated: tickets/dvc.yaml:ticket@rte-1 gives ticket."""
    return address.split("@", maxsplit=1)[0].rsplit(":", 1)[-1]


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
