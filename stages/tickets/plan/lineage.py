"""Stages with every variable filled in, what each reads of the others, and what a change reruns."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

CONSTANT = ("check",)
"""Stages that make the same bytes whatever they read, so that nothing reruns after them."""


@dataclass(frozen=True)
class Stage:
    """A stage as DVC runs it."""

    name: str
    """As DVC shows it: prune-round@rte-1-after0."""
    command: str
    deps: tuple[str, ...]
    """Paths of files and folders."""
    outs: tuple[str, ...]
    params: Mapping[str, object]
    """What it tracks of the settings, by dotted key."""

    @property
    def group(self) -> str:
        """Name in dvc.yaml: prune-round."""
        return self.name.split("@")[0]

    @cached_property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Values by option of the command line, in their order; `--point 5` is "point": ("5",)."""
        found: dict[str, tuple[str, ...]] = {}
        words = shlex.split(self.command)
        for name, value in pairwise(words):
            if name.startswith("--") and not value.startswith("--"):
                found[name[2:]] = (*found.get(name[2:], ()), value)
        return found

    def option(self, name: str) -> str | None:
        """The last value of an option, None where the command has none of that name."""
        values = self.options.get(name)
        return values[-1] if values else None


@dataclass(frozen=True)
class Changes:
    """Names of stages, each in the order of dvc.yaml."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    stale: tuple[str, ...]
    """In both, and run again: their command, paths or settings differ, or what they read is remade."""


def changes(old: Sequence[Stage], new: Sequence[Stage]) -> Changes:
    """What becomes of the stages `old` where the stages `new` take their place.

    A stage is stale where its command, its paths or a value that it tracks differ, or where it reads
    anything of a stage that is new, gone or stale; outputs that come out the same bytes, at which DVC
    would stop, cannot be told before. Code is not looked at.

    Args:
        old: all stages before; their names differ.
        new: all stages after, likewise.
    """
    before, after = ({stage.name: stage for stage in stages} for stages in (old, new))
    added = [stage for stage in new if stage.name not in before]
    gone = [stage for stage in old if stage.name not in after]
    differing = [stage for stage in new if stage.name in before and stage != before[stage.name]]
    reached = {stage.name for stage in _with_readers([*added, *gone, *differing], new)}
    return Changes(
        tuple(stage.name for stage in added),
        tuple(stage.name for stage in gone),
        tuple(stage.name for stage in new if stage.name in reached & before.keys()),
    )


def _with_readers(changed: Iterable[Stage], stages: Iterable[Stage]) -> Iterator[Stage]:
    """Stages, and all of `stages` that read what they make, at any distance."""
    readers: dict[str, list[Stage]] = defaultdict(list)
    inside: dict[str, set[str]] = defaultdict(set)
    for stage in stages:
        for dep in stage.deps:
            readers[dep].append(stage)
            for folder in _folders(dep):
                inside[folder].add(dep)
    waiting, seen = list(changed), set()
    while waiting:
        stage = waiting.pop()
        if stage.name in seen:
            continue
        seen.add(stage.name)
        yield stage
        if stage.group in CONSTANT:
            continue
        for out in stage.outs:
            for dep in (out, *_folders(out), *inside.get(out, ())):
                waiting += readers.get(dep, ())


def _folders(path: str) -> list[str]:
    """Folders that a path lies in: a/b/c lies in a/b and a."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
