"""Statements of Chen et al. 2020: what one is, and the rule by which it holds here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import findings, shared
from stages.tickets.report import names as runs
from stages.tickets.report import scores as scored
from stages.tickets.report.claim import same_number
from stages.tickets.report.names import Config
from stages.tickets.report.old import ChenResults
from stages.tickets.report.rows import Agreement, TaskSize
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.words import NONE, count, difference, percent, signed
from stages.tickets.settings import Verdict
from stages.tickets.statistics.intervals import Difference, Summary

NO_NUMBER = "no published number"
NO_VERDICT = "no verdict"
"""How the reason begins why two numbers are not of the same thing."""
OTHER_ENCODER = f"{NO_VERDICT}: another encoder"
OTHER_TASKS = f"{NO_VERDICT}: other tasks"
BEYOND = ("aliased", "one_shot_beside_tasks")
"""Names of statements that are not of the paper, but of its code or computed from its numbers."""
Pairs = Callable[[str, int], tuple[Run, Run]]
"""Two runs to compare, by task and round."""


@dataclass(frozen=True)
class Data:
    """The tables that claims are checked against."""

    scores: Scores
    tasks: Sequence[TaskSize]
    agreement: Sequence[Agreement]
    same_encoder: bool
    published: ChenResults

    def language(self, tasks: Sequence[str]) -> list[str]:
        """Those of masked language modelling, whatever their names."""
        kinds = {one.task: one.kind for one in self.tasks}
        return [task for task in tasks if kinds.get(task) == "mlm"]

    def shared(self, tasks: Sequence[str]) -> list[str]:
        """Those that the paper has in the same metric; masked language modelling never.

        The paper's corpus was not published, so ours is another one.
        """
        metrics = {one.task: one.metric for one in self.published.tickets}
        language = self.language(tasks)
        return [
            task
            for task in tasks
            if task not in language and metrics.get(task) == self.scores.metrics.get(task, "")
        ]


@dataclass(frozen=True)
class Beside:
    """A number of the paper, and ours over what both have."""

    paper: float
    """Over what both have; without `found` over all that the paper has."""
    found: Difference | None = None
    over: str = ""
    """What both have, such as 5 tasks."""
    why: str = ""
    """Why there is no `found`."""


@dataclass(frozen=True)
class Checked:
    """One statement, the paper's number and ours, and whether it holds here."""

    name: str
    statement: str
    paper: str
    here: str
    n: int
    """Seeds."""
    holds: str
    verdict: str
    """Whether the numbers agree; why there is none."""
    paper_value: float | None = None
    found: Summary | None = None
    mark: str = ""
    over: str = ""
    """What `here` is a mean over, or counts: tasks, targets, sources."""
    same: Beside | None = None


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
    beside: Beside | None = None,
    mark: str = "",
    over: str = "",
) -> Checked:
    """A statement that a difference lies within bounds.

    Args:
        names: of the claim, and its statement.
        why: what to say where nothing ran.
        beside: the same difference in the paper, if it is known.
        over: what the difference is a mean over.
    """
    said = why
    if found and beside is None:
        said = NO_NUMBER
    elif found and beside:
        said = same_number(beside.paper, beside.found, rule) or beside.why
    return Checked(
        *names,
        NONE if beside is None else signed(beside.paper),
        difference(found) if found else NONE,
        found.n if found else 0,
        within(*bounds, found),
        said,
        None if beside is None else beside.paper,
        found,
        mark,
        over if found else "",
        beside if found else None,
    )


def of_worst(
    names: tuple[str, str],
    bounds: tuple[float, float],
    found: Mapping[str, Difference],
    why: str,
    mark: str = "",
    over: str = "",
) -> Checked:
    """A statement that every one of several differences lies within bounds, and no published number.

    yes: all intervals do; no: one lies wholly outside; unclear: else. Effects that cancel in a mean are
    thus seen.

    Args:
        found: by the name of what it is of.
    """
    if not found:
        return Checked(*names, NONE, NONE, 0, NONE, why, mark=mark)
    held = [within(*bounds, one) for one in found.values()]
    holds = "no" if "no" in held else "yes" if set(held) == {"yes"} else "unclear"
    ends = [pick(found, key=lambda name: found[name].mean) for pick in (min, max)]
    shown = [f"{signed(found[name].mean)} ({name})" for name in dict.fromkeys(ends)]
    return Checked(
        *names,
        NONE,
        " to ".join(shown) if len(shown) > 1 else f"{difference(found[ends[0]])} ({ends[0]})",
        min(one.n for one in found.values()),
        holds,
        NO_NUMBER,
        mark=mark,
        over=over,
    )


def usable(tasks: Sequence[str]) -> list[str]:
    """Without WNLI, unless it is all there is."""
    return [task for task in tasks if task not in shared.UNUSABLE] or list(tasks)


def at_tickets(
    pair: Pairs, tasks: Sequence[str], scores: Scores, config: Config
) -> tuple[dict[str, int], str]:
    """By task the round of its ticket if both runs are there, else the last before it in which they are.

    The ticket is that chosen on `selection`. A task without one, or without such a round, is left out.

    Returns:
        The rounds, and the sparsities in words, empty without any.
    """
    rounds: dict[str, int] = {}
    below = []
    for task in tasks:
        chosen = findings.chosen_round(task, scores, config, scored.SELECTION, config.tickets)
        ran = [
            number
            for number in runs.sparsities(config)
            if chosen is not None and number <= chosen and compared(pair(task, number), scores)
        ]
        if ran:
            rounds[task] = max(ran)
            if rounds[task] != chosen:
                at = percent(runs.sparsities(config)[rounds[task]])
                below.append(f"{task} at {at}, below its ticket's")
    shares = [runs.sparsities(config)[number] for number in rounds.values()]
    return rounds, "; ".join([f"at {span(shares)}", *below]) if rounds else ""


def compared(pair: tuple[Run, Run], scores: Scores) -> bool:
    """Whether a seed has both."""
    return bool(scores.of(pair[0]).keys() & scores.of(pair[1]).keys())


def span(shares: Sequence[float]) -> str:
    """From the least to the most."""
    return " to ".join(dict.fromkeys(percent(share) for share in (min(shares), max(shares))))


def of_tasks(number: int, tasks: Sequence[str]) -> str:
    """2 of 3 tasks."""
    return f"{number} of {count(len(tasks), 'task')}"
