"""Figures of what searches kept: where heads and MLPs survive, and what tasks have in common."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, panels, table
from stages.tickets.report.figure import Figure, drawn
from stages.tickets.report.names import PARTS
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import Place
from stages.tickets.report.words import with_std
from stages.tickets.settings import Study

SURVIVES = "in which a head or an MLP survives the joint search"
OF_WEIGHTS = "Share of a head's or MLP's weights that survive the magnitude search"
ALONE = "Number of tasks in which {0} survives the search of {1} alone"
ALL_TASKS = {
    "joint": ("survival", f"Number of tasks {SURVIVES}"),
    "magnitude": ("survival_of_weights", f"{OF_WEIGHTS}, sum over tasks"),
    "heads": ("survival_of_heads", ALONE.format("a head", "heads")),
    "mlps": ("survival_of_mlps", ALONE.format("an MLP", "MLPs")),
}
"""Name and title of the maps over all tasks, by search."""
BY_TASK = {
    "joint": ("survival_by_task", f"Share of seeds {SURVIVES}, by task"),
    "magnitude": ("survival_of_weights_by_task", f"{OF_WEIGHTS}, by task"),
}
"""Name and title of the maps of single tasks, by search."""
OVERLAPS = "Number of heads and of MLPs that two tasks both keep"
FEW = 8
"""Heads of a layer up to which small maps have room for numbers."""


def figures(results: Results, study: Study) -> tuple[Figure, ...]:
    """Draw maps over all tasks, maps of single tasks, and overlaps."""
    return (
        *(over_tasks(results, study, search) for search in ALL_TASKS),
        *(by_task(results, study, search) for search in BY_TASK),
        overlaps(results, study),
    )


def over_tasks(results: Results, study: Study, search: str) -> Figure:
    """Draw in how many tasks heads and MLPs survive, as one search kept them."""
    name, title = ALL_TASKS[search]
    tasks = results.usable(study.search.tasks)
    over = "mean" if len(tasks) < len(study.search.tasks) else "mean and standard deviation"
    at = "Layer 0 is next to the input."
    caption = f"{title}, of {len(tasks)} that have learned: {over} over seeds. {at}"
    parts = [search] if search in PARTS else PARTS
    own = [row for row in of_all(search, tasks, results, study) if row.part in parts]
    layers, heads = _sides(own)
    by_place = {(row.layer, row.head): row for row in own}
    grid = [[by_place[layer, head] for head in heads] for layer in layers]
    of_weights = search == "magnitude"
    cells = panels.Map(
        [[row.mean for row in line] for line in grid],
        [[with_std(row.mean, row.std, 1 + of_weights, "\n±") for row in line] for line in grid],
        (list(map(str, layers)), [row.name for line in grid[:1] for row in line]),
        ("viridis", *(_ends(own) if of_weights else (0.0, float(len(tasks))))),
        "sum of shares" if of_weights else "tasks",
        ("layer (0: next to the input)", ""),
    )
    csv = table.records(
        own,
        columns.only_csv("place", lambda row: f"layer {row.layer}, {row.name}"),
        columns.value("layer", "head"),
        columns.only_csv("tasks", "mean"),
        columns.value("std", "n"),
    )
    size = (max(1.6 + 0.68 * len(heads), 3.6), 2.3 + 0.48 * len(layers))
    why = shared.nothing(study.search.tasks, results, shared.why_no_search(results, search))
    shown = Figure(name, title, caption, "", csv, why)
    return panels.maps(shown, size, cells)


def of_all(search: str, tasks: Sequence[str], results: Results, study: Study) -> list[Place]:
    """Return the places of a search over these tasks: as counted if they are all, else sums of means.

    Sums have no deviation, since the tasks of a seed do not differ independently.
    """
    own = [row for row in results.places if row.variant == search]
    if len(tasks) == len(study.search.tasks):
        return [row for row in own if not row.task]
    by_place = grouped(
        (row for row in own if row.task in tasks), lambda row: (row.part, row.layer, row.head)
    )
    return [
        replace(rows[0], task="", mean=sum(row.mean for row in rows), std=None)
        for rows in by_place.values()
    ]


def _sides(places: Sequence[Place]) -> tuple[list[int], list[int | None]]:
    """Return layers, and heads with None for the MLP at their end."""
    heads = sorted({row.head for row in places}, key=lambda head: (head is None, head or 0))
    return sorted({row.layer for row in places}), heads


def _ends(places: Sequence[Place]) -> tuple[float, float]:
    """Return the ends of the colours of shares, which lie close together."""
    values = [row.mean for row in places] or [0.0]
    return min(values), max(*values, min(values) + 0.01)


def by_task(results: Results, study: Study, search: str) -> Figure:
    """Draw the share of seeds in which heads and MLPs survive, or of their weights, a map per task."""
    name, title = BY_TASK[search]
    caption = (
        f"{title}; mean over seeds. Last column: the MLP. The csv has the standard deviations."
    )
    own = [row for row in results.places if row.variant == search and row.task]
    layers, heads = _sides(own)
    means = {(row.task, row.layer, row.head): row.mean for row in own}
    limits, tasks = _ends(own) if search == "magnitude" else (0.0, 1.0), study.search.tasks
    has_room = len(heads) <= FEW + 1

    def draw(canvas: Canvas) -> None:
        grid = panels.side_by_side(canvas, tasks, ("head", "layer"), study)
        for panel, task in zip(grid, tasks, strict=True):
            values = [[means[task, layer, head] for head in heads] for layer in layers]
            texts = [[f"{value:.2f}" if has_room else "" for value in line] for line in values]
            sides = [str(layer) for layer in layers], [*map(str, heads[:-1]), "MLP"]
            mesh = panels.heat(panel, panels.Map(values, texts, sides, ("viridis", *limits)))
        grid[0].set_ylim(len(layers), 0)  # shared, and turned round by every map
        label = "share of seeds" if search == "joint" else "share of weights"
        panels.colour_bar(canvas, grid, mesh, label)

    csv = table.records(own, columns.value("task", "layer", "head", "mean", "std", "n"))
    shown = Figure(name, title, caption, "", csv, shared.why_no_search(results, search))
    least = max(0.5 * len(heads), 3.6)
    return drawn(shown, panels.size_of(len(tasks), study, least, 1.6), draw)


def overlaps(results: Results, study: Study) -> Figure:
    """Draw how many heads and MLPs every two tasks both keep."""
    caption = (
        f"{OVERLAPS}, joint search; above in the same seed, mean ± standard deviation over seeds, below "
        "of the super-survivors, which all seeds of a task keep; on the diagonal the size. Counts grow "
        "with the sizes: two random masks that keep shares a and b of N have a·b·N in common."
    )
    by_pair = {(row.of, row.part, row.first, row.second): row for row in results.overlaps}
    tasks = study.search.tasks
    titles = {"joint": "same seed", "super": "super-survivors"}

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(2, 2, squeeze=False)
        for panel, (of, part) in zip(grid.flat, product(titles, PARTS), strict=True):
            rows = [[by_pair[of, part, first, second] for second in tasks] for first in tasks]
            values = [[row.mean for row in line] for line in rows]
            texts = [
                [with_std(row.mean, row.std, int(row.std is not None), "\n±") for row in line]
                for line in rows
            ]
            colours = ("viridis", 0.0, max(1.0, *(value for line in values for value in line)))
            panels.heat(panel, panels.Map(values, texts, (tasks, tasks), colours))
            panel.set_title(f"{PARTS[part]}, {titles[of]}")

    size = 1.2 + 0.75 * len(tasks)
    csv = tuple(dict(vars(row)) for row in results.overlaps)
    shown = Figure("overlaps", OVERLAPS, caption, "", csv, shared.why_no_search(results))
    return drawn(shown, (2 * max(size, 2.4), 2 * max(size, 2.2)), draw)
