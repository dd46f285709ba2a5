"""Figures of what searches kept: where heads and MLPs survive, and what tasks have in common."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names, panels
from stages.tickets.report.figure import Figure, render
from stages.tickets.report.panels import colour_bar, heat
from stages.tickets.report.results import Results
from stages.tickets.report.search_rows import Overlap, Place
from stages.tickets.report.table import Record
from stages.tickets.settings import Study

ALL_TASKS = {
    "joint": ("survival", "Number of tasks in which a head or an MLP survives the joint search"),
    "magnitude": (
        "survival_of_weights",
        "Share of a head's or MLP's weights that survive the magnitude search, sum over tasks",
    ),
    "heads": (
        "survival_of_heads",
        "Number of tasks in which a head survives the search of heads alone",
    ),
    "mlps": (
        "survival_of_mlps",
        "Number of tasks in which an MLP survives the search of MLPs alone",
    ),
}
"""Name and title of the maps over all tasks, by search."""
BY_TASK = {
    "joint": (
        "survival_by_task",
        "Share of seeds in which a head or an MLP survives the joint search, by task",
    ),
    "magnitude": (
        "survival_of_weights_by_task",
        "Share of a head's or MLP's weights that survive the magnitude search, by task",
    ),
}
"""Name and title of the maps of single tasks, by search."""
OVERLAPS = "Number of heads and of MLPs that two tasks both keep"
FEW = 8
"""Heads of a layer up to which small maps have room for numbers."""


def figures(results: Results, study: Study) -> tuple[Figure, ...]:
    """Maps over all tasks, maps of single tasks, and overlaps."""
    return (
        *(over_tasks(results.places, study, search) for search in ALL_TASKS),
        *(by_task(results.places, study, search) for search in BY_TASK),
        overlaps(results.overlaps, study),
    )


def over_tasks(places: Sequence[Place], study: Study, search: str) -> Figure:
    """In how many tasks heads and MLPs survive, as one search kept them."""
    name, title = ALL_TASKS[search]
    caption = (
        f"{title}, of {len(study.search.tasks)}: mean over seeds (n={len(study.search.seeds)}), and "
        "below it the standard deviation. Layer 0 is next to the input."
    )
    own = [place for place in places if place.variant == search and not place.task]
    if not own:
        return Figure(name, title, caption, missing=names.why_no_variant(search, study))
    layers, sides = _sides(own)
    if search == "heads":  # it leaves MLPs alone
        sides = sides[:-1]
    if search == "mlps":
        sides = [None]
    by_place = {(place.layer, place.head): place for place in own}
    grid = [[by_place[layer, head] for head in sides] for layer in layers]
    values = [[place.mean for place in line] for line in grid]
    digits = 2 if search == "magnitude" else 1
    limits = (0.0, float(len(study.search.tasks)))
    if search == "magnitude":
        limits = _ends([value for line in values for value in line])

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        titles = ["MLP" if head is None else f"head {head}" for head in sides]
        texts = [[_text(place.mean, place.std, digits) for place in line] for line in grid]
        mesh = heat(panel, values, texts, (list(map(str, layers)), titles), ("viridis", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        colour_bar(canvas, panel, mesh, "sum of shares" if search == "magnitude" else "tasks")

    size = (max(1.6 + 0.68 * len(sides), 3.6), 2.3 + 0.48 * len(layers))
    records: list[Record] = [
        {
            "place": f"layer {place.layer}, "
            + ("MLP" if place.head is None else f"head {place.head}"),
            "layer": place.layer,
            "head": place.head,
            "tasks": place.mean,
            "std": place.std,
            "n": place.n,
        }
        for place in own
        if place.head in sides
    ]
    return Figure(name, title, caption, render(name, title, size, draw), tuple(records))


def _sides(places: Sequence[Place]) -> tuple[list[int], list[int | None]]:
    """Layers, and heads with None for the MLP at their end."""
    heads = sorted({place.head for place in places if place.head is not None})
    return sorted({place.layer for place in places}), [*heads, None]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Ends of the colours of shares, which lie close together."""
    return min(values), max(*values, min(values) + 0.01)


def _text(mean: float, std: float | None, digits: int) -> str:
    text = f"{mean:.{digits}f}"
    return text if std is None else f"{text}\n±{std:.{digits}f}"


def by_task(places: Sequence[Place], study: Study, search: str) -> Figure:
    """Share of seeds in which heads and MLPs survive, or share of their weights; one map per task."""
    name, title = BY_TASK[search]
    caption = (
        f"{title}; mean over seeds (n={len(study.search.seeds)}). Last column: the MLP. The csv has the "
        "standard deviations."
    )
    own = [place for place in places if place.variant == search and place.task]
    if not own:
        return Figure(name, title, caption, missing=names.why_no_variant(search, study))
    layers, heads = _sides(own)
    means = {(place.task, place.layer, place.head): place.mean for place in own}
    limits = _ends(list(means.values())) if search == "magnitude" else (0.0, 1.0)
    tasks = study.search.tasks

    def draw(canvas: Canvas) -> None:
        grid = panels.side_by_side(canvas, tasks, ("head", "layer"), study)
        for panel, task in zip(grid, tasks, strict=True):
            values = [[means[task, layer, head] for head in heads] for layer in layers]
            has_room = len(heads) <= FEW + 1
            texts = [[f"{value:.2f}" if has_room else "" for value in line] for line in values]
            sides = [str(layer) for layer in layers], [*map(str, heads[:-1]), "MLP"]
            mesh = heat(panel, values, texts, sides, ("viridis", *limits))
        grid[0].set_ylim(len(layers), 0)  # shared, and turned round by every map
        label = "share of seeds" if search == "joint" else "share of weights"
        colour_bar(canvas, list(grid), mesh, label)

    width, height = panels.size(len(tasks), study)
    svg = render(name, title, (max(width, 0.5 * len(heads)), height + 0.6), draw)
    shown = ("task", "layer", "head", "mean", "std", "n")
    records = tuple({key: getattr(place, key) for key in shown} for place in own)
    return Figure(name, title, caption, svg, records)


def overlaps(pairs: Sequence[Overlap], study: Study) -> Figure:
    """How many heads and MLPs every two tasks both keep."""
    caption = (
        f"{OVERLAPS}, joint search; above in the same seed, mean ± standard deviation over seeds "
        f"(n={len(study.search.seeds)}), below of the super-survivors, which all seeds of a task keep; "
        "on the diagonal the size. Counts grow with the sizes: two random masks that keep shares a and b "
        "of N have a·b·N in common."
    )
    if not pairs:
        why = names.why_no_variant("joint", study)
        return Figure("overlaps", OVERLAPS, caption, missing=why)
    by_pair = {(pair.of, pair.part, pair.first, pair.second): pair for pair in pairs}
    tasks = study.search.tasks

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(2, 2, squeeze=False)
        for line, (of, title) in zip(
            grid, (("joint", "same seed"), ("super", "super-survivors")), strict=True
        ):
            for panel, (part, name) in zip(
                line, (("heads", "heads"), ("mlps", "MLPs")), strict=True
            ):
                rows = [[by_pair[of, part, first, second] for second in tasks] for first in tasks]
                values = [[pair.mean for pair in row] for row in rows]
                texts = [[_text_of_count(pair) for pair in row] for row in rows]
                high = max(max(row) for row in values)
                heat(panel, values, texts, (tasks, tasks), ("viridis", 0.0, max(high, 1.0)))
                panel.set_title(f"{name}, {title}")

    size = 1.2 + 0.75 * len(tasks)
    svg = render("overlaps", OVERLAPS, (2 * max(size, 2.4), 2 * max(size, 2.2)), draw)
    records = tuple(dict(vars(pair)) for pair in pairs)
    return Figure("overlaps", OVERLAPS, caption, svg, records)


def _text_of_count(pair: Overlap) -> str:
    """A count over seeds, or a single whole number."""
    return _text(pair.mean, pair.std, 1).removesuffix(".0" if pair.std is None else "")
