"""What Prasanna et al. 2020 say, and whether it holds here."""

from collections.abc import Sequence

from stages.tickets.report import claims as old
from stages.tickets.report import structure_claims
from stages.tickets.report.claim import PRASANNA, Claim
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.settings import Study


def section(results: Results, study: Study, claims: Sequence[Claim]) -> Section:
    """Do their statements on subnetworks hold here?"""
    claimed = old.claims_table(results.scores, results.published_scores, study)
    structure = structure_claims.structure_claims_table(
        structure_claims.Found(
            results.sizes, results.searched, results.structures, results.places, results.weights
        ),
        results.published_structure,
        study,
    )
    return Section(
        "claims",
        "What Prasanna et al. say",
        "Do their statements on subnetworks hold here?",
        "Prasanna et al. 2020, abstract, Figures 1 and 2, table of all settings in the appendix.",
        old.on_claims(claimed, structure),
        tables=(
            claimed,
            structure,
            old.published_table(results.scores, results.published_scores, study),
        ),
        claims=tuple(claim for claim in claims if claim.paper == PRASANNA),
    )
