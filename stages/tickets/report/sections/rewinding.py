"""Does rewinding help: the last ticket from other weights, and pruning that never rewinds."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, Figure
from stages.tickets.report.papers import rewinding as statements
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Row, Table
from stages.tickets.settings import Study

THETA = {
    "dense": "of the dense training, as in Algorithm 1 of the paper",
    "sparse": "of the training of the subnetwork itself, as in the authors' code",
}
"""Where theta_i is from, by rewind.source."""
OTHERS = ("standard", "aliased")
"""Kinds of pruning that never rewinds, and of its mask rewound."""
COMPARED = {"rewind": "Other points", "standard": "Standard pruning", "aliased": "Its mask rewound"}
"""What is compared with the ticket, as captions name it."""
LOOKS = {
    "dense": (BLACK, "-"), "IMP ticket": (BLUE, "o-"), "standard pruning": (ORANGE, "s--"),
    names.NAMES["aliased"]: (GREEN, "^-."),
}  # fmt: skip
COLUMNS = (
    columns.value("run.task"),
    columns.only_csv("start", "run.kind"),
    columns.only_csv("point", lambda row: row.run.at if row.run.kind == "rewind" else None),
    columns.value("round"),
    columns.spread_of("score"),
    columns.spread_of("change", "change_"),
    columns.value("collapsed"),
)
BY_ROUND = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    *(
        column
        for kind in ("imp", *OTHERS)
        for column in (
            columns.score(names.NAMES[kind], f"{kind}.score", f"{kind}.collapsed", f"{kind}_"),
            columns.only_csv(f"{kind}_collapsed", f"{kind}.collapsed"),
        )
    ),
    *(
        columns.difference(f"{names.NAMES[kind]} − IMP", f"{kind}.change", f"{kind}_minus_imp_")
        for kind in OTHERS
    ),
    columns.text("n", lambda row: words.sizes((row.standard.change, row.aliased.change))),
)
FIGURE_TITLE = "Score of the last ticket against the rewinding point, one panel per task"
BY_ROUND_TITLE = "Score against sparsity of IMP and of standard pruning, one panel per task"


def section(results: Results, study: Study) -> Section:
    """Show whether later weights, or no rewinding at all, make the last ticket better."""
    return Section(
        "rewinding",
        "Does rewinding help?",
        "Does the last ticket score better when it starts from weights that training has already "
        "moved, and is it better than pruning that never rewinds?",
        "Chen et al. 2020, Table 3 (there the masks differ with the point as well).",
        answer(results, study),
        stages=("rewind", "standard"),
        figures=(rewinding_figure(results, study), standard_figure(results, study)),
        tables=(rewinding_table(results, study), standard_table(results, study)),
        claims=statements.claims(results, study),
    )


def ticket_of(run: Run, study: Study) -> Run | None:
    """Return the ticket that a run is compared with, from where the rounds restart; else None."""
    usual = Run(run.task, "rewind", study.imp.rewind_to)
    if run.kind in OTHERS:
        return Run(run.task, "imp", run.at)
    return usual if run.kind == "rewind" and run != usual else None


def trained(run: Run, results: Results) -> Row:
    """Return what a run scores, and how much more than its ticket.

    The last ticket from where the rounds restart is that of the last round, unless it was trained again.
    """
    ticket, last = ticket_of(run, results.study), results.study.rounds[-1].to
    number = last if run.kind == "rewind" else run.at
    of = run
    if run.kind == "rewind" and not ticket and not results.scores.of(run):
        of = Run(run.task, "imp", last)
    score, collapsed = results.summary(of), results.scores.collapsed(of)
    return Row(
        run=run,
        round=number,
        sparsity=names.sparsities(results.study).get(number, 0.0),
        score=score,
        collapsed=collapsed,
        change=results.compare(run, ticket) if ticket else None,
        cell=words.marked(words.mean(score), collapsed),
    )


def _tasks(study: Study) -> list[str]:
    return list(dict.fromkeys((*study.rewind.tasks, *study.standard.tasks)))


def starts(results: Results, study: Study) -> dict[tuple[str, int], str]:
    """Name what stands beside the last ticket from the usual point, by kind and point or round."""
    last = study.rounds[-1].to
    places = {("rewind", point): f"i = {point} %" for point in names.rewinding_points(study)}
    rounds = {"standard": last, "aliased": max(study.standard.aliased.rounds, default=last)}
    for kind, number in rounds.items():
        if results.scores.has(kind):
            places[kind, number] = names.run_name(kind, 0 if number == last else number, study)
    return places


def answer(results: Results, study: Study) -> str:
    """Give the change by every other point, and by standard pruning."""
    parts = []
    for place, name in starts(results, study).items():
        rows = [trained(Run(task, *place), results) for task in results.usable(_tasks(study))]
        if gains := [row.change.mean for row in rows if row.change]:
            word = "from" if place[0] == "rewind" else "by"
            tasks = words.count(len(gains), "task")
            parts.append(f"{words.ends(gains, words.signed)} {word} {name} ({tasks})")
    if parts:
        usual = study.imp.rewind_to
        text = f"Change against i = {usual} %, by task in points: {'; '.join(parts)}."
        return shared.naming(text, results)
    if results.scores.has("rewind"):
        return "Only one point ran: nothing to compare."
    return words.sentence(results.not_run("rewind"))


def rewinding_table(results: Results, study: Study) -> Table:
    """List the last ticket from the weights at several points, beside standard pruning."""
    last, usual, has = study.rounds[-1], study.imp.rewind_to, results.scores.has
    caption = (
        f"The ticket of round {last.to} ({words.percent(last.sparsity)} sparse) trained from theta_i, "
        f"the weights at i % {THETA[study.rewind.source]}; its mask was found with rewinding to {usual} "
        f"%. Standard pruning never rewinds; its mask was trained from {usual} % in the last round in "
        "which it ran, as the authors' code does in masked language modelling."
    )
    absent = [f"{COMPARED[kind]}: {results.not_run(kind)}" for kind in COMPARED if not has(kind)]
    caption += f" {'; '.join(absent)}." if absent else ""
    places = starts(results, study)
    changed = [place for place in places if place != ("rewind", usual)]
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    for task in _tasks(study) if any(map(has, COMPARED)) else ():
        rows = {place: trained(Run(task, *place), results) for place in places}
        changes = (words.difference(rows[place].change) for place in changed)
        cells = (trained(Run(task, "dense"), results).cell, *(row.cell for row in rows.values()))
        lines.append((task, *cells, *changes, words.sizes(row.score for row in rows.values())))
        long += table.records(list(rows.values()), *COLUMNS)
    differences = (f"{places[place]} − i = {usual} %" for place in changed)
    header = ("task", "dense", *places.values(), *differences, "n")
    return table.of_cells("rewinding", caption, header, lines, long, results.not_run("rewind"))


def standard_table(results: Results, study: Study) -> Table:
    """List standard pruning and its mask from theta_i minus IMP, round by round."""
    caption = (
        "Standard pruning, which trains on after every round, and its mask trained from where the "
        f"rounds restart ({study.imp.rewind_to} %), each minus the IMP ticket of the same round. A round "
        "of standard pruning has seen the training data once more than the round before."
    )
    if not results.scores.has("aliased"):
        caption += f" Its mask rewound: {results.not_run('aliased')}."
    rows = []
    for task, number in product(_pruned(results, study), names.sparsities(study)):
        kinds = {kind: trained(Run(task, kind, number), results) for kind in ("imp", *OTHERS)}
        rows.append(Row(task=task, round=number, sparsity=kinds["imp"].sparsity, **kinds))
    return table.table("standard", caption, rows, BY_ROUND, results.not_run("standard"))


def _pruned(results: Results, study: Study) -> tuple[str, ...]:
    """Return the tasks of standard pruning, if it ran."""
    return study.standard.tasks if any(map(results.scores.has, OTHERS)) else ()


def _panel(row: Row, results: Results) -> str:
    return names.task_name(row.run.task, results.scores)


def rewinding_figure(results: Results, study: Study) -> Figure:
    """Draw the score of the last ticket against the point of the dense training it starts from."""
    last = study.rounds[-1]
    label = f"ticket, {words.percent(last.sparsity)}"
    caption = (
        f"The ticket of round {last.to} ({words.percent(last.sparsity)} sparse) trained from the "
        f"weights at a point of the {study.rewind.source} training; validation split, all panels share "
        f"their axes. Bars (n={len(study.rewind.seeds)}) and the band of dense (n={len(study.seeds)}) "
        "are intervals."
    )
    points = sorted(names.rewinding_points(study))
    kinds = [("dense", 0), *(("rewind", at) for at in points)]
    tasks = study.rewind.tasks if results.scores.has("rewind") else ()
    rows = [trained(Run(task, *kind), results) for task in tasks for kind in kinds]
    csv = table.records(
        [row for row in rows if row.score and row.run.kind == "rewind"],
        columns.value("run.task", "run.kind"),
        columns.only_csv("point", "run.at"),
        columns.value("score.mean", "score.low", "score.high", "score.n"),
    )
    labels = {"dense": "dense", "rewind": label}
    shown = [(_panel(row, results), labels[row.run.kind], row.run.at, row.score) for row in rows]

    def finish(panel: Axes) -> None:
        panel.set_xticks(points)
        panel.set_xmargin(0.1)

    figure = Figure("rewinding", FIGURE_TITLE, caption, "", csv, results.not_run("rewind"))
    looks = {"dense": (BLACK, "-"), label: (BLUE, "o-")}
    across = "rewinding point i (% of training)"
    return panels.curves(figure, shown, looks, study, across=across, finish=finish)


def standard_figure(results: Results, study: Study) -> Figure:
    """Draw scores of IMP, standard pruning and its mask rewound against sparsity, a panel per task."""
    caption = (
        "Score against sparsity on the validation split: IMP tickets; standard pruning, never rewound; "
        f"and its masks trained from where the rounds restart ({study.imp.rewind_to} %). Bars and the "
        "band of dense are intervals, and all panels share their axes."
    )
    rounds = [(kind, at) for kind in ("imp", *OTHERS) for at in names.sparsities(study)]
    runs = product(_pruned(results, study), [("dense", 0), *rounds])
    rows = [trained(Run(task, *place), results) for task, place in runs]
    csv = table.records(
        [row for row in rows if row.score and row.run.kind != "dense"],
        columns.value("run.task", "run.kind", "sparsity"),
        columns.spread_of("score"),
    )
    points = [
        (_panel(row, results), names.NAMES[row.run.kind], 100 * row.sparsity, row.score)
        for row in rows
    ]
    figure = Figure("standard", BY_ROUND_TITLE, caption, "", csv, results.not_run("standard"))
    size = panels.size_of(len(study.standard.tasks), study, 5.4, 1.2)
    return panels.curves(figure, points, LOOKS, study, size)
