"""Where heads, MLPs and weights survive, beside the maps and overlaps of Prasanna et al. 2020."""

from collections.abc import Mapping, Sequence

import numpy as np

from stages.tickets.report.names import Config, why_no_variant
from stages.tickets.report.search_rows import Overlap, Place
from stages.tickets.report.table import Record, Table
from stages.tickets.report.words import NONE
from stages.tickets.statistics import correlation

TITLES = {"joint": "joint search", "magnitude": "magnitude search"}
PARTS = {"heads": "heads", "mlps": "MLPs"}
Key = tuple[int, int | None]
"""Layer and head; no head: the MLP."""


def places_table(found: Sequence[Place], published: Sequence[Place], config: Config) -> Table:
    """Our maps of survival beside the paper's by task, and over all where the tasks are its nine."""
    caption = (
        "Survival of heads and MLPs (share of seeds; of weights their share), the paper's maps beside "
        "ours: mean over all places, and Spearman's correlation over n places. Maps "
        "over all tasks count tasks, or sum shares. Paper: its published masks and heat maps, "
        "bert-base-uncased, 5 seeds. Only of encoders with as many layers and heads, and of tasks that "
        "the paper has."
    )
    if not found:
        return Table("survival_published", caption, missing=why_no_variant("joint", config))
    ours, theirs = _maps(found), _maps(published)
    tasks = [task for task in config.search.tasks if ("joint", task, "heads") in theirs]
    if {task for _, task, _ in theirs} - {""} == set(config.search.tasks):
        tasks.append("")
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for variant, title in TITLES.items():
        for task in tasks:
            for part, name in PARTS.items():
                here, paper = (maps.get((variant, task, part), {}) for maps in (ours, theirs))
                if not here or here.keys() != paper.keys():
                    continue
                sides = np.array([[paper[key], here[key]] for key in here], np.float64)
                rho = correlation.of_ranks(*sides.T)
                means = [float(side.mean()) for side in sides.T]
                rows.append(
                    (
                        title,
                        task or "all tasks",
                        name,
                        *(f"{mean:.2f}" for mean in means),
                        NONE if rho is None else f"{rho:.2f}".replace("-", "−"),
                        str(len(here)),
                    )
                )
                records.append(
                    {
                        "search": variant,
                        "task": task,
                        "part": part,
                        "paper": means[0],
                        "here": means[1],
                        "spearman": rho,
                        "places": len(here),
                    }
                )
    if not rows:
        return Table("survival_published", caption, missing=_others(tasks))
    header = ("search", "task", "of", "paper", "here", "ρ", "n")
    return Table("survival_published", caption, header, tuple(rows), tuple(records))


def overlaps_table(
    found: Sequence[Overlap], published: Sequence[Overlap], same_encoder: bool, config: Config
) -> Table:
    """What every two tasks both keep beside the paper's counts."""
    caption = (
        "Heads and MLPs that two tasks both keep in the same seed, and super-survivors in common: mean ± "
        "standard deviation over seeds; one task twice is its size. Paper: counted here in its published "
        "masks, bert-base-uncased, 5 seeds. Only of encoders with as many layers and heads, and of "
        "tasks that the paper has."
    )
    if not found:
        return Table("overlaps_published", caption, missing=why_no_variant("joint", config))
    theirs = {(one.of, one.part, one.first, one.second): one for one in published}
    both = [
        (one, theirs[one.of, one.part, one.first, one.second])
        for one in found
        if (one.of, one.part, one.first, one.second) in theirs
        and config.search.tasks.index(one.first) <= config.search.tasks.index(one.second)
    ]
    known = [one.first for one in published]
    if not both or not same_encoder:
        tasks = [task for task in config.search.tasks if task in known]
        return Table("overlaps_published", caption, missing=_others(tasks))
    rows = [
        (
            f"{ours.first} and {ours.second}" if ours.first != ours.second else ours.first,
            ("super-survivors, " if ours.of == "super" else "") + PARTS[ours.part],
            _count(paper),
            _count(ours),
            f"{ours.mean - paper.mean:+.1f}".replace("-", "−"),
        )
        for ours, paper in both
    ]
    records: list[Record] = [
        {"of": ours.of, "part": ours.part, "first": ours.first, "second": ours.second}
        | {"paper_mean": paper.mean, "paper_std": paper.std}
        | {"here_mean": ours.mean, "here_std": ours.std, "n": ours.n}
        for ours, paper in both
    ]
    header = ("tasks", "of", "paper", "here", "here − paper")
    return Table("overlaps_published", caption, header, tuple(rows), tuple(records))


def _maps(found: Sequence[Place]) -> Mapping[tuple[str, str, str], dict[Key, float]]:
    """By search, task and part."""
    maps: dict[tuple[str, str, str], dict[Key, float]] = {}
    for one in found:
        of = maps.setdefault((one.variant, one.task, one.part), {})
        of[one.layer, one.head] = one.mean
    return maps


def same_encoder(found: Sequence[Place], published: Sequence[Place]) -> bool:
    """Whether both have the same layers and heads."""
    here, paper = ({(one.layer, one.head) for one in places} for places in (found, published))
    return here == paper


def _others(tasks: Sequence[str]) -> str:
    if not tasks:
        return "not run: no searched task has the name of one of the paper's"
    return "not run: the encoder has other numbers of layers and heads than the paper's"


def _count(one: Overlap) -> str:
    return f"{one.mean:.1f}" if one.std is None else f"{one.mean:.1f} ± {one.std:.1f}"
