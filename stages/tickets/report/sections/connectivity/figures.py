"""Figures of lines: barriers and scores against the start, errors along lines, barriers between seeds."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, panels, table, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Figure,
    drawn,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.sections.connectivity.lines import Line
from stages.tickets.report.sections.connectivity.measured import POINTS
from stages.tickets.report.table import Record
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

MAIN = (
    "Barrier of the error, and score minus dense, against the point at which copies start, by task"
)
OF_MAIN = (
    "Above: the largest rise of the error over the straight line between two copies that take the "
    "steps that were left in another order and with other dropout. Frankle et al. 2020 call a "
    "network stable if it lies under the dotted line. Below: the mean score of both copies minus "
    "dense, and dotted the margin down to which a network matches."
)
PATHS = "Error along the line between two networks, one panel per task and network"
OF_PATHS = (
    "Error on validation along the line, from the earliest start that ran. Thin lines are pairs "
    "of a task, the thick line is their mean, and the dotted line is the chord of the mean. "
    "Colours say in what the copies differ; stored networks are of two seeds or of two rounds of "
    "a seed."
)
SEEDS = "Barriers of the error between dense networks of different seeds, one map per task"
OF_SEEDS = (
    "The largest rise of the error above the straight line between the dense networks of two seeds, "
    "which differ in classifier, order of examples and dropout."
)
BESIDE_HANS = (
    " To the right: accuracy of the seed on examples of HANS whose heuristic misleads, mean over "
    "subcases."
)
LOOKS = {
    "dense": (BLACK, "o-"), "ticket": (BLUE, "s-"), "random": (ORANGE, "^--"),
    "one-shot": (GREEN, "v--"), "reinitialised": (PURPLE, "D--"), "scratch": (VERMILION, "x--"),
}  # fmt: skip
NOISE = {
    "order": BLUE, "order-only": SKY, "dropout-only": GREEN, "head": VERMILION, "all": PURPLE,
    "stored": BLACK,
    "stored-intersection": GREEN,
    "files": PURPLE,
}  # fmt: skip
"""Colours by what the copies differ in."""
NO_ORDER = "not run: connectivity.starts has no arm 'order' with steps 'rest'"
NO_SEEDS = "not run: between.of has no pair of 'seeds'"
PLACE = ("task", "net", "round", "point")


def main(lines: Sequence[Line], results: Results, study: Study, why: str) -> Figure:
    """Draw barriers against the start, and under each task's panel scores minus dense."""
    shown = [line for line in at_last_round(lines) if line.is_order]
    tasks = list(dict.fromkeys(line.task for line in shown))
    csv = table.records(
        shown, columns.value(*PLACE), columns.spread_of("chord"), columns.spread_of("gain", "gain_")
    )
    figure = Figure("connectivity", MAIN, OF_MAIN, "", csv, why or NO_ORDER)
    threshold = study.connectivity.threshold

    def draw(canvas: Canvas) -> None:
        across = min(study.plot.columns, len(tasks))
        depth = -(-len(tasks) // across)
        grid = canvas.subplots(2 * depth, across, sharex=True, sharey="row", squeeze=False)
        for number in range(depth * across):
            row, column = divmod(number, across)
            above, below = grid[2 * row][column], grid[2 * row + 1][column]
            if number >= len(tasks):
                above.set_axis_off()
                below.set_axis_off()
                continue
            task = tasks[number]
            own = [line for line in shown if line.task == task]
            against_start(above, [(line, line.chord) for line in own])
            against_start(below, [(line, line.gain) for line in own if line.net != "dense"])
            above.axhline(threshold, color=BLACK, linestyle=":", linewidth=1)
            below.axhline(
                -POINTS * shared.margin(task, results), color=BLACK, linestyle=":", linewidth=1
            )
            above.set_title(task)
            below.set_xlabel("start (% of the dense training)")
            below.set_xticks(sorted({line.point or 0 for line in own}))
            below.tick_params(labelbottom=True)
            if column == 0:
                above.set_ylabel("barrier\n(points of error)")
                below.set_ylabel("minus dense\n(points)")
        panels.legend(canvas, grid.flat)

    width, height = panels.size_of(len(tasks), study)
    return drawn(figure, (width, 2 * height - 1.0), draw)


def against_start(panel: Axes, heights: Sequence[tuple[Line, Summary | None]]) -> None:
    """Draw a curve per network against the start of its copies; what is at chance is left out."""
    for net, (colour, fmt) in LOOKS.items():
        known = sorted(
            (line.point or 0, height) for line, height in heights if line.net == net and height
        )
        if known:
            places, scores = zip(*known, strict=True)
            means = [POINTS * score.mean for score in scores]
            look: dict[str, Any] = {"color": colour, "label": net, "capsize": 2.0}
            panel.errorbar(places, means, panels.bars(scores), fmt=fmt, **look)


def at_last_round(lines: Sequence[Line]) -> list[Line]:
    """Keep of every network the lines of its last round."""
    last = {
        line.net: max(other.round for other in lines if other.net == line.net) for line in lines
    }
    return [line for line in lines if line.round == last[line.net]]


def paths(lines: Sequence[Line], study: Study, why: str) -> Figure:
    """Draw the error along lines, a panel per task and network, a colour per noise."""
    shown = on_paths(lines)
    titles: dict[str, list[Line]] = {}
    for line in shown:
        start = f", from {line.point}\N{NO-BREAK SPACE}%" if line.point else ""
        titles.setdefault(f"{line.task}, {line.name}{start}", []).append(line)

    def draw(panel: Axes, title: str) -> None:
        for line in titles[title]:
            curves = [pair.curves[line.kind] for pair in line.pairs]
            mean = np.mean(curves, axis=0)
            alphas = np.linspace(0, 1, len(mean))
            colour = NOISE[line.arm]
            for curve in curves:
                panel.plot(alphas, curve, color=colour, linewidth=0.7, alpha=0.5)
            panel.plot(alphas, mean, color=colour, linewidth=2.2, label=line.arm)
            panel.plot([0, 1], [mean[0], mean[-1]], ":", color=colour, linewidth=1)

    labels = ("place on the line", "error (points)")
    figure = Figure("connectivity_paths", PATHS, OF_PATHS, "", tuple(along(shown)), why)
    return panels.by_name(figure, list(titles), labels, study, draw)


def on_paths(lines: Sequence[Line]) -> list[Line]:
    """Keep of every task and network the last round, and of that the earliest start that ran."""
    last = [line for line in at_last_round(lines) if line.steps != "all"]
    starts = grouped(last, lambda line: (line.task, line.net))
    first = {key: min(line.point or 0 for line in own) for key, own in starts.items()}
    return [line for line in last if (line.point or 0) == first[line.task, line.net]]


def along(lines: Sequence[Line]) -> Iterator[Record]:
    """List the error at every point of the lines of all pairs, in points."""
    for line in lines:
        for pair in line.pairs:
            curve = pair.curves[line.kind]
            for alpha, error in zip(np.linspace(0, 1, len(curve)), curve, strict=True):
                yield {
                    "task": line.task, "net": line.net, "round": line.round, "point": line.point,
                    "arm": line.arm, "seeds": pair.seeds, "alpha": float(alpha), "error": float(error),
                }  # fmt: skip


def seeds(lines: Sequence[Line], results: Results, study: Study, why: str) -> Figure:
    """Draw the barriers between dense networks of two seeds as a map per task."""
    barriers = {
        line.task: {pair.seeds: pair.barrier("chord", line.kind) for pair in line.pairs}
        for line in lines
        if (line.arm, line.net) == ("stored", "dense") and line.pairs
    }
    csv: list[Record] = []
    for task, heights in barriers.items():
        for pair, height in heights.items():
            first, second = map(int, pair.split())
            csv.append({"task": task, "seed": first, "other": second, "barrier": height})
    highest = max((height for of in barriers.values() for height in of.values()), default=0.0)
    top = max(POINTS * highest, study.connectivity.threshold)
    drawn_maps = [heat_map(task, heights, top, results) for task, heights in barriers.items()]
    caption = OF_SEEDS + (BESIDE_HANS if any(cells.margin for cells in drawn_maps) else "")
    rows = [len(cells.values) for cells in drawn_maps]
    size = (max(2.8 + 0.6 * max(rows, default=0), 4.2), sum(2.0 + 0.4 * number for number in rows))
    figure = Figure("connectivity_seeds", SEEDS, caption, "", tuple(csv), why or NO_SEEDS)
    return panels.maps(figure, size, *drawn_maps)


def heat_map(task: str, heights: Mapping[str, float], top: float, results: Results) -> panels.Map:
    """Make the map of the barriers of a task.

    Args:
        heights: barriers as fractions of 1, by two seeds with a blank between them.
        top: barrier in points at the end of the colours.
    """
    own = sorted({int(seed) for pair in heights for seed in pair.split()})
    known = {frozenset(map(int, pair.split())): POINTS * at for pair, at in heights.items()}
    values = [[known.get(frozenset((row, column))) for column in own] for row in own]
    texts = [["" if value is None else f"{value:.1f}" for value in row] for row in values]
    scores = [on_hans(task, seed, results) for seed in own]
    margin = [f"HANS {words.percent(score)}" for score in scores if score is not None]
    labels = [str(seed) for seed in own]
    return panels.Map(
        values, texts, (labels, labels), ("viridis", 0.0, top), "barrier (points of error)",
        ("seed", "seed"), task, margin,
    )  # fmt: skip


def on_hans(task: str, seed: int, results: Results) -> float | None:
    """Average the accuracy of a dense network on what its heuristics get wrong; None without HANS."""
    rows = [
        row.accuracy
        for row in results.hans
        if (row.task, row.kind, row.seed, row.entailed) == (task, "dense", seed, False)
    ]
    return fmean(rows) if rows else None
