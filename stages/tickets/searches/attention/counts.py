"""Rows that count patterns of attention: over all heads, head by head, and between networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.heads import Classes
from stages.tickets.searches.attention.patterns import MAPS, PATTERNS

_MODEL = ("task", "seed", "state")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "shares": (*_MODEL, "heads", "map", "network", "pattern", "share", "maps"),
    "heads": (
        *_MODEL, "map", "network", "layer", "head", "pattern", "examples", "all_examples",
        "survives", "seeds",
    ),
    "agreement": (*_MODEL, "heads", "map", "first", "second", "agreement", "maps"),
    "confusion": ("map", "network", "true", "found", "maps"),
}  # fmt: skip
"""Columns of every table."""


@dataclass(frozen=True)
class Subject:
    """The heads of one model whose patterns are counted."""

    task: str
    seed: int | None
    """Seed of the fine-tuned model; None for the pre-trained encoder."""
    state: str
    """State of the model: fine-tuned or pre-trained."""
    scope: str
    """Scope of the heads: all, or super for super-survivors in a model that has no other heads."""
    kept: Structure
    """Structure with the heads that the model has."""

    @property
    def model(self) -> dict[str, Any]:
        """Return the cells that name the model."""
        return {"task": self.task, "seed": self.seed, "state": self.state}


def rows(
    subject: Subject, classes: Classes, structures: Sequence[Structure]
) -> dict[str, list[dict[str, Any]]]:
    """Make rows of `shares` and `agreement`, and if the scope is all heads, also rows of `heads`.

    Args:
        subject: the heads and their model.
        classes: patterns of these heads by network.
        structures: results of the joint searches of the task's seeds.
    """
    tables = {
        "shares": list(shares(subject, classes)),
        "agreement": list(agreements(subject, classes)),
    }
    if subject.scope == "all":
        tables["heads"] = list(by_head(subject, classes, structures))
    return tables


def shares(subject: Subject, classes: Classes) -> Iterator[dict[str, Any]]:
    """Compute the share of every pattern among all heads on all examples, by map and network."""
    for (kind, network), numbers in classes.items():
        for pattern, share in zip(
            PATTERNS, patterns.shares(numbers, subject.kept.heads), strict=True
        ):
            yield subject.model | {
                "heads": subject.scope, "map": kind, "network": network, "pattern": pattern,
                "share": share, "maps": len(numbers) * subject.kept.num_heads,
            }  # fmt: skip


def by_head(
    subject: Subject, classes: Classes, structures: Sequence[Structure]
) -> Iterator[dict[str, Any]]:
    """Count the examples on which a head shows each pattern, and the `structures` that keep the head."""
    survives = np.sum([structure.heads for structure in structures], axis=0)
    for (kind, network), numbers in classes.items():
        for (layer, head), num_kept in np.ndenumerate(survives):
            counts = np.bincount(numbers[:, layer, head], minlength=len(PATTERNS))
            for pattern, count in zip(PATTERNS, counts, strict=True):
                yield subject.model | {
                    "map": kind, "network": network, "layer": layer, "head": head,
                    "pattern": pattern, "examples": count, "all_examples": len(numbers),
                    "survives": num_kept, "seeds": len(structures),
                }  # fmt: skip


def agreements(subject: Subject, classes: Classes) -> Iterator[dict[str, Any]]:
    """Compute the share of the maps of a model that two networks put into the same class."""
    chosen = subject.kept.heads
    for kind in MAPS:
        by_seed = {seed: numbers for (other, seed), numbers in classes.items() if other == kind}
        for first, second in combinations(by_seed, 2):
            same = by_seed[first][:, chosen] == by_seed[second][:, chosen]
            yield subject.model | {
                "heads": subject.scope, "map": kind, "first": first, "second": second,
                "agreement": same.mean(), "maps": same.size,
            }  # fmt: skip


def confusions(kind: str, seed: int, confusion: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """Make a row for each cell of a network's confusion matrix."""
    for (true, predicted), number in np.ndenumerate(confusion):
        yield {
            "map": kind, "network": seed, "true": PATTERNS[true], "found": PATTERNS[predicted],
            "maps": number,
        }  # fmt: skip
