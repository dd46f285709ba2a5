"""What a section of the report is."""

from dataclasses import dataclass

from stages.tickets.report.figures import Figure
from stages.tickets.report.tables import Table


@dataclass(frozen=True)
class Section:
    """A question of a paper, and what was measured here."""

    name: str
    title: str
    question: str
    paper: str
    answer: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
