"""Groups of tables as sections that are not rebuilt yet take them."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import targets
from stages.tickets.report.figure import Figure
from stages.tickets.report.published import (
    PublishedCorrelation,
    PublishedDark,
    PublishedShare,
    PublishedStrict,
    PublishedTicket,
    PublishedTransfer,
)
from stages.tickets.report.search_rows import (
    Confusion,
    HeadPatterns,
    NetworkAgreement,
    PatternShare,
)
from stages.tickets.report.section import Section
from stages.tickets.report.table import Table


def old_section(
    name: str,
    title: str,
    question: str,
    paper: str,
    answer: str,
    figures: tuple[Figure, ...],
    tables: tuple[Table, ...],
) -> Section:
    stages = targets.SECTIONS[name]
    return Section(name, title, question, paper, answer, stages, figures, tables)


@dataclass(frozen=True)
class ChenResults:
    tickets: Sequence[PublishedTicket]
    transfers: Sequence[PublishedTransfer]
    dark: Sequence[PublishedDark]
    strict: Sequence[PublishedStrict]


@dataclass(frozen=True)
class PatternResults:
    confusion: Sequence[Confusion]
    shares: Sequence[PatternShare]
    heads: Sequence[HeadPatterns]
    agreement: Sequence[NetworkAgreement]
    published: Sequence[PublishedShare]
    correlations: Sequence[PublishedCorrelation]
