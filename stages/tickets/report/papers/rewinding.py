"""What Chen et al. 2020 state of rewinding and of standard pruning, and what their code does."""

from stages.tickets.report import names, words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.tickets import NO_ROUND
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.tickets import at_tickets
from stages.tickets.settings import Study

WORSE, BETTER = 0.03, 0.02
"""Of standard pruning, in the paper: worse by up to 3 points, better by up to 2."""


def claims(results: Results, study: Study) -> tuple[Claim, ...]:
    """Decide all statements on rewinding, and on pruning without it."""
    return (rewinding(results, study), standard(results, study), aliased(results, study))


def rewinding(results: Results, study: Study) -> Claim:
    """Compare every later point with where the rounds restarted, by task and point."""
    usual = study.imp.rewind_to
    tests = [
        Bounded(f"{task}, i = {at} %", gain, high=shared.margin(task, results))
        for task in results.usable(study.rewind.tasks)
        for at in study.rewind.points
        if at > usual
        and (gain := results.compare(Run(task, "rewind", at), Run(task, "rewind", usual)))
    ]
    claim = results.claim("rewinding", words.count(len(tests), "interval"))
    why = shared.nothing(study.rewind.tasks, results, results.not_run("rewind"))
    return of_every(claim, tests, why)


def standard(results: Results, study: Study) -> Claim:
    """Compare standard pruning with the ticket, by task, each at the size of its ticket."""

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return Run(task, "standard", number), Run(task, "imp", number)

    tasks = results.usable(study.standard.tasks)
    rounds, at = at_tickets(pair, tasks, results, study)
    changes = {task: results.compare(*pair(task, number)) for task, number in rounds.items()}
    tests = [Bounded(task, gain, -WORSE, BETTER) for task, gain in changes.items() if gain]
    claim = results.claim("standard", shared.of_tasks(len(tests), tasks), at)
    why = NO_ROUND if results.scores.has("standard") else results.not_run("standard")
    return of_every(claim, tests, shared.nothing(study.standard.tasks, results, why))


def aliased(results: Results, study: Study) -> Claim:
    """Compare the mask of pruning that never rewinds, from theta_i, with the ticket; of MLM alone."""
    last = max(study.standard.aliased.rounds, default=0)
    tasks = shared.language(study.standard.tasks, results)
    tests = []
    for task in results.usable(tasks):
        reach = shared.margin(task, results)
        if gain := results.compare(Run(task, "aliased", last), Run(task, "imp", last)):
            tests.append(Bounded(task, gain, -reach, reach))
    why = shared.nothing(tasks, results, results.not_run("aliased"))
    if study.standard.tasks and not tasks:
        why = "not run: standard.tasks has no masked language modelling"
    at = f"at {words.percent(names.sparsities(study)[last])}" if tests else ""
    claim = results.claim("aliased", words.count(len(tests), "task"), at)
    return of_every(claim, tests, why)
