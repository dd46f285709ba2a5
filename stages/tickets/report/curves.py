"""The figures with one panel per task: scores, rewinding, layers by task; and means over tasks."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import findings, panels
from stages.tickets.report import names as runs
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Config,
    Figure,
    render,
)
from stages.tickets.report.rows import Kept
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record
from stages.tickets.report.words import matrix_name, percent
from stages.tickets.statistics.intervals import Summary

CURVES = {"imp": (BLUE, "o", "-"), "random": (VERMILION, "s", "--")}
LINES = {"majority": (GREY, ":"), "bag_of_words": (GREEN, "-.")}
MATRICES = (
    (BLUE, "o", "-"),
    (VERMILION, "s", "--"),
    (GREEN, "^", "-."),
    (PURPLE, "D", ":"),
    (BLACK, "v", "-"),
    (ORANGE, "P", "--"),
    (SKY, "X", "-."),
)


def scores_figure(scores: Scores, config: Config) -> Figure:
    """Score against sparsity, one panel per task."""
    grid = runs.grid(scores, config)
    confidence = config.tickets.confidence
    found = {
        (task, kind, number): one
        for task in config.tasks
        for kind, number in grid
        if (one := scores.summary(Run(task, kind, number), confidence))
    }
    sparsities = {0: 0.0, **runs.sparsities(config)}
    records = [
        _record(task, kind, {"sparsity": sparsities[number]}, one)
        for (task, kind, number), one in found.items()
    ]

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "score (points)")
        row = panels.side_by_side(canvas, config.tasks, labels, config)
        for panel, task in zip(row, config.tasks, strict=True):
            for kind, (colour, dash) in LINES.items():
                if (task, kind, 0) in found:
                    level = 100 * found[task, kind, 0].mean
                    name = runs.NAMES[kind]
                    panel.axhline(level, color=colour, linestyle=dash, linewidth=1.4, label=name)
            panels.dense_band(panel, found.get((task, "dense", 0)))
            scratch = found.get((task, "scratch", 0))
            if scratch:
                panels.curve(panel, [0], [scratch], (PURPLE, "D"), runs.NAMES["scratch"])
            for kind, (colour, marker, dash) in CURVES.items():
                rounds = [number for number in sparsities if (task, kind, number) in found]
                curve = [found[task, kind, number] for number in rounds]
                if curve:
                    at = [100 * sparsities[number] for number in rounds]
                    panels.curve(panel, at, curve, (colour, marker + dash), runs.NAMES[kind])
            panel.set_xlim(-4, 100)
            panel.set_title(runs.task_name(task, scores))
        panels.legend(canvas, row)

    title = "Score against sparsity of IMP tickets and random masks, one panel per task"
    caption = (
        "Score against sparsity on the validation split; all panels share their axes. Bars and "
        f"the band of dense: {runs.interval_name(config)}, {_seeds(scores, config)}."
    )
    caption += runs.missing_controls(scores, config)
    svg = render("scores", title, panels.size(len(config.tasks), config), draw)
    return Figure("scores", title, caption, svg, tuple(records))


def _seeds(scores: Scores, config: Config) -> str:
    """n of every kind, as in n = 3 (scratch: 1)."""
    counts = {
        kind: max(len(scores.of(Run(task, kind, number))) for task in config.tasks)
        for kind, number in runs.grid(scores, config)
        if kind not in LINES
    }
    dense = counts.get("dense", 0)
    rest = [f"{runs.NAMES[kind]}: n={n}" for kind, n in counts.items() if n and n != dense]
    text = f"n={dense} seeds" if dense > 1 else "n=1, so there are none"
    return text + (f" ({'; '.join(rest)})" if rest else "")


def mean_scores(kind: str, scores: Scores, config: Config) -> tuple[Record, ...]:
    """Means over tasks by sparsity from dense on: a line that `dvc plots diff` draws.

    One kind at a time, as DVC takes an empty cell for 0.
    """
    records: list[Record] = []
    for number, sparsity in {0: 0.0, **runs.sparsities(config)}.items():
        over = [Run(task, kind if number else "dense", number) for task in config.tasks]
        found = [scores.summary(run, config.tickets.confidence) for run in over]
        mean = findings.average(one.mean for one in found if one)
        if mean is not None:
            records.append({"sparsity": sparsity, kind: mean})
    return tuple(records)


def rewinding_figure(scores: Scores, config: Config) -> Figure:
    """Score of the last ticket against the point of the dense training it starts from."""
    title = "Score of the last ticket against the rewinding point, one panel per task"
    last = config.rounds[-1]
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from the "
        f"weights at a point of the {config.rewind.source} training; validation split, all panels "
        "share their axes. "
        f"Bars (n={len(config.rewind.seeds)}) and the band of dense (n={len(config.seeds)}): "
        f"{runs.interval_name(config)}."
    )
    if not scores.has("rewind"):
        return Figure("rewinding", title, caption, missing=runs.why_not("rewind", config))
    confidence, tasks = config.tickets.confidence, config.rewind.tasks
    points = sorted(runs.rewinding_points(config))
    found = {
        (task, point): one
        for task in tasks
        for point in points
        if (one := scores.summary(Run(task, "rewind", point), confidence))
    }
    dense = {task: scores.summary(Run(task, "dense"), confidence) for task in tasks}
    records = [
        _record(task, "rewind", {"point": point}, one) for (task, point), one in found.items()
    ]

    def draw(canvas: Canvas) -> None:
        labels = ("rewinding point i (% of training)", "score (points)")
        row = panels.side_by_side(canvas, tasks, labels, config)
        for panel, task in zip(row, tasks, strict=True):
            panels.dense_band(panel, dense[task])
            at = [point for name, point in found if name == task]
            curve = [found[task, point] for point in at]
            panels.curve(panel, at, curve, (BLUE, "o-"), f"ticket, {percent(last.sparsity)}")
            panel.set_title(runs.task_name(task, scores))
            panel.set_xticks(points)
            panel.set_xmargin(0.1)
        panels.legend(canvas, row)

    svg = render("rewinding", title, panels.size(len(tasks), config), draw)
    return Figure("rewinding", title, caption, svg, tuple(records))


def layers_by_task_figure(layers: Sequence[Kept], config: Config) -> Figure:
    """Sparsity of every matrix in the last round, one panel per task, one line per matrix type."""
    title = "Sparsity of every matrix of the last ticket against the layer, one panel per task"
    last = config.rounds[-1]
    caption = (
        f"As above, by task: mean over seeds (n={len(config.seeds)}), one line per type of matrix; "
        f"the grey line is the sparsity of the whole ticket, {percent(last.sparsity)}."
    )
    found = [
        one for one in findings.densities(layers, config) if one.layer is not None and one.task
    ]
    if not found:
        return Figure("layers_by_task", title, caption, missing=runs.NO_LAYERS)
    matrices = list(dict.fromkeys(one.matrix for one in found))
    numbers = sorted({one.layer for one in found if one.layer is not None})
    sparsity = {(one.task, one.layer, one.matrix): 1 - one.density.mean for one in found}

    def draw(canvas: Canvas) -> None:
        labels = ("layer (0: next to the input)", "sparsity (%)")
        row = panels.side_by_side(canvas, config.tasks, labels, config)
        for panel, task in zip(row, config.tasks, strict=True):
            panel.axhline(100 * last.sparsity, color=GREY, linewidth=3, alpha=0.4)
            for index, matrix in enumerate(matrices):
                colour, marker, dash = MATRICES[index % len(MATRICES)]
                here = [number for number in numbers if (task, number, matrix) in sparsity]
                panel.plot(
                    here,
                    [100 * sparsity[task, number, matrix] for number in here],
                    marker + dash,
                    color=colour,
                    label=matrix_name(matrix),
                )
            panel.set_xticks(numbers[:: 1 if len(numbers) <= 8 else 2])
        panels.legend(canvas, row)

    records: list[Record] = [
        {
            "task": one.task,
            "layer": one.layer,
            "matrix": one.matrix,
            "sparsity": 1 - one.density.mean,
            "n": one.density.n,
        }
        for one in found
    ]
    svg = render("layers_by_task", title, panels.size(len(config.tasks), config), draw)
    return Figure("layers_by_task", title, caption, svg, tuple(records))


def _record(task: str, kind: str, place: dict[str, Any], found: Summary) -> Record:
    numbers = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return {"task": task, "kind": kind, **place, **numbers}
