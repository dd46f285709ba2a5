"""Are tickets better than their controls: IMP minus random, re-initialised, shuffled and one-shot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Figure,
    render,
)  # fmt: skip
from stages.tickets.report.names import control_kinds, control_name, control_run, sparsities
from stages.tickets.report.papers.tickets import better_than
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.settings import Study
from stages.tickets.statistics import matching
from stages.tickets.statistics.intervals import Difference, Summary

ALL = "all tasks"
LOOKS = (
    (BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "P"), (SKY, "X"), (BLACK, "v"),
)  # fmt: skip
FIGURE_TITLE = "IMP tickets minus their controls, one panel per task and one over all tasks"


@dataclass(frozen=True)
class Comparison:
    """A ticket beside one control of its size, or all tickets of a round beside theirs."""

    task: str
    """`ALL` for the mean over tasks."""
    round: int
    sparsity: float
    control: str
    gain: Difference
    """Ticket minus control, paired by seed."""
    num_tasks: int = 1
    ticket: Summary | None = None
    ticket_collapsed: int | None = None
    control_score: Summary | None = None
    control_collapsed: int | None = None
    holm: float | None = None
    """p of the gain, corrected for all rows of single tasks, or for all rows over all tasks."""

    @property
    def is_mean(self) -> bool:
        """Whether it is over all tasks."""
        return self.task == ALL

    @property
    def shown(self) -> str:
        """The task, or over how many tasks the mean is."""
        return f"{ALL} ({self.num_tasks})" if self.is_mean else self.task


def section(results: Results, study: Study) -> Section:
    """Tickets against controls of exactly their size."""
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
        figures=(figure(rows, results, study),),
        tables=(controls_table(rows, results, study),),
        claims=better_than(results, study),
    )


def compare(scores: Scores, study: Study) -> list[Comparison]:
    """Ticket minus control wherever both ran: over all tasks, then by task, round and kind."""
    confidence = study.tickets.confidence
    rows = []
    for task in (ALL, *study.tasks):
        for number, sparsity in sparsities(study).items():
            for kind in control_kinds(study):
                tasks = study.tasks if task == ALL else (task,)
                pairs = [
                    (Run(name, "imp", number), control_run(name, kind, number)) for name in tasks
                ]
                gain, num_tasks = scores.pooled(pairs, confidence)
                if gain is None:
                    continue
                row = Comparison(task, number, sparsity, kind, gain, num_tasks)
                if task != ALL:
                    ticket, control = pairs[0]
                    row = replace(
                        row,
                        ticket=scores.summary(ticket, confidence),
                        ticket_collapsed=scores.collapsed(ticket),
                        control_score=scores.summary(control, confidence),
                        control_collapsed=scores.collapsed(control),
                    )
                rows.append(row)
    return _corrected(rows)


def _corrected(rows: Sequence[Comparison]) -> list[Comparison]:
    """The same with Holm's p; rows of single tasks are one family, those over all tasks another."""
    by_holm: dict[Comparison, float | None] = {}
    for is_mean in (True, False):
        family = [row for row in rows if row.is_mean is is_mean]
        corrected = matching.holm([row.gain.p for row in family])
        by_holm |= dict(zip(family, corrected, strict=True))
    return [replace(row, holm=by_holm[row]) for row in rows]


def answer(rows: Sequence[Comparison], study: Study) -> str:
    """The mean gain over each control, and in how many tasks it is surely above 0."""
    parts = []
    for kind in control_kinds(study):
        own = [row for row in rows if row.control == kind]
        means = [
            f"{words.difference(row.gain)} at {words.percent(row.sparsity)}"
            for row in own
            if row.is_mean
        ]
        single = [row.gain for row in own if not row.is_mean]
        above = sum(gain.low is not None and gain.low > 0 for gain in single)
        text = f"{control_name(kind)} {', '.join(means) or 'no seed has all tasks'}"
        if any(gain.n > 1 for gain in single):
            text += f" (above 0 in {above} of {words.count(len(single), 'interval')} over seeds)"
        parts += [text] if own else []
    return f"Tickets minus controls, mean over tasks in points: {'; '.join(parts)}."


COLUMNS: Sequence[Column[Comparison]] = (
    Column("task", lambda row: row.shown, {"task": lambda row: row.task}),
    columns.value("round"),
    columns.sparsity(),
    columns.named("control", "control", control_name),
    columns.score("IMP ticket", "ticket", "ticket_collapsed", nothing=words.NONE),
    columns.score("control's score", "control_score", "control_collapsed", nothing=words.NONE),
    columns.difference("IMP − control", "gain"),
    columns.count("gain"),
    columns.only_csv("imp_collapsed", "ticket_collapsed"),
    columns.value("control_collapsed"),
    columns.p_value("gain"),
    columns.corrected("holm"),
)


def controls_table(rows: Sequence[Comparison], results: Results, study: Study) -> Table:
    """IMP tickets minus controls of the same size, by task and over tasks."""
    caption = (
        "IMP tickets minus controls of exactly the same size, paired by seed, in points on the "
        f"validation split, with the {names.interval_name(study)} and the two-sided p of a paired t "
        "test, as it is and after Holm's correction for all rows of its kind. Over all tasks, a seed has "
        f"the mean over the tasks that have the control. {words.DAGGER}."
    )
    absent = [kind for kind in control_kinds(study) if not any(row.control == kind for row in rows)]
    reasons = [
        f"{control_name(kind).capitalize()}: {names.why_no_control(kind, study)}."
        for kind in absent
    ]
    return table(
        "controls", " ".join([caption, *reasons]), rows, COLUMNS, results.not_run("random")
    )


def figure(rows: Sequence[Comparison], results: Results, study: Study) -> Figure:
    """Dots with intervals: IMP minus each control, one panel per task, a colour per round."""
    caption = (
        "Score of the IMP ticket minus that of the control of its size, paired by seed, validation "
        f"split; right of 0 the ticket is better. Bars: {names.interval_name(study)}, "
        "cut at the ends of the axis; without a bar, one seed. Over all tasks: over those that have the "
        "control, see the table."
    )
    if not rows:
        return Figure("controls", FIGURE_TITLE, caption, missing=results.not_run("random"))
    panel_names = [task for task in (*study.tasks, ALL) if any(row.task == task for row in rows)]
    kinds = [kind for kind in control_kinds(study) if any(row.control == kind for row in rows)]
    rounds = sorted({row.round for row in rows})

    def draw(canvas: Canvas) -> None:
        grid = panels.side_by_side(canvas, panel_names, ("IMP − control (points)", ""), study)
        for panel, task in zip(grid, panel_names, strict=True):
            panel.axvline(0, color=BLACK, linewidth=1)
            for order, number in enumerate(rounds):
                own = [row for row in rows if (row.task, row.round) == (task, number)]
                own.sort(key=lambda row: kinds.index(row.control))
                if not own:
                    continue
                colour, marker = LOOKS[order % len(LOOKS)]
                shift = 0.5 * ((order + 0.5) / len(rounds) - 0.5)
                panel.errorbar(
                    [100 * row.gain.mean for row in own],
                    [kinds.index(row.control) + shift for row in own],
                    xerr=panels.bars([row.gain for row in own]),
                    fmt=marker,
                    color=colour,
                    capsize=2.5,
                    label=f"{words.percent(own[0].sparsity)} sparse",
                )
            panel.set_yticks(range(len(kinds)), [control_name(kind) for kind in kinds])
            panel.set_ylim(len(kinds) - 0.5, -0.5)
            panel.set_xlim(_reach(rows))
        panels.legend(canvas, grid)

    lines = -(-len(panel_names) // min(study.plot.columns, len(panel_names)))
    width = max(min(study.plot.columns, len(panel_names)) * study.plot.panel_width + 1.2, 4.6)
    size = (width, lines * (0.9 + 0.3 * len(kinds)) + 1.0)
    csv = columns.records(
        rows, columns.value("task", "round", "control"), columns.spread_of("gain")
    )
    svg = render("controls", FIGURE_TITLE, size, draw)
    return Figure("controls", FIGURE_TITLE, caption, svg, csv)


def _reach(rows: Sequence[Comparison]) -> tuple[float, float]:
    """Ends of the axis in points: all means, and of the intervals not much more than the means."""
    means = [100 * row.gain.mean for row in rows]
    reach = max(map(abs, means))
    ends = [100 * end for row in rows for end in (row.gain.low, row.gain.high) if end is not None]
    low = max(min(-1.0, *ends, *means) * 1.1, -1.3 * reach - 5)
    return low, min(max(1.0, *ends, *means) * 1.1, 1.3 * reach + 5)
