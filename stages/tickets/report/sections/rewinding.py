"""Does rewinding help: the last ticket from other weights, and pruning that never rewinds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, Figure, render
from stages.tickets.report.names import NAMES, sparsities
from stages.tickets.report.papers import rewinding as statements
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.sections import standard
from stages.tickets.report.sections.standard import OTHERS, Trained, Trials
from stages.tickets.report.table import Column, Record, Table, table
from stages.tickets.report.words import count, percent
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

THETA = {
    "dense": "of the dense training, as in Algorithm 1 of the paper",
    "sparse": "of the training of the subnetwork itself, as in the authors' code",
}
"""Where theta_i is from, by rewind.source."""
KINDS = {"rewind": "Other points", "standard": "Standard pruning", "aliased": "Its mask rewound"}
"""What is compared with the ticket, as captions name it."""
COLUMNS: Sequence[Column[Trained]] = (
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
    """Whether later weights, or no rewinding at all, make the last ticket better."""
    trials = try_all(results, study)
    changes = {run: trained.change for run, trained in trials.items() if trained.change}
    return Section(
        "rewinding",
        "Does rewinding help?",
        "Does the last ticket score better when it starts from weights that training has already "
        "moved, and is it better than pruning that never rewinds?",
        "Chen et al. 2020, Table 3 (there the masks differ with the point as well).",
        answer(changes, results, study),
        stages=("rewind", "standard"),
        figures=(
            rewinding_figure(trials, results, study),
            standard.standard_figure(trials, results, study),
        ),
        tables=(
            rewinding_table(trials, results, study),
            standard.standard_table(trials, results, study),
        ),
        claims=(
            statements.rewinding(changes, results, study),
            statements.standard(changes, results, study),
            statements.aliased(results, study),
        ),
    )


def try_all(results: Results, study: Study) -> Trials:
    """The last ticket from every point, and standard pruning and its mask rewound in every round."""
    scores, confidence, last = results.scores, study.tickets.confidence, study.rounds[-1].to

    def trained(run: Run, ticket: Run | None = None) -> Trained:
        number = last if run.kind == "rewind" else run.at
        score, collapsed = scores.summary(run, confidence), scores.collapsed(run)
        change = scores.compare(run, ticket, confidence) if ticket else None
        title, sparsity = names.task_name(run.task, scores), sparsities(study).get(number, 0.0)
        return Trained(run, title, number, sparsity, score, collapsed, change)

    trials: dict[Run, Trained] = {}
    for task in _tasks(study):
        dense, ticket = Run(task, "dense"), Run(task, "imp", last)
        usual, *points = (Run(task, "rewind", at) for at in names.rewinding_points(study))
        trials |= {dense: trained(dense), **{run: trained(run, usual) for run in points}}
        trials[usual] = trained(usual) if scores.of(usual) else replace(trained(ticket), run=usual)
        for number in sparsities(study):
            ticket = Run(task, "imp", number)
            others = [Run(task, kind, number) for kind in OTHERS]
            trials |= {ticket: trained(ticket), **{run: trained(run, ticket) for run in others}}
    return trials


def _tasks(study: Study) -> list[str]:
    return list(dict.fromkeys((*study.rewind.tasks, *study.standard.tasks)))


def starts(results: Results, study: Study) -> dict[tuple[str, int], str]:
    """What stands beside the last ticket from the usual point, if it ran: kind and point or round."""
    last = study.rounds[-1].to
    places = {("rewind", point): f"i = {point} %" for point in names.rewinding_points(study)}
    rounds = {"standard": last, "aliased": max(study.standard.aliased.rounds, default=last)}
    for kind, number in rounds.items():
        if results.scores.has(kind):
            at = "" if number == last else f", {percent(sparsities(study)[number])}"
            places[kind, number] = NAMES[kind] + at
    return places


def answer(changes: Mapping[Run, Difference], results: Results, study: Study) -> str:
    """The change by every other point, and by standard pruning."""
    parts = []
    for place, name in starts(results, study).items():
        gains = [gain.mean for run, gain in changes.items() if (run.kind, run.at) == place]
        if gains:
            mean = words.signed(sum(gains) / len(gains))
            reach = words.ends(gains, words.signed)
            word = "from" if place[0] == "rewind" else "by"
            parts.append(f"{mean} {word} {name} ({count(len(gains), 'task')}: {reach})")
    if parts:
        usual = study.imp.rewind_to
        return f"Change against i = {usual} %, mean over tasks in points: {'; '.join(parts)}."
    if results.scores.has("rewind"):
        return "Only one point ran: nothing to compare."
    return words.sentence(results.not_run("rewind"))


def rewinding_table(trials: Trials, results: Results, study: Study) -> Table:
    """The last ticket from the weights at several points of the training, beside standard pruning."""
    last, usual, has = study.rounds[-1], study.imp.rewind_to, results.scores.has
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from theta_i, the "
        f"weights at i % {THETA[study.rewind.source]}; its mask was found with rewinding to {usual} %. "
        "Standard pruning never rewinds; its mask was trained from "
        f"{usual} % in the last round in which it ran, as the authors' code does in masked language "
        "modelling."
    )
    absent = [f"{KINDS[kind]}: {results.not_run(kind)}" for kind in KINDS if not has(kind)]
    caption += f" {'; '.join(absent)}." if absent else ""
    places = starts(results, study)
    changed = [place for place in places if place != ("rewind", usual)]
    rows: list[Sequence[str]] = []
    long: list[Record] = []
    for task in _tasks(study) if any(map(has, KINDS)) else []:
        of_task = {place: trials[Run(task, *place)] for place in places}
        scores = [trials[Run(task, "dense")], *of_task.values()]
        rows.append(
            (
                task,
                *(row.cell for row in scores),
                *(words.difference(of_task[place].change) for place in changed),
                words.sizes(row.score for row in of_task.values()),
            )
        )
        long += columns.records(list(of_task.values()), *COLUMNS)
    differences = [f"{places[place]} − i = {usual} %" for place in changed]
    header = columns.of_cells(("task", "dense", *places.values(), *differences, "n"))
    return table("rewinding", caption, rows, header, results.not_run("rewind"), long)


def rewinding_figure(trials: Trials, results: Results, study: Study) -> Figure:
    """Score of the last ticket against the point of the dense training it starts from."""
    last, tasks = study.rounds[-1], study.rewind.tasks
    label = f"ticket, {percent(last.sparsity)}"
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from the "
        f"weights at a point of the {study.rewind.source} training; validation split, all panels share "
        f"their axes. Bars (n={len(study.rewind.seeds)}) and the band of dense (n={len(study.seeds)}) "
        "are intervals."
    )
    if not results.scores.has("rewind"):
        return Figure("rewinding", FIGURE_TITLE, caption, missing=results.not_run("rewind"))
    points = sorted(names.rewinding_points(study))
    kinds = [("dense", 0), *(("rewind", at) for at in points)]
    rows = [trials[Run(task, *kind)] for task in tasks for kind in kinds]

    def draw(canvas: Canvas) -> None:
        looks = {"dense": (BLACK, "-"), label: (BLUE, "o-")}
        shown = [
            (row.title, "dense" if row.run.kind == "dense" else label, row.run.at, row.score)
            for row in rows
        ]
        for panel in panels.curves(
            canvas, shown, "rewinding point i (% of training)", looks, study
        ):
            panel.set_xticks(points)
            panel.set_xmargin(0.1)

    csv = columns.records(
        [row for row in rows if row.score and row.run.kind == "rewind"],
        columns.value("run.task", "run.kind"),
        columns.only_csv("point", "run.at"),
        columns.value("score.mean", "score.low", "score.high", "score.n"),
    )
    svg = render("rewinding", FIGURE_TITLE, panels.size(len(tasks), study), draw)
    return Figure("rewinding", FIGURE_TITLE, caption, svg, csv)
