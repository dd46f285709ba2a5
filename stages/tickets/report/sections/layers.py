"""Where are the weights dropped: what the last masks keep of every matrix."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
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
    render,
)
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, records, spread, table
from stages.tickets.report.words import NONE, NOT_RUN, matrix_name, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

ALL = "all tasks"
LOOKS = (
    (BLUE, "o-"), (VERMILION, "s--"), (GREEN, "^-."), (PURPLE, "D:"), (BLACK, "v-"), (ORANGE, "P--"),
    (SKY, "X-."),
)  # fmt: skip


@dataclass(frozen=True)
class Density:
    """Share of a matrix's weights that the last mask keeps, over seeds or over tasks and seeds."""

    task: str
    layer: int | None
    """None for the pooler."""
    matrix: str
    size: int
    kept: Summary

    @property
    def dropped(self) -> float:
        """Sparsity of the matrix."""
        return 1 - self.kept.mean


def section(results: Results, study: Study) -> Section:
    """Which layers and types of matrices lose most."""
    last = [row for row in results.layers if row.round == study.rounds[-1].to]
    rows = densities(last, study)
    return Section(
        "layers",
        "Where are the weights dropped?",
        "Which layers and which types of matrices lose most?",
        "Chen et al. 2020 count this in their code; no published table is known to us.",
        answer(rows, study),
        stages=("stability",),
        figures=(layers_figure(rows, study), layers_by_task_figure(rows, study)),
        tables=(layers_table(rows, study), types_table(last, study)),
    )


def densities(last: Sequence[Kept], study: Study) -> list[Density]:
    """Of every matrix in the last round: over all tasks, then by task."""
    groups: dict[tuple[str, int | None, str], list[Kept]] = {}
    for task in (ALL, *study.tasks):
        for row in last:
            if task in (ALL, row.task):
                groups.setdefault((task, row.layer, row.matrix), []).append(row)
    confidence = study.tickets.confidence
    return [
        Density(
            *place,
            rows[0].size,
            intervals.summarize([row.kept / row.size for row in rows], confidence),
        )
        for place, rows in groups.items()
    ]


def answer(rows: Sequence[Density], study: Study) -> str:
    """The matrices that keep most and least."""
    overall = [row for row in rows if row.task == ALL]
    if not overall:
        return words.sentence(names.NO_LAYERS)
    ends = []
    for row in (pick(overall, key=lambda row: row.kept.mean) for pick in (max, min)):
        place = "" if row.layer is None else f", layer {row.layer}"
        ends.append(f"{points(row.dropped)} % ({matrix_name(row.matrix)}{place})")
    return (
        f"At {percent(study.rounds[-1].sparsity)} over all, sparsity goes from {ends[0]} to {ends[1]}; "
        "mean over tasks and seeds, layers counted from 0."
    )


def layers_table(rows: Sequence[Density], study: Study) -> Table:
    """What the last mask keeps of every matrix."""
    last = study.rounds[-1]
    overall = {(row.layer, row.matrix): row for row in rows if row.task == ALL}
    num_masks = max((row.kept.n for row in overall.values()), default=0)
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every matrix, per "
        f"cent: mean over tasks and seeds (n={num_masks} masks). Over all matrices "
        f"{percent(1 - last.sparsity)} are kept. By task: the csv file."
    )
    matrices, layers = _axes(rows)
    lines: list[Sequence[str]] = []
    for layer in layers:
        own = [overall[layer, matrix] for matrix in matrices]
        kept = sum(row.size * row.kept.mean for row in own) / sum(row.size for row in own)
        lines.append((f"layer {layer}", *(points(row.kept.mean) for row in own), points(kept)))
    for row in overall.values():
        if row.layer is None:
            nothing = (NONE,) * len(matrices)
            lines.append((matrix_name(row.matrix), *nothing, points(row.kept.mean)))
    long: Sequence[Column[Density]] = (
        *(columns.value(name) for name in ("task", "layer", "matrix", "size")),
        Column("", csv=spread(lambda row: row.kept)),
    )
    shown = columns.of_cells(("matrices of", *map(matrix_name, matrices), "all"))
    return table("layers", caption, lines, shown, names.NO_LAYERS, records(rows, long))


def types_table(last: Sequence[Kept], study: Study) -> Table:
    """What the last mask keeps of every type of matrix, over all layers, by task."""
    end = study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {end.to} keeps in every type of matrix, over "
        f"all layers, per cent: mean over seeds (n={len(study.seeds)}). Over all matrices "
        f"{percent(1 - end.sparsity)} are kept."
    )
    matrices = list(dict.fromkeys(row.matrix for row in last))
    kept = {
        (task, matrix): _over_layers(
            [row for row in last if (row.task, row.matrix) == (task, matrix)], study
        )
        for task in study.tasks
        for matrix in matrices
    }

    def of(matrix: str) -> Column[str]:
        def cell(task: str) -> str:
            summary = kept[task, matrix]
            return points(summary.mean) if summary else NOT_RUN

        return Column(matrix_name(matrix), cell)

    shown: list[Column[str]] = [columns.text("task", str), *map(of, matrices)]
    long: list[Record] = [
        {"task": task, "matrix": matrix, **numbers(summary)}
        for (task, matrix), summary in kept.items()
    ]
    tasks = study.tasks if last else ()
    return table("types", caption, tasks, shown, names.NO_LAYERS, long)


def _over_layers(rows: Sequence[Kept], study: Study) -> Summary | None:
    """The share over all layers, by seed."""
    shares = [
        sum(row.kept for row in own) / sum(row.size for row in own)
        for seed in study.seeds
        if (own := [row for row in rows if row.seed == seed])
    ]
    return intervals.summarize(shares, study.tickets.confidence) if shares else None


def _axes(rows: Iterable[Density]) -> tuple[list[str], list[int]]:
    """Matrices and layers, without the pooler, in order."""
    in_layers = [row for row in rows if row.layer is not None]
    matrices = list(dict.fromkeys(row.matrix for row in in_layers))
    return matrices, sorted({row.layer for row in in_layers if row.layer is not None})


def layers_figure(rows: Sequence[Density], study: Study) -> Figure:
    """Sparsity of every matrix in the last round over all tasks, as a map."""
    title = "Sparsity of every matrix of the last ticket, by layer"
    last = study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} drops in every matrix, per cent; "
        f"over all of them {percent(last.sparsity)}. Mean over tasks and seeds; the pooler, if there is "
        "one, is in the table."
    )
    shown = [row for row in rows if row.task == ALL and row.layer is not None]
    if not shown:
        return Figure("layers", title, caption, missing=names.NO_LAYERS)
    matrices, layers = _axes(shown)
    dropped = {(row.layer, row.matrix): row.dropped for row in shown}
    values = [[100 * dropped[layer, matrix] for matrix in matrices] for layer in layers]
    flat = [value for line in values for value in line]
    limits = (min(flat), max(*flat, min(flat) + 1))

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        texts = [[points(dropped[layer, matrix]) for matrix in matrices] for layer in layers]
        labels = ([str(layer) for layer in layers], [matrix_name(matrix) for matrix in matrices])
        mesh = panels.heat(panel, values, texts, labels, ("viridis_r", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        panels.colour_bar(canvas, panel, mesh, "sparsity (%)")

    places: list[Record] = [
        {
            "place": f"layer {row.layer}, {matrix_name(row.matrix)}", "layer": row.layer,
            "matrix": row.matrix, "sparsity": row.dropped, "n": row.kept.n,
        }
        for row in shown
    ]  # fmt: skip
    size = (max(1.4 + 0.65 * len(matrices), 3.6), 2.3 + 0.34 * len(layers))
    return Figure("layers", title, caption, render("layers", title, size, draw), tuple(places))


def layers_by_task_figure(rows: Sequence[Density], study: Study) -> Figure:
    """Sparsity of every matrix in the last round, one panel per task, one line per matrix type."""
    title = "Sparsity of every matrix of the last ticket against the layer, one panel per task"
    caption = (
        f"As above, by task: mean over seeds (n={len(study.seeds)}), one line per type of matrix; "
        f"the grey line is the sparsity of all of the ticket, {percent(study.rounds[-1].sparsity)}."
    )
    by_task = [row for row in rows if row.task != ALL and row.layer is not None]
    matrices, layers = _axes(by_task)
    if not by_task:
        return Figure("layers_by_task", title, caption, missing=names.NO_LAYERS)

    def draw(canvas: Canvas) -> None:
        labels = ("layer (0: next to the input)", "sparsity (%)")
        grid = panels.side_by_side(canvas, study.tasks, labels, study)
        for panel, task in zip(grid, study.tasks, strict=True):
            panel.axhline(100 * study.rounds[-1].sparsity, color=GREY, linewidth=3, alpha=0.4)
            for index, matrix in enumerate(matrices):
                colour, look = LOOKS[index % len(LOOKS)]
                own = [row for row in by_task if (row.task, row.matrix) == (task, matrix)]
                own.sort(key=lambda row: row.layer or 0)
                at, dropped = [row.layer or 0 for row in own], [100 * row.dropped for row in own]
                panel.plot(at, dropped, look, color=colour, label=matrix_name(matrix))
            panel.set_xticks(layers[:: 1 if len(layers) <= 8 else 2])
        panels.legend(canvas, grid)

    shown: list[Record] = [
        {
            "task": row.task, "layer": row.layer, "matrix": row.matrix, "sparsity": row.dropped,
            "n": row.kept.n,
        }
        for row in by_task
    ]  # fmt: skip
    svg = render("layers_by_task", title, panels.size(len(study.tasks), study), draw)
    return Figure("layers_by_task", title, caption, svg, tuple(shown))
