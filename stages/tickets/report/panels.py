"""What figures are made of: panels side by side, scores with intervals, and heat maps."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Canvas

from stages.tickets.report.figure import BLACK, Figure, drawn
from stages.tickets.report.table import Cells
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

Point = tuple[str, str, float, Summary | None]
"""Title of a panel, label of a curve, place, and the score there if it ran."""
SPARSITY = "sparsity (% of prunable weights)"
LEVEL = (":", "-.")
"""Formats of level lines."""


def side_by_side(
    canvas: Canvas, names: Sequence[str], labels: tuple[str, str], study: Study
) -> list[Axes]:
    """Make a panel per name with shared axes, each column and row labelled at its end.

    Every panel of the left column and the lowest of every column has its own label: on a phone,
    where the figure scrolls, a label in the middle would be out of sight.
    """
    columns = min(study.plot.columns, len(names))
    grid = canvas.subplots(
        -(-len(names) // columns), columns, sharex=True, sharey=True, squeeze=False
    )
    panels: list[Axes] = list(grid.flat)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for index, (panel, name) in enumerate(zip(panels, names, strict=False)):
        panel.set_title(name)
        if index + columns >= len(names):  # the lowest of its column
            panel.tick_params(labelbottom=True)
            panel.set_xlabel(labels[0])
        if index % columns == 0:
            panel.set_ylabel(labels[1])
    return panels[: len(names)]


def size_of(
    count: int, study: Study, least_width: float = 3.6, more_height: float = 1.0
) -> tuple[float, float]:
    """Return the width and the height in inches of `count` panels with labels and legend."""
    columns = max(min(study.plot.columns, count), 1)
    width = max(columns * study.plot.panel_width, least_width)
    return width, -(-count // columns) * study.plot.panel_height + more_height


def by_name(
    figure: Figure,
    names: Sequence[str],
    labels: tuple[str, str],
    study: Study,
    draw: Callable[[Axes, str], None],
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return the figure with a panel per name, filled by `draw`, and a legend if it has labels.

    Args:
        size: width and height in inches, by default that of `size_of`.
    """

    def draw_all(canvas: Canvas) -> None:
        grid = side_by_side(canvas, names, labels, study)
        for panel, name in zip(grid, names, strict=True):
            draw(panel, name)
        if any(panel.get_legend_handles_labels()[0] for panel in grid):
            legend(canvas, grid)

    return drawn(figure, size or size_of(len(names), study), draw_all)


def legend(canvas: Canvas, panels: Iterable[Axes]) -> None:
    """Draw one legend above all panels, with each entry once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    canvas.legend(list(entries.values()), list(entries), loc="outside upper left", ncols=2)


def bars(scores: Collection[Summary]) -> list[list[float]]:
    """Return the distances from the means to the ends of the intervals, cut at ±100 points."""
    low = [0.0 if s.low is None else 100 * (s.mean - max(s.low, -1.0)) for s in scores]
    high = [0.0 if s.high is None else 100 * (min(s.high, 1.0) - s.mean) for s in scores]
    return [[max(value, 0.0) for value in side] for side in (low, high)]


def curves(
    figure: Figure,
    points: Sequence[Point],
    looks: Mapping[str, tuple[str, str]],
    study: Study,
    size: tuple[float, float] | None = None,
    across: str = SPARSITY,
    finish: Callable[[Axes], object] = lambda panel: panel.set_xlim(-4, 100),
) -> Figure:
    """Return the figure of scores with intervals against sparsity, or the number that `across` names.

    Args:
        looks: colour and format by label; `dense` is a band, and without a marker it is a level line.
        finish: what is done to every panel in the end.
    """

    def draw(panel: Axes, title: str) -> None:
        for label, (colour, fmt) in looks.items():
            own = [point for point in points if point[:2] == (title, label)]
            ran = {at: score for _, _, at, score in own if score}
            means = [100 * score.mean for score in ran.values()]
            if label == "dense" and ran:
                dense = ran[0.0]
                panel.axhline(100 * dense.mean, color=BLACK, linewidth=1, label=label)
                if dense.low is not None and dense.high is not None:
                    low, high = 100 * max(dense.low, -1.0), 100 * min(dense.high, 1.0)
                    panel.axhspan(low, high, color=BLACK, alpha=0.12, linewidth=0)
            elif fmt in LEVEL:
                for mean in means:
                    panel.axhline(mean, color=colour, linestyle=fmt, label=label)
            elif ran:
                look: dict[str, Any] = {"fmt": fmt, "color": colour, "capsize": 2.5, "label": label}
                panel.errorbar(list(ran), means, bars(ran.values()), **look)
        finish(panel)

    titles = list(dict.fromkeys(title for title, *_ in points))
    labels = (across, "score (points)")
    return by_name(figure, titles, labels, study, draw, size)


@dataclass(frozen=True)
class Map:
    """Cells in colours, and what stands around them."""

    values: Sequence[Sequence[float | None]]
    """A missing value stays white."""
    texts: Cells
    names: tuple[Sequence[str], Sequence[str]]
    """Names of the rows and of the columns."""
    colours: tuple[str, float, float]
    """Name of the colour map, and the values at its ends."""
    scale: str = ""
    """What the colours mean."""
    sides: tuple[str, str] = ("", "")
    """What rows and columns are."""
    title: str = ""
    margin: Sequence[str] = ()
    """What stands to the right of each row."""


def maps(figure: Figure, size: tuple[float, float], *cells: Map) -> Figure:
    """Return the figure of maps above each other, so that a phone shows the cells of one in full."""

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(cells), 1, squeeze=False)
        for panel, shown in zip(grid.flat, cells, strict=True):
            mesh = heat(panel, shown)
            for y, text in enumerate(shown.margin):
                panel.text(len(shown.names[1]) + 0.15, y + 0.5, text, va="center")
            panel.set(title=shown.title, ylabel=shown.sides[0], xlabel=shown.sides[1])
            colour_bar(canvas, panel, mesh, shown.scale)

    return drawn(figure, size, draw)


def heat(panel: Axes, cells: Map) -> QuadMesh:
    """Draw cells as vectors with their numbers.

    41 colours, an odd number for a middle one; of more than 50, a colour bar becomes a bitmap.
    """
    rows, columns = cells.names
    name, low, high = cells.colours
    shown = [[np.nan if value is None else value for value in row] for row in cells.values]
    colours = colormaps[name].resampled(41)
    mesh = panel.pcolormesh(
        shown, cmap=colours, vmin=low, vmax=high, edgecolors="white", linewidth=1
    )
    for y, row in enumerate(cells.values):
        for x, value in enumerate(row):
            text, ink = cells.texts[y][x], BLACK
            if value is None:
                panel.text(x + 0.5, y + 0.5, "–", ha="center", va="center", color=ink)
                continue
            red, green, blue, _ = mesh.to_rgba(np.array([value]))[0]
            if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 <= 0.18:
                ink = "#FFFFFF"  # the higher contrast of the two
            panel.text(x + 0.5, y + 0.5, text, ha="center", va="center", color=ink, fontsize=8.5)
    panel.invert_yaxis()
    panel.set_xticks([x + 0.5 for x in range(len(columns))], columns, rotation=40, ha="right")
    panel.set_yticks([y + 0.5 for y in range(len(rows))], rows)
    panel.tick_params(length=0)
    panel.grid(visible=False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    return mesh


def colour_bar(
    canvas: Canvas,
    panel: Axes | list[Axes],
    mesh: ScalarMappable,
    label: str,
    ticks: Sequence[float] | None = None,
) -> None:
    """Draw what the colours mean below the panels, with ticks of matplotlib's choice by default."""
    bar = canvas.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30, ticks=ticks)
    bar.set_label(label)
    bar.outline.set_visible(False)


def columns(
    panel: Axes, scores: Mapping[float, Summary], width: float, colour: str, label: str
) -> None:
    """Draw bars of scores by place, with their standard deviations as bars of error."""
    means = [100 * score.mean for score in scores.values()]
    errors = [100 * (score.std or 0.0) for score in scores.values()]
    look: dict[str, Any] = {"color": colour, "label": label, "yerr": errors, "capsize": 2}
    panel.bar(list(scores), means, width, **look)
