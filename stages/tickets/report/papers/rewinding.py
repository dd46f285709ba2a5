"""What Chen et al. 2020 state of rewinding and of standard pruning, and what their code does."""

import math
from collections.abc import Mapping

from stages.tickets.report.claim import BEYOND_CHEN, CHEN, Claim, near, of_difference, of_worst
from stages.tickets.report.names import sparsities
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.tickets import NO_ROUND
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.tickets import at_tickets
from stages.tickets.report.words import count, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

WORSE, BETTER = 0.03, 0.02
"""Of standard pruning, in the paper: worse by up to 3 points, better by up to 2."""
IN_WORDS = "said in words; the numbers of Table 3 could not be verified"
Changes = Mapping[Run, Difference]
"""Runs minus the tickets that they are compared with."""


def rewinding(changes: Changes, results: Results, study: Study) -> Claim:
    """Every later point minus where the rounds restarted, by task and point."""
    gains = {
        f"{run.task}, i = {run.at} %": gain
        for run, gain in changes.items()
        if run.kind == "rewind" and run.at > study.imp.rewind_to
    }
    claim = Claim(
        "rewinding",
        "Rewinding to later weights brings nothing notable on any task "
        f"(at most {points(study.verdict.margin)} points)",
        CHEN,
        ("rewind",),
        mark=IN_WORDS,
        over=count(len(gains), "interval"),
    )
    return of_worst(claim, (-math.inf, study.verdict.margin), gains, results.not_run("rewind"))


def standard(changes: Changes, results: Results, study: Study) -> Claim:
    """Standard pruning minus the ticket, by task, each at the size of its ticket."""
    tasks = study.standard.tasks
    rounds, at = at_tickets(_standard, tasks, results, study)
    gains = {task: changes[_standard(task, number)[0]] for task, number in rounds.items()}
    claim = Claim(
        "standard",
        "Standard pruning is comparable on every task: better by up to 2 or worse by up to 3 points"
        + (f" (here: {at})" if at else ""),
        CHEN,
        ("standard",),
        mark=IN_WORDS,
        over=shared.of_tasks(len(gains), tasks),
    )
    why = NO_ROUND if results.scores.has("standard") else results.not_run("standard")
    return of_worst(claim, (-WORSE, BETTER), gains, why)


def _standard(task: str, number: int) -> tuple[Run, Run]:
    return Run(task, "standard", number), Run(task, "imp", number)


def aliased(results: Results, study: Study) -> Claim:
    """The mask of pruning that never rewinds, trained from theta_i, minus the ticket; of MLM alone."""
    last = max(study.standard.aliased.rounds, default=0)
    tasks = shared.language(study.standard.tasks, results)
    pairs = [(Run(task, "aliased", last), Run(task, "imp", last)) for task in tasks]
    gain, number = results.scores.pooled(pairs, study.tickets.confidence)
    why = results.not_run("aliased")
    if study.standard.tasks and not tasks:
        why = "not run: standard.tasks has no masked language modelling"
    claim = Claim(
        "aliased",
        "Not of the paper, but of its code: the search of MLM that never rewinds finds as good a mask"
        + (f" (here: at {percent(sparsities(study)[last])})" if gain else ""),
        BEYOND_CHEN,
        ("standard",),
        over=count(number, "task"),
    )
    return of_difference(claim, near(study.verdict.margin), gain, why, study.verdict)
