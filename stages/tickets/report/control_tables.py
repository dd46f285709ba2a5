"""Tickets against their controls: the table of all comparisons, and the figure."""

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import findings, panels, runs
from stages.tickets.report.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Config,
    Figure,
    render,
)
from stages.tickets.report.formatting import (
    DAGGER,
    NONE,
    difference,
    marked,
    mean,
    p_value,
    percent,
    probability,
)
from stages.tickets.report.runs import (
    control_kinds,
    control_name,
    control_run,
    interval_name,
    sparsities,
)
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.tables import Record, Table, numbers
from stages.tickets.statistics import matching
from stages.tickets.statistics.intervals import Difference

ALL = "all tasks"
LOOKS = (
    (BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "P"), (SKY, "X"),
    (BLACK, "v"),
)  # fmt: skip
Place = tuple[str, int, str]
"""Task, round and kind of control."""


def differences(scores: Scores, config: runs.Config) -> dict[Place, Difference]:
    """Ticket minus control wherever both ran: over all tasks, then by task, round and kind."""
    found: dict[Place, Difference] = {}
    for task in (ALL, *config.tasks):
        for number in sparsities(config):
            for kind in control_kinds(config):
                one = (
                    findings.pooled_gain(number, scores, config, kind)
                    if task == ALL
                    else findings.gain(task, number, scores, config, kind)
                )
                if one:
                    found[task, number, kind] = one
    return found


def all_tasks(number: int, kind: str, found: dict[Place, Difference]) -> str:
    """Over how many tasks the mean is."""
    tasks = sum((at, of) == (number, kind) and task != ALL for task, at, of in found)
    return f"{ALL} ({tasks})"


def corrected(found: dict[Place, Difference]) -> dict[Place, float | None]:
    """Holm's p values; those by task are one family, those over all tasks another."""
    result: dict[Place, float | None] = {}
    for over_all in (True, False):
        places = [place for place in found if (place[0] == ALL) is over_all]
        p_values = matching.holm([found[place].p for place in places])
        result |= dict(zip(places, p_values, strict=True))
    return result


def controls_table(scores: Scores, config: runs.Config) -> Table:
    """IMP tickets minus controls of the same size, by task and over tasks."""
    caption = (
        "IMP tickets minus controls of exactly the same size, paired by seed, in points on the "
        f"validation split, with the {interval_name(config)} and the two-sided p of a paired t test, "
        "as it is and corrected by Holm's method for all rows of single tasks, and apart from them for "
        "all rows over all tasks. n counts seeds; over all tasks a seed has the mean over the tasks "
        "that have the control, and metrics of different kinds are averaged. Fewer than five seeds can "
        f"hardly give a small p, however large the difference. {DAGGER}."
    )
    found = differences(scores, config)
    if not found:
        return Table("controls", caption, missing=runs.why_not("random", config))
    for kind in control_kinds(config):
        if not any(place[2] == kind for place in found):
            caption += f" {control_name(kind).capitalize()}: {runs.why_no_control(kind, config)}."
    confidence, by_holm = config.tickets.confidence, corrected(found)
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for (task, number, kind), one in found.items():
        sparsity, single = sparsities(config)[number], task != ALL
        shown = task if single else all_tasks(number, kind, found)
        imp, control = Run(task, "imp", number), control_run(task, kind, number)
        holm = by_holm[task, number, kind]
        rows.append(
            (
                shown,
                percent(sparsity),
                control_name(kind),
                marked(mean(scores.summary(imp, confidence)), scores.collapsed(imp))
                if single
                else NONE,
                marked(mean(scores.summary(control, confidence)), scores.collapsed(control))
                if single
                else NONE,
                difference(one),
                str(one.n),
                p_value(one),
                NONE if holm is None else probability(holm),
            )
        )
        records.append(
            {
                "task": task,
                "round": number,
                "sparsity": sparsity,
                "control": kind,
                **numbers(one),
                "imp_collapsed": scores.collapsed(imp) if single else None,
                "control_collapsed": scores.collapsed(control) if single else None,
                "p": one.p,
                "p_holm": holm,
            }
        )
    header = (
        "task", "sparsity", "control", "IMP ticket", "control's score", "IMP − control", "n", "p",
        "p (Holm)",
    )  # fmt: skip
    return Table("controls", caption, header, tuple(rows), tuple(records))


def controls_figure(scores: Scores, config: Config) -> Figure:
    """Dots with intervals: IMP minus each control, one panel per task, a colour per round."""
    title = "IMP tickets minus their controls, one panel per task and one over all tasks"
    caption = (
        "Score of the IMP ticket minus that of the control of its size, paired by seed, validation "
        f"split; right of 0 the ticket is better. Bars: {interval_name(config)}, "
        "cut at the ends of the axis; without a bar, one seed. Over all tasks: over those that have the "
        "control, see the table. All panels share their axes."
    )
    found = differences(scores, config)
    if not found:
        return Figure("controls", title, caption, missing=runs.why_not("random", config))
    tasks = [task for task in (*config.tasks, ALL) if any(place[0] == task for place in found)]
    kinds = [kind for kind in control_kinds(config) if any(place[2] == kind for place in found)]
    rounds = sorted({number for _, number, _ in found})
    reach = 100 * max(abs(one.mean) for one in found.values())
    ends = [100 * end for one in found.values() for end in (one.low, one.high) if end is not None]
    means = [100 * one.mean for one in found.values()]
    low = max(min(-1.0, *ends, *means) * 1.1, -1.3 * reach - 5)
    high = min(max(1.0, *ends, *means) * 1.1, 1.3 * reach + 5)

    def draw(canvas: Canvas) -> None:
        row = panels.side_by_side(canvas, tasks, ("IMP − control (points)", ""), config)
        for panel, task in zip(row, tasks, strict=True):
            panel.axvline(0, color=BLACK, linewidth=1)
            for order, number in enumerate(rounds):
                colour, marker = LOOKS[order % len(LOOKS)]
                places = [at for at, kind in enumerate(kinds) if (task, number, kind) in found]
                here = [found[task, number, kinds[at]] for at in places]
                if not here:
                    continue
                shift = 0.5 * ((order + 0.5) / len(rounds) - 0.5)
                panel.errorbar(
                    [100 * one.mean for one in here],
                    [at + shift for at in places],
                    xerr=panels.bars(here),
                    fmt=marker,
                    color=colour,
                    capsize=2.5,
                    label=f"{percent(sparsities(config)[number])} sparse",
                )
            panel.set_yticks(range(len(kinds)), [control_name(kind) for kind in kinds])
            panel.set_ylim(len(kinds) - 0.5, -0.5)
            panel.set_xlim(low, high)
        panels.legend(canvas, row)

    records: list[Record] = [
        {"task": task, "round": number, "control": kind, **numbers(one)}
        for (task, number, kind), one in found.items()
    ]
    columns = min(config.plot.columns, len(tasks))
    lines = -(-len(tasks) // columns)
    width = max(columns * config.plot.panel_width + 1.2, 4.6)
    size = (width, lines * (0.9 + 0.3 * len(kinds)) + 1.0)
    svg = render("controls", title, size, draw)
    return Figure("controls", title, caption, svg, tuple(records))
