"""The figures of what searches kept: where heads and MLPs survive, over and by task, and in common."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names as runs
from stages.tickets.report import panels
from stages.tickets.report.figure import Config, Figure, render
from stages.tickets.report.heat_maps import colour_bar, heat
from stages.tickets.report.search_rows import Overlap, Place
from stages.tickets.report.table import Record

MAPS = {
    "joint": ("survival", "Number of tasks in which a head or an MLP survives the joint search"),
    "heads": (
        "survival_of_heads",
        "Number of tasks in which a head survives the search of heads alone",
    ),
    "mlps": (
        "survival_of_mlps",
        "Number of tasks in which an MLP survives the search of MLPs alone",
    ),
    "magnitude": (
        "survival_of_weights",
        "Share of a head's or MLP's weights that survive the magnitude search, sum over tasks",
    ),
}
"""Name and title of the maps over all tasks, by search."""
FEW = 8
"""Heads of a layer up to which small maps have room for numbers."""


def survival_figure(found: Sequence[Place], config: Config, variant: str) -> Figure:
    """In how many tasks heads and MLPs survive, as a search in MAPS kept them."""
    name, what = MAPS[variant]
    num_tasks, num_seeds = len(config.search.tasks), len(config.search.seeds)
    caption = (
        f"{what}, of {num_tasks}: mean over seeds (n={num_seeds}), and below it the standard deviation. "
        "Layer 0 is next to the input."
    )
    here = [one for one in found if one.variant == variant and not one.task]
    if not here:
        return Figure(name, what, caption, missing=runs.why_no_variant(variant, config))
    layers, columns = _sides(here)
    if variant == "heads":  # it leaves MLPs alone
        columns = columns[:-1]
    if variant == "mlps":
        columns = [None]
    by_place = {(one.layer, one.head): one for one in here}
    values = [[by_place[layer, head].mean for head in columns] for layer in layers]
    digits = 2 if variant == "magnitude" else 1
    texts = [[_text(by_place[layer, head], digits) for head in columns] for layer in layers]
    limits = (0.0, float(num_tasks))
    if variant == "magnitude":  # shares lie close together
        flat = [value for row in values for value in row]
        limits = (min(flat), max(*flat, min(flat) + 0.01))

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        sides = (
            [str(layer) for layer in layers],
            ["MLP" if head is None else f"head {head}" for head in columns],
        )
        mesh = heat(panel, values, texts, sides, ("viridis", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        colour_bar(canvas, panel, mesh, "sum of shares" if variant == "magnitude" else "tasks")

    size = (1.6 + 0.68 * len(columns), 2.3 + 0.48 * len(layers))
    records: list[Record] = [
        {
            "place": f"layer {one.layer}, " + ("MLP" if one.head is None else f"head {one.head}"),
            "layer": one.layer,
            "head": one.head,
            "tasks": one.mean,
            "std": one.std,
            "n": one.n,
        }
        for one in here
        if one.head in columns
    ]
    return Figure(
        name, what, caption, render(name, what, (max(size[0], 3.6), size[1]), draw), tuple(records)
    )


def _text(one: Place, digits: int) -> str:
    mean = f"{one.mean:.{digits}f}"
    return mean if one.std is None else f"{mean}\n±{one.std:.{digits}f}"


def _sides(found: Sequence[Place]) -> tuple[list[int], list[int | None]]:
    """Layers, and heads with None for the MLP at their end."""
    heads = sorted({one.head for one in found if one.head is not None})
    return sorted({one.layer for one in found}), [*heads, None]


def survival_by_task_figure(found: Sequence[Place], config: Config, variant: str) -> Figure:
    """Share of seeds in which heads and MLPs survive, or share of their weights; one map per task."""
    name = "survival_by_task" if variant == "joint" else "survival_of_weights_by_task"
    what = "Share of seeds in which a head or an MLP survives the joint search, by task"
    if variant == "magnitude":
        what = "Share of a head's or MLP's weights that survive the magnitude search, by task"
    caption = (
        f"{what}; mean over seeds (n={len(config.search.seeds)}). Last column: the MLP. The csv has the "
        "standard deviations."
    )
    here = [one for one in found if one.variant == variant and one.task]
    if not here:
        return Figure(name, what, caption, missing=runs.why_no_variant(variant, config))
    layers, columns = _sides(here)
    by_place = {(one.task, one.layer, one.head): one.mean for one in here}
    limits = (0.0, 1.0)
    if variant == "magnitude":  # shares lie close together
        low, high = min(by_place.values()), max(by_place.values())
        limits = (low, max(high, low + 0.01))
    tasks = config.search.tasks

    def draw(canvas: Canvas) -> None:
        row = panels.side_by_side(canvas, tasks, ("head", "layer"), config)
        for panel, task in zip(row, tasks, strict=True):
            values = [[by_place[task, layer, head] for head in columns] for layer in layers]
            digits = [
                [f"{value:.2f}" if len(columns) <= FEW + 1 else "" for value in line]
                for line in values
            ]
            sides = [str(layer) for layer in layers], [*map(str, columns[:-1]), "MLP"]
            mesh = heat(panel, values, digits, sides, ("viridis", *limits))
        row[0].set_ylim(len(layers), 0)  # shared, and turned round by every map
        colour_bar(
            canvas, list(row), mesh, "share of seeds" if variant == "joint" else "share of weights"
        )

    width, height = panels.size(len(tasks), config)
    svg = render(name, what, (max(width, 0.5 * len(columns)), height + 0.6), draw)
    records: list[Record] = [
        {
            "task": one.task,
            "layer": one.layer,
            "head": one.head,
            "mean": one.mean,
            "std": one.std,
            "n": one.n,
        }
        for one in here
    ]
    return Figure(name, what, caption, svg, tuple(records))


def overlaps_figure(found: Sequence[Overlap], config: Config) -> Figure:
    """How many heads and MLPs every two tasks both keep."""
    what = "Number of heads and of MLPs that two tasks both keep"
    caption = (
        f"{what}, joint search. Above: in the same seed, mean ± standard deviation over seeds "
        f"(n={len(config.search.seeds)}); below: of the super-survivors, which all seeds of a task keep. "
        "On the diagonal is the size. These are counts, and grow with the sizes: two random masks that "
        "keep shares a and b of N have a·b·N in common."
    )
    tasks = config.search.tasks
    if not found:
        return Figure("overlaps", what, caption, missing=runs.why_no_variant("joint", config))
    by_place = {(one.of, one.part, one.first, one.second): one for one in found}
    panels_of = [
        (of, part, f"{'MLPs' if part == 'mlps' else part}, {title}")
        for of, title in (("joint", "same seed"), ("super", "super-survivors"))
        for part in ("heads", "mlps")
    ]

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(2, 2, squeeze=False)
        for panel, (of, part, title) in zip(grid.flat, panels_of, strict=True):
            rows = [[by_place[of, part, first, second] for second in tasks] for first in tasks]
            values = [[one.mean for one in row] for row in rows]
            texts = [[_count(one) for one in row] for row in rows]
            high = max(one.mean for row in rows for one in row)
            heat(panel, values, texts, (tasks, tasks), ("viridis", 0.0, max(high, 1.0)))
            panel.set_title(title)

    size = 1.2 + 0.75 * len(tasks)
    svg = render("overlaps", what, (2 * max(size, 2.4), 2 * max(size, 2.2)), draw)
    records: list[Record] = [dict(vars(one)) for one in found]
    return Figure("overlaps", what, caption, svg, tuple(records))


def _count(one: Overlap) -> str:
    mean = f"{one.mean:.1f}".removesuffix(".0")
    return mean if one.std is None else f"{one.mean:.1f}\n±{one.std:.1f}"
