"""What Chen et al. 2020 say, and whether it holds here: all their statements in one table."""

from collections.abc import Sequence

from stages.tickets.report import columns, words
from stages.tickets.report.claim import BEYOND_CHEN, CHEN, NO_NUMBER, NO_VERDICT, Claim
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, spread, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study

ORDER = (
    "tickets_exist", "tickets_exist_apart", "better_than", "rewinding", "standard", "aliased",
    "universal", "best_source", "half_served", "larger_sources", "one_shot", "one_shot_beside_tasks",
    "several_tasks", "weights", "masks_agree", "mlm_mask_differs",
)  # fmt: skip
"""Statements in the order of the paper, by how their names begin."""
COLUMNS: Sequence[Column[Claim]] = (
    columns.text("claim of Chen et al. 2020", lambda claim: claim.statement),
    columns.only_csv("claim", lambda claim: claim.name),
    columns.only_csv("paper", lambda claim: claim.published_value),
    columns.text("paper", lambda claim: claim.published, "paper_shown"),
    columns.text("here", lambda claim: claim.here, "here_shown"),
    Column("", csv=spread(lambda claim: claim.measured)),
    Column("n", lambda claim: str(claim.n or NONE), {"seeds": lambda claim: claim.n}),
    Column("over", lambda claim: claim.over or NONE, {"over": lambda claim: claim.over}),
    Column("", csv=spread(lambda claim: claim.same.measured if claim.same else None, "same_")),
    columns.only_csv("same_over", lambda claim: claim.same.over if claim.same else ""),
    columns.text("holds", lambda claim: claim.holds, "holds"),
    Column(
        "same number", lambda claim: claim.same_number, {"verdict": lambda claim: claim.verdict}
    ),
    Column("mark", lambda claim: claim.mark or NONE, {"mark": lambda claim: claim.mark}),
)
VERDICTS = ("agrees", "undecided", "direction only", "differs", NO_VERDICT, NO_NUMBER)


def section(results: Results, study: Study, claims: Sequence[Claim]) -> Section:  # noqa: ARG001
    """Do their statements on tickets, transfer and rewinding hold here?"""
    own = sorted((claim for claim in claims if claim.paper in (CHEN, BEYOND_CHEN)), key=_place)
    return Section(
        "chen_claims",
        "What Chen et al. say",
        "Do their statements on tickets, transfer and rewinding hold here?",
        "Chen et al. 2020, abstract, Tables 2 and 3, Figures 2 and 3, supplement.",
        answer(own),
        tables=(table("chen_claims", caption(study), own, COLUMNS),),
        claims=tuple(own),
    )


def _place(claim: Claim) -> int:
    """Where a claim stands; a statement of several sources has their names after its own."""
    known = [place for place, name in enumerate(ORDER) if claim.name.startswith(name)]
    return max(known, key=lambda place: len(ORDER[place]))


def answer(claims: Sequence[Claim]) -> str:
    """How many statements of the paper hold here, and which do not."""
    held = {claim.statement: claim.holds for claim in claims if claim.paper == CHEN}
    counted = list(held.values())
    parts = [
        f"{counted.count(word)} {word}" for word in ("yes", "no", "unclear") if word in counted
    ]
    absent = counted.count(NONE)
    if absent:
        parts.append(f"{absent} not run")
    text = f"Do its statements hold here? {', '.join(parts)}."
    failed = [statement for statement, word in held.items() if word == "no"]
    if failed:
        text += f" Not here: {'; '.join(failed)}."
    verdicts = [claim.verdict.split(":")[0] for claim in claims]
    listed = [f"{word} {verdicts.count(word)}" for word in VERDICTS if word in verdicts]
    return text + (f" The same number: {', '.join(listed)}." if listed else "")


def caption(study: Study) -> str:
    """What the columns are, and the rule by which a statement holds."""
    rule = study.verdict
    return (
        "Differences of scores in points on the validation split, by seed the mean over what the column "
        f"`over` names, with the {words.percent(study.tickets.confidence)} interval over n seeds; of "
        "rewinding and standard pruning the least and the greatest of single tasks. A statement holds by "
        "all of our interval, and is unclear from one seed or from a ticket that is not surely above the "
        "majority class. Numbers are the same if they are at most "
        f"{words.points(rule.margin)} points apart or the paper's lies in our interval, "
        "which reaches at most "
        f"{words.points(rule.widest)} points each way: only of the same encoder, over the tasks that "
        "both studies have, at the paper's sparsity."
    )
