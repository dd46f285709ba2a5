"""An example of every class of attention maps, and their shares as stacked bars."""

from collections.abc import Sequence
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, panels, table
from stages.tickets.report.figure import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, Figure, drawn
from stages.tickets.report.results import Results
from stages.tickets.report.search_rows import HEADS
from stages.tickets.report.sections.patterns.published import paper_share, paper_tasks
from stages.tickets.report.sections.patterns.shares import FINE_TUNED, NAMES
from stages.tickets.report.table import Row
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.patterns import MAPS, PATTERNS
from stages.tickets.settings import Study

COLOURS = dict(zip(PATTERNS, (BLUE, ORANGE, GREEN, PURPLE, GREY), strict=True))
DARK = (PATTERNS[0], PATTERNS[-1])
"""White numbers stand out more on these."""
PAPER = "paper"
TOKENS, SEED = 12, 3
"""Size of the examples, whose cells are vectors, and the seed that draws them."""
FIELDS = ("map", "heads", "task", "pattern", "share")
"""Columns of the csv of shares, in which the task may be `PAPER`."""
EXAMPLES = "One attention map of every class, made by rule"
SHARES = "Shares of the five classes of attention maps by task, in fine-tuned models"


def examples_figure(results: Results, study: Study) -> Figure:
    """Draw one map of every class, made by the rule that the networks learn from."""
    caption = (
        f"A raw map of {TOKENS} tokens of every class as the networks learned them; a row shows what one "
        "token attends to. They are made by rule, not from a model, since the maps that the paper's "
        "authors labelled by hand are not public."
    )
    rule = patterns.Rule([TOKENS], study.patterns.network.noise, normed=False)
    maps, classes = patterns.generate(rule, len(PATTERNS), np.random.default_rng(SEED))
    by_name = {PATTERNS[number]: cells for number, cells in zip(classes, maps, strict=True)}

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(1, len(PATTERNS))
        for panel, (name, cells) in zip(grid, by_name.items(), strict=True):
            panel.pcolormesh(cells, cmap=colormaps["Greys"].resampled(41), vmin=0, vmax=cells.max())
            panel.set_title(name.replace("+", " +\n"), fontsize=9)
            panel.invert_yaxis()
            panel.set(aspect="equal", xticks=[], yticks=[], xlabel="attended token")
            for spine in panel.spines.values():
                spine.set_visible(True)
        canvas.axes[0].set_ylabel("token")

    csv = tuple(
        {"pattern": name, "token": row, "attended": column, "attention": float(value)}
        for name, cells in (by_name.items() if study.patterns.tasks else ())
        for (row, column), value in np.ndenumerate(cells)
    )
    why = results.not_run("patterns")
    shown = Figure("pattern_examples", EXAMPLES, caption, "", csv, why, of_papers=True)
    return drawn(shown, (8.0, 2.2), draw)


def shares_figure(shares: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw stacked bars of shares by task, and the paper's mean; a panel per map and choice of heads."""
    tasks = study.patterns.tasks
    usable = tuple(results.usable(tasks))
    beside = paper_tasks(results.published_shares, usable)
    over = "the same tasks" if beside == usable else "its eight tasks, others than these"
    caption = (
        "Shares of the maps of fine-tuned models, of all heads and of super-survivors in a model cut "
        "down to them, mean over seeds and networks. A gap is a task in which no head survives in all "
        f"seeds. The last bar is the paper's mean over {over}, roughly comparable, as its networks "
        "learned from maps labelled by hand."
    )
    parts = []
    for row in sorted(shares, key=lambda row: (MAPS.index(row.map), HEADS.index(row.heads))):
        level = row.over_networks.mean if row.over_networks else None
        if not row.task:
            level = paper_share(results.published_shares, row, beside)
        if row.state == FINE_TUNED and level is not None:
            parts.append((row.map, row.heads, row.task or PAPER, row.pattern, level))
    places = dict(zip((*tasks, PAPER), (*range(len(tasks)), len(tasks) + 0.3), strict=True))

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(2, 2, sharex=True, sharey=True)
        for panel, (kind, heads) in zip(grid.flat, product(MAPS, HEADS), strict=True):
            panel.set_title(f"{kind} maps, {NAMES[heads]}")
            panel.grid(visible=False)
            for task, place in places.items():
                own = [part[3:] for part in parts if part[:3] == (kind, heads, task)]
                _stack(panel, place, own)
            labels = [*tasks, f"paper,\n{len(beside)} tasks"]
            panel.set_xticks([*places.values()], labels, rotation=40 if len(tasks) > 3 else 0)
            panel.set_ylim(0, 100)
        for panel in grid[:, 0]:
            panel.set_ylabel("share of maps (%)")
        panels.legend(canvas, grid.flat)

    width = max(6.0, 2 * (0.8 + (0.85 if len(tasks) <= 3 else 0.5) * len(places)))
    cells = (columns.only_csv(name, itemgetter(place)) for place, name in enumerate(FIELDS))
    csv, why = table.records(parts, *cells), results.not_run("patterns")
    return drawn(Figure("patterns", SHARES, caption, "", csv, why), (width, 5.4), draw)


def _stack(panel: Axes, place: float, shares: Sequence[tuple[str, float]]) -> None:
    """Draw one stacked bar of shares by class, with the numbers that have room."""
    low = 0.0
    for pattern, share in shares:
        height = 100 * share
        look: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.8, "label": pattern}
        panel.bar(place, height, 0.8, low, color=COLOURS[pattern], **look)
        if share >= 0.07:
            ink = "#FFFFFF" if pattern in DARK else BLACK
            look = {"ha": "center", "va": "center", "fontsize": 8, "color": ink}
            panel.text(place, low + height / 2, f"{height:.0f}", **look)
        low += height
