"""The manifest of a study: its runs, their folders, and the stages that make them.

`check` writes it from the declarations in dvc.yaml (see `declared`). Stages and commands that need a path
or a list of runs read it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from stages.tickets import output

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """A training, or a model that is scored without one, by its coordinates in scores.csv."""

    folder: str
    """Folder of its predictions."""
    task: str
    kind: str
    seed: int
    round: int
    point: int | None = None
    source: str | None = None
    """Kind of a control, task or name of a transferred mask, seed of a mask, or name of a subnetwork."""
    sparsity: float | None = None
    """Share of dropped weights, in [0, 1]; None if the file `size` tells what is kept."""
    size: str | None = None


@dataclass(frozen=True)
class Maker:
    """A stage as written in dvc.yaml, before it is repeated over lists."""

    address: str
    """Target for `dvc repro`, such as pipeline/controls/dvc.yaml:controls."""
    kinds: Mapping[str, Sequence[str]]
    """Kinds of its runs, each with the empty lists of params.yaml that leave it without such runs."""
    empty: Sequence[str]
    """Empty lists of params.yaml that it is repeated over; if there are any, DVC has no such stage."""


@dataclass(frozen=True)
class Manifest:
    """The runs, folders and stages of a study."""

    runs: tuple[Run, ...]
    """Runs in the order of scores.csv."""
    places: Mapping[str, Sequence[Mapping[str, Any]]]
    """Entries of `meta` other than runs, by the name of their list; each has a folder."""
    makers: Mapping[str, Maker]
    """Stages by their names in dvc.yaml."""

    def run(self, kind: str, **coordinates: object) -> Run:
        """Find the run of a kind with these coordinates.

        Raises:
            LookupError: there is no such run, or more than one.
        """
        return _only(
            [run for run in self.runs if run.kind == kind and _has(asdict(run), coordinates)],
            f"run of kind {kind!r}",
            coordinates,
        )

    def place(self, name: str, **coordinates: object) -> Path:
        """Find the folder of an entry other than a run, such as `place("weights", task="rte", seed=1)`.

        Raises:
            LookupError: there is no such entry, or more than one.
        """
        entries = [entry for entry in self.places.get(name, ()) if _has(entry, coordinates)]
        return Path(_only(entries, f"entry of {name}", coordinates)["folder"])

    def mask(self, source: str, seed: int, number: int) -> Path:
        """Find the file of a mask after a round; `source` is a task or another source of masks."""
        return (
            self.place("masks", source=source, seed=seed) / f"round-{number}" / "mask.safetensors"
        )

    def empty(self, kind: str) -> tuple[str, ...]:
        """List the empty lists that prevent all runs of a kind; empty if any stage of it runs."""
        reasons = [maker.kinds[kind] for maker in self.makers.values() if kind in maker.kinds]
        if not reasons:
            raise LookupError(f"no stage declares runs of the kind {kind!r}")
        return tuple(dict.fromkeys(chain(*reasons))) if all(reasons) else ()


def _has(entry: Mapping[str, Any], coordinates: Mapping[str, object]) -> bool:
    return all(entry.get(key) == value for key, value in coordinates.items())


def _only(entries: Sequence[T], what: str, coordinates: Mapping[str, object]) -> T:
    if len(entries) != 1:
        named = ", ".join(f"{key} {value}" for key, value in coordinates.items())
        raise LookupError(f"the study has {len(entries)} entries for the {what} with {named}")
    return entries[0]


def save(manifest: Manifest, path: Path) -> None:
    text = json.dumps(asdict(manifest), indent=1, sort_keys=True)
    output.save_text(text + "\n", path)


def load(path: Path) -> Manifest:
    record = json.loads(path.read_text(encoding="utf-8"))
    makers = {name: Maker(**maker) for name, maker in record["makers"].items()}
    return Manifest(tuple(Run(**run) for run in record["runs"]), record["places"], makers)
