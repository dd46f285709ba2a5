"""Score against megabytes, with the Pareto front."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

from stages.tickets.report import columns, panels, table
from stages.tickets.report.figure import BLACK, Figure
from stages.tickets.report.table import Row
from stages.tickets.settings import Study

TITLE = "Score against megabytes of all forms of the trained models, one panel per task"
CAPTION = (
    "Score against megabytes of the file, on a logarithmic axis; small marks are seeds and large "
    "ones means. The line is the Pareto front, whose forms are named on the left: no form is both "
    "smaller and better. Other kinds are named at their smallest form."
)
GAP = 0.06
"""Least distance of two labels on a side, as a share of the height of a panel."""
PANEL = (5.2, 3.0)
"""Width and height of a panel in inches, enough for the labels."""
TICKS = [digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5)]
"""Megabytes that may have a tick."""
SCORE = columns.score("", "score", prefix="")


def figure(rows: Sequence[Row], study: Study, why: str) -> Figure:
    """Draw all forms of a task in a panel."""

    def draw(panel: Axes, task: str) -> None:
        own = [row for row in rows if row.task == task]
        for row in own:
            colour, marker = row.family.look
            look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": ""}
            sizes, scores = zip(*row.seeds, strict=True)
            panel.plot(sizes, [100 * score for score in scores], **look, markersize=3, alpha=0.4)
            panel.plot([row.megabytes], [100 * row.score.mean], **look, markersize=6)
        front = sorted((row.megabytes, 100 * row.score.mean) for row in own if row.front)
        panel.step(*zip(*front, strict=True), where="post", color=BLACK, linewidth=1, zorder=0)
        panel.set_xscale("log")
        smallest, largest = (end(row.megabytes for row in own) for end in (min, max))
        panel.set_xlim(0.35 * smallest, 2.6 * largest)  # room for names on both sides
        panel.set_xticks([x for x in TICKS if smallest / 2.5 < x < 2.5 * largest])
        panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        _label(panel, own)

    csv = table.records(rows, columns.value("task", "form", "megabytes", "front"), SCORE)
    tasks = list(dict.fromkeys(row.task for row in rows))
    made = Figure("sizes", TITLE, CAPTION, "", csv, why)
    wide = min(study.plot.columns, len(tasks), 2) or 1
    size = (PANEL[0] * wide, PANEL[1] * -(-len(tasks) // wide) + 0.4)
    narrow = study.model_copy(update={"plot": study.plot.model_copy(update={"columns": wide})})
    return panels.by_name(made, tasks, ("file (MB)", "score (points)"), narrow, draw, size)


def _label(panel: Axes, rows: Sequence[Row]) -> None:
    """Write names beside points: those on the front to the left, the smallest of other kinds right."""
    shown = {id(row): -1 for row in rows if row.front}
    fronted = {row.family.name for row in rows if row.front}
    for name in dict.fromkeys(row.family.name for row in rows if row.family.name not in fronted):
        kind = [row for row in rows if row.family.name == name]
        shown[id(min(kind, key=lambda row: (row.megabytes, row.score.mean)))] = 1
    low, high = panel.get_ylim()
    for side in (-1, 1):
        at = -1.0
        own = [row for row in rows if shown.get(id(row)) == side]
        for row in sorted(own, key=lambda row: row.score.mean):
            at = max((100 * row.score.mean - low) / (high - low), at + GAP)
            panel.annotate(
                row.form if row.front else row.family.name,
                (row.megabytes, low + at * (high - low)),
                (5 * side, 0),
                textcoords="offset points",
                fontsize=7.5,
                ha="right" if side < 0 else "left",
                va="center",
                color=row.family.look[0],
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )
