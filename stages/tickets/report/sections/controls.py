"""Are tickets better than their controls: IMP minus random, re-initialised, shuffled and one-shot."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes

from stages.tickets.report import columns, figure, names, panels, table, words
from stages.tickets.report.claim import ranged
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.tickets import better_than
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import matching

LOOKS = (
    (figure.BLUE, "o"), (figure.VERMILION, "s"), (figure.GREEN, "^"), (figure.PURPLE, "D"),
    (figure.ORANGE, "P"), (figure.SKY, "X"), (figure.BLACK, "v"),
)  # fmt: skip
FIGURE_TITLE = "IMP tickets minus their controls, one panel per task"
COLUMNS = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    columns.named("control", "control", names.control_name),
    columns.score("IMP ticket", "ticket", "ticket_collapsed", nothing=words.NONE),
    columns.score("control's score", "control_score", "control_collapsed", nothing=words.NONE),
    columns.score("dense from scratch", "scratch", prefix="scratch_", nothing=words.NONE),
    columns.difference("IMP − control", "gain"),
    columns.count("gain"),
    columns.only_csv("imp_collapsed", "ticket_collapsed"),
    columns.value("control_collapsed"),
    columns.p_value("gain"),
    columns.number("p (Holm)", "holm", words.probability, "p_holm"),
)


def section(results: Results, study: Study) -> Section:
    """Show tickets against controls of exactly their size."""
    rows = compare(results, study)
    return Section(
        "controls",
        "Are tickets better than their controls?",
        "Does it matter which weights survive, or only how many? And does it matter that they "
        "are the pre-trained ones, each in its place?",
        "Chen et al. 2020, Table 2, rows 3 to 5; masks by matrix and one-shot masks are "
        "other controls than theirs.",
        answer(rows, results, study) if rows else words.sentence(results.not_run("random")),
        stages=("ticket", "controls"),
        figures=(controls_figure(rows, results, study),),
        tables=(controls_table(rows, results, study),),
        claims=better_than(results, study),
    )


def compare(results: Results, study: Study) -> list[Row]:
    """Subtract control from ticket wherever both ran, by task, round and kind.

    Re-initialised weights stand beside the same architecture trained dense from random weights, which
    says what their mask takes away. Holm's correction is for all rows of tasks that have learned.
    """
    rows = []
    places = product(study.tasks, names.sparsities(study).items())
    for (task, (number, sparsity)), kind in product(places, names.control_kinds(study)):
        ticket, control = Run(task, "imp", number), names.control_run(task, kind, number)
        gain = results.compare(ticket, control)
        if gain is None:
            continue
        row = Row(task=task, round=number, sparsity=sparsity, control=kind, gain=gain, holm=None)
        row.ticket, row.ticket_collapsed = results.summary(ticket), results.scores.collapsed(ticket)
        row.control_score = results.summary(control)
        row.control_collapsed = results.scores.collapsed(control)
        drawn_anew = kind.startswith("reinitialised")
        row.scratch = results.summary(Run(task, "scratch")) if drawn_anew else None
        rows.append(row)
    family = [row for row in rows if row.task in results.usable(study.tasks)]
    for row, p in zip(family, matching.holm([row.gain.p for row in family]), strict=True):
        row.holm = p
    return rows


def answer(rows: Sequence[Row], results: Results, study: Study) -> str:
    """Give the least and the greatest gain over each control, and in how many tasks it is sure."""
    parts = []
    for kind in names.control_kinds(study):
        own = [
            row for row in rows if row.control == kind and row.task in results.usable(study.tasks)
        ]
        if not own:
            continue
        gains = {f"{row.task} at {words.percent(row.sparsity)}": row.gain.mean for row in own}
        level = 1 - study.tickets.confidence
        above = sum(row.holm is not None and row.holm <= level and row.gain.mean > 0 for row in own)
        text = f"{names.control_name(kind)} {ranged(gains)}"
        parts.append(f"{text}, surely above 0 in {above} of {len(own)}")
    text = f"Tickets minus controls in points: {'; '.join(parts)}." if parts else ""
    return shared.naming(text, results)


def controls_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List IMP tickets minus controls of the same size, by task."""
    caption = (
        "IMP tickets minus controls of exactly the same size, paired by seed, in points on the "
        f"validation split, with the {names.interval_name(study)} and its two-sided p, as it is and "
        "after Holm's correction for all rows. Beside re-initialised weights stands the dense "
        f"architecture trained from random ones, if it ran. {words.DAGGER}."
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
        "cut at the ends of the axis; without a bar, one seed."
    )
    tasks = [task for task in study.tasks if any(row.task == task for row in rows)]
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
