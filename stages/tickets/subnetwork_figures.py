"""The figures of searched subnetworks: their scores as bars, and where heads and MLPs survive."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets import panels, runs
from stages.tickets.figures import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Config, Figure, render
from stages.tickets.heat_maps import colour_bar, heat
from stages.tickets.subnetwork_tables import STATES, searched_run, subnetworks
from stages.tickets.summary import Place, Run, Scores
from stages.tickets.tables import Record, numbers

LOOKS = {
    ("structured", "pruned"): (SKY, "heads and MLPs, pruned"),
    ("structured", "retrained"): (BLUE, "heads and MLPs, retrained"),
    ("magnitude", "pruned"): (ORANGE, "weights, pruned"),
    ("magnitude", "retrained"): (VERMILION, "weights, retrained"),
}


def subnetworks_figure(scores: Scores, config: Config) -> Figure:
    """Bars of good, random and bad subnetworks, pruned and retrained; one panel per task."""
    title = "Scores of good, random and bad subnetworks, pruned and retrained, one panel per task"
    caption = (
        "Mean score on the validation split; bars of error are standard deviations over seeds. "
        "Line: dense model; dotted: majority class."
    )
    confidence = config.tickets.confidence
    found = {
        (task, kind, name, state): one
        for task in config.retrain.tasks
        for kind, name in subnetworks(config)
        for state in STATES
        if (one := scores.summary(searched_run(task, state, kind, name), confidence))
    }
    if not found:
        why = runs.why_not("retrained", config)
        return Figure("subnetworks", title, caption, missing=why)
    names = list(dict.fromkeys(name for _, name in subnetworks(config)))
    tasks = config.retrain.tasks

    def draw(canvas: Canvas) -> None:
        row = panels.side_by_side(canvas, tasks, ("subnetwork", "score (points)"), config)
        for panel, task in zip(row, tasks, strict=True):
            for offset, ((kind, state), (colour, label)) in enumerate(LOOKS.items()):
                at, level, spread = [], [], []
                for place, name in enumerate(names):
                    one = found.get((task, kind, name, state))
                    if one:
                        at.append(place + 0.2 * (offset - 1.5))
                        level.append(100 * one.mean)
                        spread.append(100 * (one.std or 0.0))
                panel.bar(at, level, 0.18, color=colour, label=label, yerr=spread, capsize=2)
            majority = scores.summary(Run(task, "majority"), confidence)
            dense = scores.summary(Run(task, "dense"), confidence)
            if majority:
                level_of = 100 * majority.mean
                panel.axhline(level_of, color=GREY, linestyle=":", label=runs.NAMES["majority"])
            if dense:
                panel.axhline(100 * dense.mean, color=BLACK, linewidth=1, label="dense")
            panel.set_xticks(range(len(names)), names, rotation=20 if len(names) > 3 else 0)
            panel.set_title(runs.task_name(task, scores))
        panels.legend(canvas, row)

    records: list[Record] = [
        {"task": task, "kind": kind, "subnetwork": name, "state": state, **numbers(one)}
        for (task, kind, name, state), one in found.items()
    ]
    width, height = panels.size(len(tasks), config)
    svg = render("subnetworks", title, (max(width, 5.4), height + 0.6), draw)
    return Figure("subnetworks", title, caption, svg, tuple(records))


def survival_figure(found: Sequence[Place], config: Config, variant: str) -> Figure:
    """In how many tasks heads and MLPs survive, as the joint or the magnitude search kept them."""
    name = "survival" if variant == "joint" else "survival_of_weights"
    num_tasks, num_seeds = len(config.search.tasks), len(config.search.seeds)
    what = "Number of tasks in which a head or an MLP survives the joint search"
    if variant == "magnitude":
        what = (
            "Share of a head's or MLP's weights that survive the magnitude search, sum over tasks"
        )
    caption = (
        f"{what}, of {num_tasks}: mean over seeds (n={num_seeds}), and below it the standard deviation. "
        "Layer 0 is next to the input."
    )
    here = [one for one in found if one.variant == variant and not one.task]
    if not here:
        why = runs.why_not("search", config)
        if config.search.tasks and variant not in config.search.rule.variants:
            why = f"not run: search.rule.variants lacks {variant!r}"
        return Figure(name, what, caption, missing=why)
    layers = sorted({one.layer for one in here})
    heads = sorted({one.head for one in here if one.head is not None})
    by_place = {(one.layer, one.head): one for one in here}
    columns = [*heads, None]
    values = [[by_place[layer, head].mean for head in columns] for layer in layers]
    digits = 1 if variant == "joint" else 2
    texts = [[_text(by_place[layer, head], digits) for head in columns] for layer in layers]
    limits = (0.0, float(num_tasks))
    if variant == "magnitude":  # shares lie close together
        flat = [value for row in values for value in row]
        limits = (min(flat), max(*flat, min(flat) + 0.01))

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        sides = ([str(layer) for layer in layers], [*(f"head {head}" for head in heads), "MLP"])
        mesh = heat(panel, values, texts, sides, ("viridis", *limits))
        panel.set_ylabel("layer (0: next to the input)")
        colour_bar(canvas, panel, mesh, "tasks" if variant == "joint" else "sum of shares")

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
    ]
    return Figure(
        name, what, caption, render(name, what, (max(size[0], 3.6), size[1]), draw), tuple(records)
    )


def _text(one: Place, digits: int) -> str:
    mean = f"{one.mean:.{digits}f}"
    return mean if one.std is None else f"{mean}\n±{one.std:.{digits}f}"
