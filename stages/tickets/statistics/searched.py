"""Rows that say what searches kept: how much, where, beside what importance, and how far they agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import noise
from stages.tickets.statistics import survival
from stages.tickets.statistics.raters import Comparison
from stages.tickets.statistics.survival import HeatMap, Shares

Key = tuple[str, int]
"""Task and seed of a fine-tuned model."""
Structures = Mapping[Key, Structure]
Trace = Mapping[str, Any]
"""Record of a search: `dense_score`, and `steps` with the candidate and its score."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "searched": (
        "task", "seed", "variant", "heads", "all_heads", "mlps", "all_mlps", "kept", "steps",
        "dense_score", "score",
    ),
    "agreement": (
        "axis", "variant", "task", "seed", "part", "masks", "measure", "value", "floor", "upper", "p",
    ),
    "places": ("variant", "task", "part", "layer", "head", "mean", "std", "n"),
    "overlaps": ("of", "part", "first", "second", "mean", "std", "n"),
    "importance": (
        "task", "seed", "part", "layer", "head", "importance", "magnitude", "first_dropped", "kept",
    ),
    "layers": ("task", "seed", "layer", "size", "kept"),
}  # fmt: skip
"""Columns of every table."""

MEASURES = ("fleiss_kappa", "cohen_kappa", "jaccard", "krippendorff_alpha")
PAIRS = {"halves": ("half-1", "half-2"), "rules": ("joint", "published")}
"""Two searches of the same model: on two halves of the examples, and by two rules of importance."""


@dataclass(frozen=True)
class KeptWeights:
    """The weights that a search by magnitude kept."""

    shares: Shares
    """Share that is kept of every head and MLP."""
    layers: Sequence[tuple[int, int]]
    """For every layer its number of weights, and how many of them are kept."""
    density: float
    """Share that is kept of all prunable weights."""


def kept_weights(mask: Mask, num_heads: int) -> KeptWeights:
    """Count the weights of a mask; `survival.by_place` says what the arguments have to be."""
    return KeptWeights(
        survival.by_place(mask, num_heads),
        survival.by_layer(mask),
        masks.num_survivors(mask) / masks.num_weights(mask),
    )


def tables(
    structures: Mapping[str, Structures],
    weights: Mapping[Key, KeptWeights],
    traces: Mapping[str, Mapping[Key, Trace]],
    magnitudes: Mapping[Key, Mapping[str, NDArray[np.floating]]],
    num_permutations: int,
) -> dict[str, list[dict[str, Any]]]:
    """The rows of all tables, by their names in COLUMNS.

    Args:
        structures: kept structures by the name of the search; all have the same tasks and seeds.
        weights: what the search by magnitude kept; empty without one.
        traces: records by the name of the search, in the order of the rows.
        magnitudes: see `importances`; of the models of the joint search.
        num_permutations: draws of chance for the agreement.
    """
    joint = structures.get("joint", {})
    kept: dict[str, Mapping[Key, Structure | KeptWeights]] = {**structures, "magnitude": weights}
    places_of = {**structures} | (
        {"magnitude": {key: part.shares for key, part in weights.items()}} if weights else {}
    )
    return {
        "searched": [row for name in traces for row in sizes(name, kept[name], traces[name])],
        "agreement": list(agreements(structures, num_permutations)),
        "places": [row for name, maps in places_of.items() for row in places(name, maps)],
        "overlaps": list(overlaps(joint)) if joint else [],
        "importance": list(importances(joint, traces.get("joint", {}), magnitudes)),
        "layers": list(layers(weights)),
    }


def sizes(
    variant: str, kept: Mapping[Key, Structure | KeptWeights], traces: Mapping[Key, Trace]
) -> Iterator[dict[str, Any]]:
    """How much one variant of the search kept of every model, and the score of what it kept."""
    for (task, seed), part in kept.items():
        trace = traces[task, seed]
        passed = [step["score"] for step in trace["steps"] if step["accepted"]]
        row: dict[str, Any] = dict.fromkeys(COLUMNS["searched"]) | {
            "task": task, "seed": seed, "variant": variant, "steps": len(trace["steps"]),
            "dense_score": trace["dense_score"],
            "score": passed[-1] if passed else trace["dense_score"],
        }  # fmt: skip
        if isinstance(part, KeptWeights):
            yield row | {"kept": part.density}
        else:
            yield row | {
                "heads": part.num_heads, "all_heads": part.heads.size,
                "mlps": part.num_mlps, "all_mlps": part.mlps.size,
            }  # fmt: skip


def agreements(
    variants: Mapping[str, Structures], num_permutations: int
) -> Iterator[dict[str, Any]]:
    """Agreement of seeds of a task, of tasks of a seed, of two tasks, and of two searches of a model.

    Chance is drawn by a seed of its own for each comparison.

    Args:
        variants: structures by the name of the search; all have the same tasks and seeds.
        num_permutations: draws of chance.
    """

    def compared(
        axis: str, variant: str, task: str, seed: str, several: Sequence[Structure]
    ) -> Iterator[dict[str, Any]]:
        if len(several) < 2:
            return
        generator = np.random.default_rng(noise.stable_seed("chance", axis, variant, task, seed))
        stability = survival.stability(several, num_permutations, generator)
        place = {"axis": axis, "variant": variant, "task": task, "seed": seed}
        for part, comparison in (("heads", stability.heads), ("mlps", stability.mlps)):
            yield from _measured({**place, "part": part, "masks": len(several)}, comparison)

    for variant, structures in variants.items():
        tasks, seeds = survival.axes(structures)
        for task in tasks:
            yield from compared("seeds", variant, task, "", [structures[task, s] for s in seeds])
        for seed in seeds:
            of_seed = [structures[task, seed] for task in tasks]
            yield from compared("tasks", variant, "", str(seed), of_seed)
    joint = variants.get("joint", {})
    for two in combinations(dict.fromkeys(task for task, _ in joint), 2):
        several = [kept for task in two for (other, _), kept in joint.items() if other == task]
        yield from compared("two tasks", "joint", " and ".join(two), "", several)
    for axis, names in PAIRS.items():
        if all(name in variants for name in names):
            for task, seed in variants[names[0]]:
                pair = [variants[name][task, seed] for name in names]
                yield from compared(axis, " and ".join(names), task, str(seed), pair)


def _measured(place: dict[str, Any], comparison: Comparison) -> Iterator[dict[str, Any]]:
    for measure in MEASURES:
        yield {**place, "measure": measure, **asdict(getattr(comparison, measure)), "p": None}
    if comparison.cochran:
        q, p = comparison.cochran.q, comparison.cochran.p
        yield {**place, "measure": "cochran_q", "value": q, "floor": None, "upper": None, "p": p}


def places(variant: str, kept: Mapping[Key, Structure | Shares]) -> Iterator[dict[str, Any]]:
    """In how many tasks each head and each MLP survives; for weights, the sum of their shares.

    Rows without a task are over all tasks; those of a task are shares of its seeds.
    """
    for task, survived in {"": survival.over_tasks(kept), **survival.by_task(kept)}.items():
        for part, place, cell in _cells(survived):
            head = place[1] if part == "heads" else None
            yield {
                "variant": variant,
                "task": task,
                "part": part,
                "layer": place[0],
                "head": head,
            } | cell


def overlaps(joint: Structures) -> Iterator[dict[str, Any]]:
    """How many heads and MLPs two tasks both keep: in the same seed, and among their super-survivors."""
    tasks, seeds = survival.axes(joint)
    supers = {
        (task, 0): structure.super_survivors([joint[task, seed] for seed in seeds])
        for task in tasks
    }
    for name, structures in (("joint", joint), ("super", supers)):
        for part, (first, second), cell in _cells(survival.overlaps(structures)):
            yield {"of": name, "part": part, "first": tasks[first], "second": tasks[second]} | cell


def _cells(survived: HeatMap) -> Iterator[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """Every cell of the heads and of the MLPs: its part, its place, and its numbers over seeds."""
    for part, over in (("heads", survived.heads), ("mlps", survived.mlps)):
        for place, mean in np.ndenumerate(over.mean):
            std = None if over.std is None else over.std[place]
            yield part, place, {"mean": mean, "std": std, "n": over.n}


def importances(
    joint: Structures,
    traces: Mapping[Key, Trace],
    magnitudes: Mapping[Key, Mapping[str, NDArray[np.floating]]],
) -> Iterator[dict[str, Any]]:
    """The importance of every head and MLP in the whole model, the size of its weights, and its fate.

    Args:
        joint: what the joint search kept.
        traces: its records; a model without steps has no rows, since its dense score was none to keep.
        magnitudes: means of absolute weights, `heads` (layers, heads) and `mlps` (layers,).
    """
    for (task, seed), kept in joint.items():
        for step in traces[task, seed]["steps"][:1]:
            for part, key in (("heads", "head_importance"), ("mlps", "mlp_importance")):
                for place, importance in np.ndenumerate(np.array(step[key])):
                    yield {
                        "task": task, "seed": seed, "part": part, "layer": place[0],
                        "head": place[1] if part == "heads" else None, "importance": importance,
                        "magnitude": magnitudes[task, seed][part][place],
                        "first_dropped": not np.array(step[part], np.bool_)[place],
                        "kept": bool(getattr(kept, part)[place]),
                    }  # fmt: skip


def layers(kept: Mapping[Key, KeptWeights]) -> Iterator[dict[str, Any]]:
    """Weights and biases of every layer, and how many of them survive."""
    for (task, seed), weights in kept.items():
        for layer, (size, survivors) in enumerate(weights.layers):
            yield {"task": task, "seed": seed, "layer": layer, "size": size, "kept": survivors}
