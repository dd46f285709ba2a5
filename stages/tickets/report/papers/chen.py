"""What Chen et al. 2020 say, and whether it holds here: all their statements in one table."""

from collections.abc import Sequence

from stages.tickets.report.claim import BEYOND_CHEN, CHEN, FAILS, Claim, decided, tally
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.settings import Study


def section(results: Results, study: Study, claims: Sequence[Claim]) -> Section:
    """Show whether their statements on tickets, transfer and rewinding hold here."""
    order = [row.name for row in results.published_claims]

    def place(claim: Claim) -> int:
        """Find where a claim stands; a statement of several sources has their names after its own."""
        return order.index(max(filter(claim.name.startswith, order), key=len))

    own = sorted((claim for claim in claims if claim.paper in (CHEN, BEYOND_CHEN)), key=place)
    own = decided(own, study.tickets.confidence)
    return Section(
        "chen_claims",
        "What Chen et al. say",
        "Do their statements on tickets, transfer and rewinding hold here?",
        "Chen et al. 2020, abstract, Tables 2 and 3, Figures 2 and 3, supplement.",
        answer([claim for claim in own if claim.paper == CHEN], results),
        tables=(shared.claims_table("chen_claims", own, results),),
        claims=tuple(own),
    )


def answer(claims: Sequence[Claim], results: Results) -> str:
    """Tell how many statements of the paper hold here, and which do not."""
    failed = "; ".join(claim.statement for claim in claims if claim.word == FAILS)
    text = f"Do its statements hold here? {tally(claims)}" + (
        f"; not: {failed}." if failed else "."
    )
    return shared.naming(text, results)
