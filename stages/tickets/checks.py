"""Statements of Chen et al. 2020: what one is, and the rule by which it holds here."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets import claims, findings, runs
from stages.tickets.chen_rows import ChenResults
from stages.tickets.formatting import NONE, difference, signed
from stages.tickets.params import Verdict
from stages.tickets.runs import Config
from stages.tickets.summary import Agreement, Difference, Run, Scores, Summary, TaskSize

NO_NUMBER = "no published number"


@dataclass(frozen=True)
class Data:
    """The tables that claims are checked against."""

    scores: Scores
    tasks: Sequence[TaskSize]
    agreement: Sequence[Agreement]
    same_encoder: bool
    published: ChenResults


@dataclass(frozen=True)
class Checked:
    """One statement, the paper's number and ours, and whether it holds here."""

    name: str
    statement: str
    paper: str
    here: str
    n: int
    holds: str
    verdict: str
    """Whether the numbers agree; why there is none."""
    paper_value: float | None = None
    found: Summary | None = None
    mark: str = ""


def within(low: float, high: float, found: Summary | None) -> str:
    """Whether a number is from `low` to `high`: yes, no or unclear, by the whole of its interval."""
    if found is None:
        return NONE
    if found.low is None or found.high is None:
        return "unclear"
    if low <= found.low and found.high <= high:
        return "yes"
    return "no" if found.high < low or found.low > high else "unclear"


def of_difference(
    names: tuple[str, str],
    bounds: tuple[float, float],
    found: Difference | None,
    why: str,
    rule: Verdict,
    paper: float | None = None,
    mark: str = "",
) -> Checked:
    """A statement that a difference lies within bounds.

    Args:
        names: of the claim, and its statement.
        why: what to say where nothing ran.
        paper: the same difference in the paper, if it is known.
    """
    said = why
    if found:
        said = NO_NUMBER if paper is None else claims.verdict(paper, found, rule)
    return Checked(
        *names,
        NONE if paper is None else signed(paper),
        difference(found) if found else NONE,
        found.n if found else 0,
        within(*bounds, found),
        said,
        paper,
        found,
        mark,
    )


def last_with(
    kind: str, tasks: Sequence[str], scores: Scores, config: Config
) -> tuple[Difference | None, int]:
    """Ticket minus control in the round in which it ran for most tasks, of several the last."""
    best: tuple[int, int] = (0, 0)
    chosen: Difference | None = None
    for number in runs.sparsities(config):
        pairs = [(Run(task, "imp", number), runs.control_run(task, kind, number)) for task in tasks]
        found, count = findings.over_pairs(pairs, scores, config.tickets.confidence)
        if found and (count, number) > best:
            best, chosen = (count, number), found
    return chosen, best[1]
