"""Does rewinding help: the last ticket from other weights, and pruning that never rewinds."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, Figure
from stages.tickets.report.papers import rewinding as statements
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.sections import standard
from stages.tickets.report.table import Record, Table
from stages.tickets.settings import Study

THETA = {
    "dense": "of the dense training, as in Algorithm 1 of the paper",
    "sparse": "of the training of the subnetwork itself, as in the authors' code",
}
"""Where theta_i is from, by rewind.source."""
KINDS = {"rewind": "Other points", "standard": "Standard pruning", "aliased": "Its mask rewound"}
"""What is compared with the ticket, as captions name it."""
COLUMNS = (
    columns.value("run.task"),
    columns.only_csv("start", "run.kind"),
    columns.only_csv("point", lambda row: row.run.at if row.run.kind == "rewind" else None),
    columns.value("round"),
    columns.spread_of("score"),
    columns.spread_of("change", "change_"),
    columns.value("collapsed"),
)
FIGURE_TITLE = "Score of the last ticket against the rewinding point, one panel per task"


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
        figures=(rewinding_figure(results, study), standard.standard_figure(results, study)),
        tables=(rewinding_table(results, study), standard.standard_table(results, study)),
        claims=statements.claims(results, study),
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
        rows = [standard.trained(Run(task, *place), results, study) for task in _tasks(study)]
        if gains := [row.change.mean for row in rows if row.change]:
            word = "from" if place[0] == "rewind" else "by"
            tasks = words.count(len(gains), "task")
            parts.append(f"{words.ends(gains, words.signed)} {word} {name} ({tasks})")
    if parts:
        usual = study.imp.rewind_to
        return f"Change against i = {usual} %, by task in points: {'; '.join(parts)}."
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
    absent = [f"{KINDS[kind]}: {results.not_run(kind)}" for kind in KINDS if not has(kind)]
    caption += f" {'; '.join(absent)}." if absent else ""
    places = starts(results, study)
    changed = [place for place in places if place != ("rewind", usual)]
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    for task in _tasks(study) if any(map(has, KINDS)) else ():
        rows = {place: standard.trained(Run(task, *place), results, study) for place in places}
        dense = standard.trained(Run(task, "dense"), results, study)
        changes = (words.difference(rows[place].change) for place in changed)
        cells = (dense.cell, *(row.cell for row in rows.values()), *changes)
        lines.append((task, *cells, words.sizes(row.score for row in rows.values())))
        long += table.records(list(rows.values()), *COLUMNS)
    differences = (f"{places[place]} − i = {usual} %" for place in changed)
    header = ("task", "dense", *places.values(), *differences, "n")
    return table.of_cells("rewinding", caption, header, lines, long, results.not_run("rewind"))


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
    rows = [standard.trained(Run(task, *kind), results, study) for task in tasks for kind in kinds]
    csv = table.records(
        [row for row in rows if row.score and row.run.kind == "rewind"],
        columns.value("run.task", "run.kind"),
        columns.only_csv("point", "run.at"),
        columns.value("score.mean", "score.low", "score.high", "score.n"),
    )
    labels = {"dense": "dense", "rewind": label}
    shown = [
        (names.task_name(row.run.task, results.scores), labels[row.run.kind], row.run.at, row.score)
        for row in rows
    ]

    def finish(panel: Axes) -> None:
        panel.set_xticks(points)
        panel.set_xmargin(0.1)

    return panels.curves(
        Figure("rewinding", FIGURE_TITLE, caption, "", csv, results.not_run("rewind")),
        shown,
        "rewinding point i (% of training)",
        {"dense": (BLACK, "-"), label: (BLUE, "o-")},
        study,
        finish,
    )
