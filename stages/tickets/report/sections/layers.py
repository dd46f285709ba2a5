"""Where are the weights dropped: what the last masks keep of every matrix."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes

from stages.tickets.report import columns, figure, names, panels, table, words
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

ALL = "all tasks"
LOOKS = (
    (figure.BLUE, "o-"), (figure.VERMILION, "s--"), (figure.GREEN, "^-."), (figure.PURPLE, "D:"),
    (figure.BLACK, "v-"), (figure.ORANGE, "P--"), (figure.SKY, "X-."),
)  # fmt: skip
SIDE = "layer (0: next to the input)"
MAP = "Sparsity of every matrix of the last ticket, by layer"
CURVES = "Sparsity of every matrix of the last ticket against the layer, one panel per task"


def section(results: Results, study: Study) -> Section:
    """Show which layers and types of matrices lose most."""
    last = [row for row in results.layers if row.round == study.rounds[-1].to]
    rows, why = densities(last, results), shared.nothing(study.tasks, results, names.NO_LAYERS)
    return Section(
        "layers",
        "Where are the weights dropped?",
        "Which layers and which types of matrices lose most?",
        "Chen et al. 2020 count this in their code; no published table is known to us.",
        shared.naming(answer(rows, why, study), results),
        stages=("stability",),
        figures=(layers_figure(rows, why, study), layers_by_task_figure(rows, study)),
        tables=(layers_table(rows, why, study), types_table(last, results)),
    )


def densities(last: Sequence[Kept], results: Results) -> list[Row]:
    """Average the density of every matrix at last: over tasks that have learned, then by task."""
    tasks, rows = results.study.tasks, []
    for task, group in {ALL: results.usable(tasks), **{task: [task] for task in tasks}}.items():
        own = [row for row in last if row.task in group]
        for (layer, matrix), masks in grouped(own, lambda row: (row.layer, row.matrix)).items():
            kept = results.over([row.kept / row.size for row in masks])
            assert kept  # every group has a mask
            place = ("" if layer is None else f"layer {layer}, ") + words.matrix_name(matrix)
            row = Row(task=task, layer=layer, matrix=matrix, place=place, size=masks[0].size)
            row.kept, row.sparsity = kept, 1 - kept.mean
            rows.append(row)
    return rows


def answer(rows: Sequence[Row], why: str, study: Study) -> str:
    """Name the matrices that keep most and least, or say why there are none."""
    overall = sorted((row for row in rows if row.task == ALL), key=lambda row: row.sparsity)
    if not overall:
        return words.sentence(why)
    ends = (f"{words.points(row.sparsity)} % ({row.place})" for row in (overall[0], overall[-1]))
    return (
        f"At {words.percent(study.rounds[-1].sparsity)} over all, sparsity goes from "
        f"{' to '.join(ends)}; mean over tasks and seeds, layers counted from 0."
    )


def layers_table(rows: Sequence[Row], why: str, study: Study) -> Table:
    """List what the last mask keeps of every matrix."""
    last = study.rounds[-1]
    overall = [row for row in rows if row.task == ALL]
    num_masks = max((row.kept.n for row in overall), default=0)
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every matrix, per "
        f"cent: mean over tasks and seeds (n={num_masks} masks). Over all matrices "
        f"{words.percent(1 - last.sparsity)} are kept. By task: the csv file."
    )
    layers, matrices, grid = _grid(overall)
    lines: list[Sequence[str]] = []
    for layer, own in zip(layers, grid, strict=True):
        kept = sum(row.size * row.kept.mean for row in own) / sum(row.size for row in own)
        means = map(words.points, (*(row.kept.mean for row in own), kept))
        lines.append((f"layer {layer}", *means))
    nothing = (words.NONE,) * len(matrices)
    pooler = (row for row in overall if row.layer is None)
    lines += [(row.place, *nothing, words.points(row.kept.mean)) for row in pooler]
    header = ("matrices of", *map(words.matrix_name, matrices), "all")
    place = columns.value("task", "layer", "matrix", "size")
    csv = table.records(rows, place, columns.spread_of("kept"))
    return table.of_cells("layers", caption, header, lines, csv, why)


def types_table(last: Sequence[Kept], results: Results) -> Table:
    """List what the last mask keeps of every type of matrix, over all layers, by task."""
    study, end = results.study, results.study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {end.to} keeps in every type of matrix, over "
        f"all layers, per cent: mean over seeds (n={len(study.seeds)}). Over all matrices "
        f"{words.percent(1 - end.sparsity)} are kept."
    )
    matrices = list(dict.fromkeys(row.matrix for row in last))
    masks = grouped(last, lambda row: (row.task, row.matrix, row.seed))
    rows = []
    for task, matrix in product(study.tasks, matrices):
        by_seed = [own for seed in study.seeds if (own := masks.get((task, matrix, seed)))]
        shares = [sum(row.kept for row in own) / sum(row.size for row in own) for own in by_seed]
        rows.append(Row(task=task, matrix=matrix, kept=results.over(shares)))
    lines = [
        (task, *(words.points(row.kept.mean) if row.kept else words.NOT_RUN for row in own))
        for task, own in grouped(rows, lambda row: row.task).items()
    ]
    header = ("task", *map(words.matrix_name, matrices))
    csv = table.records(rows, columns.value("task", "matrix"), columns.spread_of("kept"))
    return table.of_cells("types", caption, header, lines, csv, names.NO_LAYERS)


def _grid(rows: Sequence[Row]) -> tuple[list[int], list[str], list[list[Row]]]:
    """Return layers, types of matrices, and their rows by layer, without the pooler."""
    by_place = {(row.layer, row.matrix): row for row in rows if row.layer is not None}
    layers = sorted({layer for layer, _ in by_place})
    matrices = list(dict.fromkeys(matrix for _, matrix in by_place))
    return layers, matrices, [[by_place[layer, matrix] for matrix in matrices] for layer in layers]


def layers_figure(rows: Sequence[Row], why: str, study: Study) -> Figure:
    """Draw the sparsity of every matrix in the last round over all tasks, as a map."""
    last = study.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} drops in every matrix, per cent; "
        f"over all of them {words.percent(last.sparsity)}. Mean over tasks and seeds; the pooler, if "
        "there is one, is in the table."
    )
    shown = [row for row in rows if row.task == ALL and row.layer is not None]
    layers, matrices, grid = _grid(shown)
    ends = [100 * row.sparsity for row in shown] or [0.0]
    drawn = panels.Map(
        [[100 * row.sparsity for row in line] for line in grid],
        [[words.points(row.sparsity) for row in line] for line in grid],
        (list(map(str, layers)), list(map(words.matrix_name, matrices))),
        ("viridis_r", min(ends), max(*ends, min(ends) + 1)),
        "sparsity (%)",
        (SIDE, ""),
    )
    size = (max(1.4 + 0.65 * len(matrices), 3.6), 2.3 + 0.34 * len(layers))
    csv = table.records(shown, columns.value("place", "layer", "matrix", "sparsity", "kept.n"))
    return panels.maps(Figure("layers", MAP, caption, "", csv, why), size, drawn)


def layers_by_task_figure(rows: Sequence[Row], study: Study) -> Figure:
    """Draw the sparsity of every matrix in the last round, a panel per task, a line per type."""
    sparsity = study.rounds[-1].sparsity
    caption = (
        f"As above, by task: mean over seeds (n={len(study.seeds)}), one line per type of matrix; "
        f"the grey line is the sparsity of all of the ticket, {words.percent(sparsity)}."
    )
    by_task = [row for row in rows if row.task != ALL and row.layer is not None]

    def draw(panel: Axes, task: str) -> None:
        panel.axhline(100 * sparsity, color=figure.GREY, linewidth=3, alpha=0.4)
        layers, matrices, grid = _grid([row for row in by_task if row.task == task])
        for index, (matrix, own) in enumerate(zip(matrices, zip(*grid, strict=True), strict=True)):
            colour, look = LOOKS[index % len(LOOKS)]
            dropped = [100 * row.sparsity for row in own]
            panel.plot(layers, dropped, look, color=colour, label=words.matrix_name(matrix))
        panel.set_xticks(layers[:: 1 if len(layers) <= 8 else 2])

    csv = table.records(by_task, columns.value("task", "layer", "matrix", "sparsity", "kept.n"))
    shown = Figure("layers_by_task", CURVES, caption, "", csv, names.NO_LAYERS)
    return panels.by_name(shown, study.tasks, (SIDE, "sparsity (%)"), study, draw)
