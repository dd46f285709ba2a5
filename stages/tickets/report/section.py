"""A section of the report: one question, and all that was measured to answer it."""

from dataclasses import dataclass

from stages.tickets.report.claim import Claim
from stages.tickets.report.figure import Figure
from stages.tickets.report.table import Table


@dataclass(frozen=True)
class Section:
    """A question, the answer in a sentence, and what the answer rests on."""

    name: str
    """Of its anchor on the page."""
    title: str
    question: str
    paper: str
    """Where the question is from: paper, table or figure."""
    answer: str
    stages: tuple[str, ...] = ()
    """Names in the dvc.yaml files of the stages whose outputs it shows."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    claims: tuple[Claim, ...] = ()
    """Statements of papers that its numbers decide."""
