"""Does the place of a survivor matter, or only how many each matrix keeps?"""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, table, words
from stages.tickets.report.claim import Bounded, Claim, of_every, shown
from stages.tickets.report.figure import BLACK, BLUE, Figure, drawn
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row
from stages.tickets.settings import Study

TITLE = "Tickets minus their shuffled masks, by task"
CAPTION = "The last ticket minus its mask after every matrix was shuffled, paired by seed."
COLUMNS = (
    columns.named("task", "task"),
    columns.difference("ticket − shuffled", "gain"),
    columns.count("gain"),
)


def section(results: Results, study: Study) -> Section:
    """Show tickets against masks with as many survivors in every matrix."""
    last = study.last_round
    pairs = {
        task: (Run(task, "imp", last), Run(task, "reshuffled", last))
        for task in study.reshuffled.tasks
    }
    gains = {task: results.compare(*pair) for task, pair in pairs.items()}
    rows = [Row(task=task, gain=gain) for task, gain in gains.items() if gain]
    tests = [Bounded(row.task, row.gain, low=0.0) for row in rows]
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
        f"Tickets minus shuffled masks: {shown(tests)}." if tests else words.sentence(why),
        stages=("reshuffle",),
        figures=(figure(rows, why),),
        tables=(table.table("reshuffled", CAPTION, rows, COLUMNS, why),),
        claims=(of_every(statement, tests, why),),
    )


def figure(rows: Sequence[Row], why: str) -> Figure:
    """Draw a bar for every task."""

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.bar([row.task for row in rows], [100 * row.gain.mean for row in rows], color=BLUE)
        axes.axhline(0, color=BLACK, linewidth=1)
        axes.set_ylabel("ticket − shuffled (points)")

    csv = table.records(rows, *COLUMNS)
    return drawn(Figure("reshuffled", TITLE, CAPTION, "", csv, why), (4.6, 3.2), draw)
