"""Figures of masks at initialisation: scores, what neurons pass on, and scores by size of matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Figure,
)
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.at_initialisation.collapse import MatrixRow, NeuronRow
from stages.tickets.report.sections.at_initialisation.compared import KIND, SCORES, dense_of
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

TICKET, RANDOM = names.NAMES["imp"], f"{names.NAMES['random']} (control)"
SCORES_TITLE = "Score against compression of masks made before any training, one panel per task"
NEURONS_TITLE = "Scores out of the neurons of MLPs against scores into them, one panel per mask"
SIZES_TITLE = "Mean score of a matrix against its number of weights, one panel per mask"
COLOURS = (VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
FORMATS = ("s--", "^-.", "D:", "P--", "X-.", "v:")
FAINT = 1e-3
"""Share of the greatest score below which a neuron is not shown."""
MARKS = ("o", "s", "^", "D", "v", "P", "X")


def scores_figure(compared: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw score against compression, a line per mask and those of tickets and random masks."""
    caption = (
        "Validation score by the number of weights for each that is kept, on a logarithmic axis, beside "
        "IMP tickets, random masks of their sizes, and the dense model from the same start. Bars: "
        f"{names.interval_name(study)}; without a bar, one seed."
    )
    masks = list(dict.fromkeys(row.mask for row in compared))
    looks = {"dense": (BLACK, "-"), TICKET: (BLUE, "o-"), RANDOM: (GREY, "x:")}
    looks |= {
        mask: (COLOURS[i % len(COLOURS)], FORMATS[i % len(FORMATS)]) for i, mask in enumerate(masks)
    }
    points: list[panels.Point] = []
    for (task, start), own in grouped(compared, lambda row: (row.task, row.start)).items():
        title = f"{names.task_name(task, results.scores)}, {start}"
        points.append((title, "dense", 0.0, results.summary(dense_of(task, start))))
        points += [
            (title, label, 1 / (1 - sparsity), results.summary(Run(task, kind, number)))
            for label, kind in ((TICKET, "imp"), (RANDOM, "random"))
            for number, sparsity in names.sparsities(study).items()
        ]
        points += [(title, row.mask, row.compression, row.score) for row in own]
    csv = table.records(compared, *SCORES)
    figure = Figure(KIND, SCORES_TITLE, caption, "", csv, results.not_run(KIND))
    across = "compression (weights for each that is kept)"
    return panels.curves(figure, points, looks, study, across=across, finish=by_compression)


def by_compression(panel: Axes) -> None:
    """Make the axis of compressions logarithmic, with ticks also for a few compressions below 10."""
    logarithmic(panel, "x", (1.0, 2.0, 5.0))


def logarithmic(panel: Axes, axes: str = "xy", subs: Sequence[float] = (1.0,)) -> None:
    """Make axes logarithmic, with ticks at `subs` times powers of ten, written out without formulas."""
    for axis in axes:
        getattr(panel, f"set_{axis}scale")("log")
        getattr(panel, f"{axis}axis").set_major_locator(LogLocator(subs=subs))
        getattr(panel, f"{axis}axis").set_major_formatter("{x:g}")
        getattr(panel, f"{axis}axis").set_minor_formatter("")


def neurons_figure(known: Sequence[NeuronRow], results: Results, study: Study) -> Figure:
    """Draw a point per neuron; on the diagonal, scores are conserved."""
    caption = (
        "Sums of the scores of weights into and out of single neurons of the MLPs at the start, "
        "in magnitude and as shares of the greatest of the panel. Axes are logarithmic from a "
        "thousandth on, and some 200 neurons of the first task and seed are shown. On the line, a "
        "neuron passes on what it gets, as SynFlow's do."
    )
    by_panel = grouped(known, lambda row: f"{row.mask}, {row.start}")

    def draw(panel: Axes, name: str) -> None:
        pairs = np.abs([(row.into, row.out_of) for row in by_panel[name]])
        shares = pairs / (pairs.max() or 1.0)
        panel.plot([FAINT, 1], [FAINT, 1], color=GREY, linewidth=1, linestyle=":")
        panel.plot(*shares.T, ".", color=BLUE, markersize=3)
        panel.set(xlim=(FAINT, 1.5), ylim=(FAINT, 1.5))
        logarithmic(panel)

    records = table.records(known, columns.value("start", "mask", "into", "out_of"))
    figure = Figure("neurons", NEURONS_TITLE, caption, "", records, results.not_run(KIND))
    return panels.by_name(figure, list(by_panel), ("score in", "score out"), study, draw)


def sizes_figure(known: Sequence[MatrixRow], results: Results, study: Study) -> Figure:
    """Draw the mean score at the start of every matrix against its size."""
    caption = (
        "Mean score of the weights of every matrix at the start, in magnitude and over that of "
        "all weights, against its number of weights. Values are means over tasks and seeds, and "
        "both axes are logarithmic. If all matrices had the same total score, as in a chain "
        "without residual connections, the points would lie on the dotted line."
    )
    of_mask = grouped(known, lambda row: (f"{row.mask}, {row.start}", row.matrix))
    rows = [
        Row(panel=panel, matrix=matrix, type=own[0].place[1], size=own[0].size,
            score=intervals.average(abs(row.mean_score) for row in own))
        for (panel, matrix), own in of_mask.items()
    ]  # fmt: skip
    types = list(dict.fromkeys(row.type for row in rows))
    for own in grouped(rows, lambda row: row.panel).values():
        total = sum(row.score * row.size for row in own) / sum(row.size for row in own)
        for row in own:
            row.score = row.score / total if total else 0.0
    by_panel = grouped([row for row in rows if row.score], lambda row: row.panel)

    def draw(panel: Axes, name: str) -> None:
        own = by_panel[name]
        for index, kind in enumerate(types):
            shown = [row for row in own if row.type == kind]
            look: dict[str, Any] = {"color": [*COLOURS, BLUE][index % 7], "linestyle": "none"}
            panel.plot(
                [row.size for row in shown], [row.score for row in shown],
                MARKS[index % len(MARKS)], label=words.matrix_name(kind), fillstyle="none", **look,
            )  # fmt: skip
        sizes = sorted({row.size for row in own})
        equal = sum(row.size for row in own) / len(own)
        panel.plot(sizes, [equal / size for size in sizes], color=GREY, linewidth=1, linestyle=":")
        logarithmic(panel)
        panel.set_xticks(sizes, [f"{size / 1000:.0f}" for size in sizes])
        panel.set_yticks([0.1, 0.3, 1, 3, 10])
        panel.set_xlim(sizes[0] / 1.5, sizes[-1] * 1.5)

    fields = (columns.only_csv("mask", "panel"), columns.value("matrix", "size", "score"))
    records = table.records(rows, *fields)
    figure = Figure("matrix_scores", SIZES_TITLE, caption, "", records, results.not_run(KIND))
    labels = ("thousand weights", "mean score / that of all")
    return panels.by_name(figure, list(by_panel), labels, study, draw)
