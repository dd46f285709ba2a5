"""Panels side by side, one per task: their axes, legend, and scores with intervals."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stages.tickets.report.figure import BLACK, Config
from stages.tickets.statistics.intervals import Summary


def side_by_side(
    canvas: Canvas, names: Sequence[str], labels: tuple[str, str], config: Config
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


def size(count: int, config: Config) -> tuple[float, float]:
    """Inches that `count` panels take with labels and legend: width and height."""
    columns = min(config.plot.columns, count)
    rows = -(-count // columns)
    width = max(columns * config.plot.panel_width, 3.6)
    return width, rows * config.plot.panel_height + 1.0


def legend(canvas: Canvas, panels: Sequence[Axes]) -> None:
    """One legend above all panels, each entry once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    canvas.legend(list(entries.values()), list(entries), loc="outside upper left", ncols=2)


def bars(found: Sequence[Summary]) -> list[list[float]]:
    """Distances from the means to the ends of the intervals, cut at ±100 points."""
    low = [0.0 if s.low is None else 100 * (s.mean - max(s.low, -1.0)) for s in found]
    high = [0.0 if s.high is None else 100 * (min(s.high, 1.0) - s.mean) for s in found]
    return [[max(value, 0.0) for value in side] for side in (low, high)]


def curve(
    panel: Axes,
    at: Sequence[float],
    found: Sequence[Summary],
    look: tuple[str, str],
    label: str,
) -> None:
    """Means in points at the places `at`, with their intervals; `look` is colour and format."""
    means = [100 * one.mean for one in found]
    colour, fmt = look
    panel.errorbar(at, means, bars(found), fmt=fmt, color=colour, capsize=2.5, label=label)


def dense_band(panel: Axes, found: Summary | None) -> None:
    """Mean and interval of the dense scores across the whole panel; nothing where none ran."""
    if found is None:
        return
    panel.axhline(100 * found.mean, color=BLACK, linewidth=1, label="dense")
    if found.low is not None and found.high is not None:
        low, high = 100 * max(found.low, -1.0), 100 * min(found.high, 1.0)
        panel.axhspan(low, high, color=BLACK, alpha=0.12, linewidth=0)
