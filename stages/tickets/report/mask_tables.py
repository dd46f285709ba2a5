"""The tables of masks: their agreement, and what they keep of every matrix."""

from collections.abc import Iterable, Sequence

from stages.tickets.report import findings
from stages.tickets.report import names as runs
from stages.tickets.report.names import Config, sparsities
from stages.tickets.report.rows import Agreement, Kept
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, NOT_RUN, matrix_name, percent, points

MEASURES = ("jaccard", "cohen_kappa", "fleiss_kappa")


def agreement_table(agreement: Sequence[Agreement], config: Config) -> Table:
    """Agreement of masks over seeds and over tasks, each with its chance floors."""
    caption = (
        "Agreement of masks between seeds of one task, and between tasks of one seed: mean over "
        "n pairs (Jaccard, Cohen) or over groups (Fleiss). In brackets what chance gives: masks "
        "drawn uniformly with the same sizes; masks with the same density in every matrix."
    )
    if not agreement:
        return Table("agreement", caption, missing=runs.why_no_agreement(config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    last = config.rounds[-1].to
    for number, sparsity in sparsities(config).items():
        groups: list[tuple[str, str, list[Agreement]]] = []
        for axis in ("tasks", "seeds"):
            here = [row for row in agreement if (row.axis, row.round) == (axis, number)]
            groups.append((axis, "", here))
        if number == last:
            groups += [
                ("seeds", task, [row for row in groups[1][2] if row.first == task])
                for task in config.tasks
            ]
        for axis, task, group in groups:
            cells = [_agreement(group, measure) for measure in MEASURES]
            if not group:
                cells = [NOT_RUN] * len(MEASURES)
            names = {"tasks": "tasks, same seed", "seeds": "seeds, same task"}
            pairs = sum(row.measure == "jaccard" for row in group)
            rows.append((percent(sparsity), names[axis], task or "all", *cells, str(pairs)))
            for measure in MEASURES:
                chosen = [row for row in group if row.measure == measure]
                records.append(
                    {
                        "round": number,
                        "sparsity": sparsity,
                        "axis": axis,
                        "task": task or "all",
                        "measure": measure,
                        "value": findings.average(row.value for row in chosen),
                        "floor": findings.average(row.floor for row in chosen),
                        "floor_by_matrix": findings.average(row.floor_by_matrix for row in chosen),
                        "n": len(chosen),
                    }
                )
    header = ("sparsity", "between", "task", "Jaccard", "Cohen's κ", "Fleiss' κ", "n")
    return Table("agreement", caption, header, tuple(rows), tuple(records))


def _agreement(rows: Iterable[Agreement], measure: str) -> str:
    chosen = [row for row in rows if row.measure == measure]
    if not chosen:
        return NOT_RUN
    value = findings.average(row.value for row in chosen)
    floor = findings.average(row.floor for row in chosen)
    by_matrix = findings.average(row.floor_by_matrix for row in chosen)
    return f"{value:.3f} ({floor:.3f}; {by_matrix:.3f})".replace("-", "−")


def layers_table(layers: Sequence[Kept], config: Config) -> Table:
    """What the last mask keeps of every matrix."""
    last = config.rounds[-1]
    num_masks = len({(row.task, row.seed) for row in layers if row.round == last.to})
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every matrix, per "
        f"cent: mean over tasks and seeds (n={num_masks} masks). Over all matrices "
        f"{percent(1 - last.sparsity)} are kept. By task: the csv file."
    )
    found = findings.densities(layers, config)
    if not found:
        return Table("layers", caption, missing=runs.NO_LAYERS)
    overall = {(one.layer, one.matrix): one for one in found if not one.task}
    matrices = list(dict.fromkeys(matrix for layer, matrix in overall if layer is not None))
    encoder_layers = sorted({layer for layer, _ in overall if layer is not None})
    rows: list[tuple[str, ...]] = []
    for number in encoder_layers:
        here = [overall[number, matrix] for matrix in matrices]
        size = sum(one.size for one in here)
        whole = sum(one.size * one.density.mean for one in here) / size
        cells = (points(one.density.mean) for one in here)
        rows.append((f"layer {number}", *cells, points(whole)))
    for (layer, matrix), one in overall.items():
        if layer is None:
            rows.append((matrix_name(matrix), *(NONE,) * len(matrices), points(one.density.mean)))
    records: list[Record] = [
        {
            "task": one.task or "all tasks",
            "layer": one.layer,
            "matrix": one.matrix,
            "size": one.size,
            **numbers(one.density),
        }
        for one in found
    ]
    header = ("matrices of", *(matrix_name(matrix) for matrix in matrices), "all")
    return Table("layers", caption, header, tuple(rows), tuple(records))
