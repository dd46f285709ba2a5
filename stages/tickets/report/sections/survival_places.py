"""Where weights, heads and MLPs survive, beside the maps and overlaps of Prasanna et al. 2020."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

import numpy as np

from stages.tickets.report import columns, names, words
from stages.tickets.report.names import PARTS
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import Overlap, Place
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.statistics import correlation, intervals
from stages.tickets.statistics.intervals import Summary

SEARCHES = {"joint": "joint search", "magnitude": "magnitude search"}
COMPARABLE = (
    "Paper: its published masks and heat maps, bert-base-uncased, 5 seeds; only of encoders with as many "
    "layers and heads, and of tasks that the paper has."
)


def weights_table(results: Results, study: Study) -> Table:
    """The share of a layer's weights and biases that the magnitude search keeps, by task."""
    tasks = study.search.tasks
    caption = (
        "Share of a layer's weights and biases that the magnitude search kept, per cent; mean ± standard "
        f"deviation over seeds (n={len(study.search.seeds)}). Layer 0 is next to the input."
    )
    by_place = grouped(results.weights, lambda row: (row.layer, row.task))
    shares = {
        place: intervals.summarize([row.kept / row.size for row in own], study.tickets.confidence)
        for place, own in sorted(by_place.items())
    }
    layers = list(dict.fromkeys(layer for layer, _ in shares))
    shown: Sequence[Column[int]] = (
        Column("layer", str),
        *(_share_of(task, shares) for task in tasks),
        Column(
            "mean", lambda layer: words.points(fmean(shares[layer, task].mean for task in tasks))
        ),
    )
    long: list[Record] = [
        {"layer": layer, "task": task, **numbers(shares[layer, task])}
        for layer, task in product(layers, tasks)
    ]
    why = names.why_no_variant("magnitude", study)
    return table("weights_by_layer", caption, layers, shown, why, long)


def _share_of(task: str, shares: Mapping[tuple[int, str], Summary]) -> Column[int]:
    return Column(task, lambda layer: words.spread(shares[layer, task]))


# --- beside the paper's maps -----------------------------------------------------------------


@dataclass(frozen=True)
class MapPair:
    """The paper's map of survival and ours, by search, task and part."""

    search: str
    task: str
    """Empty for the map over all tasks."""
    part: str
    published: float
    """Mean over all places."""
    measured: float
    spearman: float | None
    num_places: int


def compare(results: Results, study: Study) -> list[MapPair]:
    """Maps of the same places; over all tasks only if these are the paper's."""
    ours, published = _maps(results.places), _maps(results.published_places)
    tasks = shared_tasks(results.published_places, study)
    if {task for _, task, _ in published} - {""} == set(study.search.tasks):
        tasks.append("")
    rows = []
    for search, task, part in product(SEARCHES, tasks, PARTS):
        measured, paper = (maps.get((search, task, part), {}) for maps in (ours, published))
        if measured and measured.keys() == paper.keys():
            sides = np.array([[paper[place], measured[place]] for place in measured], np.float64)
            means = sides.mean(axis=0).tolist()
            rho = correlation.of_ranks(*sides.T)
            rows.append(MapPair(search, task, part, means[0], means[1], rho, len(measured)))
    return rows


def shared_tasks(published: Sequence[Place], study: Study) -> list[str]:
    """Searched tasks of which the paper has maps."""
    known = {place.task for place in published if place.variant == "joint"}
    return [task for task in study.search.tasks if task in known]


def _maps(
    places: Sequence[Place],
) -> dict[tuple[str, str, str], dict[tuple[int, int | None], float]]:
    """Means by layer and head, with None for the MLP, of every search, task and part."""
    by_map = grouped(places, lambda place: (place.variant, place.task, place.part))
    return {
        key: {(place.layer, place.head): place.mean for place in own} for key, own in by_map.items()
    }


def places_table(results: Results, study: Study) -> Table:
    """Our maps of survival beside the paper's by task, and over all if the tasks are its nine."""
    caption = (
        "Survival of heads and MLPs (share of seeds; of weights their share; over all tasks the number "
        "of tasks, or the sum of shares): mean of the paper's maps and of ours over all places, and "
        f"Spearman's ρ over n places. {COMPARABLE}"
    )
    shown: Sequence[Column[MapPair]] = (
        Column("search", lambda row: SEARCHES[row.search], {"search": lambda row: row.search}),
        Column("task", lambda row: row.task or "all tasks", {"task": lambda row: row.task}),
        Column("of", lambda row: PARTS[row.part], {"part": lambda row: row.part}),
        Column("paper", lambda row: f"{row.published:.2f}", {"paper": lambda row: row.published}),
        Column("here", lambda row: f"{row.measured:.2f}", {"here": lambda row: row.measured}),
        Column(
            "ρ",
            lambda row: NONE if row.spearman is None else words.two_digits(row.spearman),
            {"spearman": lambda row: row.spearman},
        ),
        Column("n", lambda row: str(row.num_places), {"places": lambda row: row.num_places}),
    )
    why = _why_none(results, study, results.places)
    return table("survival_published", caption, compare(results, study), shown, why)


def _why_none(results: Results, study: Study, measured: Sequence[object]) -> str:
    if not measured:
        return names.why_no_variant("joint", study)
    if not shared_tasks(results.published_places, study):
        return "not run: no searched task has the name of one of the paper's"
    return "not run: the encoder has other numbers of layers and heads than the paper's"


# --- beside the paper's overlaps -------------------------------------------------------------


def overlaps_table(results: Results, study: Study) -> Table:
    """Our counts of what every two tasks both keep, beside the paper's."""
    caption = (
        "Heads and MLPs that two tasks both keep in the same seed, and super-survivors in common: mean ± "
        f"standard deviation over seeds; one task twice is its size. {COMPARABLE}"
    )
    published = {
        (row.of, row.part, row.first, row.second): row for row in results.published_overlaps
    }
    order = study.search.tasks.index
    pairs = [
        (row, paper)
        for row in results.overlaps
        if (paper := published.get((row.of, row.part, row.first, row.second)))
        and order(row.first) <= order(row.second)
    ]
    if not same_encoder(results.places, results.published_places):
        pairs = []
    shown: Sequence[Column[tuple[Overlap, Overlap]]] = (
        columns.only_csv("of", lambda row: row[0].of),
        columns.only_csv("part", lambda row: row[0].part),
        columns.only_csv("first", lambda row: row[0].first),
        columns.only_csv("second", lambda row: row[0].second),
        Column("tasks", lambda row: " and ".join(dict.fromkeys((row[0].first, row[0].second)))),
        Column(
            "of",
            lambda row: ("super-survivors, " if row[0].of == "super" else "") + PARTS[row[0].part],
        ),
        _count("paper", 1),
        _count("here", 0),
        columns.only_csv("n", lambda row: row[0].n),
        Column("here − paper", lambda row: f"{row[0].mean - row[1].mean:+.1f}".replace("-", "−")),
    )
    why = _why_none(results, study, results.overlaps)
    return table("overlaps_published", caption, pairs, shown, why)


def same_encoder(measured: Sequence[Place], published: Sequence[Place]) -> bool:
    """Whether maps have the same layers and heads."""
    ours, paper = (
        {(place.layer, place.head) for place in places} for places in (measured, published)
    )
    return ours == paper


def _count(header: str, side: int) -> Column[tuple[Overlap, Overlap]]:
    """Ours (side 0) or the paper's (side 1)."""

    def cell(row: tuple[Overlap, Overlap]) -> str:
        overlap = row[side]
        mean = f"{overlap.mean:.1f}"
        return mean if overlap.std is None else f"{mean} ± {overlap.std:.1f}"

    csv = {
        f"{header}_mean": lambda row: row[side].mean,
        f"{header}_std": lambda row: row[side].std,
    }
    return Column(header, cell, csv)
