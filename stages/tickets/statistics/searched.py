"""Rows about the results of searches: sizes, places, importance, and agreement."""

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
"""Record of a search: `dense_score`, and `steps`, each with a candidate and its score."""

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
"""Pairs of searches of the same model that are compared: by examples, and by rule of importance."""


@dataclass(frozen=True)
class KeptWeights:
    """Counts of the weights that a search by magnitude keeps."""

    shares: Shares
    """Share of the weights of every head and MLP that is kept, in [0, 1]."""
    layers: Sequence[tuple[int, int]]
    """Number of weights and number of kept weights, by layer."""
    density: float
    """Share of all prunable weights that is kept, in [0, 1]."""


def kept_weights(mask: Mask, num_heads: int) -> KeptWeights:
    """Count the kept weights of a mask; `survival.by_place` describes the arguments."""
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
    """Make the rows of all tables, by the table's name in COLUMNS.

    Args:
        structures: kept structures by the name of the search; all have the same tasks and seeds.
        weights: weights kept by the search by magnitude; empty if there is no such search.
        traces: records by the name of the search, in the order of the rows.
        magnitudes: weights of the models of the joint search, see `importances`.
        num_permutations: number of permutations for agreement by chance.
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
    """Make rows with the size and the score of the subnetworks that one variant of the search kept."""
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
    """Compare the seeds of a task, the tasks of a seed, two tasks, and two searches of a model.

    Each comparison draws its permutations by a seed of its own.

    Args:
        variants: structures by the name of the search; all have the same tasks and seeds.
        num_permutations: number of permutations for agreement by chance.
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
    """Count the tasks in which each head and each MLP survives; for weights, sum their shares.

    Rows without a task are over all tasks; rows of a task have shares of its seeds.
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
    """Count the heads and MLPs that two tasks share: in the same seed, and among super-survivors."""
    tasks, seeds = survival.axes(joint)
    supers = {
        (task, 0): structure.super_survivors([joint[task, seed] for seed in seeds])
        for task in tasks
    }
    for name, structures in (("joint", joint), ("super", supers)):
        for part, (first, second), cell in _cells(survival.overlaps(structures)):
            yield {"of": name, "part": part, "first": tasks[first], "second": tasks[second]} | cell


def _cells(survived: HeatMap) -> Iterator[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """List the cells of heads and MLPs, each with its part, place, and numbers over seeds."""
    for part, over in (("heads", survived.heads), ("mlps", survived.mlps)):
        for place, mean in np.ndenumerate(over.mean):
            std = None if over.std is None else over.std[place]
            yield part, place, {"mean": mean, "std": std, "n": over.n}


def importances(
    joint: Structures,
    traces: Mapping[Key, Trace],
    magnitudes: Mapping[Key, Mapping[str, NDArray[np.floating]]],
) -> Iterator[dict[str, Any]]:
    """Make rows with importance in the dense model, mean weight and survival of every head and MLP.

    Args:
        joint: structures of the joint search.
        traces: records of the joint search; a model without steps, whose dense score is 0 or less, has
            no rows.
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
    """Count the weights and biases of every layer, and the survivors among them."""
    for (task, seed), weights in kept.items():
        for layer, (size, survivors) in enumerate(weights.layers):
            yield {"task": task, "seed": seed, "layer": layer, "size": size, "kept": survivors}
