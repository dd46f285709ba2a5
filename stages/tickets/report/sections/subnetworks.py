"""Do good subnetworks train better alone than random and bad ones of their size?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    Figure,
    render,
)  # fmt: skip
from stages.tickets.report.names import STATES, random_of_same_size, subnetwork_run, subnetworks
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.search_rows import Size
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE, NOT_RUN
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

KINDS = {"structured": "heads and MLPs", "magnitude": "weights"}
"""What a search drops, by the name of its subnetworks' kind."""
COLOURS = dict(zip(product(KINDS, STATES), (SKY, BLUE, ORANGE, VERMILION), strict=True))
FIGURE_TITLE = (
    "Scores of good, random and bad subnetworks, pruned and retrained, one panel per task"
)
FIGURE_CAPTION = (
    "Mean score on the validation split; bars of error are standard deviations over seeds. "
    "Line: dense model; dotted: majority class."
)


@dataclass(frozen=True)
class Subnetwork:
    """One kind of subnetwork of a task, over seeds."""

    task: str
    kind: str
    name: str
    kept: float
    """Share of the parameters of heads and MLPs, mean over seeds."""
    flops: float | None
    """Share of the layers' operations, mean over seeds."""
    of_good: Mapping[str, float]
    """Shares of its heads, MLPs or weights that are good, too; empty if nothing has its size."""
    states: Mapping[str, Summary]
    """Scores of those of `STATES` that ran."""
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
        answer(rows, results, study),
        stages=("search", "retrain", "retrain-super", "retrain-magnitude"),
        figures=(figure(rows, results, study),),
        tables=(subnetworks_table(rows, results),),
    )


def measure(results: Results, study: Study) -> list[Subnetwork]:
    """Every subnetwork that was searched for, by task, kind and name."""
    scores, confidence = results.scores, study.tickets.confidence
    by_place = grouped(results.sizes, lambda size: (size.task, size.kind, size.subnetwork))
    rows = []
    for task, (kind, name) in product(study.retrain.tasks, subnetworks(study)):
        sizes = by_place.get((task, kind, name), [])
        if not sizes:
            continue
        flops = [size.share_of_flops for size in sizes if size.share_of_flops is not None]
        rival = random_of_same_size(name)
        runs = {state: subnetwork_run(task, state, kind, name) for state in STATES}
        retrained = runs["retrained"]
        random = subnetwork_run(task, "retrained", kind, rival)
        states = {state: scores.summary(run, confidence) for state, run in runs.items()}
        rows.append(
            Subnetwork(
                task,
                kind,
                name,
                kept=fmean(size.share for size in sizes),
                flops=fmean(flops) if flops else None,
                of_good=overlap(sizes) if rival or name.startswith("random") else {},
                states={state: level for state, level in states.items() if level},
                collapsed=scores.collapsed(retrained),
                loss=scores.compare(retrained, Run(task, "dense"), confidence),
                gain=scores.compare(retrained, random, confidence) if rival else None,
            )
        )
    return rows


def overlap(sizes: Sequence[Size]) -> dict[str, float]:
    """Shares that are good, too, by part: heads and MLPs, or weights; mean over seeds."""
    shares = [size.shares_of_good for size in sizes]
    parts = dict.fromkeys(part for of_seed in shares for part in of_seed)
    return {part: fmean(of_seed[part] for of_seed in shares if part in of_seed) for part in parts}


def answer(rows: Sequence[Subnetwork], results: Results, study: Study) -> str:
    """The mean loss against dense of good, random and bad subnetworks."""
    if not rows:
        return words.sentence(results.not_run("retrained"))
    parts = []
    for kind, title in KINDS.items():
        losses = []
        for name in ("good", "random", "bad"):
            means = [
                row.loss.mean for row in rows if (row.kind, row.name) == (kind, name) and row.loss
            ]
            losses += [f"{name} {words.signed(fmean(means))}"] if means else []
        parts += [f"{title}: {', '.join(losses)}"] if losses else []
    if not parts:
        return "Neither good nor random nor bad subnetworks were trained."
    num_tasks = words.count(len(study.retrain.tasks), "task")
    return (
        f"Retrained subnetworks minus the dense model, in points, mean over {num_tasks}: "
        f"{'; '.join(parts)}."
    )


def subnetworks_table(rows: Sequence[Subnetwork], results: Results) -> Table:
    """Good, random, bad and other subnetworks as they are and trained alone, by task."""
    caption = (
        "Subnetworks as they are (pruned), and trained alone from the pre-trained weights with the "
        "classifier and data order of the dense run (retrained), mean ± standard deviation over n "
        "seeds. Random and bad have the size of good, bad ones of what the search dropped as far as "
        "that goes (of good: shares that are good, too); what is super survives in all seeds. Kept: "
        "share of the parameters of heads and MLPs; FLOPs: share of the layers' operations on a "
        "validation example of mean length."
    )
    shown: Sequence[Column[Subnetwork]] = (
        Column(
            "task",
            lambda row: names.task_name(row.task, results.scores),
            {"task": lambda row: row.task},
        ),
        columns.only_csv("kind", lambda row: row.kind),
        Column(
            "subnetwork",
            lambda row: f"{KINDS[row.kind]}, {row.name}",
            {"subnetwork": lambda row: row.name},
        ),
        columns.percent("kept", lambda row: row.kept, "kept"),
        columns.percent("FLOPs", lambda row: row.flops, "flops"),
        Column(
            "of good",
            lambda row: ", ".join(map(words.percent, row.of_good.values())) or NONE,
            {
                "heads_of_good": lambda row: row.of_good.get("heads"),
                "mlps_of_good": lambda row: row.of_good.get("mlps"),
                "weights_of_good": lambda row: row.of_good.get("weights"),
            },
        ),
        columns.mean_and_std("pruned", lambda row: row.states.get("pruned"), "pruned_"),
        columns.mean_and_std("retrained", lambda row: row.states.get("retrained"), "retrained_"),
        columns.difference("retrained − dense", lambda row: row.loss, "retrained_minus_dense_"),
        columns.difference(
            "retrained − random",
            lambda row: row.gain,
            "retrained_minus_random_",
            lambda row: NOT_RUN if random_of_same_size(row.name) else NONE,
        ),
        columns.count(lambda row: row.states.get("retrained")),
        Column(
            "collapsed",
            lambda row: words.count(row.collapsed, "run") if row.collapsed else NONE,
            {"collapsed": lambda row: row.collapsed},
        ),
    )
    return table("subnetworks", caption, rows, shown, results.not_run("retrained"))


def figure(rows: Sequence[Subnetwork], results: Results, study: Study) -> Figure:
    """Bars of good, random and bad subnetworks, pruned and retrained; one panel per task."""
    bars = [(row, state) for row in rows for state in row.states]
    if not bars:
        why = results.not_run("retrained")
        return Figure("subnetworks", FIGURE_TITLE, FIGURE_CAPTION, missing=why)
    places = list(dict.fromkeys(name for _, name in subnetworks(study)))
    tasks = study.retrain.tasks

    def draw(canvas: Canvas) -> None:
        grid = panels.side_by_side(canvas, tasks, ("subnetwork", "score (points)"), study)
        for panel, task in zip(grid, tasks, strict=True):
            for offset, ((kind, state), colour) in enumerate(COLOURS.items()):
                own = [
                    row
                    for row in rows
                    if (row.task, row.kind) == (task, kind) and state in row.states
                ]
                panel.bar(
                    [places.index(row.name) + 0.2 * (offset - 1.5) for row in own],
                    [100 * row.states[state].mean for row in own],
                    0.18,
                    color=colour,
                    label=f"{KINDS[kind]}, {state}",
                    yerr=[100 * (row.states[state].std or 0.0) for row in own],
                    capsize=2,
                )
            majority, dense = (
                results.scores.summary(Run(task, kind), study.tickets.confidence)
                for kind in ("majority", "dense")
            )
            if majority:
                level = 100 * majority.mean
                panel.axhline(level, color=GREY, linestyle=":", label=names.NAMES["majority"])
            if dense:
                panel.axhline(100 * dense.mean, color=BLACK, linewidth=1, label="dense")
            panel.set_xticks(range(len(places)), places, rotation=20 if len(places) > 3 else 0)
            panel.set_title(names.task_name(task, results.scores))
        panels.legend(canvas, grid)

    records: list[Record] = [
        {"task": row.task, "kind": row.kind, "subnetwork": row.name, "state": state}
        | numbers(row.states[state])
        for row, state in bars
    ]
    width, height = panels.size(len(tasks), study)
    svg = render("subnetworks", FIGURE_TITLE, (max(width, 5.4), height + 0.6), draw)
    return Figure("subnetworks", FIGURE_TITLE, FIGURE_CAPTION, svg, tuple(records))
