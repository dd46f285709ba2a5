"""Pruning that never rewinds, and its mask rewound, beside the tickets of every round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, Figure, render
from stages.tickets.report.names import NAMES, sparsities
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Column, Table, table
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

OTHERS = ("standard", "aliased")
KINDS = ("imp", *OTHERS)
LOOKS = {
    NAMES["dense"]: (BLACK, "-"),
    NAMES["imp"]: (BLUE, "o-"),
    NAMES["standard"]: (ORANGE, "s--"),
    NAMES["aliased"]: (GREEN, "^-."),
}
TITLE = "Score against sparsity of IMP and of standard pruning, one panel per task"


@dataclass(frozen=True)
class Trained:
    """What a run scores, and how much more than the ticket it is compared with."""

    run: Run
    title: str
    """The task and its metric."""
    round: int
    """Of its mask."""
    sparsity: float
    score: Summary | None
    collapsed: int
    change: Difference | None
    """Minus the ticket from where the rounds restart: of the last round, or of the run's round."""


Trials = Mapping[Run, Trained]


@dataclass(frozen=True)
class Round:
    """The ticket of one round of a task beside standard pruning and its mask."""

    task: str
    round: int
    sparsity: float
    imp: Trained
    standard: Trained
    aliased: Trained

    @property
    def sizes(self) -> str:
        """How many seeds the differences are of."""
        return words.sizes((self.standard.change, self.aliased.change))


def _score(kind: str) -> tuple[Column[Round], Column[Round]]:
    return (
        columns.score(NAMES[kind], f"{kind}.score", f"{kind}.collapsed", f"{kind}_"),
        columns.only_csv(f"{kind}_collapsed", f"{kind}.collapsed"),
    )


COLUMNS: Sequence[Column[Round]] = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    *(column for kind in KINDS for column in _score(kind)),
    columns.difference("standard pruning − IMP", "standard.change", "standard_minus_imp_"),
    columns.difference(f"{NAMES['aliased']} − IMP", "aliased.change", "aliased_minus_imp_"),
    columns.text("n", "sizes"),
)


def rounds(trials: Trials, results: Results, study: Study) -> list[Round]:
    """All rounds of the tasks of standard pruning, if any of it ran."""
    if not any(map(results.scores.has, OTHERS)):
        return []
    return [
        Round(task, number, sparsity, *(trials[Run(task, kind, number)] for kind in KINDS))
        for task in study.standard.tasks
        for number, sparsity in sparsities(study).items()
    ]


def standard_table(rows: Sequence[Round], results: Results, study: Study) -> Table:
    """Standard pruning and its mask from theta_i minus IMP, round by round."""
    caption = (
        "Standard pruning, which trains on after every round, and its mask trained from where the "
        f"rounds restart ({study.imp.rewind_to} %), each minus the IMP ticket of the same round. A round "
        "of standard pruning has seen the training data once more than the round before."
    )
    if not results.scores.has("aliased"):
        caption += f" Its mask rewound: {results.not_run('aliased')}."
    return table("standard", caption, rows, COLUMNS, results.not_run("standard"))


def standard_figure(trials: Trials, results: Results, study: Study) -> Figure:
    """Scores of IMP, standard pruning and its mask rewound against sparsity, one panel per task."""
    caption = (
        "Score against sparsity on the validation split: IMP tickets; standard pruning, never rewound; "
        f"and its masks trained from where the rounds restart ({study.imp.rewind_to} %). Bars and the "
        "band of dense are intervals, and all panels share their axes."
    )
    if not any(map(results.scores.has, OTHERS)):
        return Figure("standard", TITLE, caption, missing=results.not_run("standard"))
    runs = [
        Run(task, kind, at)
        for task in study.standard.tasks
        for kind in ("dense", *KINDS)
        for at in ([0] if kind == "dense" else sparsities(study))
    ]
    rows = [trials[run] for run in runs]

    def draw(canvas: Canvas) -> None:
        points = [(row.title, NAMES[row.run.kind], 100 * row.sparsity, row.score) for row in rows]
        grid = panels.curves(canvas, points, "sparsity (% of prunable weights)", LOOKS, study)
        grid[0].set_xlim(-4, 100)

    csv = columns.records(
        [row for row in rows if row.score and row.run.kind != "dense"],
        columns.value("run.task", "run.kind", "sparsity"),
        columns.spread_of("score"),
    )
    width, height = panels.size(len(study.standard.tasks), study)
    svg = render("standard", TITLE, (max(width, 5.4), height + 0.2), draw)
    return Figure("standard", TITLE, caption, svg, csv)
