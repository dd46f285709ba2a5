"""What Chen et al. 2020 say, and whether it holds here: all their statements in one table."""

from collections.abc import Sequence

from stages.tickets.report import columns, words
from stages.tickets.report.claim import BEYOND_CHEN, CHEN, Claim, tally
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, table
from stages.tickets.settings import Study

COLUMNS = (
    columns.text("claim of Chen et al. 2020", "statement"),
    columns.only_csv("claim", "name"),
    columns.only_csv("paper", "published_value"),
    columns.text("paper", "published", "paper_shown"),
    columns.text("here", "here", "here_shown"),
    columns.spread_of("measured"),
    Column("n", lambda claim: str(claim.n or words.NONE), {"seeds": columns.getter("n")}),
    columns.remark("over", "over"),
    columns.spread_of("same.measured", "same_"),
    columns.only_csv("same_over", lambda claim: claim.same.over if claim.same else ""),
    columns.named("holds", "holds"),
    columns.text("same number", "same_number"),
    columns.value("verdict"),
    columns.remark("mark", "mark"),
)


def section(results: Results, study: Study, claims: Sequence[Claim]) -> Section:
    """Show whether their statements on tickets, transfer and rewinding hold here."""
    order = [row.name for row in results.published_claims]

    def place(claim: Claim) -> int:
        """Find where a claim stands; a statement of several sources has their names after its own."""
        return order.index(max(filter(claim.name.startswith, order), key=len))

    own = sorted((claim for claim in claims if claim.paper in (CHEN, BEYOND_CHEN)), key=place)
    return Section(
        "chen_claims",
        "What Chen et al. say",
        "Do their statements on tickets, transfer and rewinding hold here?",
        "Chen et al. 2020, abstract, Tables 2 and 3, Figures 2 and 3, supplement.",
        answer(own),
        tables=(table("chen_claims", caption(study), own, COLUMNS),),
        claims=tuple(own),
    )


def answer(claims: Sequence[Claim]) -> str:
    """Tell how many statements of the paper hold here, and which do not."""
    own = [claim for claim in claims if claim.paper == CHEN]
    failed = "; ".join(claim.statement for claim in own if claim.holds == "no")
    return f"Do its statements hold here? {tally(own)}" + (f"; not: {failed}." if failed else ".")


def caption(study: Study) -> str:
    """Say what the columns are, and by which rule a statement holds."""
    margin, widest = (words.points(reach) for reach in (study.verdict.margin, study.verdict.widest))
    return (
        "Differences of scores in points on the validation split, by seed the mean over what the column "
        "`over` names; of rewinding and standard pruning the least and the greatest of single tasks. A "
        "statement holds by all of our interval, and is unclear from one seed or from a ticket that is "
        "not surely above the majority class. Numbers are the same if they are at most "
        f"{margin} points apart or the paper's lies in our interval, which reaches at most {widest} "
        "points each way: only of the same encoder, over the tasks that both studies have, at the "
        "paper's sparsity."
    )
