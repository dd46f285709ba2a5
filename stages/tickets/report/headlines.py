"""The few numbers of a study that people compare between experiments; only scores are known here."""

import math
from collections.abc import Iterable
from typing import Protocol

from stages.tickets import settings
from stages.tickets.report import scores as scored
from stages.tickets.report.scores import Run, Scores
from stages.tickets.statistics.matching import last_matching_round

MOST = 20
"""Numbers, whatever the study."""
GOOD = "structured good"
"""The heads and MLPs that a search keeps, by the name of their runs."""
RANDOM = "structured random"
"""As many at random."""


class Config(Protocol):
    """The sections of params.yaml that say which runs are compared."""

    @property
    def tasks(self) -> tuple[str, ...]: ...
    @property
    def rounds(self) -> tuple[settings.Round, ...]: ...
    @property
    def transfer(self) -> settings.Transfer: ...
    @property
    def tickets(self) -> settings.Tickets: ...


def headlines(scores: Scores, config: Config) -> dict[str, float | dict[str, float]]:
    """At most 20 numbers by name, of headline metrics on the validation split.

    The ticket is that of the last round, so a name means the same at any sparsities. A score is a mean
    over seeds, then over tasks; a difference is paired by seed, then averaged over the tasks that have
    both. What did not run is left out. The scores of each task's ticket come along where they all fit.

    Returns:
        Scores and differences in points (100 x metric), sparsities in per cent, rounded to 2 digits, and
        numbers of tasks and runs:

        ticket, dense: means over all tasks.
        ticket_minus_dense, _random, _reinitialised, _standard: the ticket minus dense, its random mask,
        its mask on re-initialised weights, and as much standard pruning.
        ticket_sparsity: of the last round.
        matching_sparsity: the highest at which the ticket of a task matches by `tickets.rule`, chosen on
        the selection split, as a mean over tasks, of which one without a match counts as 0.
        matching_tasks: tasks with a match at any sparsity.
        transfer_minus_own: masks of other tasks minus the task's own ticket of the same round.
        good_minus_dense, _random: heads and MLPs that a search keeps, trained alone, minus dense and
        minus as many at random.
        dense_minus_scratch: what the pre-training is worth.
        collapsed: dense models and last tickets that predict one class or a constant.
        tickets: the scores of `ticket` by task.
    """
    tasks, last = config.tasks, config.rounds[-1]
    dense = {task: Run(task, "dense") for task in tasks}
    ticket = {task: Run(task, "imp", last.to) for task in tasks}
    rivals = {
        task: {
            "ticket_minus_random": Run(task, "random", last.to),
            "ticket_minus_reinitialised": Run(task, "control", last.to, "reinitialised"),
            "ticket_minus_standard": Run(task, "standard", last.to),
        }
        for task in tasks
    }
    found: dict[str, float | None] = {
        "ticket": _level(ticket.values(), scores),
        "dense": _level(dense.values(), scores),
        "ticket_minus_dense": _gap(((ticket[task], dense[task]) for task in tasks), scores),
    }
    for name in rivals[tasks[0]]:
        found[name] = _gap(((ticket[task], rivals[task][name]) for task in tasks), scores)
    matching = [_matching_sparsity(task, scores, config) for task in tasks]
    good = {task: Run(task, "retrained", 0, GOOD) for task in tasks}
    found |= {
        "ticket_sparsity": last.sparsity,
        "matching_sparsity": _mean(matching),
        "transfer_minus_own": _gap(_transfers(config), scores),
        "good_minus_dense": _gap(((good[task], dense[task]) for task in tasks), scores),
        "good_minus_random": _gap(
            ((good[task], Run(task, "retrained", 0, RANDOM)) for task in tasks), scores
        ),
        "dense_minus_scratch": _gap(
            ((dense[task], Run(task, "scratch")) for task in tasks), scores
        ),
    }
    shown: dict[str, float | dict[str, float]] = {
        name: _points(value) for name, value in found.items() if value is not None
    }
    shown["matching_tasks"] = sum(sparsity > 0 for sparsity in matching)
    shown["collapsed"] = sum(scores.collapsed(run) for run in (*dense.values(), *ticket.values()))
    if len(shown) + len(tasks) <= MOST:
        by_task = {task: _level([ticket[task]], scores) for task in tasks}
        shown["tickets"] = {
            task: _points(level) for task, level in by_task.items() if level is not None
        }
    return shown


def _level(runs: Iterable[Run], scores: Scores) -> float | None:
    """Mean over the runs that have scores of the mean over seeds."""
    return _mean(_mean(found.values()) for run in runs if (found := scores.of(run)))


def _gap(pairs: Iterable[tuple[Run, Run]], scores: Scores) -> float | None:
    """First minus second, over the seeds of both, as a mean over the pairs that have such seeds."""
    by_pair = []
    for first, second in pairs:
        one, other = scores.of(first), scores.of(second)
        by_pair.append(_mean(one[seed] - other[seed] for seed in one if seed in other))
    return _mean(by_pair)


def _mean(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return math.fsum(found) / len(found) if found else None


def _transfers(config: Config) -> Iterable[tuple[Run, Run]]:
    """Masks of other tasks on a target, each with the target's own ticket."""
    number = config.transfer.round
    for source in config.transfer.sources:
        for target in config.transfer.targets:
            if source in config.tasks and source != target:
                yield Run(target, "transfer", number, source), Run(target, "imp", number)


def _matching_sparsity(task: str, scores: Scores, config: Config) -> float:
    """The highest with a ticket that matches on the selection split; 0 where none does."""
    sparsity = {after.to: after.sparsity for after in config.rounds}
    tickets = {
        number: found
        for number in sparsity
        if (found := scores.of(Run(task, "imp", number), scored.SELECTION))
    }
    dense = scores.of(Run(task, "dense"), scored.SELECTION)
    chosen = last_matching_round(tickets, dense, config.tickets)
    return 0.0 if chosen is None else sparsity[chosen]


def _points(share: float) -> float:
    """100 x share; no negative zero."""
    return round(100 * share, 2) + 0.0
