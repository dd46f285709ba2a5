"""What Chen et al. 2020 state of tickets and of their controls, mostly in Table 2."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product, starmap

from stages.tickets.report import names, words
from stages.tickets.report.claim import ABOVE, NO_VERDICT, Beside, Claim, of_difference
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run
from stages.tickets.report.table import Row
from stages.tickets.report.tickets import Pairs, at_tickets, compared
from stages.tickets.settings import Study

STAGES = ("prune-round", "ticket", "earlier")
SHUFFLED = ("shuffled-layers", "shuffled-within-layer", "shuffled-within-matrix")
"""What the paper's code does, then what its text may say; the first that ran stands for all."""
EXIST = {VALIDATION: "tickets_exist", SELECTION: "tickets_exist_apart"}
"""Name of the statement by the split on which its tickets are chosen."""
NO_ROUND = "not run: nothing at the sparsity of a ticket or below it"


def tickets_exist(split: str, tickets: Sequence[Row], results: Results, study: Study) -> Claim:
    """Count tickets from the pre-trained weights, chosen as in the paper or apart from the report."""
    published = [row for row in results.published_tickets if row.kind == "imp"]
    below = sum("below dense" in row.mark for row in published)
    held = [ticket for ticket in tickets if ticket.round and ticket.matches]
    unsure = sum(not ticket.sure for ticket in held)
    holds = "yes" if len(held) == len(tickets) else "no"
    if len(study.seeds) == 1 or (unsure and holds == "yes"):
        holds = "unclear"
    at = [ticket.sparsity for ticket in held]
    span = words.ends([row.sparsity for row in published], words.percent)
    shown = f"{len(held)} of {len(tickets)}"
    shown += f" ({words.ends(at, words.percent)})" if at else ""
    shown += f", {unsure} not surely above the majority" if unsure else ""
    claim = results.claim(EXIST[split], words.count(len(tickets), "task"), below=below)
    return replace(
        claim,
        published=f"{len(published)} of {len(published)} ({span})",
        here=shown,
        n=len(study.seeds),
        holds=words.NONE if study.imp.rewind_to else holds,
        verdict=_verdict(tickets, results, study),
        published_value=1.0,
    )


def _verdict(tickets: Sequence[Row], results: Results, study: Study) -> str:
    """Say whether tickets exist as in the paper on the tasks that both have, or why nothing is said."""
    if study.imp.rewind_to:
        return "not run: imp.rewind_to is not 0, so no ticket can be a winning one"
    tasks = shared.shared(study.tasks, results)
    if why := shared.why_no_verdict(tasks, results):
        return why
    common = [ticket for ticket in tickets if ticket.task in tasks]
    if len(study.seeds) == 1 or not all(ticket.sure for ticket in common):
        return "undecided"
    return "agrees" if all(ticket.round and ticket.matches for ticket in common) else "differs"


def better_than(results: Results, study: Study) -> tuple[Claim, ...]:
    """Subtract random, re-initialised and shuffled weights from tickets: mean over tasks."""
    asked = names.control_kinds(study)
    shuffled = next((kind for kind in SHUFFLED if kind in asked), SHUFFLED[0])
    return tuple(
        _better(kind, published, results, study)
        for kind, published in (
            ("random", ("random", "")),
            ("reinitialised", ("control", "reinitialised")),
            (shuffled, ("control", SHUFFLED[0])),
        )
    )


def _better(kind: str, published: tuple[str, str], results: Results, study: Study) -> Claim:
    """Subtract one control from tickets, each at its size.

    Args:
        kind: of our control.
        published: kind and source of the paper's.
    """

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return Run(task, "imp", number), names.control_run(task, kind, number)

    tasks = shared.usable(study.tasks)
    rounds, at = at_tickets(pair, tasks, results, study)
    gain, _ = results.pooled(starmap(pair, rounds.items()))
    every = starmap(pair, product(tasks, names.sparsities(study)))
    ran = any(compared(runs, results) for runs in every)
    over = shared.of_tasks(len(rounds), tasks)
    about = f"{names.control_name(kind)}, {over}, {at}" if rounds else ""
    claim = results.claim(f"better_than_{published[1] or published[0]}", over, about)
    why = NO_ROUND if ran else names.why_no_control(kind, study)
    beside = _beside(published, pair, results, study)
    return of_difference(claim, ABOVE, gain, why, study.verdict, beside)


def _beside(published: tuple[str, str], pair: Pairs, results: Results, study: Study) -> Beside:
    """Subtract the control at the sparsities of Table 2, over the tasks in which both studies have it."""
    sparsity = {row.task: row.sparsity for row in results.published_tickets}
    level = {(row.task, (row.kind, row.source)): row.mean for row in results.published_tickets}

    def paper(tasks: Sequence[str]) -> float:
        gains = [level[task, ("imp", "")] - level[task, published] for task in tasks]
        return sum(gains) / len(gains)

    over_all = paper(shared.usable(list(sparsity)))
    tasks = shared.shared(shared.usable(study.tasks), results)
    if why := shared.why_no_verdict(tasks, results):
        return Beside(over_all, why=why)
    asked = {task: pair(task, names.round_at(sparsity[task], study) or 0) for task in tasks}
    pairs = {task: runs for task, runs in asked.items() if compared(runs, results)}
    gain, _ = results.pooled(pairs.values())
    if gain is None:
        at = words.ends([sparsity[task] for task in tasks], words.percent)
        return Beside(over_all, why=f"{NO_VERDICT}: not run at {at}")
    return Beside(paper(list(pairs)), gain, words.count(len(pairs), "task"))
