"""The figure of searched subnetworks: their scores as bars."""

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names as runs
from stages.tickets.report import panels
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    Config,
    Figure,
    render,
)
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.subnetwork_tables import STATES, searched_run, subnetworks
from stages.tickets.report.table import Record, numbers

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
