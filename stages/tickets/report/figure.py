"""What a figure is, and how it is drawn as SVG text.

Colours are those of Okabe and Ito; lines also differ in dash and marker. Text is drawn as paths, so
that a figure looks the same everywhere; nothing in it depends on the time or the machine.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
from matplotlib import rc_context, rcdefaults
from matplotlib.figure import Figure as Canvas

from stages.tickets.report.table import Record

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GREY, BLACK = "#56B4E9", "#E69F00", "#767676", "#000000"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "lines.markersize": 4.5,
    "lines.linewidth": 1.4,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Figure:
    """One figure and the numbers it shows, or why there is nothing to show."""

    name: str
    title: str
    """What a reader who cannot see the figure is told."""
    caption: str
    svg: str = ""
    records: tuple[Record, ...] = ()
    missing: str = ""
    of_papers: bool = False
    """Whether it shows published numbers alone, so that no stage has to run for it."""


def render(name: str, title: str, size: tuple[float, float], draw: Callable[[Canvas], None]) -> str:
    """Return the SVG of what `draw` puts on a canvas of `size` inches; the same bytes every time."""
    with rc_context():
        rcdefaults()  # whatever the user's matplotlibrc says
        mpl.rcParams.update(STYLE | {"svg.hashsalt": name})
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas)
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def drawn(figure: Figure, size: tuple[float, float], draw: Callable[[Canvas], None]) -> Figure:
    """Return the figure with its SVG; without records it stays as it is and says why."""
    if not figure.records:
        return figure
    return replace(figure, svg=render(figure.name, figure.title, size, draw), missing="")
