"""Where weights, heads and MLPs survive, beside the maps and overlaps of Prasanna et al. 2020."""

from collections.abc import Sequence
from itertools import product
from statistics import fmean

import numpy as np

from stages.tickets.report import columns, table, words
from stages.tickets.report.names import PARTS
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import Overlap
from stages.tickets.report.table import Column, Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import correlation

SEARCHES = {"joint": "joint search", "magnitude": "magnitude search"}
COMPARABLE = (
    "Paper: its published masks and heat maps, bert-base-uncased, 5 seeds; only of encoders with as many "
    "layers and heads, and of tasks that the paper has."
)


def weights_table(results: Results, study: Study) -> Table:
    """List the share of a layer's weights and biases that the magnitude search keeps, by task."""
    caption = (
        "Share of a layer's weights and biases that the magnitude search kept, per cent; mean ± standard "
        "deviation over seeds, and the mean over tasks that have learned. Layer 0 is next to the input."
    )
    tasks = study.search.tasks
    by_place = grouped(results.weights, lambda row: (row.layer, tasks.index(row.task)))
    rows = [
        Row(
            layer=layer, task=tasks[number], kept=results.over([row.kept / row.size for row in own])
        )
        for (layer, number), own in sorted(by_place.items(), key=lambda item: item[0])
    ]
    lines = [
        (
            str(layer),
            *(words.spread(row.kept) for row in own),
            _mean([row.kept.mean for row in own if row.task not in results.no_evidence]),
        )
        for layer, own in grouped(rows, lambda row: row.layer).items()
    ]
    csv = table.records(rows, columns.value("layer", "task"), columns.spread_of("kept"))
    why = shared.why_no_search(results, "magnitude")
    return table.of_cells("weights_by_layer", caption, ("layer", *tasks, "mean"), lines, csv, why)


def _mean(shares: Sequence[float]) -> str:
    return words.points(fmean(shares)) if shares else words.NONE


def compare(results: Results, study: Study) -> list[Row]:
    """Compare maps of the same places; over all tasks (an empty name) only if these are the paper's."""
    ours, published = (
        grouped(places, lambda place: (place.variant, place.task, place.part))
        for places in (results.places, results.published_places)
    )
    tasks = shared_tasks(results, study)
    usable = set(results.usable(study.search.tasks))
    if {task for _, task, _ in published} - {""} == set(study.search.tasks) == usable:
        tasks.append("")
    rows = []
    for search, task, part in product(SEARCHES, tasks, PARTS):
        own, paper = (
            {(place.layer, place.head): place.mean for place in maps.get((search, task, part), ())}
            for maps in (ours, published)
        )
        if own and own.keys() == paper.keys():
            sides = np.array([[paper[place], own[place]] for place in own], np.float64)
            row = Row(search=search, task=task, part=part, places=len(own))
            row.paper, row.here = sides.mean(axis=0).tolist()
            row.spearman = correlation.of_ranks(*sides.T)
            rows.append(row)
    return rows


def shared_tasks(results: Results, study: Study) -> list[str]:
    """Return the searched tasks of which the paper has maps."""
    known = {place.task for place in results.published_places if place.variant == "joint"}
    return [task for task in study.search.tasks if task in known]


MAPS = (
    columns.named("search", "search", SEARCHES.__getitem__),
    columns.named("task", "task", lambda task: task or "all tasks"),
    columns.named("of", "part", PARTS.__getitem__),
    columns.named("paper", "paper", "{:.2f}".format),
    columns.named("here", "here", "{:.2f}".format),
    columns.number("ρ", "spearman", words.two_digits, "spearman"),
    columns.named("n", "places"),
)


def places_table(results: Results, study: Study) -> Table:
    """List our maps of survival beside the paper's by task, and over all if the tasks are its nine."""
    caption = (
        "Survival of heads and MLPs (share of seeds; of weights their share; over all tasks the number "
        "of tasks, or the sum of shares): mean of the paper's maps and of ours over all places, and "
        f"Spearman's ρ over n places. {COMPARABLE}"
    )
    why = _why_none(results, study, results.places)
    return table.table("survival_published", caption, compare(results, study), MAPS, why)


def _why_none(results: Results, study: Study, measured: Sequence[object]) -> str:
    if not measured:
        return shared.why_no_search(results)
    if not shared_tasks(results, study):
        return "not run: no searched task has the name of one of the paper's"
    return "not run: the encoder has other numbers of layers and heads than the paper's"


def _count(overlap: Overlap) -> str:
    return words.with_std(overlap.mean, overlap.std, 1)


OVERLAPS = (
    columns.value("here.of", "here.part", "here.first", "here.second"),
    Column("tasks", lambda row: " and ".join(dict.fromkeys((row.here.first, row.here.second)))),
    Column("of", lambda row: "super-survivors, " * (row.here.of == "super") + PARTS[row.here.part]),
    columns.number("paper", "paper", _count),
    columns.number("here", "here", _count),
    *(
        columns.only_csv(f"{side}_{name}", f"{side}.{name}")
        for side, name in product(("paper", "here"), ("mean", "std"))
    ),
    columns.value("here.n"),
    Column("here − paper", lambda row: f"{row.here.mean - row.paper.mean:+.1f}".replace("-", "−")),
)
"""Columns of pairs of an overlap here and in the paper."""


def overlaps_table(results: Results, study: Study) -> Table:
    """List our counts of what every two tasks both keep, beside the paper's."""
    caption = (
        "Heads and MLPs that two tasks both keep in the same seed, and super-survivors in common: mean ± "
        f"standard deviation over seeds; one task twice is its size. {COMPARABLE}"
    )
    published = {
        (row.of, row.part, row.first, row.second): row for row in results.published_overlaps
    }
    order = study.search.tasks.index
    ours, papers = (
        {(place.layer, place.head) for place in places}
        for places in (results.places, results.published_places)
    )
    pairs = [
        Row(here=row, paper=paper)
        for row in (results.overlaps if ours == papers else ())
        if (paper := published.get((row.of, row.part, row.first, row.second)))
        and order(row.first) <= order(row.second)
    ]
    why = _why_none(results, study, results.overlaps)
    return table.table("overlaps_published", caption, pairs, OVERLAPS, why)
