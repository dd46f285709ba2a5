"""Statements of papers, and the one rule by which all of them hold here or do not.

A claim is one value: a row of its paper's table of claims, a card on the page, and a line at the top.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from stages.tickets.report.table import Row
from stages.tickets.report.words import NONE, NOT_RUN, count, difference, signed
from stages.tickets.settings import Verdict
from stages.tickets.statistics.intervals import Difference, Summary

CHEN = "Chen et al. 2020"
BEYOND_CHEN = f"what goes beyond {CHEN}"
PRASANNA = "Prasanna et al. 2020"
NO_NUMBER = "no published number"
NO_VERDICT = "no verdict"
"""How the reason begins why two numbers are not of the same thing."""
OTHER_ENCODER = f"{NO_VERDICT}: another encoder"
OTHER_TASKS = f"{NO_VERDICT}: other tasks"
UNDECIDED = ("unclear", NO_VERDICT)
"""Words of claims that ran and are not decided."""
WORDS = ("yes", "no", "unclear", NOT_RUN)
"""Whether a statement holds here."""
NUMBERS = ("agrees", "direction only", "differs", NO_VERDICT, NOT_RUN)
"""Whether a number of the paper, which says nothing more, is ours too."""

Bounds = tuple[float, float]
"""Least and greatest value of a measure, if the statement is true."""
ABOVE: Bounds = (math.ulp(0.0), math.inf)
AT_LEAST: Bounds = (0.0, math.inf)
BELOW: Bounds = (-math.inf, -math.ulp(0.0))


def near(reach: float) -> Bounds:
    """Return the bounds of what is at most `reach` from 0."""
    return -reach, reach


@dataclass(frozen=True)
class Beside:
    """A number of the paper, and ours over what both studies have."""

    paper: float
    """Over what both have; without `measured` over all that the paper has."""
    measured: Difference | None = None
    over: str = ""
    """What both have, such as 5 tasks."""
    why: str = ""
    """Why nothing is measured over what both have."""


@dataclass(frozen=True)
class Claim:
    """One statement or number of a paper beside ours, and whether it holds here."""

    name: str
    statement: str
    paper: str
    """Whose statement it is."""
    stages: tuple[str, ...]
    """Names in the dvc.yaml files of the stages that decide it."""
    published: str = NONE
    """The paper's number, as shown."""
    here: str = NONE
    """Ours with its interval, as shown."""
    n: int = 0
    """Seeds."""
    holds: str = NONE
    """yes, no or unclear; a dash if nothing ran."""
    verdict: str = NO_NUMBER
    """Whether the numbers agree, or why nothing is said or nothing ran."""
    published_value: float | None = None
    measured: Summary | None = None
    mark: str = ""
    """What is doubtful of the paper's number."""
    over: str = ""
    """What `here` is a mean over, or counts: tasks, targets, sources."""
    same: Beside | None = None
    gap: str = ""
    """Here minus paper as shown, if it is no difference of scores in points."""
    is_number: bool = False
    """Whether the paper says a number alone, which may agree but cannot hold."""

    @property
    def word(self) -> str:
        """One of `WORDS` of a statement, of `NUMBERS` of a number."""
        if self.is_number:
            return self.verdict.split(":")[0]
        return NOT_RUN if self.holds == NONE else self.holds

    @property
    def difference(self) -> str:
        """Here minus paper, as shown."""
        if self.gap or self.published_value is None or self.measured is None:
            return self.gap or NONE
        return signed(self.measured.mean - self.published_value)

    @property
    def counted(self) -> str:
        """Seeds, and what the number is over."""
        seeds = count(self.n, "seed")
        if not self.n:
            return NONE
        return f"{seeds}, {self.over}" if self.over else seeds

    @property
    def same_number(self) -> str:
        """The verdict, and our number if it is of fewer tasks or other rounds than `here`."""
        if self.same is None or self.same.measured is None:
            return self.verdict
        return f"{self.verdict}: {difference(self.same.measured)} over {self.same.over}"


def within(bounds: Bounds, measured: Summary | None) -> str:
    """Tell whether a number lies within bounds by all of its interval: yes, no or unclear."""
    low, high = bounds
    if measured is None:
        return NONE
    if measured.low is None or measured.high is None:
        return "unclear"
    if low <= measured.low and measured.high <= high:
        return "yes"
    return "no" if measured.high < low or measured.low > high else "unclear"


def same_number(paper: float, ours: Summary | None, rule: Verdict) -> str:
    """Tell whether a difference is the paper's; empty if nothing ran here.

    agrees: ours is within `rule.margin` of the paper's number, or the paper's lies in our interval, and
    that reaches at most `rule.widest` each way. direction only: else, if all of our interval has the sign
    of the paper's number. undecided: else, if the interval is wider or there is none. differs: else.
    """
    if ours is None:
        return ""
    if ours.low is None or ours.high is None:
        return "undecided"
    narrow = ours.high - ours.mean <= rule.widest
    close = abs(ours.mean - paper) <= rule.margin + 1e-12 or ours.low <= paper <= ours.high
    if narrow and close:
        return "agrees"
    if ours.low > 0 if paper > 0 else ours.high < 0:
        return "direction only"
    return "differs" if narrow else "undecided"


def same_score(paper: float, ours: Summary | None, rule: Verdict) -> str:
    """Tell whether a score, which has no direction, is the paper's: agrees, undecided or differs."""
    verdict = same_number(paper, ours, rule)
    if verdict == "direction only" and ours and ours.high is not None and ours.low is not None:
        wide = ours.high - ours.mean > rule.widest
        return "undecided" if wide and ours.low <= paper <= ours.high else "differs"
    return verdict


def of_difference(
    claim: Claim,
    bounds: Bounds,
    measured: Difference | None,
    why: str,
    rule: Verdict,
    beside: Beside | None = None,
) -> Claim:
    """Decide the statement that a difference lies within bounds.

    Args:
        claim: its name, statement, paper, stages, mark, and `over`: what the difference is a mean over.
        measured: None if nothing ran.
        why: what to say then.
        beside: the same difference in the paper, if it is known.
    """
    verdict = NO_NUMBER
    if beside:
        claim = replace(claim, published=signed(beside.paper), published_value=beside.paper)
        verdict = same_number(beside.paper, beside.measured, rule) or beside.why
    if measured is None:
        return replace(claim, verdict=why, over="")
    return replace(
        claim,
        here=difference(measured),
        n=measured.n,
        holds=within(bounds, measured),
        verdict=verdict,
        measured=measured,
        same=beside,
    )


def of_worst(claim: Claim, bounds: Bounds, measured: Mapping[str, Difference], why: str) -> Claim:
    """Decide the statement that every one of several differences lies within bounds.

    yes: all intervals do; no: one lies wholly outside; unclear: else. Effects that cancel in a mean are
    thus seen. There is no published number.

    Args:
        measured: differences by the name of what they are of; empty if nothing ran.
        why: what to say then.
    """
    if not measured:
        return replace(claim, verdict=why, over="")
    held = [within(bounds, gain) for gain in measured.values()]
    holds = "no" if "no" in held else "yes" if set(held) == {"yes"} else "unclear"
    low, high = (pick(measured, key=lambda name: measured[name].mean) for pick in (min, max))
    shown = f"{difference(measured[low])} ({low})"
    if low != high:
        shown = f"{signed(measured[low].mean)} ({low}) to {signed(measured[high].mean)} ({high})"
    return replace(claim, here=shown, n=min(gain.n for gain in measured.values()), holds=holds)


def tally(claims: Sequence[Claim]) -> str:
    """Count how many claims hold: 9 yes, 2 no, 10 unclear, 1 not run."""
    counts = Counter(claim.word for claim in claims)
    listed = dict.fromkeys((*WORDS[:-1], *NUMBERS))
    return ", ".join(f"{counts[word]} {word}" for word in listed if counts[word])


def groups(claims: Sequence[Claim]) -> list[Row]:
    """Group the claims of each paper, its statements before its numbers; no group is empty.

    Returns:
        Title and tally, and the claims that were decided, that were not, and that did not run.
    """
    papers = dict.fromkeys((CHEN, BEYOND_CHEN, PRASANNA, *(claim.paper for claim in claims)))
    listed = []
    for paper, (title, is_number) in product(papers, (("Statements", False), ("Numbers", True))):
        own = [claim for claim in claims if (claim.paper, claim.is_number) == (paper, is_number)]
        row = Row(title=f"{title} of {paper}", tally=tally(own))
        row.decided = [claim for claim in own if claim.word not in (*UNDECIDED, NOT_RUN)]
        row.undecided = [claim for claim in own if claim.word in UNDECIDED]
        row.not_run = [claim for claim in own if claim.word == NOT_RUN]
        listed += [row] if own else []
    return listed
