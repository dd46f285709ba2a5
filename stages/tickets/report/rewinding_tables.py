"""Rewinding and standard pruning: the last ticket from other weights, and rounds that never rewind."""

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import findings, panels
from stages.tickets.report import names as runs
from stages.tickets.report.figure import BLUE, GREEN, ORANGE, Config, Figure, render
from stages.tickets.report.names import NAMES, interval_name, sparsities
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import DAGGER, NONE, difference, marked, mean, percent
from stages.tickets.statistics.intervals import Difference

OTHERS = ("standard", "aliased")
THETA = {
    "dense": "of the dense training, as in Algorithm 1 of the paper",
    "sparse": "of the training of the subnetwork itself, as in the authors' code",
}
"""Where theta_i is from, by rewind.source."""
CURVES = {"imp": (BLUE, "o-"), "standard": (ORANGE, "s--"), "aliased": (GREEN, "^-.")}


def last_round(kind: str, config: runs.Config) -> int:
    """Of standard pruning the last; of its mask the last whose mask was to be trained."""
    if kind == "aliased":
        return max(config.standard.aliased.rounds, default=config.rounds[-1].to)
    return config.rounds[-1].to


def name_of(kind: str, config: runs.Config) -> str:
    """With its sparsity, where that is not the last round's."""
    number = last_round(kind, config)
    at = percent(sparsities(config)[number])
    return NAMES[kind] + (f", {at}" if number != config.rounds[-1].to else "")


def last_gain(task: str, kind: str, scores: Scores, config: runs.Config) -> Difference | None:
    """Standard pruning, or its mask trained from theta_i, minus the ticket, each in its last round."""
    return standard_gain(task, kind, last_round(kind, config), scores, config)


def standard_gain(
    task: str, kind: str, number: int, scores: Scores, config: runs.Config
) -> Difference | None:
    other, ticket = Run(task, kind, number), Run(task, "imp", number)
    return scores.compare(other, ticket, config.tickets.confidence)


def rewinding_table(scores: Scores, config: runs.Config) -> Table:
    """The last ticket from the weights at several points of the training, beside standard pruning."""
    last, usual, others = config.rounds[-1], config.imp.rewind_to, config.rewind.points
    caption = (
        f"The ticket of round {last.to} ({percent(last.sparsity)} sparse) trained from theta_i, the "
        f"weights at i % {THETA[config.rewind.source]}, in points on the validation split: mean ± half "
        f"the {interval_name(config)}. The masks were found with rewinding to {usual} %. Standard "
        "pruning: of the same sparsity, trained on after every round and never rewound; beside it its "
        f"mask trained from where the rounds restart ({usual} %), in the last round in which it ran, "
        "beside the ticket of that round; the authors' code does that in masked language modelling, "
        f"from 0 %. Differences are paired by seed. {DAGGER}. The paper's Table 3 could not be "
        "verified, so no number of it is here."
    )
    for kind in ("rewind", *OTHERS):
        if not scores.has(kind):
            name = "other points" if kind == "rewind" else NAMES[kind]
            caption += f" {name[0].upper()}{name[1:]}: {runs.why_not(kind, config)}."
    if not any(scores.has(kind) for kind in ("rewind", *OTHERS)):
        return Table("rewinding", caption, missing=runs.why_not("rewind", config))
    confidence = config.tickets.confidence
    shown = [kind for kind in OTHERS if scores.has(kind)]
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in dict.fromkeys((*config.rewind.tasks, *config.standard.tasks)):
        found = {
            point: scores.summary(Run(task, "rewind", point), confidence)
            for point in runs.rewinding_points(config)
        }
        point_runs = {point: Run(task, "rewind", point) for point in found}
        if found[usual] is None:
            point_runs[usual] = Run(task, "imp", last.to)
            found[usual] = scores.summary(point_runs[usual], confidence)
        rest_runs = {kind: Run(task, kind, last_round(kind, config)) for kind in shown}
        rest = {kind: scores.summary(run, confidence) for kind, run in rest_runs.items()}
        gains = {point: findings.rewinding_gain(task, point, scores, config) for point in others}
        gains_of_rest = {kind: last_gain(task, kind, scores, config) for kind in shown}
        dense = scores.summary(Run(task, "dense"), confidence)
        sizes = sorted({str(one.n) for one in (*found.values(), *rest.values()) if one})
        rows.append(
            (
                task,
                marked(mean(dense), scores.collapsed(Run(task, "dense"))),
                *(marked(mean(one), scores.collapsed(point_runs[at])) for at, one in found.items()),
                *(
                    marked(mean(one), scores.collapsed(rest_runs[kind]))
                    for kind, one in rest.items()
                ),
                *(difference(one) for one in gains.values()),
                *(difference(one) for one in gains_of_rest.values()),
                ", ".join(sizes) or NONE,
            )
        )
        for point, one in found.items():
            gain = numbers(gains.get(point), "change_")
            collapsed = scores.collapsed(point_runs[point])
            records.append(
                {
                    "task": task, "start": "rewind", "point": point, "round": last.to,
                    **numbers(one), **gain, "collapsed": collapsed,
                }
            )  # fmt: skip
        for kind, one in rest.items():
            gain = numbers(gains_of_rest[kind], "change_")
            collapsed = scores.collapsed(rest_runs[kind])
            records.append(
                {
                    "task": task, "start": kind, "point": None, "round": last_round(kind, config),
                    **numbers(one), **gain, "collapsed": collapsed,
                }
            )  # fmt: skip
    at = [f"i = {point} %" for point in runs.rewinding_points(config)]
    names = [name_of(kind, config) for kind in shown]
    changes = [f"i = {point} % − i = {usual} %" for point in others]
    changes += [f"{name} − i = {usual} %" for name in names]
    header = ("task", "dense", *at, *names, *changes, "n")
    return Table("rewinding", caption, header, tuple(rows), tuple(records))


def standard_table(scores: Scores, config: runs.Config) -> Table:
    """Standard pruning and its mask from theta_i minus IMP, round by round."""
    caption = (
        "Standard pruning, which trains on after every round, and its mask trained from where the "
        f"rounds restart ({config.imp.rewind_to} %), each minus the IMP ticket of the same round, paired "
        f"by seed; points on the validation split, with the {interval_name(config)}. A round of standard "
        f"pruning has seen the training data once more than the round before. {DAGGER}."
    )
    if not any(scores.has(kind) for kind in OTHERS):
        return Table("standard", caption, missing=runs.why_not("standard", config))
    if not scores.has("aliased"):
        caption += f" Its mask from where the rounds restart: {runs.why_not('aliased', config)}."
    confidence = config.tickets.confidence
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in config.standard.tasks:
        for number, sparsity in sparsities(config).items():
            ran = {
                kind: scores.summary(Run(task, kind, number), confidence)
                for kind in ("imp", *OTHERS)
            }
            gains = {kind: standard_gain(task, kind, number, scores, config) for kind in OTHERS}
            sizes = sorted({str(one.n) for one in gains.values() if one})
            rows.append(
                (
                    task,
                    percent(sparsity),
                    *(
                        marked(mean(one), scores.collapsed(Run(task, kind, number)))
                        for kind, one in ran.items()
                    ),
                    *(difference(one) for one in gains.values()),
                    ", ".join(sizes) or NONE,
                )
            )
            record: Record = {"task": task, "round": number, "sparsity": sparsity}
            for kind, one in ran.items():
                collapsed = scores.collapsed(Run(task, kind, number))
                record = {**record, **numbers(one, f"{kind}_"), f"{kind}_collapsed": collapsed}
            for kind, gain in gains.items():
                record = {**record, **numbers(gain, f"{kind}_minus_imp_")}
            records.append(record)
    names = [NAMES[kind] for kind in ("imp", *OTHERS)]
    changes = [f"{name} − IMP" for name in names[1:]]
    header = ("task", "sparsity", *names, *changes, "n")
    return Table("standard", caption, header, tuple(rows), tuple(records))


def standard_figure(scores: Scores, config: Config) -> Figure:
    """Scores of IMP, standard pruning and its mask rewound against sparsity, one panel per task."""
    title = "Score against sparsity of IMP and of standard pruning, one panel per task"
    caption = (
        "Score against sparsity on the validation split: IMP tickets; standard pruning, never rewound; "
        f"and its masks trained from where the rounds restart ({config.imp.rewind_to} %). Bars and the "
        "band of dense: "
        f"{interval_name(config)}. All panels share their axes."
    )
    if not any(scores.has(kind) for kind in OTHERS):
        return Figure("standard", title, caption, missing=runs.why_not("standard", config))
    confidence, tasks = config.tickets.confidence, config.standard.tasks
    found = {
        (task, kind, number): one
        for task in tasks
        for kind in CURVES
        for number in sparsities(config)
        if (one := scores.summary(Run(task, kind, number), confidence))
    }

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "score (points)")
        row = panels.side_by_side(canvas, tasks, labels, config)
        for panel, task in zip(row, tasks, strict=True):
            panels.dense_band(panel, scores.summary(Run(task, "dense"), confidence))
            for kind, look in CURVES.items():
                rounds = [number for number in sparsities(config) if (task, kind, number) in found]
                at = [100 * sparsities(config)[number] for number in rounds]
                curve = [found[task, kind, number] for number in rounds]
                if curve:
                    panels.curve(panel, at, curve, look, NAMES[kind])
            panel.set_xlim(-4, 100)
            panel.set_title(runs.task_name(task, scores))
        panels.legend(canvas, row)

    records: list[Record] = [
        {"task": task, "kind": kind, "sparsity": sparsities(config)[number], **numbers(one)}
        for (task, kind, number), one in found.items()
    ]
    width, height = panels.size(len(tasks), config)
    svg = render("standard", title, (max(width, 5.4), height + 0.2), draw)
    return Figure("standard", title, caption, svg, tuple(records))
