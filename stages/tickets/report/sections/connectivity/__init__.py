"""Does a line of low error join two trainings, from where on, and under which noise?"""

from collections import Counter
from collections.abc import Sequence

from stages.tickets.report import words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.connectivity import figures, matching, tables
from stages.tickets.report.sections.connectivity.claims import claims
from stages.tickets.report.sections.connectivity.lines import Line, lines
from stages.tickets.settings import Study

VERDICTS = ("stable", "unstable", "unclear", "at chance")
NO_SUBNETWORKS = "not run: connectivity.starts has no subnetwork with arm 'order' and steps 'rest'"
NO_ROUNDS = "not run: between.of.pairs has neither 'rounds' nor 'dense'"


def section(results: Results, study: Study) -> Section:
    """Show how stable networks are to the noise of training, and whether stored ones are connected."""
    rows = lines(results, study)
    counted = matching.pairs(rows, results, study)
    why = "" if rows else results.not_run("copy")
    usable = results.usable(dict.fromkeys(row.task for row in rows))
    text = answer([row for row in rows if row.task in usable], matching.answer(counted))
    return Section(
        "connectivity",
        "Does a line of low error join two trainings?",
        "If a network is trained twice from the same weights with other noise, does the error rise "
        "between the two results, and do subnetworks match the dense model where it does not?",
        "Frankle et al. 2020, who ask it of networks for images; successive tickets: Paul et al. 2023.",
        shared.naming(text, results) if rows else words.sentence(why),
        stages=("spawn", "between"),
        figures=(
            figures.main(rows, results, study, why),
            figures.paths(rows, study, why),
            figures.seeds(rows, results, study, why),
        ),
        tables=(
            tables.barriers_table(rows, why),
            matching.matching_table(counted, study, why or NO_SUBNETWORKS),
            tables.rounds_table(rows, results, study, why or NO_ROUNDS),
            tables.geometry_table(rows, why),
            *tables.hans_tables(rows),
        ),
        claims=tuple(claims(rows, results, study, why)),
    )


def answer(rows: Sequence[Line], matched: str) -> str:
    """Count the verdicts, and the pairs of subnetworks that match and are stable."""
    counts = Counter(row.verdict for row in rows)
    parts = [f"{verdict} {counts[verdict]}" for verdict in VERDICTS if counts[verdict]]
    if counts[words.NONE]:
        parts.append(f"without a verdict {counts[words.NONE]}")
    text = f"Of {words.count(len(rows), 'kind')} of pairs: {', '.join(parts)}." if rows else ""
    return " ".join(filter(None, (text, matched)))
