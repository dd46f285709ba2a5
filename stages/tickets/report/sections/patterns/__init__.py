"""Which patterns attention shows, in all heads and in those that survive, beside the paper."""

from collections.abc import Sequence

from stages.tickets.report import words
from stages.tickets.report.results import Results
from stages.tickets.report.search_rows import MAPS
from stages.tickets.report.section import Section
from stages.tickets.report.sections.patterns.figures import examples_figure, shares_figure
from stages.tickets.report.sections.patterns.published import published_table
from stages.tickets.report.sections.patterns.shares import (
    FINE_TUNED,
    NAMES,
    Shares,
    agreement,
    confusion_table,
    shares_of,
    shares_table,
)
from stages.tickets.report.sections.patterns.survival import (
    HETEROGENEOUS,
    MEAN_OF_TASKS,
    Survival,
    coefficient,
    correlations,
    p_value,
    survival_table,
)
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Shares of the classes, how well networks tell them apart, and whether they go with survival."""
    shares, survival = shares_of(results, study), correlations(results, study)
    return Section(
        "patterns",
        "Attention patterns",
        "Which patterns does the attention of heads show, in all heads and in those that survive, "
        "and do heads survive for attending to many things?",
        "Prasanna et al. 2020, Figure 4 and Section 6; classes of Kovaleva et al. 2019, norms of "
        "Kobayashi et al. 2020.",
        answer(shares, survival, results),
        stages=("patterns",),
        figures=(examples_figure(results, study), shares_figure(shares, results, study)),
        tables=(
            shares_table(shares, results, study),
            published_table(shares, results, study),
            survival_table(survival, results, study),
            confusion_table(results, study),
        ),
    )


def answer(shares: Sequence[Shares], survival: Sequence[Survival], results: Results) -> str:
    """How many maps are heterogeneous, whether that goes with survival, and how sure it is."""
    if not shares:
        return words.sentence(results.not_run("patterns"))
    parts = []
    for kind in MAPS:
        levels = [
            f"{words.points(row.over_networks[HETEROGENEOUS].mean)} % in {NAMES[row.heads]}"
            for row in shares
            if (row.task, row.state, row.map) == ("", FINE_TUNED, kind) and row.networks
        ]
        parts.append(f"of the {kind} maps {' and '.join(levels)}")
        parts += [
            f"with survival over heads ρ is {coefficient(row.value)}, p {p_value(row.p_of_heads, '= ')}"
            for row in survival
            if (row.map, row.source) == (kind, MEAN_OF_TASKS) and row.value is not None
        ]
    return f"Heterogeneous are, mean over tasks, {'; '.join(parts)}.{agreement(results)}"
