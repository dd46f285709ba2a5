"""Statements of papers, and the one rule by which all of them hold here or do not.

A claim is one value: a row of its paper's table of claims, a card on the page, and a line at the top. It
rests on tests, each of a difference on one task or at another single place, since there is no mean of
accuracy, Matthews and Pearson. A statement of every task holds if all its tests do, one of most tasks if
more than half do, and it does not hold if too many fail for that; what has no evidence is undecided.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report.words import NONE, NOT_RUN, count, difference, probability, signed
from stages.tickets.statistics.intervals import Difference, Summary
from stages.tickets.statistics.matching import holm, partial_conjunction

CHEN = "Chen et al. 2020"
BEYOND = "what goes beyond "
"""Words before a paper's name that stand for statements which it leads to and does not make."""
BEYOND_CHEN = f"{BEYOND}{CHEN}"
PRASANNA = "Prasanna et al. 2020"
NO_NUMBER = "no published number"
NO_VERDICT = "no verdict"
"""How the reason begins why two numbers are not of the same thing."""
OTHER_ENCODER = f"{NO_VERDICT}: another encoder"
OTHER_TASKS = f"{NO_VERDICT}: other tasks"
HOLDS, FAILS, UNDECIDED, NO_EVIDENCE = "holds", "does not hold", "undecided", "no evidence"
WORDS = (HOLDS, FAILS, UNDECIDED, NO_EVIDENCE, NOT_RUN)
"""Whether a statement holds here; no evidence: its tasks have no dense model that has learned."""
NUMBERS = ("agrees", "differs", UNDECIDED, NO_VERDICT, NO_EVIDENCE, NOT_RUN)
"""Whether a number of the paper, which says nothing more, is ours too."""

PLURAL = {HOLDS: "hold", FAILS: "do not hold", "agrees": "agree", "differs": "differ"}


@dataclass(frozen=True)
class Bounded:
    """A difference here at one place, and the bounds between which a statement has it."""

    of: str
    """The task, or another place."""
    gain: Difference
    low: float = -math.inf
    high: float = math.inf
    others: tuple[Difference, ...] = ()
    """Of a statement that something is there: more candidates, which all have to fail with the first."""

    @property
    def p_holds(self) -> float:
        """p value for a true difference between the bounds: two one-sided tests, or one."""
        return max(self.gain.beyond(self.low, above=True), self.gain.beyond(self.high, above=False))

    @property
    def p_fails(self) -> float:
        """p value for a true difference outside them."""
        return max(
            min(gain.beyond(self.low, above=False), gain.beyond(self.high, above=True))
            for gain in (self.gain, *self.others)
        )

    @property
    def word(self) -> str:
        """Whether the interval lies within the bounds, outside or across them, of this test alone."""
        words = [placed(gain, self.low, self.high) for gain in (self.gain, *self.others)]
        return UNDECIDED if words[0] == FAILS and set(words) != {FAILS} else words[0]


def placed(measured: Summary | None, low: float, high: float) -> str:
    """Tell whether all of an interval lies between two bounds (holds), outside, or neither."""
    if measured is None or measured.low is None or measured.high is None:
        return UNDECIDED
    if low < measured.low and measured.high < high:
        return HOLDS
    return FAILS if measured.high < low or measured.low > high else UNDECIDED


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
    tests: tuple[Bounded, ...] = ()
    p_holds: float = 1.0
    """p value for the statement; 1 without a test."""
    p_fails: float = 1.0
    """p value for its contrary."""
    holm: float | None = None
    """Two-sided p value after Holm's correction for the claims of the paper, see `decided`."""
    word: str = UNDECIDED
    """One of `WORDS` of a statement, of `NUMBERS` of a number."""
    why: str = ""
    """Why nothing is decided, if nothing ran or nothing has learned."""
    same: str = NO_NUMBER
    """Whether the paper's number is ours, or why nothing is said of that."""
    mark: str = ""
    """What is doubtful of the paper's number."""
    over: str = ""
    """What the tests are over: tasks, targets, sources."""
    is_number: bool = False
    """Whether the paper says a number alone, which may agree but cannot hold."""

    @property
    def p(self) -> float:
        """Two-sided p value: of the statement or of its contrary, whichever is less."""
        return min(1.0, 2 * min(self.p_holds, self.p_fails))

    @property
    def sure(self) -> str:
        """The p value after Holm's correction, as shown."""
        return NONE if self.holm is None else probability(self.holm)

    @property
    def counted(self) -> str:
        """Seeds, and what the number is over."""
        seeds = count(self.n, "seed")
        if not self.n:
            return NONE
        return f"{seeds}, {self.over}" if self.over else seeds


def without(claim: Claim, why: str) -> Claim:
    """Return a claim that nothing decides, for a reason that begins with its word: `not run: ...`."""
    return replace(claim, why=why, word=why.partition(":")[0], over="")


def of_every(claim: Claim, tests: Sequence[Bounded], why: str) -> Claim:
    """Try the statement that every one of several differences lies within its bounds.

    Args:
        why: what to say without a test.
    """
    return _of(len(tests), claim, tests, why)


def of_most(claim: Claim, tests: Sequence[Bounded], why: str) -> Claim:
    """Try the statement that more than half of several differences lie within their bounds.

    Args:
        why: what to say without a test.
    """
    return _of(len(tests) // 2 + 1, claim, tests, why)


def _of(least: int, claim: Claim, tests: Sequence[Bounded], why: str) -> Claim:
    if not tests:
        return without(claim, why)
    n = min(test.gain.n for test in tests)
    claim = replace(claim, tests=tuple(tests), here=shown(tests), n=n)
    return at_least(least, tests, claim)


def at_least(least: int, parts: Sequence[Bounded | Claim], claim: Claim) -> Claim:
    """Return the claim with the p values of at least so many parts holding, and of the contrary."""
    holds, fails = [part.p_holds for part in parts], [part.p_fails for part in parts]
    return replace(
        claim,
        p_holds=partial_conjunction(holds, least),
        p_fails=partial_conjunction(fails, len(parts) - least + 1),
    )


def shown(tests: Sequence[Bounded]) -> str:
    """Word the difference of a single test, else the least and the greatest, and how many tests hold."""
    if len(tests) == 1:
        return difference(tests[0].gain) + (f" ({tests[0].of})" if tests[0].of else "")
    return f"{ranged({test.of: test.gain.mean for test in tests})}; {held(tests)}"


def held(tests: Sequence[Bounded]) -> str:
    """Count the tests by their words: 3 of 4 hold, 1 undecided; one seed, if that is why."""
    words = Counter(test.word for test in tests)
    fails = f", {words[FAILS]} not" if words[FAILS] else ""
    unsure = f", {words[UNDECIDED]} undecided" if words[UNDECIDED] else ""
    single = "; one seed" if min(test.gain.n for test in tests) == 1 else ""
    return f"{words[HOLDS]} of {len(tests)} hold{fails}{unsure}{single}"


def ranged(levels: Mapping[str, float]) -> str:
    """Word the least and the greatest difference that a paper has, and of what they are."""
    if not levels:
        return NONE
    low, high = (pick(levels, key=levels.__getitem__) for pick in (min, max))
    least = f"{signed(levels[low])} ({low})"
    return least if low == high else f"{least} to {signed(levels[high])} ({high})"


def agreement(pairs: Iterable[tuple[Summary | None, float, float]]) -> str:
    """Tell whether numbers are the paper's: agrees, differs or undecided.

    agrees: every interval of ours minus the paper's lies inside its margin, so that a wide interval never
    agrees; differs: one lies outside; undecided: else, and without a number.

    Args:
        pairs: ours, the paper's, and the margin.
    """
    words = [placed(ours, paper - margin, paper + margin) for ours, paper, margin in pairs]
    if FAILS in words:
        return "differs"
    return "agrees" if words and set(words) == {HOLDS} else UNDECIDED


def decided(claims: Sequence[Claim], confidence: float) -> list[Claim]:
    """Decide all claims, with Holm's correction for the number of those of the same paper.

    A statement holds, or does not, if its corrected p value is at most 1 - confidence.
    """
    tried = [claim for claim in claims if not (claim.why or claim.is_number) and claim.n > 1]
    made = {}
    for paper in {claim.paper for claim in tried}:
        own = [claim for claim in tried if claim.paper == paper]
        for claim, p in zip(own, holm([claim.p for claim in own]), strict=True):
            sure = p is not None and p <= 1 - confidence + 1e-12
            verdict = HOLDS if claim.p_holds < claim.p_fails else FAILS
            made[claim.name] = replace(claim, holm=p, word=verdict if sure else UNDECIDED)
    return [made.get(claim.name, claim) for claim in claims]


def tally(claims: Sequence[Claim]) -> str:
    """Count claims by their words: 9 hold, 1 does not hold, 10 undecided, 1 not run."""
    counts = Counter(claim.word for claim in claims)
    words = [word for word in dict.fromkeys((*WORDS[:2], *NUMBERS)) if counts[word]]
    return ", ".join(
        f"{counts[word]} {word if counts[word] == 1 else PLURAL.get(word, word)}" for word in words
    )
