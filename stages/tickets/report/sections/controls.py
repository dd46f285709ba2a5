"""Are tickets better than their controls: IMP minus random, re-initialised, shuffled and one-shot."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes

from stages.tickets.report import columns, figure, names, panels, table, words
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers.tickets import better_than
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import matching

ALL = "all tasks"
LOOKS = (
    (figure.BLUE, "o"), (figure.VERMILION, "s"), (figure.GREEN, "^"), (figure.PURPLE, "D"),
    (figure.ORANGE, "P"), (figure.SKY, "X"), (figure.BLACK, "v"),
)  # fmt: skip
FIGURE_TITLE = "IMP tickets minus their controls, one panel per task and one over all tasks"
COLUMNS = (
    columns.text("task", lambda row: f"{ALL} ({row.num_tasks})" if row.is_mean else row.task),
    columns.value("task", "round"),
    columns.sparsity(),
    columns.named("control", "control", names.control_name),
    columns.score("IMP ticket", "ticket", "ticket_collapsed", nothing=words.NONE),
    columns.score("control's score", "control_score", "control_collapsed", nothing=words.NONE),
    columns.difference("IMP − control", "gain"),
    columns.count("gain"),
    columns.only_csv("imp_collapsed", "ticket_collapsed"),
    columns.value("control_collapsed"),
    columns.p_value("gain"),
    columns.number("p (Holm)", "holm", words.probability, "p_holm"),
)


def section(results: Results, study: Study) -> Section:
    """Show tickets against controls of exactly their size."""
    rows = compare(results.scores, study)
    return Section(
        "controls",
        "Are tickets better than their controls?",
        "Does it matter which weights survive, or only how many? And does it matter that they "
        "are the pre-trained ones, each in its place?",
        "Chen et al. 2020, Table 2, rows 3 to 5; masks by matrix and one-shot masks are "
        "other controls than theirs.",
        answer(rows, study) if rows else words.sentence(results.not_run("random")),
        stages=("ticket", "controls"),
        figures=(controls_figure(rows, results, study),),
        tables=(controls_table(rows, results, study),),
        claims=better_than(results, study),
    )


def compare(scores: Scores, study: Study) -> list[Row]:
    """Subtract control from ticket wherever both ran: over all tasks, then by task, round and kind.

    Holm's correction takes the rows of single tasks as one family, those over all tasks as another.
    """
    confidence, rows = study.tickets.confidence, []
    places = product((ALL, *study.tasks), names.sparsities(study).items())
    for (task, (number, sparsity)), kind in product(places, names.control_kinds(study)):
        tasks = study.tasks if task == ALL else (task,)
        pairs = [
            (Run(name, "imp", number), names.control_run(name, kind, number)) for name in tasks
        ]
        gain, num_tasks = scores.pooled(pairs, confidence)
        if gain is None:
            continue
        row = Row(task=task, round=number, sparsity=sparsity, control=kind, gain=gain)
        row.is_mean, row.num_tasks = task == ALL, num_tasks
        ticket, control = (None, None) if row.is_mean else pairs[0]
        row.ticket = ticket and scores.summary(ticket, confidence)
        row.ticket_collapsed = ticket and scores.collapsed(ticket)
        row.control_score = control and scores.summary(control, confidence)
        row.control_collapsed = control and scores.collapsed(control)
        rows.append(row)
    for is_mean in (True, False):
        family = [row for row in rows if row.is_mean is is_mean]
        for row, p in zip(family, matching.holm([row.gain.p for row in family]), strict=True):
            row.holm = p
    return rows


def answer(rows: Sequence[Row], study: Study) -> str:
    """Give the mean gain over each control, and in how many tasks it is surely above 0."""
    parts = []
    for kind in names.control_kinds(study):
        own = [row for row in rows if row.control == kind]
        means = [
            f"{words.difference(row.gain)} at {words.percent(row.sparsity)}"
            for row in own
            if row.is_mean
        ]
        single = [row.gain for row in own if not row.is_mean]
        above = sum(gain.low is not None and gain.low > 0 for gain in single)
        text = f"{names.control_name(kind)} {', '.join(means) or 'no seed has all tasks'}"
        if any(gain.n > 1 for gain in single):
            text += f" (above 0 in {above} of {words.count(len(single), 'interval')} over seeds)"
        parts += [text] if own else []
    return f"Tickets minus controls, mean over tasks in points: {'; '.join(parts)}."


def controls_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List IMP tickets minus controls of the same size, by task and over tasks."""
    caption = (
        "IMP tickets minus controls of exactly the same size, paired by seed, in points on the "
        f"validation split, with the {names.interval_name(study)} and the two-sided p of a paired t "
        "test, as it is and after Holm's correction for all rows of its kind. Over all tasks, a seed has "
        f"the mean over the tasks that have the control. {words.DAGGER}."
    )
    kinds = {row.control for row in rows}
    for kind in (kind for kind in names.control_kinds(study) if kind not in kinds):
        reason = names.why_no_control(kind, study)
        caption += f" {names.control_name(kind).capitalize()}: {reason}."
    return table.table("controls", caption, rows, COLUMNS, results.not_run("random"))


def controls_figure(rows: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw dots with intervals: IMP minus each control, one panel per task, a colour per round."""
    caption = (
        "Score of the IMP ticket minus that of the control of its size, paired by seed, validation "
        f"split; right of 0 the ticket is better. Bars: {names.interval_name(study)}, "
        "cut at the ends of the axis; without a bar, one seed. Over all tasks: over those that have the "
        "control, see the table."
    )
    tasks = [task for task in (*study.tasks, ALL) if any(row.task == task for row in rows)]
    kinds = [
        kind for kind in names.control_kinds(study) if any(row.control == kind for row in rows)
    ]
    rounds = sorted({row.round for row in rows})

    def draw(panel: Axes, task: str) -> None:
        panel.axvline(0, color=figure.BLACK, linewidth=1)
        for order, number in enumerate(rounds):
            own = [row for row in rows if (row.task, row.round) == (task, number)]
            shift = 0.5 * ((order + 0.5) / len(rounds) - 0.5)
            colour, marker = LOOKS[order % len(LOOKS)]
            if own:
                panel.errorbar(
                    [100 * row.gain.mean for row in own],
                    [kinds.index(row.control) + shift for row in own],
                    xerr=panels.bars([row.gain for row in own]),
                    fmt=marker,
                    color=colour,
                    capsize=2.5,
                    label=f"{words.percent(own[0].sparsity)} sparse",
                )
        panel.set_yticks(range(len(kinds)), [names.control_name(kind) for kind in kinds])
        panel.set_ylim(len(kinds) - 0.5, -0.5)
        panel.set_xlim(_reach(rows))

    csv = table.records(rows, columns.value("task", "round", "control"), columns.spread_of("gain"))
    shown = Figure("controls", FIGURE_TITLE, caption, "", csv, results.not_run("random"))
    wide = min(study.plot.columns, len(tasks))
    size = (
        max(wide * study.plot.panel_width + 1.2, 4.6),
        -(-len(tasks) // max(wide, 1)) * (0.9 + 0.3 * len(kinds)) + 1.0,
    )
    labels = ("IMP − control (points)", "")
    return panels.by_name(shown, tasks, labels, study, draw, size=size)


def _reach(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of the axis in points: all means, and of intervals not much more than these."""
    means = [100 * row.gain.mean for row in rows]
    reach = max(map(abs, means))
    ends = [100 * end for row in rows for end in (row.gain.low, row.gain.high) if end is not None]
    low = max(min(-1.0, *ends, *means) * 1.1, -1.3 * reach - 5)
    return low, min(max(1.0, *ends, *means) * 1.1, 1.3 * reach + 5)
