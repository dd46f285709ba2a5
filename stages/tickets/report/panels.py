"""What figures are made of: panels side by side, scores with intervals, and heat maps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Canvas

from stages.tickets.report.figure import BLACK, Figure, render
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

Point = tuple[str, str, float, Summary | None]
"""Title of a panel, label of a curve, place, and the score there if it ran."""
LEVEL = (":", "-.")
"""Formats of level lines."""
Grid = Sequence[Sequence[float | None]]


def side_by_side(
    canvas: Canvas, names: Sequence[str], labels: tuple[str, str], config: Study
) -> list[Axes]:
    """One panel per name with shared axes, each column and row labelled at its end.

    Every panel of the left column and the lowest of every column has its own label: on a phone,
    where the figure scrolls, a label in the middle would be out of sight.
    """
    columns = min(config.plot.columns, len(names))
    rows = -(-len(names) // columns)
    grid = canvas.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
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


def size(count: int, config: Study) -> tuple[float, float]:
    """Inches that `count` panels take with labels and legend: width and height."""
    columns = min(config.plot.columns, count)
    rows = -(-count // columns)
    width = max(columns * config.plot.panel_width, 3.6)
    return width, rows * config.plot.panel_height + 1.0


def one_each(
    name: str,
    title: str,
    panel_names: Sequence[str],
    labels: tuple[str, str],
    config: Study,
    draw: Callable[[Axes, str], None],
    least_width: float = 0.0,
    more_height: float = 0.0,
) -> str:
    """SVG of one panel per name, which `draw` fills, and a legend if anything has a label.

    Args:
        least_width: of the figure in inches; `more_height` is added to it.
    """

    def draw_all(canvas: Canvas) -> None:
        grid = side_by_side(canvas, panel_names, labels, config)
        for panel, panel_name in zip(grid, panel_names, strict=True):
            draw(panel, panel_name)
        if any(panel.get_legend_handles_labels()[0] for panel in grid):
            legend(canvas, grid)

    width, height = size(len(panel_names), config)
    return render(name, title, (max(width, least_width), height + more_height), draw_all)


def legend(canvas: Canvas, panels: Sequence[Axes]) -> None:
    """One legend above all panels, each entry once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    canvas.legend(list(entries.values()), list(entries), loc="outside upper left", ncols=2)


def bars(scores: Sequence[Summary]) -> list[list[float]]:
    """Distances from the means to the ends of the intervals, cut at ±100 points."""
    low = [0.0 if s.low is None else 100 * (s.mean - max(s.low, -1.0)) for s in scores]
    high = [0.0 if s.high is None else 100 * (min(s.high, 1.0) - s.mean) for s in scores]
    return [[max(value, 0.0) for value in side] for side in (low, high)]


def curve(
    panel: Axes,
    at: Sequence[float],
    scores: Sequence[Summary],
    look: tuple[str, str],
    label: str,
) -> None:
    """Means in points at the places `at`, with their intervals; `look` is colour and format."""
    means = [100 * score.mean for score in scores]
    colour, fmt = look
    panel.errorbar(at, means, bars(scores), fmt=fmt, color=colour, capsize=2.5, label=label)


def dense_band(panel: Axes, dense: Summary | None) -> None:
    """Mean and interval of the dense scores across the whole panel; nothing if none ran."""
    if dense is None:
        return
    panel.axhline(100 * dense.mean, color=BLACK, linewidth=1, label="dense")
    if dense.low is not None and dense.high is not None:
        low, high = 100 * max(dense.low, -1.0), 100 * min(dense.high, 1.0)
        panel.axhspan(low, high, color=BLACK, alpha=0.12, linewidth=0)


@dataclass(frozen=True)
class Map:
    """Cells in colours, and what stands around them."""

    values: Grid
    """A missing value stays white."""
    texts: Sequence[Sequence[str]]
    names: tuple[Sequence[str], Sequence[str]]
    """Names of the rows and of the columns."""
    colours: tuple[str, float, float]
    """Name of the colour map, and the values at its ends."""
    scale: str
    """What the colours mean."""
    sides: tuple[str, str] = ("", "")
    """What rows and columns are."""
    title: str = ""
    margin: Sequence[str] = ()
    """What stands to the right of each row."""


def maps(name: str, title: str, size: tuple[float, float], *drawn: Map) -> str:
    """SVG of maps above each other, so that a phone shows the cells of one in full."""

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(drawn), 1, squeeze=False)
        for panel, cells in zip(grid.flat, drawn, strict=True):
            mesh = heat(panel, cells.values, cells.texts, cells.names, cells.colours)
            for y, text in enumerate(cells.margin):
                panel.text(len(cells.names[1]) + 0.15, y + 0.5, text, va="center")
            panel.set(title=cells.title, ylabel=cells.sides[0], xlabel=cells.sides[1])
            colour_bar(canvas, panel, mesh, cells.scale)

    return render(name, title, size, draw)


def curves(
    canvas: Canvas,
    points: Sequence[Point],
    across: str,
    looks: Mapping[str, tuple[str, str]],
    config: Study,
) -> list[Axes]:
    """Scores against the number that `across` names, and one legend.

    Args:
        looks: colour and format by label; `dense` is a band, and without a marker it is a level line.
    """
    titles = list(dict.fromkeys(title for title, *_ in points))
    grid = side_by_side(canvas, titles, (across, "score (points)"), config)
    for panel, title in zip(grid, titles, strict=True):
        for label, (colour, fmt) in looks.items():
            own = [point for point in points if point[:2] == (title, label)]
            ran = {at: score for _, _, at, score in own if score}
            if label == "dense":
                dense_band(panel, ran.get(0.0))
            elif fmt in LEVEL:
                for score in ran.values():
                    panel.axhline(100 * score.mean, color=colour, linestyle=fmt, label=label)
            elif ran:
                curve(panel, list(ran), list(ran.values()), (colour, fmt), label)
    legend(canvas, grid)
    return grid


def heat(
    panel: Axes,
    values: Grid,
    texts: Sequence[Sequence[str]],
    names: tuple[Sequence[str], Sequence[str]],
    colours: tuple[str, float, float],
) -> QuadMesh:
    """Cells of a `Map` as vectors with their numbers.

    41 colours, an odd number for a middle one; of more than 50, a colour bar becomes a bitmap.
    """
    shown = [[float("nan") if value is None else value for value in row] for row in values]
    rows, columns = names
    colour_map, low, high = colours
    mesh = panel.pcolormesh(
        shown,
        cmap=colormaps[colour_map].resampled(41),
        vmin=low,
        vmax=high,
        edgecolors="white",
        linewidth=1,
    )
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            place = (x + 0.5, y + 0.5)
            if value is None:
                panel.text(*place, "–", ha="center", va="center", color=BLACK)
                continue
            red, green, blue, _ = mesh.to_rgba(np.array([value]))[0]
            luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
            ink = BLACK if luminance > 0.18 else "#FFFFFF"  # the higher contrast of the two
            panel.text(*place, texts[y][x], ha="center", va="center", color=ink, fontsize=8.5)
    panel.invert_yaxis()
    panel.set_xticks([x + 0.5 for x in range(len(columns))], columns, rotation=40, ha="right")
    panel.set_yticks([y + 0.5 for y in range(len(rows))], rows)
    panel.tick_params(length=0)
    panel.grid(visible=False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    return mesh


def colour_bar(canvas: Canvas, panel: Axes | list[Axes], mesh: QuadMesh, label: str) -> None:
    bar = canvas.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30)
    bar.set_label(label)
    bar.outline.set_visible(False)


def by_name(
    figure: Figure,
    names: Sequence[str],
    labels: tuple[str, str],
    config: Study,
    draw: Callable[[Axes, str], None],
    least_width: float = 0.0,
    more_height: float = 0.0,
) -> Figure:
    """The figure with a panel for each name; without records it stays as it is and says why."""
    if not figure.records:
        return figure
    svg = one_each(figure.name, figure.title, names, labels, config, draw, least_width, more_height)
    return replace(figure, svg=svg, missing="")
