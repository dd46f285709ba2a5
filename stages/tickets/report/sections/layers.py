"""Where are the weights dropped: what the last masks keep of every matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from stages.tickets.report import columns, figure, names, panels, words
from stages.tickets.report.figure import GREY, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Table, numbers, table
from stages.tickets.report.words import NONE, NOT_RUN, matrix_name, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

ALL = "all tasks"
LOOKS = (
    (figure.BLUE, "o-"), (figure.VERMILION, "s--"), (figure.GREEN, "^-."), (figure.PURPLE, "D:"),
    (figure.BLACK, "v-"), (figure.ORANGE, "P--"), (figure.SKY, "X-."),
)  # fmt: skip
SIDE = "layer (0: next to the input)"


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
    def sparsity(self) -> float:
        """Share of the weights that are dropped."""
        return 1 - self.kept.mean

    @property
    def place(self) -> str:
        """Layer and type of the matrix."""
        in_layer = "" if self.layer is None else f"layer {self.layer}, "
        return in_layer + matrix_name(self.matrix)


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
    """Densities of every matrix in the last round: over all tasks, then by task."""
    rows = []
    for task in (ALL, *study.tasks):
        own = [row for row in last if task in (ALL, row.task)]
        for (layer, matrix), masks in grouped(own, lambda row: (row.layer, row.matrix)).items():
            shares = [row.kept / row.size for row in masks]
            kept = intervals.summarize(shares, study.tickets.confidence)
            rows.append(Density(task, layer, matrix, masks[0].size, kept))
    return rows


def answer(rows: Sequence[Density], study: Study) -> str:
    """The matrices that keep most and least."""
    overall = sorted((row for row in rows if row.task == ALL), key=lambda row: row.sparsity)
    if not overall:
        return words.sentence(names.NO_LAYERS)
    least, most = (f"{points(row.sparsity)} % ({row.place})" for row in (overall[0], overall[-1]))
    return (
        f"At {percent(study.rounds[-1].sparsity)} over all, sparsity goes from {least} to {most}; "
        "mean over tasks and seeds, layers counted from 0."
    )


def layers_table(rows: Sequence[Density], study: Study) -> Table:
    """What the last mask keeps of every matrix."""
    last = study.rounds[-1]
    overall = [row for row in rows if row.task == ALL]
    num_masks = max((row.kept.n for row in overall), default=0)
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every matrix, per "
        f"cent: mean over tasks and seeds (n={num_masks} masks). Over all matrices "
        f"{percent(1 - last.sparsity)} are kept. By task: the csv file."
    )
    layers, matrices, grid = _grid(overall)
    lines: list[Sequence[str]] = []
    for layer, own in zip(layers, grid, strict=True):
        kept = sum(row.size * row.kept.mean for row in own) / sum(row.size for row in own)
        lines.append((f"layer {layer}", *(points(row.kept.mean) for row in own), points(kept)))
    lines += [
        (row.place, *(NONE,) * len(matrices), points(row.kept.mean))
        for row in overall
        if row.layer is None
    ]
    shown = columns.of_cells(("matrices of", *map(matrix_name, matrices), "all"))
    csv = columns.records(
        rows, columns.value("task", "layer", "matrix", "size"), columns.spread_of("kept")
    )
    return table("layers", caption, lines, shown, names.NO_LAYERS, csv)


def types_table(last: Sequence[Kept], study: Study) -> Table:
    """What the last mask keeps of every type of matrix, over all layers, by task."""
    end = study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {end.to} keeps in every type of matrix, over "
        f"all layers, per cent: mean over seeds (n={len(study.seeds)}). Over all matrices "
        f"{percent(1 - end.sparsity)} are kept."
    )
    matrices = list(dict.fromkeys(row.matrix for row in last))
    by_type = grouped(last, lambda row: (row.task, row.matrix))
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    for task in study.tasks if last else ():
        kept = {matrix: _over_layers(by_type.get((task, matrix), []), study) for matrix in matrices}
        lines.append((task, *(points(row.mean) if row else NOT_RUN for row in kept.values())))
        long += [{"task": task, "matrix": name, **numbers(row)} for name, row in kept.items()]
    shown = columns.of_cells(("task", *map(matrix_name, matrices)))
    return table("types", caption, lines, shown, names.NO_LAYERS, long)


def _over_layers(rows: Sequence[Kept], study: Study) -> Summary | None:
    """The share over all layers, by seed."""
    shares = [
        sum(row.kept for row in own) / sum(row.size for row in own)
        for own in grouped(rows, lambda row: row.seed).values()
    ]
    return intervals.summarize(shares, study.tickets.confidence) if shares else None


def _grid(rows: Sequence[Density]) -> tuple[list[int], list[str], list[list[Density]]]:
    """Layers, types of matrices, and their rows by layer, without the pooler."""
    by_place = {(row.layer, row.matrix): row for row in rows if row.layer is not None}
    layers = sorted({layer for layer, _ in by_place})
    matrices = list(dict.fromkeys(matrix for _, matrix in by_place))
    return layers, matrices, [[by_place[layer, matrix] for matrix in matrices] for layer in layers]


def layers_figure(rows: Sequence[Density], study: Study) -> Figure:
    """Sparsity of every matrix in the last round over all tasks, as a map."""
    title, last = "Sparsity of every matrix of the last ticket, by layer", study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} drops in every matrix, per cent; "
        f"over all of them {percent(last.sparsity)}. Mean over tasks and seeds; the pooler, if there is "
        "one, is in the table."
    )
    shown = [row for row in rows if row.task == ALL and row.layer is not None]
    if not shown:
        return Figure("layers", title, caption, missing=names.NO_LAYERS)
    layers, matrices, grid = _grid(shown)
    values = [[100 * row.sparsity for row in line] for line in grid]
    texts = [[points(row.sparsity) for row in line] for line in grid]
    low, high = (pick(map(pick, values)) for pick in (min, max))
    size = (max(1.4 + 0.65 * len(matrices), 3.6), 2.3 + 0.34 * len(layers))
    sides = (list(map(str, layers)), list(map(matrix_name, matrices)))
    colours = ("viridis_r", low, max(high, low + 1))
    drawn = panels.Map(values, texts, sides, colours, "sparsity (%)", (SIDE, ""))
    csv = columns.records(shown, columns.value("place", "layer", "matrix", "sparsity", "kept.n"))
    return Figure("layers", title, caption, panels.maps("layers", title, size, drawn), csv)


def layers_by_task_figure(rows: Sequence[Density], study: Study) -> Figure:
    """Sparsity of every matrix in the last round, one panel per task, one line per matrix type."""
    title = "Sparsity of every matrix of the last ticket against the layer, one panel per task"
    caption = (
        f"As above, by task: mean over seeds (n={len(study.seeds)}), one line per type of matrix; "
        f"the grey line is the sparsity of all of the ticket, {percent(study.rounds[-1].sparsity)}."
    )
    by_task = [row for row in rows if row.task != ALL and row.layer is not None]
    if not by_task:
        return Figure("layers_by_task", title, caption, missing=names.NO_LAYERS)

    def draw(panel: Axes, task: str) -> None:
        panel.axhline(100 * study.rounds[-1].sparsity, color=GREY, linewidth=3, alpha=0.4)
        layers, matrices, grid = _grid([row for row in by_task if row.task == task])
        for index, (matrix, own) in enumerate(zip(matrices, zip(*grid, strict=True), strict=True)):
            colour, look = LOOKS[index % len(LOOKS)]
            dropped = [100 * row.sparsity for row in own]
            panel.plot(layers, dropped, look, color=colour, label=matrix_name(matrix))
        panel.set_xticks(layers[:: 1 if len(layers) <= 8 else 2])

    labels = (SIDE, "sparsity (%)")
    svg = panels.one_each("layers_by_task", title, study.tasks, labels, study, draw)
    csv = columns.records(by_task, columns.value("task", "layer", "matrix", "sparsity", "kept.n"))
    return Figure("layers_by_task", title, caption, svg, csv)
