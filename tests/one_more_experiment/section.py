"""Does the place of a survivor matter, or only how many each matrix keeps?"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, words
from stages.tickets.report.claim import ABOVE, Claim, of_difference
from stages.tickets.report.figure import BLACK, BLUE, Figure, render
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, table
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

TITLE = "Tickets minus their shuffled masks, by task"
CAPTION = "The last ticket minus its mask after every matrix was shuffled, paired by seed."


@dataclass(frozen=True)
class Shuffled:
    """The last ticket of a task beside its shuffled mask."""

    task: str
    gain: Difference
    """Ticket minus shuffled mask, by seed."""


COLUMNS: Sequence[Column[Shuffled]] = (
    columns.named("task", "task"),
    columns.difference("ticket − shuffled", "gain"),
    columns.count("gain"),
)


def section(results: Results, study: Study) -> Section:
    """Tickets against masks with as many survivors in every matrix."""
    confidence, last = study.tickets.confidence, study.last_round
    pairs = {
        task: (Run(task, "imp", last), Run(task, "reshuffled", last))
        for task in study.reshuffled.tasks
    }
    rows = [
        Shuffled(task, gain)
        for task, pair in pairs.items()
        if (gain := results.scores.compare(*pair, confidence))
    ]
    pooled, _ = results.scores.pooled(pairs.values(), confidence)
    why = results.not_run("reshuffled")
    statement = Claim(
        "places_matter",
        "The place of a survivor matters",
        "this project",
        stages=("reshuffle",),
        over=words.count(len(rows), "task"),
    )
    return Section(
        "reshuffled",
        "Does the place of a survivor matter?",
        "Is a ticket better than a mask with as many survivors in every matrix?",
        "No paper asks this in these words.",
        f"Tickets minus shuffled masks: {words.difference(pooled)}."
        if pooled
        else words.sentence(why),
        stages=("reshuffle",),
        figures=(figure(rows, why),),
        tables=(table("reshuffled", CAPTION, rows, COLUMNS, why),),
        claims=(of_difference(statement, ABOVE, pooled, why, study.verdict),),
    )


def figure(rows: Sequence[Shuffled], why: str) -> Figure:
    """A bar for every task."""
    if not rows:
        return Figure("reshuffled", TITLE, CAPTION, missing=why)

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.bar([row.task for row in rows], [100 * row.gain.mean for row in rows], color=BLUE)
        axes.axhline(0, color=BLACK, linewidth=1)
        axes.set_ylabel("ticket − shuffled (points)")

    return Figure(
        "reshuffled",
        TITLE,
        CAPTION,
        render("reshuffled", TITLE, (4.6, 3.2), draw),
        columns.records(rows, *COLUMNS),
    )
