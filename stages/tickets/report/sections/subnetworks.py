"""Do good subnetworks train better alone than random and bad ones of their size?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.search_rows import Size
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE, NOT_RUN
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary, average

KINDS = {"structured": "heads and MLPs", "magnitude": "weights"}
"""What a search drops, by the name of its subnetworks' kind."""
STATES = ("pruned", "retrained")
"""A searched subnetwork is scored as it is, and after it was trained alone."""
COLOURS = dict(zip(product(KINDS, STATES), (SKY, BLUE, ORANGE, VERMILION), strict=True))
LINES: Mapping[str, dict[str, Any]] = {
    "majority": {"color": GREY, "linestyle": ":"},
    "dense": {"color": BLACK, "linewidth": 1},
}


@dataclass(frozen=True)
class Subnetwork:
    """One kind of subnetwork of a task, over seeds."""

    task: str
    title: str
    """The task with its metric."""
    kind: str
    subnetwork: str
    kept: float
    """Share of the parameters of heads and MLPs, mean over seeds."""
    flops: float | None
    """Share of the layers' operations, mean over seeds."""
    rival: str
    """The random subnetwork of its size; empty if it is random or the only one."""
    of_good: Mapping[str, float]
    """Shares of its heads, MLPs or weights that are good, too; empty if nothing has its size."""
    states: Mapping[str, Summary | None]
    """Scores by `STATES`; None if it did not run."""
    collapsed: int
    """Retrained runs that predict one class or a constant."""
    loss: Difference | None
    """Retrained minus dense."""
    gain: Difference | None
    """Retrained minus the random subnetwork of its size, retrained."""


def section(results: Results, study: Study) -> Section:
    """Searched subnetworks as they are and trained alone."""
    rows = measure(results, study)
    return Section(
        "subnetworks",
        "Good, random and bad subnetworks",
        "Do heads, MLPs and weights that a search of the fine-tuned model kept train better alone "
        "than as many drawn at random, or than those that it dropped?",
        "Prasanna et al. 2020, Figure 2 and the table of all settings in the appendix.",
        answer(rows, study) if rows else words.sentence(results.not_run("retrained")),
        stages=("search", "retrain", "retrain-super"),
        figures=(figure(rows, results, study),),
        tables=(subnetworks_table(rows, results),),
    )


def measure(results: Results, study: Study) -> list[Subnetwork]:
    """Every subnetwork that was searched for, by task, kind and name, structured ones first."""
    scores, confidence, retrain = results.scores, study.tickets.confidence, study.retrain
    by_place = grouped(results.sizes, lambda size: (size.task, size.kind, size.subnetwork))
    asked = [
        ("structured", name) for name in (*retrain.structured, *study.retrain_super.subnetworks)
    ]
    asked += [("magnitude", name) for name in retrain.magnitude]
    rows = []
    for task, (kind, name) in product(retrain.tasks, asked):
        sizes = by_place.get((task, kind, name))
        if not sizes:
            continue
        rival = "random" if name == "good" or name.startswith("bad") else ""
        if name in ("super", "super-bad"):
            rival = "super-random"
        runs = {state: Run(task, state, 0, f"{kind} {name}") for state in STATES}
        retrained, random = runs["retrained"], Run(task, "retrained", 0, f"{kind} {rival}")
        row = Subnetwork(
            task,
            names.task_name(task, scores),
            kind,
            name,
            kept=fmean(size.share for size in sizes),
            flops=average(share for size in sizes if (share := size.share_of_flops) is not None),
            rival=rival,
            of_good=overlap(sizes) if rival or name.startswith("random") else {},
            states={state: scores.summary(run, confidence) for state, run in runs.items()},
            collapsed=scores.collapsed(retrained),
            loss=scores.compare(retrained, Run(task, "dense"), confidence),
            gain=scores.compare(retrained, random, confidence) if rival else None,
        )
        rows.append(row)
    return rows


def overlap(sizes: Sequence[Size]) -> dict[str, float]:
    """Shares that are good, too, by part: heads and MLPs, or weights; mean over seeds."""
    shares = [share for size in sizes for share in size.shares_of_good.items()]
    by_part = grouped(shares, lambda share: share[0])
    return {part: fmean(share for _, share in own) for part, own in by_part.items()}


def answer(rows: Sequence[Subnetwork], study: Study) -> str:
    """The mean loss against dense of good, random and bad subnetworks."""
    parts = []
    for kind, title in KINDS.items():
        losses = {
            name: average(
                row.loss.mean
                for row in rows
                if (row.kind, row.subnetwork) == (kind, name) and row.loss
            )
            for name in ("good", "random", "bad")
        }
        text = [f"{name} {words.signed(loss)}" for name, loss in losses.items() if loss is not None]
        parts += [f"{title}: {', '.join(text)}"] if text else []
    if not parts:
        return "Neither good nor random nor bad subnetworks were trained."
    num_tasks = words.count(len(study.retrain.tasks), "task")
    return (
        f"Retrained subnetworks minus the dense model, in points, mean over {num_tasks}: "
        f"{'; '.join(parts)}."
    )


COLUMNS: Sequence[Column[Subnetwork]] = (
    columns.text("task", "title"),
    columns.value("task", "kind", "subnetwork"),
    Column("subnetwork", lambda row: f"{KINDS[row.kind]}, {row.subnetwork}"),
    columns.percent("kept", "kept", "kept"),
    columns.percent("FLOPs", "flops", "flops"),
    Column("of good", lambda row: ", ".join(map(words.percent, row.of_good.values())) or NONE),
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
        lambda row: NOT_RUN if row.rival else NONE,
    ),
    columns.count("states.retrained"),
    columns.named(
        "collapsed", "collapsed", lambda runs: words.count(runs, "run") if runs else NONE
    ),
)


def subnetworks_table(rows: Sequence[Subnetwork], results: Results) -> Table:
    """Good, random, bad and other subnetworks as they are and trained alone, by task."""
    caption = (
        "Subnetworks as they are (pruned), and trained alone from the pre-trained weights with the "
        "classifier and data order of the dense run (retrained), mean ± standard deviation. Random and "
        "bad have the size of good, bad ones of what the search dropped as far as that goes (of good: "
        "shares that are good, too); what is super survives in all seeds. Kept: share of the parameters "
        "of heads and MLPs; FLOPs: share of the layers' operations on an example of mean length."
    )
    return table("subnetworks", caption, rows, COLUMNS, results.not_run("retrained"))


def figure(rows: Sequence[Subnetwork], results: Results, study: Study) -> Figure:
    """Bars of good, random and bad subnetworks, pruned and retrained; one panel per task."""
    bars = [(row, state, score) for row in rows for state, score in row.states.items() if score]
    retrain = study.retrain
    places = list(
        dict.fromkeys((*retrain.structured, *study.retrain_super.subnetworks, *retrain.magnitude))
    )

    def draw(panel: Axes, task: str) -> None:
        for offset, ((kind, state), colour) in enumerate(COLOURS.items()):
            own = {
                places.index(row.subnetwork) + 0.2 * (offset - 1.5): score
                for row, of, score in bars
                if (row.task, row.kind, of) == (task, kind, state)
            }
            panel.bar(
                list(own),
                [100 * score.mean for score in own.values()],
                0.18,
                color=colour,
                label=f"{KINDS[kind]}, {state}",
                yerr=[100 * (score.std or 0.0) for score in own.values()],
                capsize=2,
            )
        for kind, look in LINES.items():
            if level := results.scores.summary(Run(task, kind), study.tickets.confidence):
                panel.axhline(100 * level.mean, label=names.NAMES[kind], **look)
        panel.set_xticks(range(len(places)), places, rotation=20 if len(places) > 3 else 0)
        panel.set_title(names.task_name(task, results.scores))

    caption = (
        "Mean score on the validation split; bars of error are standard deviations over seeds. "
        "Line: dense model; dotted: majority class."
    )
    title = "Scores of good, random and bad subnetworks, pruned and retrained, one panel per task"
    records: list[Record] = [
        {"task": row.task, "kind": row.kind, "subnetwork": row.subnetwork, "state": state}
        | numbers(score)
        for row, state, score in bars
    ]
    missing = results.not_run("retrained")
    shown = Figure("subnetworks", title, caption, records=tuple(records), missing=missing)
    labels = ("subnetwork", "score (points)")
    return panels.by_name(
        shown, retrain.tasks, labels, study, draw, least_width=5.4, more_height=0.6
    )
