"""Does rewinding help: the last ticket from other weights, and pruning that never rewinds."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLUE, Figure, render
from stages.tickets.report.names import NAMES, sparsities
from stages.tickets.report.papers import rewinding as statements
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.sections import standard
from stages.tickets.report.sections.standard import OTHERS, Trained, Trials, absent, sizes
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import count, percent
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference

THETA = {
    "dense": "of the dense training, as in Algorithm 1 of the paper",
    "sparse": "of the training of the subnetwork itself, as in the authors' code",
}
"""Where theta_i is from, by rewind.source."""


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
    scores, confidence = results.scores, study.tickets.confidence

    def trained(run: Run, ticket: Run | None = None) -> Trained:
        change = scores.compare(run, ticket, confidence) if ticket else None
        return Trained(scores.summary(run, confidence), scores.collapsed(run), change)

    trials = {}
    for task in _tasks(study):
        trials[Run(task, "dense")] = trained(Run(task, "dense"))
        usual, *points = (Run(task, "rewind", at) for at in names.rewinding_points(study))
        trials |= {run: trained(run, usual) for run in points}
        ticket = Run(task, "imp", study.rounds[-1].to)
        trials[usual] = trained(usual if scores.of(usual) else ticket)
        for number in sparsities(study):
            ticket = Run(task, "imp", number)
            trials[ticket] = trained(ticket)
            others = [Run(task, kind, number) for kind in OTHERS]
            trials |= {run: trained(run, ticket) for run in others}
    return trials


def _tasks(study: Study) -> list[str]:
    return list(dict.fromkeys((*study.rewind.tasks, *study.standard.tasks)))


def starts(results: Results, study: Study) -> list[tuple[str, int]]:
    """Kind and point of the last ticket; kind and last round of what stands beside it, if it ran."""
    points = [("rewind", point) for point in names.rewinding_points(study)]
    last = study.rounds[-1].to
    rounds = {"standard": last, "aliased": max(study.standard.aliased.rounds, default=last)}
    return points + [place for place in rounds.items() if results.scores.has(place[0])]


def name_of(kind: str, at: int, study: Study) -> str:
    """The point, or the kind with its sparsity if that is not the last round's."""
    if kind == "rewind":
        return f"i = {at} %"
    return NAMES[kind] + (
        f", {percent(sparsities(study)[at])}" if at != study.rounds[-1].to else ""
    )


def answer(changes: Mapping[Run, Difference], results: Results, study: Study) -> str:
    """The change by every other point, and by standard pruning."""
    parts = []
    for kind, at in starts(results, study):
        gains = [gain for run, gain in changes.items() if (run.kind, run.at) == (kind, at)]
        if gains:
            word = "from" if kind == "rewind" else "by"
            parts.append(f"{_gained(gains)} {word} {name_of(kind, at, study)} ({_over(gains)})")
    if parts:
        usual = study.imp.rewind_to
        return f"Change against i = {usual} %, mean over tasks in points: {'; '.join(parts)}."
    if results.scores.has("rewind"):
        return "Only one point ran: nothing to compare."
    return words.sentence(results.not_run("rewind"))


def _gained(gains: Sequence[Difference]) -> str:
    """The mean over tasks; of one task with its interval."""
    if len(gains) == 1:
        return words.difference(gains[0])
    return words.signed(intervals.average(gain.mean for gain in gains) or 0.0)


def _over(gains: Sequence[Difference]) -> str:
    """How many tasks and seeds, and from where to where the tasks reach."""
    means, n = [gain.mean for gain in gains], min(gain.n for gain in gains)
    reach = f", {words.signed(min(means))} to {words.signed(max(means))}" if len(means) > 1 else ""
    seeds = "" if n == 1 and len(gains) == 1 else f", n={n}"
    return f"{count(len(gains), 'task')}{reach}{seeds}"


def rewinding_table(trials: Trials, results: Results, study: Study) -> Table:
    """The last ticket from the weights at several points of the training, beside standard pruning."""
    last, usual = study.rounds[-1], study.imp.rewind_to
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from theta_i, the "
        f"weights at i % {THETA[study.rewind.source]}; its mask was found with rewinding to {usual} %. "
        "Standard pruning: trained on after every round and never rewound; beside it its mask trained "
        f"from {usual} %, in the last round in which it ran, as the authors' code does in masked "
        "language modelling. The paper's Table 3 could not be verified, so no number of it is here."
    )
    ran = any(results.scores.has(kind) for kind in ("rewind", *OTHERS))
    tasks, places = _tasks(study) if ran else [], starts(results, study)

    def score(kind: str, at: int) -> Column[str]:
        return columns.score(
            name_of(kind, at, study),
            lambda task: trials[Run(task, kind, at)].score,
            lambda task: trials[Run(task, kind, at)].collapsed,
        )

    def change(kind: str, at: int) -> Column[str]:
        name = f"{name_of(kind, at, study)} − i = {usual} %"
        return columns.difference(name, lambda task: trials[Run(task, kind, at)].change, None)

    by_task: list[Column[str]] = [
        columns.text("task", str),
        columns.score(
            "dense",
            lambda task: trials[Run(task, "dense")].score,
            lambda task: trials[Run(task, "dense")].collapsed,
        ),
        *(score(*place) for place in places),
        *(change(*place) for place in places if place != ("rewind", usual)),
        Column("n", lambda task: sizes([trials[Run(task, *place)].score for place in places])),
    ]
    long = [_record(Run(task, *place), trials, last.to) for task in tasks for place in places]
    caption += absent(("rewind", *OTHERS), results)
    return table("rewinding", caption, tasks, by_task, results.not_run("rewind"), long)


def _record(run: Run, trials: Trials, last: int) -> Record:
    rewound, trained = run.kind == "rewind", trials[run]
    return {
        "task": run.task, "start": run.kind, "point": run.at if rewound else None,
        "round": last if rewound else run.at, **numbers(trained.score),
        **numbers(trained.change, "change_"), "collapsed": trained.collapsed,
    }  # fmt: skip


def rewinding_figure(trials: Trials, results: Results, study: Study) -> Figure:
    """Score of the last ticket against the point of the dense training it starts from."""
    title = "Score of the last ticket against the rewinding point, one panel per task"
    last, tasks = study.rounds[-1], study.rewind.tasks
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from the "
        f"weights at a point of the {study.rewind.source} training; validation split, all panels share "
        f"their axes. Bars (n={len(study.rewind.seeds)}) and the band of dense (n={len(study.seeds)}): "
        f"{names.interval_name(study)}."
    )
    if not results.scores.has("rewind"):
        return Figure("rewinding", title, caption, missing=results.not_run("rewind"))
    points = sorted(names.rewinding_points(study))
    curves = {
        task: {at: score for at in points if (score := trials[Run(task, "rewind", at)].score)}
        for task in tasks
    }

    def draw(canvas: Canvas) -> None:
        labels = ("rewinding point i (% of training)", "score (points)")
        grid = panels.side_by_side(canvas, tasks, labels, study)
        for panel, (task, curve) in zip(grid, curves.items(), strict=True):
            panels.dense_band(panel, trials[Run(task, "dense")].score)
            label = f"ticket, {percent(last.sparsity)}"
            panels.curve(panel, list(curve), list(curve.values()), (BLUE, "o-"), label)
            panel.set_title(names.task_name(task, results.scores))
            panel.set_xticks(points)
            panel.set_xmargin(0.1)
        panels.legend(canvas, grid)

    shown: list[Record] = [
        {
            "task": task, "kind": "rewind", "point": at, "mean": score.mean, "low": score.low,
            "high": score.high, "n": score.n,
        }
        for task, curve in curves.items()
        for at, score in curve.items()
    ]  # fmt: skip
    svg = render("rewinding", title, panels.size(len(tasks), study), draw)
    return Figure("rewinding", title, caption, svg, tuple(shown))
