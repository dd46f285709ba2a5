"""Pruning that never rewinds, and its mask rewound, beside the tickets of every round."""

from collections.abc import Sequence
from itertools import product

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Record, Row, Table, numbers
from stages.tickets.settings import Study

OTHERS = ("standard", "aliased")
KINDS = ("imp", *OTHERS)
LOOKS = {
    "dense": (BLACK, "-"), "IMP ticket": (BLUE, "o-"), "standard pruning": (ORANGE, "s--"),
    names.NAMES["aliased"]: (GREEN, "^-."),
}  # fmt: skip
TITLE = "Score against sparsity of IMP and of standard pruning, one panel per task"


def ticket_of(run: Run, study: Study) -> Run | None:
    """Return the ticket that a run is compared with, from where the rounds restart; else None."""
    usual = Run(run.task, "rewind", study.imp.rewind_to)
    if run.kind in OTHERS:
        return Run(run.task, "imp", run.at)
    return usual if run.kind == "rewind" and run != usual else None


def trained(run: Run, results: Results, study: Study) -> Row:
    """Return what a run scores, and how much more than its ticket.

    The last ticket from where the rounds restart is that of the last round, unless it was trained again.
    """
    ticket, last = ticket_of(run, study), study.rounds[-1].to
    number = last if run.kind == "rewind" else run.at
    of = run
    if run.kind == "rewind" and not ticket and not results.scores.of(run):
        of = Run(run.task, "imp", last)
    score, collapsed = results.summary(of), results.scores.collapsed(of)
    return Row(
        run=run,
        round=number,
        sparsity=names.sparsities(study).get(number, 0.0),
        score=score,
        collapsed=collapsed,
        change=results.compare(run, ticket) if ticket else None,
        cell=words.marked(words.mean(score), collapsed),
    )


def standard_table(results: Results, study: Study) -> Table:
    """List standard pruning and its mask from theta_i minus IMP, round by round."""
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
    for task, number in product(study.standard.tasks if ran else (), names.sparsities(study)):
        by_kind = {kind: trained(Run(task, kind, number), results, study) for kind in KINDS}
        sparsity, changes = by_kind["imp"].sparsity, [by_kind[kind].change for kind in OTHERS]
        record = {"task": task, "round": number, "sparsity": sparsity}
        for kind, row in by_kind.items():
            record |= numbers(row.score, f"{kind}_") | {f"{kind}_collapsed": row.collapsed}
        for kind, change in zip(OTHERS, changes, strict=True):
            record |= numbers(change, f"{kind}_minus_imp_")
        cells = (*(row.cell for row in by_kind.values()), *map(words.difference, changes))
        rows.append((task, words.percent(sparsity), *cells, words.sizes(changes)))
        long.append(record)
    differences = (f"{names.NAMES[kind]} − IMP" for kind in OTHERS)
    header = ("task", "sparsity", *(names.NAMES[kind] for kind in KINDS), *differences, "n")
    return table.of_cells("standard", caption, header, rows, long, results.not_run("standard"))


def standard_figure(results: Results, study: Study) -> Figure:
    """Draw scores of IMP, standard pruning and its mask rewound against sparsity, a panel per task."""
    caption = (
        "Score against sparsity on the validation split: IMP tickets; standard pruning, never rewound; "
        f"and its masks trained from where the rounds restart ({study.imp.rewind_to} %). Bars and the "
        "band of dense are intervals, and all panels share their axes."
    )
    has_any = any(map(results.scores.has, OTHERS))
    rounds = names.sparsities(study)
    rows = [
        trained(Run(task, kind, at), results, study)
        for task in (study.standard.tasks if has_any else ())
        for kind in ("dense", *KINDS)
        for at in ([0] if kind == "dense" else rounds)
    ]
    csv = table.records(
        [row for row in rows if row.score and row.run.kind != "dense"],
        columns.value("run.task", "run.kind", "sparsity"),
        columns.spread_of("score"),
    )
    points = [
        (
            names.task_name(row.run.task, results.scores),
            names.NAMES[row.run.kind],
            100 * row.sparsity,
            row.score,
        )
        for row in rows
    ]
    return panels.curves(
        Figure("standard", TITLE, caption, "", csv, results.not_run("standard")),
        points,
        "sparsity (% of prunable weights)",
        LOOKS,
        study,
        lambda panel: panel.set_xlim(-4, 100),
        panels.size_of(len(study.standard.tasks), study, 5.4, 1.2),
    )
