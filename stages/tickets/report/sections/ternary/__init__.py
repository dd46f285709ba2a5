"""Does a clipped penalty let blocks of weights vanish without moving the grid of ternary values?"""

from stages.tickets.report import words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.ternary import arms, claims, course
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show four ways to ternary blocks, what they do to the grid, and what models weigh."""
    rows = arms.rows_of(results, study)
    points = course.read(results)
    grid = course.rows_of(points, results, study)
    text = " ".join(filter(None, (arms.answer(rows, results), course.answer(grid, results))))
    return Section(
        "ternary",
        "Do blocks of zeros and ternary weights go together?",
        "If blocks of weights are driven to zero while weights become ternary, what does it cost, and "
        "does it matter that the penalty spares the blocks which are to stay?",
        "Yang, He and Fan 2020, of whom only the abstract could be read, on networks for images.",
        shared.naming(text, results) if text else words.sentence(results.not_run("ternary")),
        stages=("ternary",),
        figures=(
            arms.figure(rows, results, study),
            *course.figures(points, results, study),
        ),
        tables=(arms.table_of(rows, results), course.table_of(grid, results)),
        claims=tuple(claims.claims(points, results, study)),
    )
