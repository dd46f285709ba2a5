"""The figures that are heat maps: agreement and layers; and how one is drawn."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import findings, panels
from stages.tickets.report import names as runs
from stages.tickets.report.figure import Config, Figure, render
from stages.tickets.report.rows import Agreement, Kept
from stages.tickets.report.table import Record
from stages.tickets.report.words import matrix_name, percent, points

heat, colour_bar = panels.heat, panels.colour_bar


def agreement_figure(agreement: Sequence[Agreement], config: Config) -> Figure:
    """Jaccard similarity of the last masks between tasks, and between seeds on the diagonal."""
    title = "Jaccard similarity of masks between tasks"
    last = config.rounds[-1]
    here = findings.last_overlaps(agreement, config)
    caption = (
        f"Jaccard similarity (survivors of both over survivors of either) of the masks of round "
        f"{last.to} ({percent(last.sparsity)} sparse): off the diagonal between tasks, mean over "
        f"seeds (n={len(config.seeds)}); on the diagonal between seeds of one task."
    )
    if not here:
        return Figure("agreement", title, caption, missing=runs.why_no_agreement(config))
    floor = findings.average(row.floor for row in here) or 0.0
    by_matrix = findings.average(row.floor_by_matrix for row in here) or 0.0
    caption += (
        f" By chance: {floor:.3f} for uniformly random masks of the same sizes, {by_matrix:.3f} "
        "for masks random within every matrix; the colours start at the first."
    )
    groups = [
        [[row for row in here if _between(row, first, second)] for second in config.tasks]
        for first in config.tasks
    ]
    values = [[findings.average(row.value for row in group) for group in line] for line in groups]
    texts = [["" if value is None else f"{value:.2f}" for value in line] for line in values]

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        mesh = heat(panel, values, texts, (config.tasks, config.tasks), ("viridis", floor, 1.0))
        colour_bar(canvas, panel, mesh, f"Jaccard (chance: {floor:.2f})")

    records: list[Record] = [
        {
            "pair": f"{first} and {second}" if first != second else f"{first}, seeds",
            "first": first,
            "second": second,
            "jaccard": value,
            "floor": findings.average(row.floor for row in group),
            "floor_by_matrix": findings.average(row.floor_by_matrix for row in group),
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


def layers_figure(layers: Sequence[Kept], config: Config) -> Figure:
    """Sparsity of every matrix in the last round: over all tasks as a map, by task as lines."""
    title = "Sparsity of every matrix of the last ticket, by layer"
    last = config.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} drops in every matrix, per cent; "
        f"over all of them {percent(last.sparsity)}. Mean over tasks and seeds; the pooler, where "
        "there is one, is in the table."
    )
    found = [one for one in findings.densities(layers, config) if one.layer is not None]
    if not found:
        return Figure("layers", title, caption, missing=runs.NO_LAYERS)
    matrices = list(dict.fromkeys(one.matrix for one in found))
    numbers = sorted({one.layer for one in found if one.layer is not None})
    overall = {(one.layer, one.matrix): 1 - one.density.mean for one in found if not one.task}
    values = [[100 * overall[layer, matrix] for matrix in matrices] for layer in numbers]
    texts = [[points(overall[layer, matrix]) for matrix in matrices] for layer in numbers]
    flat = [value for row in values for value in row]
    limits = (min(flat), max(*flat, min(flat) + 1))

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        names = [matrix_name(matrix) for matrix in matrices]
        layers = [str(number) for number in numbers]
        mesh = heat(panel, values, texts, (layers, names), ("viridis_r", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        colour_bar(canvas, panel, mesh, "sparsity (%)")

    size = (1.4 + 0.65 * len(matrices), 2.3 + 0.34 * len(numbers))
    return Figure(
        "layers",
        title,
        caption,
        render("layers", title, (max(size[0], 3.6), size[1]), draw),
        tuple(
            {
                "place": f"layer {one.layer}, {matrix_name(one.matrix)}",
                "layer": one.layer,
                "matrix": one.matrix,
                "sparsity": 1 - one.density.mean,
                "n": one.density.n,
            }
            for one in found
            if not one.task
        ),
    )
