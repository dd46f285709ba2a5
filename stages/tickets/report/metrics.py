"""The few numbers of a study that people compare between experiments; only scores are known here."""

from collections.abc import Iterable
from itertools import product
from statistics import fmean
from typing import Protocol

from stages.tickets import settings
from stages.tickets.report.scores import SELECTION, Run, Scores

MOST = 20
"""Entries, whatever the study."""


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
    @property
    def verdict(self) -> settings.Verdict: ...


Numbers = dict[str, "float | str | Numbers"]
"""Numbers by name, or by name and task; of tasks without evidence the names."""


def headlines(scores: Scores, config: Config) -> Numbers:
    """Compute at most 20 entries by the split that they are of, for headline metrics.

    A difference is paired by seed, divided by the margin of the metric, and averaged over the tasks that
    have both, since points of unlike metrics have no mean: 1 is the smallest difference of interest. A
    task whose dense model has not learned enters nothing. What did not run is left out.

    Returns:
        `validation`: differences in margins; `collapsed`: dense models and last tickets that predict one
        class, or numbers no better than a constant; `dense` and `tickets`: scores in points by task, if
        they all fit. The ticket is that of the last round, so a name means the same at any sparsities;
        `good` and `random` are heads and MLPs that a search keeps, and as many at random, trained alone;
        transfer_minus_own: masks of other tasks minus the task's own ticket of the same round.
        `chosen_on_selection`, and reported on it: the highest sparsity in per cent at which a ticket
        matches by `tickets.rule`, mean over tasks, of which one without a match counts as 0;
        matching_tasks have one. Nothing else is chosen. `no_evidence`: names of the tasks whose dense
        model has not learned, left out if there are none.
    """
    confidence = config.tickets.confidence
    tasks = [task for task in config.tasks if scores.above_majority(Run(task, "dense"), confidence)]
    last, number = config.rounds[-1], config.transfer.round
    transfers = [
        (Run(target, "transfer", number, source), Run(target, "imp", number))
        for source, target in product(config.transfer.sources, config.transfer.targets)
        if source in tasks and target in tasks and source != target
    ]

    def runs(kind: str, at: int = 0, source: str = "") -> list[Run]:
        return [Run(task, kind, at, source) for task in tasks]

    def gap(first: Iterable[Run], second: Iterable[Run]) -> float | None:
        pairs = zip(first, second, strict=True)
        gains = {pair[0]: scores.compare(*pair, confidence) for pair in pairs}
        margins = dict(config.verdict.margins)
        levels = [
            gain.mean / margins[scores.metrics[run.task]] for run, gain in gains.items() if gain
        ]
        return fmean(levels) if levels else None

    ticket, dense = runs("imp", last.to), runs("dense")
    good = runs("retrained", 0, "structured good")
    gaps = {
        "ticket_minus_dense": gap(ticket, dense),
        "ticket_minus_random": gap(ticket, runs("random", last.to)),
        "ticket_minus_reinitialised": gap(ticket, runs("control", last.to, "reinitialised")),
        "ticket_minus_standard": gap(ticket, runs("standard", last.to)),
        "transfer_minus_own": gap(*zip(*transfers, strict=True)) if transfers else None,
        "good_minus_dense": gap(good, dense),
        "good_minus_random": gap(good, runs("retrained", 0, "structured random")),
        "dense_minus_scratch": gap(dense, runs("scratch")),
    }
    validation: Numbers = {
        name: round(gain, 2) + 0.0 for name, gain in gaps.items() if gain is not None
    }
    if without := [task for task in config.tasks if task not in tasks]:
        validation["no_evidence"] = ", ".join(without)
    validation["collapsed"] = sum(map(scores.collapsed, (*dense, *ticket)))
    matching = [_matching_sparsity(task, scores, config) for task in tasks]
    chosen: Numbers = {"matching_tasks": sum(sparsity > 0 for sparsity in matching)}
    if matching:
        chosen["matching_sparsity"] = _points(fmean(matching))
    shown: Numbers = {"validation": validation, "chosen_on_selection": chosen}
    if len(validation) + len(chosen) + 2 * len(tasks) <= MOST:
        for name, listed in (("dense", dense), ("tickets", ticket)):
            levels = {
                run.task: fmean(values.values()) for run in listed if (values := scores.of(run))
            }
            validation[name] = {task: _points(level) for task, level in levels.items()}
    return shown


def _matching_sparsity(task: str, scores: Scores, config: Config) -> float:
    """Return the highest sparsity with a ticket that matches on the selection split; 0 if none does."""
    return max(
        (
            after.sparsity
            for after in config.rounds
            if scores.matches(Run(task, "imp", after.to), config.tickets, SELECTION)
        ),
        default=0.0,
    )


def _points(share: float) -> float:
    """Return 100 x share, without a negative zero."""
    return round(100 * share, 2) + 0.0
