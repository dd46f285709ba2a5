"""Pruning that never rewinds, and its mask rewound, beside the tickets of every round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, Figure, render
from stages.tickets.report.names import NAMES, sparsities
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Record, Table, Value, numbers, table
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

    @property
    def cell(self) -> str:
        """The score, as shown."""
        return words.marked(words.mean(self.score), self.collapsed)


Trials = Mapping[Run, Trained]


def standard_table(trials: Trials, results: Results, study: Study) -> Table:
    """Standard pruning and its mask from theta_i minus IMP, round by round."""
    caption = (
        "Standard pruning, which trains on after every round, and its mask trained from where the "
        f"rounds restart ({study.imp.rewind_to} %), each minus the IMP ticket of the same round. A round "
        "of standard pruning has seen the training data once more than the round before."
    )
    if not results.scores.has("aliased"):
        caption += f" Its mask rewound: {results.not_run('aliased')}."
    rows: list[Sequence[str]] = []
    long: list[Record] = []
    ran = any(map(results.scores.has, OTHERS))
    for task, number in product(study.standard.tasks if ran else (), sparsities(study)):
        by_kind = {kind: trials[Run(task, kind, number)] for kind in KINDS}
        changes = {kind: by_kind[kind].change for kind in OTHERS}
        sparsity = by_kind["imp"].sparsity
        record: dict[str, Value] = {"task": task, "round": number, "sparsity": sparsity}
        for kind, trained in by_kind.items():
            record |= numbers(trained.score, f"{kind}_")
            record[f"{kind}_collapsed"] = trained.collapsed
        for kind, change in changes.items():
            record |= numbers(change, f"{kind}_minus_imp_")
        cells = (trained.cell for trained in by_kind.values())
        gains = map(words.difference, changes.values())
        rows.append((task, words.percent(sparsity), *cells, *gains, words.sizes(changes.values())))
        long.append(record)
    kinds, differences = (
        (NAMES[kind] for kind in KINDS),
        (f"{NAMES[kind]} − IMP" for kind in OTHERS),
    )
    header = columns.of_cells(("task", "sparsity", *kinds, *differences, "n"))
    return table("standard", caption, rows, header, results.not_run("standard"), long)


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
