"""The figures of a report as SVG text, each with the numbers it shows.

Colours are those of Okabe and Ito; lines also differ in dash and marker. Text is drawn as paths, so
that a figure looks the same everywhere; nothing in it depends on the time or the machine.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps, rc_context, rcdefaults
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Canvas

from stages.tickets import params, tables
from stages.tickets.summary import Agreement, Kept, Run, Scores, Summary
from stages.tickets.tables import Record, percent, points, short, signed

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GREY, BLACK = "#56B4E9", "#E69F00", "#767676", "#000000"
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


class Config(tables.Config, Protocol):
    """The sections of params.yaml that figures read."""

    @property
    def plot(self) -> params.Plot: ...


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


def render(name: str, title: str, size: tuple[float, float], draw: Callable[[Canvas], None]) -> str:
    """SVG of what `draw` puts on an empty canvas of `size` inches; the same bytes every time."""
    with rc_context():
        rcdefaults()  # whatever the user's matplotlibrc says
        mpl.rcParams.update(STYLE | {"svg.hashsalt": name})
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas)
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _panels(
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


def _size(count: int, config: Config, extra: float = 0.5) -> tuple[float, float]:
    columns = min(config.plot.columns, count)
    rows = -(-count // columns)
    width = max(columns * config.plot.panel_width, 3.6)
    return width, rows * config.plot.panel_height + extra


def _legend(canvas: Canvas, panels: Sequence[Axes]) -> None:
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


def _dense_band(panel: Axes, found: Summary | None) -> None:
    if found is None:
        return
    panel.axhline(100 * found.mean, color=BLACK, linewidth=1, label="dense")
    if found.low is not None and found.high is not None:
        low, high = 100 * max(found.low, -1.0), 100 * min(found.high, 1.0)
        panel.axhspan(low, high, color=BLACK, alpha=0.12, linewidth=0)


def _record(task: str, kind: str, place: dict[str, Any], found: Summary) -> Record:
    numbers = {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return {"task": task, "kind": kind, **place, **numbers}


# --- scores ----------------------------------------------------------------------------------


def scores_figure(scores: Scores, config: Config) -> Figure:
    """Score against sparsity, one panel per task."""
    grid = tables.grid(scores, config)
    confidence = config.tickets.confidence
    found = {
        (task, kind, number): one
        for task in config.tasks
        for kind, number in grid
        if (one := scores.summary(Run(task, kind, number), confidence))
    }
    sparsities = {0: 0.0, **tables.sparsities(config)}
    records = [
        _record(task, kind, {"sparsity": sparsities[number]}, one)
        for (task, kind, number), one in found.items()
    ]

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "score (points)")
        panels = _panels(canvas, config.tasks, labels, config)
        for panel, task in zip(panels, config.tasks, strict=True):
            for kind, (colour, dash) in LINES.items():
                if (task, kind, 0) in found:
                    level = 100 * found[task, kind, 0].mean
                    name = tables.NAMES[kind]
                    panel.axhline(level, color=colour, linestyle=dash, linewidth=1.4, label=name)
            _dense_band(panel, found.get((task, "dense", 0)))
            scratch = found.get((task, "scratch", 0))
            if scratch:
                panel.errorbar(
                    [0],
                    [100 * scratch.mean],
                    bars([scratch]),
                    fmt="D",
                    color=PURPLE,
                    capsize=2.5,
                    label=tables.NAMES["scratch"],
                )
            for kind, (colour, marker, dash) in CURVES.items():
                rounds = [number for number in sparsities if (task, kind, number) in found]
                curve = [found[task, kind, number] for number in rounds]
                if curve:
                    panel.errorbar(
                        [100 * sparsities[number] for number in rounds],
                        [100 * one.mean for one in curve],
                        bars(curve),
                        fmt=marker + dash,
                        color=colour,
                        capsize=2.5,
                        label=tables.NAMES[kind],
                    )
            panel.set_xlim(-4, 100)
            panel.set_title(f"{task} ({tables.metric_name(scores.metrics[task])})")
        _legend(canvas, panels)

    title = "Score against sparsity of IMP tickets and random masks, one panel per task"
    caption = (
        "Score against sparsity on the validation split; all panels share their axes. Bars and "
        f"the band of dense: {tables.interval_name(config)}, {_seeds(scores, config)}."
    )
    for kind in ("random", "scratch"):
        if not scores.has(kind):
            name = tables.NAMES[kind].capitalize()
            caption += f" {name}: {tables.why_not(kind, config)}."
    size = _size(len(config.tasks), config, 1.0)
    svg = render("scores", title, size, draw)
    return Figure("scores", title, caption, svg, tuple(records))


def _seeds(scores: Scores, config: Config) -> str:
    """n of every kind, as in n = 3 (scratch: 1)."""
    counts = {
        kind: max(len(scores.of(Run(task, kind, number))) for task in config.tasks)
        for kind, number in tables.grid(scores, config)
        if kind not in LINES
    }
    dense = counts.get("dense", 0)
    rest = [f"{tables.NAMES[kind]}: n={n}" for kind, n in counts.items() if n and n != dense]
    text = f"n={dense} seeds" if dense > 1 else "n=1, so there are none"
    return text + (f" ({'; '.join(rest)})" if rest else "")


def mean_scores(kind: str, scores: Scores, config: Config) -> tuple[Record, ...]:
    """Means over tasks by sparsity from dense on: a line that `dvc plots diff` draws.

    One kind at a time, as DVC takes an empty cell for 0.
    """
    records: list[Record] = []
    for number, sparsity in {0: 0.0, **tables.sparsities(config)}.items():
        runs = [Run(task, kind if number else "dense", number) for task in config.tasks]
        found = [scores.summary(run, config.tickets.confidence) for run in runs]
        mean = tables.average(one.mean for one in found if one)
        if mean is not None:
            records.append({"sparsity": sparsity, kind: mean})
    return tuple(records)


# --- rewinding -------------------------------------------------------------------------------


def rewinding_figure(scores: Scores, config: Config) -> Figure:
    """Score of the last ticket against the point of the dense training it starts from."""
    title = "Score of the last ticket against the rewinding point, one panel per task"
    last = config.rounds[-1]
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from the "
        "weights at a point of the dense training; validation split, all panels share their axes. "
        f"Bars and the band of dense: {tables.interval_name(config)}, n={len(config.seeds)}."
    )
    if not scores.has("rewind"):
        return Figure("rewinding", title, caption, missing=tables.why_not("rewind", config))
    confidence = config.tickets.confidence
    found = {
        (task, point): one
        for task in config.tasks
        for point in sorted(config.rewind.points)
        if (one := scores.summary(Run(task, "rewind", point), confidence))
    }
    dense = {task: scores.summary(Run(task, "dense"), confidence) for task in config.tasks}
    records = [
        _record(task, "rewind", {"point": point}, one) for (task, point), one in found.items()
    ]

    def draw(canvas: Canvas) -> None:
        labels = ("rewinding point i (% of training)", "score (points)")
        panels = _panels(canvas, config.tasks, labels, config)
        for panel, task in zip(panels, config.tasks, strict=True):
            _dense_band(panel, dense[task])
            at = [point for name, point in found if name == task]
            curve = [found[task, point] for point in at]
            panel.errorbar(
                at,
                [100 * one.mean for one in curve],
                bars(curve),
                fmt="o-",
                color=BLUE,
                capsize=2.5,
                label=f"ticket, {percent(last.sparsity)}",
            )
            panel.set_title(f"{task} ({tables.metric_name(scores.metrics[task])})")
            panel.set_xticks(sorted(config.rewind.points))
            panel.set_xmargin(0.1)
        _legend(canvas, panels)

    svg = render("rewinding", title, _size(len(config.tasks), config, 1.0), draw)
    return Figure("rewinding", title, caption, svg, tuple(records))


# --- heat maps -------------------------------------------------------------------------------

Grid = Sequence[Sequence[float | None]]


def _heat(
    panel: Axes,
    values: Grid,
    texts: Sequence[Sequence[str]],
    names: tuple[Sequence[str], Sequence[str]],
    colours: tuple[str, float, float],
) -> QuadMesh:
    """Cells as vectors with their numbers; a missing value stays white.

    Args:
        names: of the rows and of the columns.
        colours: name of the colour map, and the values at its ends.

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


def transfer_figure(scores: Scores, config: Config) -> Figure:
    """Scores of every source's mask on every target, minus the target's dense score."""
    title = "Transfer of masks from source tasks (rows) to target tasks (columns)"
    caption = tables.transfer_caption(config) + " Right margin: how many other tasks that is."
    cells = tables.transfer_cells(scores, config)
    if not cells:
        return Figure("transfer", title, caption, missing=tables.why_not("transfer", config))
    sources, targets = config.transfer.sources, config.transfer.targets
    by_place = {(cell.source, cell.target): cell for cell in cells}
    values = [
        [100 * by_place[s, t].difference if (s, t) in by_place else None for t in targets]
        for s in sources
    ]
    texts = [
        [
            signed(by_place[s, t].difference)
            + ("*" if by_place[s, t].reaches_own and s != t else "")
            if (s, t) in by_place
            else ""
            for t in targets
        ]
        for s in sources
    ]
    limit = max(abs(value) for row in values for value in row if value is not None) or 1.0

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        mesh = _heat(panel, values, texts, (sources, targets), ("RdBu", -limit, limit))
        for y, source in enumerate(sources):
            count, total = tables.reached(source, cells)
            if total:
                panel.text(len(targets) + 0.15, y + 0.5, f"{count} of {total}", va="center")
        panel.set_xlabel("target: trained on")
        panel.set_ylabel("source: mask found on")
        bar = canvas.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30)
        bar.set_label("score − dense (points)")
        bar.outline.set_visible(False)

    size = (2.2 + 0.62 * len(targets), 2.3 + 0.4 * len(sources))
    records: list[Record] = [
        {
            "pair": f"{cell.source} to {cell.target}",
            "source": cell.source,
            "target": cell.target,
            "difference": cell.difference,
            "n": cell.score.n,
        }
        for cell in cells
    ]
    svg = render("transfer", title, (max(size[0], 3.6), size[1]), draw)
    return Figure("transfer", title, caption, svg, tuple(records))


def agreement_figure(agreement: Sequence[Agreement], config: Config) -> Figure:
    """Jaccard similarity of the last masks between tasks, and between seeds on the diagonal."""
    title = "Jaccard similarity of masks between tasks"
    last = config.rounds[-1]
    here = [row for row in agreement if row.round == last.to and row.measure == "jaccard"]
    caption = (
        f"Jaccard similarity (survivors of both over survivors of either) of the masks of round "
        f"{last.to} ({percent(last.sparsity)} sparse): off the diagonal between tasks, mean over "
        f"seeds (n={len(config.seeds)}); on the diagonal between seeds of one task."
    )
    if not here:
        why = tables.why_no_agreement(config)
        return Figure("agreement", title, caption, missing=why)
    floor = tables.average(row.floor for row in here) or 0.0
    by_matrix = tables.average(row.floor_by_matrix for row in here) or 0.0
    caption += (
        f" By chance: {floor:.3f} for uniformly random masks of the same sizes, {by_matrix:.3f} "
        "for masks random within every matrix; the colours start at the first."
    )
    groups = [
        [[row for row in here if _between(row, first, second)] for second in config.tasks]
        for first in config.tasks
    ]
    values = [[tables.average(row.value for row in group) for group in line] for line in groups]
    texts = [["" if value is None else f"{value:.2f}" for value in line] for line in values]

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        mesh = _heat(panel, values, texts, (config.tasks, config.tasks), ("viridis", floor, 1.0))
        bar = canvas.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30)
        bar.set_label(f"Jaccard (chance: {floor:.2f})")
        bar.outline.set_visible(False)

    records: list[Record] = [
        {
            "pair": f"{first} and {second}" if first != second else f"{first}, seeds",
            "first": first,
            "second": second,
            "jaccard": value,
            "floor": tables.average(row.floor for row in group),
            "floor_by_matrix": tables.average(row.floor_by_matrix for row in group),
            "n": len(group),
        }
        for y, first in enumerate(config.tasks)
        for x, second in enumerate(config.tasks)
        if x >= y and (value := values[y][x]) is not None and (group := groups[y][x])
    ]
    count = len(config.tasks)
    svg = render("agreement", title, (max(1.7 + 0.6 * count, 3.6), 2.3 + 0.4 * count), draw)
    return Figure("agreement", title, caption, svg, tuple(records))


def _between(row: Agreement, first: str, second: str) -> bool:
    if first == second:
        return row.axis == "seeds" and row.first == first
    return row.axis == "tasks" and {row.first, row.second} == {first, second}


# --- layers ----------------------------------------------------------------------------------


def layers_figure(layers: Sequence[Kept], config: Config) -> Figure:
    """Sparsity of every matrix in the last round: over all tasks as a map, by task as lines."""
    title = "Sparsity of every matrix of the last ticket, by layer"
    last = config.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} drops in every matrix, per cent; "
        f"over all of them {percent(last.sparsity)}. Mean over tasks and seeds; the pooler, where "
        "there is one, is in the table."
    )
    found = [one for one in tables.densities(layers, config) if one.layer is not None]
    if not found:
        why = "not run: layers.csv has no rows of the last round"
        return Figure("layers", title, caption, missing=why)
    matrices = list(dict.fromkeys(one.matrix for one in found))
    numbers = sorted({one.layer for one in found if one.layer is not None})
    overall = {(one.layer, one.matrix): 1 - one.density.mean for one in found if not one.task}
    values = [[100 * overall[layer, matrix] for matrix in matrices] for layer in numbers]
    texts = [[points(overall[layer, matrix]) for matrix in matrices] for layer in numbers]
    flat = [value for row in values for value in row]
    limits = (min(flat), max(*flat, min(flat) + 1))

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        names = [short(matrix) for matrix in matrices]
        layers = [str(number) for number in numbers]
        mesh = _heat(panel, values, texts, (layers, names), ("viridis_r", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        bar = canvas.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30)
        bar.set_label("sparsity (%)")
        bar.outline.set_visible(False)

    size = (1.4 + 0.65 * len(matrices), 2.3 + 0.34 * len(numbers))
    return Figure(
        "layers",
        title,
        caption,
        render("layers", title, (max(size[0], 3.6), size[1]), draw),
        tuple(
            {
                "place": f"layer {one.layer}, {short(one.matrix)}",
                "layer": one.layer,
                "matrix": one.matrix,
                "sparsity": 1 - one.density.mean,
                "n": one.density.n,
            }
            for one in found
            if not one.task
        ),
    )


def layers_by_task_figure(layers: Sequence[Kept], config: Config) -> Figure:
    """Sparsity of every matrix in the last round, one panel per task, one line per matrix type."""
    title = "Sparsity of every matrix of the last ticket against the layer, one panel per task"
    last = config.rounds[-1]
    caption = (
        f"As above, by task: mean over seeds (n={len(config.seeds)}), one line per type of matrix; "
        f"the grey line is the sparsity of the whole ticket, {percent(last.sparsity)}."
    )
    found = [one for one in tables.densities(layers, config) if one.layer is not None and one.task]
    if not found:
        why = "not run: layers.csv has no rows of the last round"
        return Figure("layers_by_task", title, caption, missing=why)
    matrices = list(dict.fromkeys(one.matrix for one in found))
    numbers = sorted({one.layer for one in found if one.layer is not None})
    sparsity = {(one.task, one.layer, one.matrix): 1 - one.density.mean for one in found}

    def draw(canvas: Canvas) -> None:
        labels = ("layer (0: next to the input)", "sparsity (%)")
        panels = _panels(canvas, config.tasks, labels, config)
        for panel, task in zip(panels, config.tasks, strict=True):
            panel.axhline(100 * last.sparsity, color=GREY, linewidth=3, alpha=0.4)
            for index, matrix in enumerate(matrices):
                colour, marker, dash = MATRICES[index % len(MATRICES)]
                here = [number for number in numbers if (task, number, matrix) in sparsity]
                panel.plot(
                    here,
                    [100 * sparsity[task, number, matrix] for number in here],
                    marker + dash,
                    color=colour,
                    label=short(matrix),
                )
            panel.set_xticks(numbers[:: 1 if len(numbers) <= 8 else 2])
        _legend(canvas, panels)

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
    svg = render("layers_by_task", title, _size(len(config.tasks), config, 1.0), draw)
    return Figure("layers_by_task", title, caption, svg, tuple(records))
