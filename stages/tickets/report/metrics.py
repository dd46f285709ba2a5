"""The few numbers of a study that people compare between experiments; only scores are known here."""

from collections.abc import Iterable
from itertools import product
from statistics import fmean
from typing import Protocol

from stages.tickets import settings
from stages.tickets.report.scores import SELECTION, Run, Scores
from stages.tickets.statistics.matching import last_matching_round

MOST = 20
"""Numbers, whatever the study."""


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
    """Compute at most 20 numbers by name, of headline metrics on the validation split.

    A score is a mean over seeds, then over tasks; a difference is paired by seed, then averaged over
    the tasks that have both. What did not run is left out.

    Returns:
        Scores and differences in points, sparsities in per cent, and numbers of tasks and runs. `ticket`
        is that of the last round, so a name means the same at any sparsities; `good` and `random` are
        heads and MLPs that a search keeps, and as many at random, trained alone.

        transfer_minus_own: masks of other tasks minus the task's own ticket of the same round.
        matching_sparsity: the highest at which a ticket matches by `tickets.rule` on the selection
        split, mean over tasks, of which one without a match counts as 0; matching_tasks have one.
        collapsed: dense models and last tickets that predict one class, or no better than a constant.
        tickets: the scores of `ticket` by task, if they all fit.
    """
    last, number = config.rounds[-1], config.transfer.round
    transfers = [
        (Run(target, "transfer", number, source), Run(target, "imp", number))
        for source, target in product(config.transfer.sources, config.transfer.targets)
        if source in config.tasks and source != target
    ]

    def runs(kind: str, at: int = 0, source: str = "") -> list[Run]:
        return [Run(task, kind, at, source) for task in config.tasks]

    def level(*listed: Run) -> float | None:
        means = [fmean(values.values()) for run in listed if (values := scores.of(run))]
        return fmean(means) if means else None

    def gap(first: Iterable[Run], second: Iterable[Run]) -> float | None:
        pairs = zip(first, second, strict=True)
        gains = [scores.compare(*pair, config.tickets.confidence) for pair in pairs]
        means = [gain.mean for gain in gains if gain]
        return fmean(means) if means else None

    ticket, dense = runs("imp", last.to), runs("dense")
    good = runs("retrained", 0, "structured good")
    matching = [_matching_sparsity(task, scores, config) for task in config.tasks]
    shares = {
        "ticket": level(*ticket),
        "dense": level(*dense),
        "ticket_minus_dense": gap(ticket, dense),
        "ticket_minus_random": gap(ticket, runs("random", last.to)),
        "ticket_minus_reinitialised": gap(ticket, runs("control", last.to, "reinitialised")),
        "ticket_minus_standard": gap(ticket, runs("standard", last.to)),
        "ticket_sparsity": last.sparsity,
        "matching_sparsity": fmean(matching),
        "transfer_minus_own": gap(*zip(*transfers, strict=True)) if transfers else None,
        "good_minus_dense": gap(good, dense),
        "good_minus_random": gap(good, runs("retrained", 0, "structured random")),
        "dense_minus_scratch": gap(dense, runs("scratch")),
    }
    shown: dict[str, float | dict[str, float]] = {
        name: _points(share) for name, share in shares.items() if share is not None
    }
    shown["matching_tasks"] = sum(sparsity > 0 for sparsity in matching)
    shown["collapsed"] = sum(map(scores.collapsed, (*dense, *ticket)))
    if len(shown) + len(config.tasks) <= MOST:
        by_task = {run.task: share for run in ticket if (share := level(run)) is not None}
        shown["tickets"] = {task: _points(share) for task, share in by_task.items()}
    return shown


def _matching_sparsity(task: str, scores: Scores, config: Config) -> float:
    """Return the highest sparsity with a ticket that matches on the selection split; 0 if none does."""
    sparsity = {0: 0.0} | {after.to: after.sparsity for after in config.rounds}
    runs = {number: Run(task, "imp", number) for number in sparsity}
    tickets = {number: of for number, run in runs.items() if (of := scores.of(run, SELECTION))}
    dense = scores.of(Run(task, "dense"), SELECTION)
    return sparsity[last_matching_round(tickets, dense, config.tickets) or 0]


def _points(share: float) -> float:
    """Return 100 x share, without a negative zero."""
    return round(100 * share, 2) + 0.0
