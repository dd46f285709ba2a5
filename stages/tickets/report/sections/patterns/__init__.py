"""Which patterns attention shows, in all heads and in those that survive, beside the paper."""

from collections.abc import Sequence

from stages.tickets.report import words
from stages.tickets.report.papers.shared import naming, nothing
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.patterns import figures, published, shares, survival
from stages.tickets.report.sections.patterns.shares import FINE_TUNED, NAMES
from stages.tickets.report.sections.patterns.survival import HETEROGENEOUS, coefficient
from stages.tickets.report.table import Row
from stages.tickets.searches.attention.patterns import MAPS
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Show the shares of the classes, how sure networks are, and whether they go with survival."""
    rows, correlations = shares.shares_of(results, study), survival.correlations(results, study)
    return Section(
        "patterns",
        "Attention patterns",
        "Which patterns does the attention of heads show, in all heads and in those that survive, "
        "and do heads survive for attending to many things?",
        "Prasanna et al. 2020, Figure 4 and Section 6; classes of Kovaleva et al. 2019, norms of "
        "Kobayashi et al. 2020.",
        naming(answer(rows, correlations, results), results),
        stages=("patterns",),
        figures=(
            figures.examples_figure(results, study),
            figures.shares_figure(rows, results, study),
        ),
        tables=(
            shares.shares_table(rows, results, study),
            published.published_table(rows, results, study),
            survival.survival_table(correlations, results, study),
            shares.confusion_table(results, study),
        ),
    )


def answer(rows: Sequence[Row], correlations: Sequence[Row], results: Results) -> str:
    """Tell how many maps are heterogeneous, whether that goes with survival, and how sure it is."""
    if not rows:
        return words.sentence(results.not_run("patterns"))
    if not results.usable(results.study.patterns.tasks):
        return words.sentence(nothing(results.study.patterns.tasks, results, ""))
    parts = []
    for kind in MAPS:
        place = ("", FINE_TUNED, kind, HETEROGENEOUS)
        levels = [
            f"{words.points(row.over_networks.mean)} % in {NAMES[row.heads]}"
            for row in rows
            if (row.task, row.state, row.map, row.pattern) == place and row.over_networks
        ]
        parts.append(f"of the {kind} maps {' and '.join(levels)}")
        parts += [
            f"with survival over heads ρ is {coefficient(row.value)} "
            f"(p {words.probability(row.p_of_heads)})"
            for row in correlations
            if (row.map, row.source) == (kind, survival.MEAN_OF_TASKS)
            if row.value is not None and row.p_of_heads is not None
        ]
    agreement = shares.agreement(results)
    return f"Heterogeneous are, mean over tasks, {'; '.join(parts)}.{agreement}"
