"""Contours of the loss on planes in weight space, a panel per plane."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stages.tickets.report import panels
from stages.tickets.report.figure import BLACK, Figure, drawn
from stages.tickets.report.table import Record, Row
from stages.tickets.settings import Study

CLIPPED = 0.75
"""Share of the grid points of a figure that the colours tell apart; greater losses look alike."""
LEVELS = 12
"""Most colours of a figure."""


def contours(
    name: str,
    title: str,
    caption: str,
    surfaces: Sequence[Row],
    labels: tuple[str, str],
    study: Study,
    why: str,
) -> Figure:
    """Draw filled contours of the loss minus that of the network, with one scale for all panels.

    Args:
        name, title, caption: of the figure; the caption also says where the colours are clipped.
        surfaces: a panel each, see `measured.surfaces`.
        labels: of x and y.
        study: how many panels stand side by side.
        why: what stands there without surfaces, as `not run: ...`.
    """
    if not surfaces:
        return Figure(name, title, caption, "", (), why)
    above = [surface.loss - surface.base for surface in surfaces]
    values = np.concatenate([part.ravel() for part in above])
    low, high, levels = scale(values)
    is_clipped = bool(values.max() > high)
    if is_clipped:
        caption += f" All losses of {high:.2g} above the network's or more have one colour."

    def draw(canvas: Canvas) -> None:
        names = [surface.name for surface in surfaces]
        grid = panels.side_by_side(canvas, names, labels, study)
        for panel, surface, part in zip(grid, surfaces, above, strict=True):
            shown = panel.contourf(
                surface.x, surface.y, part, levels, cmap="viridis", vmin=low, vmax=high,
                extend="max" if is_clipped else "neither",
            )  # fmt: skip
            panel.set_aspect("equal")
            panel.grid(visible=False)
            mark(panel, surface)
        panels.colour_bar(canvas, grid, shown, "loss above the network's", levels[::2])
        if any(panel.get_legend_handles_labels()[0] for panel in grid):
            panels.legend(canvas, grid)

    size = panels.size_of(len(surfaces), study, more_height=1.6)
    return drawn(Figure(name, title, caption, "", tuple(records(surfaces))), size, draw)


def scale(values: NDArray[np.float64]) -> tuple[float, float, list[float]]:
    """Return lowest and highest colour and round levels, from the least value to beyond a quantile."""
    low, high = float(values.min()), float(np.quantile(values, CLIPPED))
    rounded = MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10])
    levels = [float(level) for level in rounded.tick_values(low, max(high, low + 1e-6))]
    return levels[0], levels[-1], levels


def mark(panel: Axes, surface: Row) -> None:
    """Mark the network in the middle of a random plane, or all that was projected to the plane of two."""
    look: dict[str, Any] = {"color": "#FFFFFF", "markeredgecolor": BLACK, "linestyle": "none"}
    if not surface.marks:
        panel.plot([0], [0], "o", **look)
        return
    kinds = {"theta_0": ("s", "θ₀"), "theta": ("D", "θᵢ"), "network": ("o", "trained network"),
             "mean": ("X", "mean of both")}  # fmt: skip
    for kind, (marker, label) in kinds.items():
        at = [m for m in surface.marks if kind_of(m.name) == kind]
        if at:
            size = 3.5 if kind == "theta" else 6
            places = [m.x for m in at], [m.y for m in at]
            panel.plot(*places, marker, label=label, markersize=size, **look)
    panel.set(xlim=(surface.x[0], surface.x[-1]), ylim=(surface.y[0], surface.y[-1]))


def kind_of(name: str) -> str:
    """Return the kind of a mark: theta_0, theta, network or mean."""
    first = name.split(",", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    return "theta" if first.startswith("theta") and first != "theta_0" else first


def records(surfaces: Sequence[Row]) -> Iterator[Record]:
    """List every point of every grid, as csv has it."""
    for surface in surfaces:
        for i, y in enumerate(surface.y):
            for j, x in enumerate(surface.x):
                yield {
                    "task": surface.task,
                    "seed": surface.seed,
                    "other": surface.other,
                    "round": surface.round,
                    "x": float(x),
                    "y": float(y),
                    "loss": float(surface.loss[i, j]),
                    "error": float(surface.error[i, j]),
                }
