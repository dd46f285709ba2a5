"""The stages that a change of settings or of dvc.yaml reruns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.plan.stages import Stage, edges

CONSTANT = ("check",)
"""Stages after which nothing reruns, since their outputs hardly ever differ."""


@dataclass(frozen=True)
class Changes:
    """Names of the stages that a change affects, in their order."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    stale: tuple[str, ...]
    """Stages that run again: command, paths or settings differ, or an input is made anew."""


def changes(old: Sequence[Stage], new: Sequence[Stage]) -> Changes:
    """Tell which stages are new, gone or stale if the stages `new` replace the stages `old`.

    A stage is stale if its command, its paths or a value that it tracks differ, or if it reads an output
    of a stage that is new, gone or stale. DVC reruns fewer stages if outputs have the same bytes as
    before, which cannot be foreseen. Changes of code are ignored.

    Args:
        old: all stages before; their names differ.
        new: all stages after; their names differ.
    """
    before, after = ({stage.name: stage for stage in stages} for stages in (old, new))
    added = [stage for stage in new if stage.name not in before]
    gone = [stage for stage in old if stage.name not in after]
    differing = [stage for stage in new if stage.name in before and stage != before[stage.name]]
    readers: dict[str, list[Stage]] = defaultdict(list)
    for maker, reader in edges([*gone, *new]):
        readers[maker.name].append(reader)
    waiting, reached = [*added, *gone, *differing], set()
    while waiting:
        stage = waiting.pop()
        if stage.name not in reached:
            reached.add(stage.name)
            waiting += () if stage.group in CONSTANT else readers[stage.name]
    return Changes(
        tuple(stage.name for stage in added),
        tuple(stage.name for stage in gone),
        tuple(stage.name for stage in new if stage.name in reached & before.keys()),
    )
