"""Which stage is the most urgent, and how long the rest of a run takes."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stages.tickets import output

S = TypeVar("S", bound=Hashable)


class Seconds:
    """Mean seconds of the commands of each group of stages, in this run, else in earlier runs.

    Args:
        file: keeps the means from run to run.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.early: dict[str, float] = {}
        if file.exists():
            self.early = json.loads(file.read_text(encoding="utf-8"))
        self.measured: dict[str, list[float]] = {}

    def add(self, name: str, seconds: float) -> None:
        """Note the seconds of a command of a group."""
        self.measured.setdefault(name, []).append(seconds)

    def means(self) -> dict[str, float]:
        """Return the mean seconds by group."""
        return self.early | {name: sum(each) / len(each) for name, each in self.measured.items()}

    def save(self) -> None:
        """Keep the means for the next run."""
        if self.measured:
            output.save_text(json.dumps(self.means()), self.file)


def group(address: str) -> str:
    """Return the name of a stage before it is repeated: tickets/dvc.yaml:ticket@rte-1 gives ticket."""
    return address.split("@", maxsplit=1)[0].rsplit(":", 1)[-1]


def weights(addresses: Iterable[str], seconds: Mapping[str, float]) -> dict[str, float]:
    """Estimate the seconds of stages by those of their groups; without any, by the mean of the others."""
    mean = sum(seconds.values()) / len(seconds) if seconds else 1.0
    return {address: seconds.get(group(address), mean) for address in addresses}


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
    """Estimate the seconds of a run: all costs side by side, but not shorter than the longest way."""
    return max(sum(costs) / places, longest)


def spelled(seconds: float) -> str:
    """Spell a duration in one or two words: 8 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
