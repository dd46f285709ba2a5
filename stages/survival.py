"""What the searches kept: sizes, where it lies, what sets it apart, and how far searches agree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.report import search_rows
from stages.tickets.settings import noise
from stages.tickets.statistics import raters, survival

MEASURES = ("fleiss_kappa", "cohen_kappa", "jaccard", "krippendorff_alpha")
PAIRS = {"halves": ("half-1", "half-2"), "rules": ("joint", "published")}
"""Two searches of the same model: on two halves of the examples, and by two rules of importance."""

Structures = Mapping[tuple[str, int], Structure]


@dataclass(frozen=True)
class Params:
    search: settings.Search


def sizes(searched: Path, variant: str, config: Params) -> Iterator[dict[str, Any]]:
    """What one search kept of every model, and what that scored."""
    for task in config.search.tasks:
        for seed in config.search.seeds:
            folder = searched / task / f"seed-{seed}" / variant
            trace = files.load_record(folder / "trace.json")
            passed = [step["score"] for step in trace["steps"] if step["accepted"]]
            row = {
                "task": task, "seed": seed, "variant": variant,
                "heads": None, "all_heads": None, "mlps": None, "all_mlps": None, "kept": None,
                "steps": len(trace["steps"]), "dense_score": trace["dense_score"],
                "score": passed[-1] if passed else trace["dense_score"],
            }  # fmt: skip
            if variant == "magnitude":
                mask = files.load_mask(folder / "mask.safetensors")
                row["kept"] = masks.num_survivors(mask) / masks.num_weights(mask)
            else:
                found = files.load_structure(folder / "structure.safetensors")
                row |= {"heads": found.num_heads, "all_heads": found.heads.size}
                row |= {"mlps": found.num_mlps, "all_mlps": found.mlps.size}
            yield row


def compare(found: Mapping[str, Structures], config: Params) -> Iterator[dict[str, Any]]:
    """Agreement of seeds of a task, of tasks of a seed, of two tasks, and of two searches of a model."""
    section = config.search

    def rows(
        axis: str, variant: str, task: str, seed: str, *several: Structure
    ) -> Iterator[dict[str, Any]]:
        if len(several) < 2:
            return
        generator = np.random.default_rng(noise.stable_seed("chance", axis, variant, task, seed))
        both = survival.stability(several, section.permutations, generator)
        for part, comparison in (("heads", both.heads), ("mlps", both.mlps)):
            yield from _rows(
                {"axis": axis, "variant": variant, "task": task, "seed": seed, "part": part}
                | {"masks": len(several)},
                comparison,
            )

    for variant, structures in found.items():
        for task in section.tasks:
            several = [structures[task, seed] for seed in section.seeds]
            yield from rows("seeds", variant, task, "", *several)
        for seed in section.seeds:
            several = [structures[task, seed] for task in section.tasks]
            yield from rows("tasks", variant, "", str(seed), *several)
    if "joint" in found:
        for two in combinations(section.tasks, 2):
            several = [found["joint"][task, seed] for task in two for seed in section.seeds]
            yield from rows("two tasks", "joint", " and ".join(two), "", *several)
    for axis, (one, other) in PAIRS.items():
        if one in found and other in found:
            for (task, seed), kept in found[one].items():
                pair = (kept, found[other][task, seed])
                yield from rows(axis, f"{one} and {other}", task, str(seed), *pair)


def _rows(where: dict[str, Any], found: raters.Comparison) -> Iterator[dict[str, Any]]:
    for measure in MEASURES:
        one: raters.Measured = getattr(found, measure)
        yield where | {
            "measure": measure, "value": one.value, "floor": one.floor, "upper": one.upper, "p": None,
        }  # fmt: skip
    if found.cochran:
        yield where | {
            "measure": "cochran_q", "value": found.cochran.q, "floor": None, "upper": None,
            "p": found.cochran.p,
        }  # fmt: skip


def places(variant: str, found: Mapping[tuple[str, int], Any]) -> Iterator[dict[str, Any]]:
    """In how many tasks each head and each MLP survives; of weights, the sum of their shares."""
    maps = {"": survival.over_tasks(found), **survival.by_task(found)}
    for task, one in maps.items():
        for part, over in (("heads", one.heads), ("mlps", one.mlps)):
            for place, mean in np.ndenumerate(over.mean):
                yield {
                    "variant": variant, "task": task, "part": part, "layer": place[0],
                    "head": place[1] if part == "heads" else None,
                    "mean": mean, "std": None if over.std is None else over.std[place], "n": over.n,
                }  # fmt: skip


def overlaps(joint: Structures) -> Iterator[dict[str, Any]]:
    """How much two tasks both keep: of the same seed, and of what all seeds of a task keep."""
    tasks = list(dict.fromkeys(task for task, _ in joint))
    supers = {
        (task, 0): structure.super_survivors([one for key, one in joint.items() if key[0] == task])
        for task in tasks
    }
    for name, structures in (("joint", joint), ("super", supers)):
        found = survival.overlaps(structures)
        for part, over in (("heads", found.heads), ("mlps", found.mlps)):
            for place, mean in np.ndenumerate(over.mean):
                yield {
                    "of": name, "part": part, "first": tasks[place[0]], "second": tasks[place[1]],
                    "mean": mean, "std": None if over.std is None else over.std[place], "n": over.n,
                }  # fmt: skip


def importances(searched: Path, joint: Structures) -> Iterator[dict[str, Any]]:
    """Of every head and MLP its importance in the whole model, how large its weights are, its fate."""
    for (task, seed), kept in joint.items():
        folder = searched / task / f"seed-{seed}"
        magnitudes = files.load_arrays(folder / "magnitudes.safetensors")
        steps = files.load_record(folder / "joint" / "trace.json")["steps"]
        if not steps:  # the dense score was no score to keep
            continue
        first = steps[0]
        for part in ("heads", "mlps"):
            important = np.array(first["head_importance" if part == "heads" else "mlp_importance"])
            candidate = np.array(first[part], dtype=np.bool_)
            for place, importance in np.ndenumerate(important):
                yield {
                    "task": task, "seed": seed, "part": part, "layer": place[0],
                    "head": place[1] if part == "heads" else None, "importance": importance,
                    "magnitude": magnitudes[part][place], "first_dropped": not candidate[place],
                    "kept": bool(getattr(kept, part)[place]),
                }  # fmt: skip


def main(
    runs: Annotated[Path, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config, searched = cli.read(Params), runs / "search"
    keys = [(task, seed) for task in config.search.tasks for seed in config.search.seeds]
    variants = config.search.rule.variants if keys else ()
    structures: dict[str, Structures] = {
        variant: {
            (task, seed): files.load_structure(
                searched / task / f"seed-{seed}" / variant / "structure.safetensors"
            )
            for task, seed in keys
        }
        for variant in variants
        if variant != "magnitude"
    }
    where = [row for variant, found in structures.items() for row in places(variant, found)]
    layers: list[dict[str, Any]] = []
    if "magnitude" in variants:
        num_heads = files.load_record(encoder / "config.json")["num_attention_heads"]
        shares = {}
        for task, seed in keys:
            mask = files.load_mask(
                searched / task / f"seed-{seed}" / "magnitude" / "mask.safetensors"
            )
            shares[task, seed] = survival.by_place(mask, num_heads)
            layers += [
                {"task": task, "seed": seed, "layer": number, "size": size, "kept": survivors}
                for number, (size, survivors) in enumerate(survival.by_layer(mask))
            ]
        where += places("magnitude", shares)
    joint = structures.get("joint", {})
    common = list(overlaps(joint)) if joint else []
    out.mkdir(parents=True, exist_ok=True)
    kept = [row for variant in variants for row in sizes(searched, variant, config)]
    _write(layers, search_rows.WeightsOfLayer, out / "layers.csv")
    _write(common, search_rows.Overlap, out / "overlaps.csv")
    _write(list(importances(searched, joint)), search_rows.Importance, out / "importance.csv")
    _write(kept, search_rows.Searched, out / "searched.csv")
    _write(list(compare(structures, config)), search_rows.StructureAgreement, out / "agreement.csv")
    _write(where, search_rows.Place, out / "places.csv")


def _write(rows: list[dict[str, Any]], kind: type, path: Path) -> None:
    columns = [field.name for field in fields(kind)]
    table = pd.DataFrame(rows, columns=columns)
    for column in ("heads", "all_heads", "mlps", "all_mlps", "head"):
        if column in columns:
            table[column] = table[column].astype("Int64")
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    cli.run(main)
