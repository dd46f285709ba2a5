"""Score against megabytes, with the Pareto front."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from stages.tickets.report import columns, panels, table
from stages.tickets.report.figure import GREY, Figure
from stages.tickets.report.table import Row
from stages.tickets.settings import Study

TITLE = "Score against megabytes of all forms of the trained models, one panel per task"
CAPTION = (
    "Score against megabytes of the file, on a logarithmic axis: small marks are seeds, large ones means. "
    "The line is the Pareto front: no form is both smaller and better than those on it."
)
GAP = 0.062
"""Least distance of two labels, as a share of the height of a panel."""
SIZE = 3.0
"""Height of a panel in inches, enough for a label per form."""


def figure(rows: Sequence[Row], study: Study, why: str) -> Figure:
    """Draw all forms of a task in a panel."""

    def draw(panel: Axes, task: str) -> None:
        own = [row for row in rows if row.task == task]
        for row in own:
            colour, marker = row.family.look
            look = {"color": colour, "marker": marker, "linestyle": ""}
            sizes, scores = zip(*row.seeds, strict=True)
            panel.plot(sizes, [100 * score for score in scores], **look, markersize=3, alpha=0.4)
            panel.plot([row.megabytes], [100 * row.score.mean], **look, markersize=6)
        front = sorted((row.megabytes, 100 * row.score.mean) for row in own if row.front)
        panel.step(*zip(*front, strict=True), where="post", color=GREY, linewidth=1, zorder=0)
        panel.set_xscale("log")
        panel.xaxis.set_minor_formatter(NullFormatter())
        _label(panel, own)

    csv = table.records(rows, columns.value("task", "form", "megabytes", "front"), *SCORE)
    tasks = list(dict.fromkeys(row.task for row in rows))
    made = Figure("sizes", TITLE, CAPTION, "", csv, why)
    columns_ = max(min(study.plot.columns, len(tasks)), 1)
    size = (max(3.9 * columns_, 4.4), SIZE * -(-len(tasks) // columns_) + 0.4)
    return panels.by_name(made, tasks, ("file (MB)", "score (points)"), study, draw, size)


SCORE = (columns.score("", "score", prefix=""),)


def _label(panel: Axes, rows: Sequence[Row]) -> None:
    """Write the name of each form right of the panel's points, far enough from one another."""
    low, high = panel.get_ylim()
    at = -1.0
    for row in sorted(rows, key=lambda row: row.score.mean):
        wanted = (100 * row.score.mean - low) / (high - low)
        at = max(wanted, at + GAP)
        panel.annotate(
            row.form,
            (row.megabytes, 100 * row.score.mean),
            (1.02, at),
            textcoords="axes fraction",
            fontsize=7,
            va="center",
            color=row.family.look[0],
            arrowprops={"arrowstyle": "-", "color": "#C8C8C8", "linewidth": 0.5},
        )
