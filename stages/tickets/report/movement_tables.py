"""What masks owe to the pre-trained weights: how far training moved weights, and what that changed."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import figure as figures
from stages.tickets.report import findings, panels
from stages.tickets.report import names as runs
from stages.tickets.report.figure import BLACK, BLUE, GREY, VERMILION, Figure, render
from stages.tickets.report.names import Config, sparsities
from stages.tickets.report.rows import Agreement, Kept, Movement
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, NOT_RUN, count, matrix_name, percent, points
from stages.tickets.statistics import intervals

FORCED = 0.9
"""Where no training that moves weights so little could lead to a smaller Jaccard similarity with the
one-shot mask, the mask could not differ from it."""
NO_MOVEMENT = "not run: movement.csv has no rows of these rounds"
MEASURES = ("largest", "move_50", "threshold_pretrained", "jaccard_at_least", "jaccard")
SHOWN = {
    "jaccard": ("with the one-shot mask", BLUE, "o-"),
    "jaccard_at_least": ("at least, by the largest move", VERMILION, "s--"),
    "rates_jaccard_at_least": ("at least, by the learning rates", BLACK, "^:"),
}


def movement_table(movement: Sequence[Movement], config: Config) -> Table:
    """How far weights moved in every round, and how far its mask could be from the one-shot mask."""
    caption = (
        "How far training moved the surviving weights in the round that a mask comes from, and how many "
        "of the kept weights are others than the one-shot mask of the same size keeps, which drops the "
        "smallest pre-trained weights: at most, given the largest move, and indeed. Means over seeds. "
        f"Could not differ: in all seeds the moves force a Jaccard similarity of {FORCED} at least."
    )
    groups = _by_task_and_round(movement, config)
    if not groups:
        return Table("movement", caption, missing=NO_MOVEMENT)
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for (task, number), group in groups.items():
        sparsity = sparsities(config)[number]
        mean = {key: _mean(group, key) for key in MEASURES}
        most, indeed = (
            findings.average(getattr(row, key) / row.kept for row in group) or 0.0
            for key in ("most_exchanged", "exchanged")
        )
        forced = could_not_differ(group)
        rows.append(
            (
                task,
                percent(sparsity),
                f"{group[0].steps:,}",
                _small(mean["largest"]),
                _small(mean["move_50"]),
                _small(mean["threshold_pretrained"]),
                points(most),
                points(indeed),
                f"{mean['jaccard_at_least']:.3f}",
                f"{mean['jaccard']:.3f}",
                "could not differ" if forced else NONE,
            )
        )
        records.append(
            {
                "task": task,
                "round": number,
                "sparsity": sparsity,
                "steps": group[0].steps,
                **mean,
                "sum_of_rates": _mean(group, "rates_distance"),
                "rates_jaccard_at_least": _mean(group, "rates_jaccard_at_least"),
                "could_differ": most,
                "differs": indeed,
                "could_not_differ": str(forced),
                "n": len(group),
            }
        )
    header = (
        "task", "sparsity", "steps", "largest move", "median move", "threshold",
        "could differ, %", "differs, %", "Jaccard at least", "Jaccard", "verdict",
    )  # fmt: skip
    return Table("movement", caption, header, tuple(rows), tuple(records))


def could_not_differ(group: Sequence[Movement]) -> bool:
    """Whether in all runs the moves alone force a mask that is almost the one-shot mask."""
    return all(row.jaccard_at_least >= FORCED for row in group)


def beyond_table(beyond: Sequence[Agreement], config: Config) -> Table:
    """Agreement of masks with the one-shot mask, and of pairs on where they differ from it."""
    caption = (
        "Jaccard similarity of masks with the one-shot mask, and of pairs of masks on where they differ "
        "from it: on the weights brought back, which they keep and it drops, and on those taken out, "
        "which they drop and it keeps. Means; in brackets what chance gives for sets of the same sizes: "
        "drawn uniformly; drawn within every matrix."
    )
    if not beyond:
        return Table("beyond", caption, missing=runs.why_no_agreement(config))
    groups = {
        "with one-shot": ("one_shot", "jaccard"),
        "tasks, brought back": ("tasks", "brought_back"),
        "tasks, taken out": ("tasks", "taken_out"),
        "seeds, brought back": ("seeds", "brought_back"),
        "seeds, taken out": ("seeds", "taken_out"),
    }
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for number, sparsity in sparsities(config).items():
        cells = []
        for axis, measure in groups.values():
            here = [
                row
                for row in beyond
                if (row.axis, row.measure, row.round) == (axis, measure, number)
            ]
            cells.append(_with_floors(here))
            records.append(
                {
                    "round": number,
                    "sparsity": sparsity,
                    "axis": axis,
                    "measure": measure,
                    "value": findings.average(row.value for row in here),
                    "floor": findings.average(row.floor for row in here),
                    "floor_by_matrix": findings.average(row.floor_by_matrix for row in here),
                    "n": len(here),
                }
            )
        rows.append((percent(sparsity), *cells))
    return Table("beyond", caption, ("sparsity", *groups), tuple(rows), tuple(records))


def types_table(layers: Sequence[Kept], config: Config) -> Table:
    """What the last mask keeps of every type of matrix, over all layers, by task."""
    last = config.rounds[-1]
    caption = (
        f"Share of the weights that the ticket of round {last.to} keeps in every type of matrix, over "
        f"all layers, per cent: mean over seeds (n={len(config.seeds)}). Over all matrices "
        f"{percent(1 - last.sparsity)} are kept."
    )
    here = [row for row in layers if row.round == last.to]
    if not here:
        return Table("types", caption, missing=runs.NO_LAYERS)
    types = list(dict.fromkeys(row.matrix for row in here))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in config.tasks:
        cells = []
        for matrix in types:
            shares = [
                sum(row.kept for row in chosen) / sum(row.size for row in chosen)
                for seed in config.seeds
                if (
                    chosen := [
                        r for r in here if (r.task, r.seed, r.matrix) == (task, seed, matrix)
                    ]
                )
            ]
            found = intervals.summarize(shares, config.tickets.confidence) if shares else None
            cells.append(points(found.mean) if found else NOT_RUN)
            records.append({"task": task, "matrix": matrix, **numbers(found)})
        rows.append((task, *cells))
    header = ("task", *(matrix_name(matrix) for matrix in types))
    return Table("types", caption, header, tuple(rows), tuple(records))


def movement_figure(movement: Sequence[Movement], config: figures.Config) -> Figure:
    """Jaccard similarity with the one-shot mask against sparsity, and how small it could be."""
    title = (
        "Jaccard similarity of masks with the one-shot mask against sparsity, one panel per task"
    )
    caption = (
        "Jaccard similarity of masks with the mask of the same size that drops the smallest pre-trained "
        "weights: as it is; and at least, by how far weights moved at most, and by the sum of the "
        "learning rates, about as far as AdamW can move them. Means over seeds "
        f"(n={len(config.seeds)}). The grey line is chance, for masks drawn uniformly."
    )
    groups = _by_task_and_round(movement, config)
    if not groups:
        return Figure("movement", title, caption, missing=NO_MOVEMENT)
    levels = sparsities(config)

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "Jaccard similarity")
        row = panels.side_by_side(canvas, config.tasks, labels, config)
        for panel, task in zip(row, config.tasks, strict=True):
            here = [number for number in levels if (task, number) in groups]
            at = [100 * levels[number] for number in here]
            chance = [(1 - levels[number]) / (1 + levels[number]) for number in here]
            panel.plot(at, chance, color=GREY, linewidth=3, alpha=0.4, label="chance")
            for key, (label, colour, look) in SHOWN.items():
                values = [_mean(groups[task, number], key) for number in here]
                panel.plot(at, values, look, color=colour, label=label)
            panel.set_ylim(-0.03, 1.03)
            panel.set_xlim(-4, 100)
        panels.legend(canvas, row)

    records: list[Record] = [
        {
            "task": task,
            "sparsity": levels[number],
            **{key: _mean(group, key) for key in SHOWN},
            "chance": (1 - levels[number]) / (1 + levels[number]),
            "n": len(group),
        }
        for (task, number), group in groups.items()
    ]
    svg = render("movement", title, panels.size(len(config.tasks), config), draw)
    return Figure("movement", title, caption, svg, tuple(records))


def on_movement(movement: Sequence[Movement], config: Config) -> str:
    """One or two sentences on the last masks."""
    last = config.rounds[-1]
    groups = {
        task: group
        for (task, number), group in _by_task_and_round(movement, config).items()
        if number == last.to
    }
    if not groups:
        return NO_MOVEMENT[0].upper() + NO_MOVEMENT[1:] + "."
    reached = {task: _mean(group, "jaccard") for task, group in groups.items()}
    least, most = min(reached, key=reached.__getitem__), max(reached, key=reached.__getitem__)
    forced = [task for task, group in groups.items() if could_not_differ(group)]
    text = (
        f"At {percent(last.sparsity)} sparsity the Jaccard similarity with the one-shot mask is "
        f"{reached[least]:.2f} ({least}) to {reached[most]:.2f} ({most}); "
    )
    if not forced:
        return text + "no task's weights moved so little that the mask could not differ."
    return text + (
        f"in {count(len(forced), 'task')} of {len(groups)} weights moved so little that the mask could "
        f"not differ: {', '.join(forced)}."
    )


def _by_task_and_round(
    movement: Sequence[Movement], config: Config
) -> dict[tuple[str, int], list[Movement]]:
    """Rows of all seeds, in the order of tasks and rounds."""
    groups = {
        (task, number): [row for row in movement if (row.task, row.round) == (task, number)]
        for task in config.tasks
        for number in sparsities(config)
    }
    return {place: group for place, group in groups.items() if group}


def _mean(group: Sequence[Movement], key: str) -> float:
    return findings.average(getattr(row, key) for row in group) or 0.0


def _with_floors(rows: Sequence[Agreement]) -> str:
    if not rows:
        return NOT_RUN
    value, floor, by_matrix = (
        findings.average(getattr(row, key) for row in rows) or 0.0
        for key in ("value", "floor", "floor_by_matrix")
    )
    return f"{value:.3f} ({floor:.3f}; {by_matrix:.3f})"


def _small(value: float) -> str:
    """Two significant digits, such as 0.0012."""
    return f"{value:.2g}"
