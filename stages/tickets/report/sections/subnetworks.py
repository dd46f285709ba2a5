"""Do good subnetworks train better alone than random and bad ones of their size?"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Figure
from stages.tickets.report.papers.shared import naming
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.search_rows import Size
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Row, Table, numbers, table
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import average

STATES = ("pruned", "retrained")
"""A searched subnetwork is scored as it is, and after it was trained alone."""
COLOURS = dict(zip(product(names.SEARCHED, STATES), (SKY, BLUE, ORANGE, VERMILION), strict=True))
LINES: Mapping[str, dict[str, Any]] = {
    "majority": {"color": GREY, "linestyle": ":"},
    "dense": {"color": BLACK, "linewidth": 1},
}
TITLE = "Scores of good, random and bad subnetworks, pruned and retrained, one panel per task"
COLUMNS = (
    columns.text("task", "title"),
    columns.value("task", "kind", "subnetwork"),
    Column("subnetwork", lambda row: f"{names.SEARCHED[row.kind]}, {row.subnetwork}"),
    columns.number("kept", "kept", words.percent, "kept"),
    columns.number("FLOPs", "flops", words.percent, "flops"),
    Column(
        "of good", lambda row: ", ".join(map(words.percent, row.of_good.values())) or words.NONE
    ),
    *(
        columns.only_csv(f"{part}_of_good", f"of_good.{part}")
        for part in ("heads", "mlps", "weights")
    ),
    columns.mean_and_std("pruned", "states.pruned", "pruned_"),
    columns.mean_and_std("retrained", "states.retrained", "retrained_"),
    columns.difference("retrained − dense", "loss", "retrained_minus_dense_"),
    columns.difference(
        "retrained − random",
        "gain",
        "retrained_minus_random_",
        lambda row: words.NOT_RUN if row.rival else words.NONE,
    ),
    columns.count("states.retrained"),
    columns.named(
        "collapsed", "collapsed", lambda runs: words.count(runs, "run") if runs else words.NONE
    ),
)


def section(results: Results, study: Study) -> Section:
    """Show searched subnetworks as they are and trained alone."""
    rows = measure(results, study)
    learned = [row for row in rows if row.task not in results.no_evidence]
    return Section(
        "subnetworks",
        "Good, random and bad subnetworks",
        "Do heads, MLPs and weights that a search of the fine-tuned model kept train better alone "
        "than as many drawn at random, or than those that it dropped?",
        "Prasanna et al. 2020, Figure 2 and the table of all settings in the appendix.",
        naming(answer(learned), results) if rows else words.sentence(results.not_run("retrained")),
        stages=("search", "retrain", "retrain-super"),
        figures=(figure(rows, results, study),),
        tables=(subnetworks_table(rows, results),),
    )


def measure(results: Results, study: Study) -> list[Row]:
    """Sum up every subnetwork that was searched for, by task, kind and name, structured ones first.

    Returns:
        Shares of the parameters and of the operations that it keeps; `rival`: the random subnetwork of
        its size, empty if it is random or the only one; `of_good`: shares of its parts that are good,
        too; the scores by `STATES`; retrained runs that collapsed; and retrained minus dense (`loss`)
        and minus the retrained rival (`gain`).
    """
    by_place = grouped(results.sizes, lambda size: (size.task, size.kind, size.subnetwork))
    rows = []
    for task, (kind, name) in product(study.retrain.tasks, names.subnetworks(study)):
        sizes = by_place.get((task, kind, name))
        if not sizes:
            continue
        rival = "random" if name == "good" or name.startswith("bad") else ""
        if name in ("super", "super-bad"):
            rival = "super-random"
        runs = {state: Run(task, state, 0, f"{kind} {name}") for state in STATES}
        retrained, random = runs["retrained"], Run(task, "retrained", 0, f"{kind} {rival}")
        row = Row(
            task=task,
            kind=kind,
            subnetwork=name,
            rival=rival,
            title=names.task_name(task, results.scores),
            kept=fmean(size.share for size in sizes),
            flops=average(size.share_of_flops for size in sizes),
            of_good=overlap(sizes) if rival or name.startswith("random") else {},
            states={state: results.summary(run) for state, run in runs.items()},
            collapsed=results.scores.collapsed(retrained),
            loss=results.compare(retrained, Run(task, "dense")),
            gain=results.compare(retrained, random) if rival else None,
        )
        rows.append(row)
    return rows


def overlap(sizes: Iterable[Size]) -> dict[str, float]:
    """Average the shares that are good, too, by part: heads and MLPs, or weights."""
    shares = [share for size in sizes for share in size.shares_of_good.items()]
    by_part = grouped(shares, lambda share: share[0])
    return {part: fmean(share for _, share in own) for part, own in by_part.items()}


def answer(rows: Sequence[Row]) -> str:
    """Give the losses against dense of good, random and bad subnetworks."""
    losses = grouped((row for row in rows if row.loss), lambda row: (row.kind, row.subnetwork))
    parts = []
    for kind, title in names.SEARCHED.items():
        text = [
            f"{name} {words.ends((row.loss.mean for row in own), words.signed)}"
            for name in ("good", "random", "bad")
            if (own := losses.get((kind, name)))
        ]
        parts += [f"{title}: {', '.join(text)}"] if text else []
    if not parts:
        return "Neither good nor random nor bad subnetworks were trained."
    num_tasks = words.count(len({row.task for row in rows}), "task")
    return (
        f"Retrained subnetworks minus the dense model, in points, of {num_tasks}: "
        f"{'; '.join(parts)}."
    )


def subnetworks_table(rows: Sequence[Row], results: Results) -> Table:
    """List good, random, bad and other subnetworks as they are and trained alone, by task."""
    caption = (
        "Subnetworks as they are (pruned), and trained alone from the pre-trained weights with the "
        "classifier and data order of the dense run (retrained), mean ± standard deviation. Random and "
        "bad have the size of good, bad ones of what the search dropped as far as that goes (of good: "
        "shares that are good, too); what is super survives in all seeds. Kept: share of the parameters "
        "of heads and MLPs; FLOPs: share of the layers' operations on an example of mean length."
    )
    return table("subnetworks", caption, rows, COLUMNS, results.not_run("retrained"))


def figure(rows: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw bars of good, random and bad subnetworks, pruned and retrained; one panel per task."""
    bars = [(row, state, score) for row in rows for state, score in row.states.items() if score]
    places = list(dict.fromkeys(name for _, name in names.subnetworks(study)))

    def draw(panel: Axes, task: str) -> None:
        for offset, ((kind, state), colour) in enumerate(COLOURS.items()):
            own = {
                places.index(row.subnetwork) + 0.2 * (offset - 1.5): score
                for row, of, score in bars
                if (row.task, row.kind, of) == (task, kind, state)
            }
            panels.columns(panel, own, 0.18, colour, f"{names.SEARCHED[kind]}, {state}")
        for kind, look in LINES.items():
            if level := results.summary(Run(task, kind)):
                panel.axhline(100 * level.mean, label=names.NAMES[kind], **look)
        panel.set_xticks(range(len(places)), places, rotation=20 if len(places) > 3 else 0)
        panel.set_title(names.task_name(task, results.scores))

    caption = (
        "Mean score on the validation split; bars of error are standard deviations over seeds. "
        "Line: dense model; dotted: majority class."
    )
    csv = tuple(
        {"task": row.task, "kind": row.kind, "subnetwork": row.subnetwork, "state": state}
        | numbers(score)
        for row, state, score in bars
    )
    shown = Figure("subnetworks", TITLE, caption, "", csv, results.not_run("retrained"))
    tasks, labels = study.retrain.tasks, ("subnetwork", "score (points)")
    size = panels.size_of(len(tasks), study, 5.4, 1.6)
    return panels.by_name(shown, tasks, labels, study, draw, size)
