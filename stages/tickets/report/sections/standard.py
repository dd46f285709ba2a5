"""Pruning that never rewinds, and its mask rewound, beside the tickets of every round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels
from stages.tickets.report.figure import BLUE, GREEN, ORANGE, Figure, render
from stages.tickets.report.names import NAMES, sparsities
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

OTHERS = ("standard", "aliased")
KINDS = ("imp", *OTHERS)
CURVES = {"imp": (BLUE, "o-"), "standard": (ORANGE, "s--"), "aliased": (GREEN, "^-.")}


@dataclass(frozen=True)
class Trained:
    """What a run scores, and how much more than the ticket it is compared with."""

    score: Summary | None
    collapsed: int
    change: Difference | None
    """Minus the ticket from where the rounds restart: of the last round, or of the run's round."""


Trials = Mapping[Run, Trained]


def absent(kinds: Sequence[str], results: Results) -> str:
    """A sentence for every kind of which nothing ran, to follow a caption."""
    titles = {
        "rewind": "Other points",
        "standard": "Standard pruning",
        "aliased": "Its mask rewound",
    }
    return "".join(
        f" {titles[kind]}: {results.not_run(kind)}."
        for kind in kinds
        if not results.scores.has(kind)
    )


def sizes(scores: Sequence[Summary | None]) -> str:
    return ", ".join(sorted({str(score.n) for score in scores if score})) or NONE


def standard_table(trials: Trials, results: Results, study: Study) -> Table:
    """Standard pruning and its mask from theta_i minus IMP, round by round."""
    caption = (
        "Standard pruning, which trains on after every round, and its mask trained from where the "
        f"rounds restart ({study.imp.rewind_to} %), each minus the IMP ticket of the same round. A round "
        "of standard pruning has seen the training data once more than the round before."
    )
    ran = any(results.scores.has(kind) for kind in OTHERS)
    places = [(task, at) for task in study.standard.tasks for at in sparsities(study) if ran]

    def of(kind: str, place: tuple[str, int]) -> Trained:
        return trials[Run(place[0], kind, place[1])]

    def score(kind: str) -> tuple[Column[tuple[str, int]], Column[tuple[str, int]]]:
        return (
            columns.score(
                NAMES[kind],
                lambda place: of(kind, place).score,
                lambda place: of(kind, place).collapsed,
                f"{kind}_",
            ),
            columns.only_csv(f"{kind}_collapsed", lambda place: of(kind, place).collapsed),
        )

    def change(kind: str) -> Column[tuple[str, int]]:
        return columns.difference(
            f"{NAMES[kind]} − IMP", lambda place: of(kind, place).change, f"{kind}_minus_imp_"
        )

    shown: Sequence[Column[tuple[str, int]]] = (
        columns.text("task", lambda place: place[0], "task"),
        columns.only_csv("round", lambda place: place[1]),
        columns.sparsity(lambda place: sparsities(study)[place[1]]),
        *(column for kind in KINDS for column in score(kind)),
        *map(change, OTHERS),
        Column("n", lambda place: sizes([of(kind, place).change for kind in OTHERS])),
    )
    caption += absent(("aliased",), results)
    return table("standard", caption, places, shown, results.not_run("standard"))


def standard_figure(trials: Trials, results: Results, study: Study) -> Figure:
    """Scores of IMP, standard pruning and its mask rewound against sparsity, one panel per task."""
    title = "Score against sparsity of IMP and of standard pruning, one panel per task"
    caption = (
        "Score against sparsity on the validation split: IMP tickets; standard pruning, never rewound; "
        f"and its masks trained from where the rounds restart ({study.imp.rewind_to} %). Bars and the "
        f"band of dense: {names.interval_name(study)}. All panels share their axes."
    )
    if not any(results.scores.has(kind) for kind in OTHERS):
        return Figure("standard", title, caption, missing=results.not_run("standard"))
    tasks = study.standard.tasks
    curves = {
        (task, kind): {
            sparsity: score
            for number, sparsity in sparsities(study).items()
            if (score := trials[Run(task, kind, number)].score)
        }
        for task in tasks
        for kind in KINDS
    }

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "score (points)")
        grid = panels.side_by_side(canvas, tasks, labels, study)
        for panel, task in zip(grid, tasks, strict=True):
            panels.dense_band(panel, trials[Run(task, "dense")].score)
            for kind, look in CURVES.items():
                if curve := curves[task, kind]:
                    at = [100 * sparsity for sparsity in curve]
                    panels.curve(panel, at, list(curve.values()), look, NAMES[kind])
            panel.set_xlim(-4, 100)
            panel.set_title(names.task_name(task, results.scores))
        panels.legend(canvas, grid)

    shown: list[Record] = [
        {"task": task, "kind": kind, "sparsity": sparsity, **numbers(score)}
        for (task, kind), curve in curves.items()
        for sparsity, score in curve.items()
    ]
    width, height = panels.size(len(tasks), study)
    svg = render("standard", title, (max(width, 5.4), height + 0.2), draw)
    return Figure("standard", title, caption, svg, tuple(shown))
