"""The sections of the report in their order; one more section is one more line in `ORDER`."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import ModuleType

from stages.tickets.report.claim import decided
from stages.tickets.report.papers import chen, prasanna
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.settings import Study

ORDER = (
    "tasks",
    "tickets",
    "scores",
    "controls",
    "transfer",
    "transfer_weights",
    "rewinding",
    "seeds",
    "distillation",
    "agreement",
    "layers",
    "movement",
    "chen",
    "at_initialisation",
    "learned_masks",
    "greedy",
    "quantized",
    "ternary",
    "sizes",
    "subnetworks",
    "bad_subnetworks",
    "prasanna",
    "survival",
    "importance",
    "hans",
    "patterns",
    "landscapes",
    "connectivity",
)
"""Names of modules in this folder with a function `section(results, study)`, and of `PAPERS`."""
PAPERS: Mapping[str, ModuleType] = {"chen": chen, "prasanna": prasanna}
"""Modules whose `section(results, study, claims)` collects the claims of all others."""


def build(results: Results, study: Study) -> list[Section]:
    """Build all sections in their order, each computed once."""
    made: dict[str, Section] = {
        name: import_module(f"{__name__}.{name}").section(results, study)
        for name in ORDER
        if name not in PAPERS
    }
    tried = [claim for section in made.values() for claim in section.claims]
    claims = {claim.name: claim for claim in decided(tried, study.tickets.confidence)}
    for name, section in made.items():
        made[name] = replace(section, claims=tuple(claims[own.name] for own in section.claims))
    for name, paper in PAPERS.items():
        made[name] = paper.section(results, study, [*claims.values()])
    return [made[name] for name in ORDER]
