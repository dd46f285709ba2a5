"""Rows that count patterns: over all heads of a model, head by head, and between networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.heads import Classes
from stages.tickets.searches.attention.network import Quality
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
    """The heads of one model that are looked at."""

    task: str
    seed: int | None
    """None for the pre-trained encoder."""
    state: str
    """fine-tuned or pre-trained."""
    scope: str
    """all, or super: the super-survivors, in a model that has no other heads."""
    kept: Structure
    """The heads that the model has."""

    @property
    def model(self) -> dict[str, Any]:
        """The cells that name the model."""
        return {"task": self.task, "seed": self.seed, "state": self.state}


def rows(
    subject: Subject, classes: Classes, structures: Sequence[Structure]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of `shares` and `agreement`, and for all heads of a model also those of `heads`.

    Args:
        subject: the heads that were looked at.
        classes: the patterns that the networks saw in them.
        structures: what the joint searches of the task's seeds keep.
    """
    tables = {
        "shares": list(shares(subject, classes)),
        "agreement": list(agreements(subject, classes)),
    }
    if subject.scope == "all":
        tables["heads"] = list(by_head(subject, classes, structures))
    return tables


def shares(subject: Subject, classes: Classes) -> Iterator[dict[str, Any]]:
    """Share of every pattern among all heads on all examples, by kind of map and network."""
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
    """On how many examples each head shows each pattern, and how many of `structures` keep it."""
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
    """Share of the maps of a model that two networks put into the same class."""
    chosen = subject.kept.heads
    for kind in MAPS:
        by_seed = {seed: numbers for (other, seed), numbers in classes.items() if other == kind}
        for first, second in combinations(by_seed, 2):
            same = by_seed[first][:, chosen] == by_seed[second][:, chosen]
            yield subject.model | {
                "heads": subject.scope, "map": kind, "first": first, "second": second,
                "agreement": same.mean(), "maps": same.size,
            }  # fmt: skip


def confusions(kind: str, seed: int, quality: Quality) -> Iterator[dict[str, Any]]:
    """The cells of a network's confusion matrix."""
    for (true, predicted), number in np.ndenumerate(quality.confusion):
        yield {
            "map": kind, "network": seed, "true": PATTERNS[true], "found": PATTERNS[predicted],
            "maps": number,
        }  # fmt: skip
