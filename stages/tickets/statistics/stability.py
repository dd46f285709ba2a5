"""Rows about the masks of one round: how far they agree, and how many weights each layer keeps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import agreement
from stages.tickets.statistics.agreement import Agreement

Masks = Mapping[tuple[str, int], Mask]
"""Masks of one round by task and seed; every task has every seed."""
AGREEMENT = (
    "axis", "round", "sparsity", "first", "second", "seeds", "measure",
    "value", "floor", "floor_by_matrix",
)  # fmt: skip
"""Columns of the rows of `agreements` and `beyond`, with the round and its sparsity added."""
LAYERS = ("task", "seed", "round", "sparsity", "layer", "matrix", "size", "kept")
"""Columns of the rows of `layers`, with the round and its sparsity added."""


def agreements(masks: Masks) -> Iterator[dict[str, Any]]:
    """Measure the agreement of a task's seeds and of a seed's tasks, for pairs and for all masks."""
    tasks, seeds = _axes(masks)
    for task in tasks:
        for former, latter in combinations(seeds, 2):
            place = _seeds_of(task, (former, latter))
            yield from _pairwise(place, masks[task, former], masks[task, latter])
        if len(seeds) > 1:
            kappa = agreement.fleiss_kappa([masks[task, seed] for seed in seeds])
            yield _row(_seeds_of(task, seeds), "fleiss_kappa", kappa)
    for seed in seeds:
        for first, second in combinations(tasks, 2):
            place = _tasks_of(seed, first, second)
            yield from _pairwise(place, masks[first, seed], masks[second, seed])
        if len(tasks) > 1:
            kappa = agreement.fleiss_kappa([masks[task, seed] for task in tasks])
            yield _row(_tasks_of(seed), "fleiss_kappa", kappa)


def beyond(masks: Masks, one_shot: Mask) -> Iterator[dict[str, Any]]:
    """Measure the agreement of masks with the one-shot mask, and of pairs of masks beyond it."""
    for (task, seed), mask in masks.items():
        place = _place("one_shot", task, "", str(seed))
        yield _row(place, "jaccard", agreement.jaccard(mask, one_shot))
    tasks, seeds = _axes(masks)
    pairs = [
        (_seeds_of(task, (former, latter)), masks[task, former], masks[task, latter])
        for task in tasks
        for former, latter in combinations(seeds, 2)
    ] + [
        (_tasks_of(seed, first, second), masks[first, seed], masks[second, seed])
        for seed in seeds
        for first, second in combinations(tasks, 2)
    ]
    for place, mask, other in pairs:
        brought_back, taken_out = agreement.beyond(mask, other, one_shot)
        yield _row(place, "brought_back", brought_back)
        yield _row(place, "taken_out", taken_out)


def layers(masks: Masks) -> Iterator[dict[str, Any]]:
    """Count the weights and survivors of every matrix, by layer and name; a pooler has no layer."""
    for (task, seed), mask in masks.items():
        for name, kept in mask.items():
            inside = re.search(r"\.(\d+)\.(.+)\.weight$", name)
            yield {
                "task": task,
                "seed": seed,
                "layer": int(inside[1]) if inside else None,
                "matrix": inside[2] if inside else name.removesuffix(".weight"),
                "size": kept.size,
                "kept": int(kept.sum()),
            }


def _axes(masks: Masks) -> tuple[list[str], list[int]]:
    """List the tasks and the seeds in the order in which they come first."""
    return list(dict.fromkeys(task for task, _ in masks)), list(dict.fromkeys(s for _, s in masks))


def _place(axis: str, first: str, second: str, seeds: str) -> dict[str, str]:
    return {"axis": axis, "first": first, "second": second, "seeds": seeds}


def _seeds_of(task: str, seeds: Sequence[int]) -> dict[str, str]:
    return _place("seeds", task, "", " ".join(map(str, seeds)))


def _tasks_of(seed: int, first: str = "", second: str = "") -> dict[str, str]:
    """Make the cells that name two tasks of a seed, or all tasks if no names are given."""
    return _place("tasks", first, second, str(seed))


def _pairwise(place: dict[str, str], first: Mask, second: Mask) -> Iterator[dict[str, Any]]:
    yield _row(place, "jaccard", agreement.jaccard(first, second))
    yield _row(place, "cohen_kappa", agreement.cohen_kappa(first, second))


def _row(place: dict[str, str], measure: str, value: Agreement) -> dict[str, Any]:
    return {
        **place, "measure": measure,
        "value": value.value, "floor": value.floor, "floor_by_matrix": value.floor_by_matrix,
    }  # fmt: skip
