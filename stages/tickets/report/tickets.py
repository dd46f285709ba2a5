"""The tickets of a study: the sparsest mask of every task that matches, by rule and by split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report.names import sparsities
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run, Scores
from stages.tickets.report.words import percent, points
from stages.tickets.settings import Study
from stages.tickets.settings import Tickets as Rule
from stages.tickets.statistics import matching
from stages.tickets.statistics.intervals import Difference, Summary

SPLITS = (SELECTION, VALIDATION)
Pairs = Callable[[str, int], tuple[Run, Run]]
"""Two runs to compare, by task and round."""


@dataclass(frozen=True)
class Ticket:
    """The sparsest matching ticket of a task, chosen on one split; all scores are on `validation`."""

    task: str
    metric: str
    round: int | None
    """None if no ticket matches."""
    sparsity: float | None
    dense: Summary
    dense_collapsed: int
    majority: Summary | None
    score: Summary | None
    collapsed: int
    loss: Difference | None
    """Ticket minus dense."""
    matches: bool
    """Whether it matches on validation as well."""
    sure: bool
    """Whether dense and ticket are surely above the majority, and no run of them collapsed."""
    flags: tuple[str, ...]

    @property
    def at(self) -> str:
        """The sparsity, as shown."""
        return percent(self.sparsity) if self.sparsity else "none"


Tickets = Mapping[tuple[str, str], Sequence[Ticket]]
"""The tickets of all tasks by rule and by the split on which they are chosen."""


def find_by_rule(scores: Scores, study: Study) -> Tickets:
    """The tickets by every rule on both splits."""
    return {
        (rule, split): find(scores, study, split, rule)
        for rule in matching.RULES
        for split in SPLITS
    }


def rule_name(rule: str, study: Study) -> str:
    """What the rule asks of the mean ticket."""
    return matching.RULES[rule].replace("margin", f"{points(study.tickets.margin)} points")


def find(scores: Scores, study: Study, split: str = SELECTION, rule: str = "") -> list[Ticket]:
    """The ticket of every task by the named rule, else by that of params.yaml.

    Chosen on `validation`, as Chen et al. 2020 do, a ticket is the best of several on the split that
    reports it.

    Raises:
        ValueError: a task has no dense scores on the split or on `validation`.
    """
    by = study.tickets.model_copy(update={"rule": rule or study.tickets.rule})
    return [_ticket(task, scores, study, split, by) for task in study.tasks]


def chosen_round(task: str, scores: Scores, study: Study, split: str, rule: Rule) -> int | None:
    """The last round whose ticket matches on a split; None if none does.

    Raises:
        ValueError: there are no dense scores of the task on the split.
    """
    runs = {number: Run(task, "imp", number) for number in sparsities(study)}
    tickets = {number: of for number, run in runs.items() if (of := scores.of(run, split))}
    dense = scores.of(Run(task, "dense"), split)
    if not dense:
        raise ValueError(f"scores.csv has no dense scores of {task} on {split}")
    return matching.last_matching_round(tickets, dense, rule)


def _ticket(task: str, scores: Scores, study: Study, split: str, rule: Rule) -> Ticket:
    number = chosen_round(task, scores, study, split, rule)
    dense_run, run = Run(task, "dense"), Run(task, "imp", number or 0)  # of round 0 is nothing
    dense, score = (scores.summary(known, rule.confidence) for known in (dense_run, run))
    if dense is None:
        raise ValueError(f"scores.csv has no dense scores of {task} on validation")
    values, majority = scores.of(run), scores.summary(Run(task, "majority"), rule.confidence)
    matches = bool(values) and matching.matches(values, scores.of(dense_run), rule)
    of_dense = (_collapse(dense_run, "dense", scores), _low("dense", dense, majority))
    of_ticket = (_collapse(run, "ticket", scores), _low("ticket", score, majority))
    flags = (
        *of_dense,
        f"none matches on {split}" if number is None else "",
        "does not match on validation" if values and not matches else "",
        *of_ticket,
        "one seed" if len(values) == 1 else "",
        "sparsest of the grid" if number == max(sparsities(study)) else "",
    )
    return Ticket(
        task=task,
        metric=scores.metrics[task],
        round=number,
        sparsity=sparsities(study)[number] if number else None,
        dense=dense,
        dense_collapsed=scores.collapsed(dense_run),
        majority=majority,
        score=score,
        collapsed=scores.collapsed(run),
        loss=scores.compare(run, dense_run, rule.confidence),
        matches=matches,
        sure=not any((*of_dense, *of_ticket)),
        flags=tuple(flag for flag in flags if flag),
    )


def _collapse(run: Run, name: str, scores: Scores) -> str:
    collapsed = scores.collapsed(run)
    return f"{collapsed} of {len(scores.of(run))} {name} runs collapsed" if collapsed else ""


def _low(name: str, score: Summary | None, majority: Summary | None) -> str:
    """Whether the interval, without one the mean, reaches down to the majority."""
    if score is None or majority is None:
        return ""
    reaches = (score.mean if score.low is None else score.low) <= majority.mean
    return f"{name} not surely above majority" if reaches else ""


def at_tickets(
    pair: Pairs, tasks: Sequence[str], results: Results, study: Study
) -> tuple[dict[str, int], str]:
    """By task the round of its ticket if both runs are there, else the last before it in which they are.

    The ticket is that chosen on `selection`. A task without one, or without such a round, is left out.

    Returns:
        The rounds, and the sparsities in words, empty without any.
    """
    rounds: dict[str, int] = {}
    below = []
    for task in tasks:
        chosen = chosen_round(task, results.scores, study, SELECTION, study.tickets) or 0
        ran = [at for at in range(1, chosen + 1) if compared(pair(task, at), results)]
        if ran:
            rounds[task] = ran[-1]
            if ran[-1] != chosen:
                at = percent(sparsities(study)[ran[-1]])
                below.append(f"{task} at {at}, below its ticket's")
    shares = [sparsities(study)[number] for number in rounds.values()]
    return rounds, "; ".join([f"at {shared.span(shares)}", *below]) if rounds else ""


def compared(pair: tuple[Run, Run], results: Results) -> bool:
    """Whether a seed has both runs of a pair."""
    first, second = (results.scores.of(run) for run in pair)
    return bool(first.keys() & second.keys())
