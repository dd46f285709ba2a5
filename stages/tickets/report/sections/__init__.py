"""The sections of the report in their order; one more section is one more line here."""

from collections.abc import Sequence
from types import ModuleType

from stages.tickets.report.claim import Claim
from stages.tickets.report.old_sections import old_claims, old_sections
from stages.tickets.report.papers import chen, prasanna
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections import (
    bad_subnetworks,
    controls,
    importance,
    subnetworks,
    survival,
    tickets,
)
from stages.tickets.settings import Study

ORDER: Sequence[ModuleType | str] = (
    "tasks",
    tickets,
    "scores",
    controls,
    "transfer",
    "transfer_weights",
    "rewinding",
    "seeds",
    "agreement",
    "layers",
    "movement",
    chen,
    subnetworks,
    bad_subnetworks,
    prasanna,
    survival,
    importance,
    "hans",
    "patterns",
)
"""Modules with a function `section(results, study)`."""
PAPERS = (chen, prasanna)
"""Modules whose `section` takes the claims of all others as well."""


def build(results: Results, study: Study) -> list[Section]:
    """All sections, each computed once; those on papers collect the claims of the others."""
    made: dict[str, Section] = dict(old_sections(results, study))
    for module in ORDER:
        if isinstance(module, ModuleType) and module not in PAPERS:
            made[name_of(module)] = module.section(results, study)
    claims: list[Claim] = [claim for part in made.values() for claim in part.claims]
    claims += old_claims(results, study, {claim.name for claim in claims})
    for paper in PAPERS:
        made[name_of(paper)] = paper.section(results, study, claims)
    return [made[module if isinstance(module, str) else name_of(module)] for module in ORDER]


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
