"""What Chen et al. 2020 state of tickets and of their controls, mostly in Table 2."""

from collections.abc import Sequence
from itertools import product, starmap

from stages.tickets.report import names
from stages.tickets.report.claim import ABOVE, CHEN, NO_VERDICT, Beside, Claim, of_difference
from stages.tickets.report.names import sparsities
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run
from stages.tickets.report.tickets import Pairs, Ticket, at_tickets, compared
from stages.tickets.report.words import NONE, count
from stages.tickets.settings import Study

STAGES = ("prune-round", "ticket", "earlier")
SHUFFLED = ("shuffled-layers", "shuffled-within-layer", "shuffled-within-matrix")
"""What the paper's code does, then what its text may say; the first that ran stands for all."""
EXIST = {
    VALIDATION: ("tickets_exist", "chosen and reported on validation, as in the paper"),
    SELECTION: ("tickets_exist_apart", "chosen on selection, to match on validation too"),
}
"""Name of the statement and how its tickets are chosen, by split."""
NO_ROUND = "not run: nothing at the sparsity of a ticket or below it"


def tickets_exist(split: str, tickets: Sequence[Ticket], results: Results, study: Study) -> Claim:
    """On all tasks, from the pre-trained weights: chosen as in the paper, or apart from the report."""
    published = [row for row in results.published_tickets if row.kind == "imp"]
    below = sum("below dense" in row.mark for row in published)
    held = [ticket for ticket in tickets if ticket.round and ticket.matches]
    unsure = sum(not ticket.sure for ticket in held)
    holds = "yes" if len(held) == len(tickets) else "no"
    if len(study.seeds) == 1 or (unsure and holds == "yes"):
        holds = "unclear"
    if study.imp.rewind_to:
        holds = NONE
    at = [ticket.sparsity for ticket in held if ticket.sparsity]
    name, how = EXIST[split]
    return Claim(
        name,
        f"Winning tickets exist on every task ({how})",
        CHEN,
        STAGES,
        f"{len(published)} of {len(published)} ({shared.span([row.sparsity for row in published])})",
        f"{len(held)} of {len(tickets)}"
        + (f" ({shared.span(at)})" if at else "")
        + (f", {unsure} not surely above the majority" if unsure else ""),
        len(study.seeds),
        holds,
        _verdict(tickets, results, study),
        1.0,
        mark=f"by the printed numbers {below} are more than one std of dense below it",
        over=count(len(tickets), "task"),
    )


def _verdict(tickets: Sequence[Ticket], results: Results, study: Study) -> str:
    """Whether tickets exist as in the paper on the tasks that both have, or why nothing is said."""
    if study.imp.rewind_to:
        return "not run: imp.rewind_to is not 0, so no ticket can be a winning one"
    names = shared.shared(study.tasks, results)
    if why := shared.why_no_verdict(names, results):
        return why
    common = [ticket for ticket in tickets if ticket.task in names]
    if len(study.seeds) == 1 or not all(ticket.sure for ticket in common):
        return "undecided"
    return "agrees" if all(ticket.round and ticket.matches for ticket in common) else "differs"


def better_than(results: Results, study: Study) -> tuple[Claim, ...]:
    """Tickets minus random, re-initialised and shuffled weights: mean over tasks, each at its ticket."""
    asked = names.control_kinds(study)
    shuffled = next((kind for kind in SHUFFLED if kind in asked), SHUFFLED[0])
    rivals = (
        ("random", ("random", ""), "random masks"),
        ("reinitialised", ("control", "reinitialised"), "their masks on re-initialised weights"),
        (shuffled, ("control", SHUFFLED[0]), "their masks on shuffled weights"),
    )
    return tuple(_better(*rival, results, study) for rival in rivals)


def _better(
    kind: str, published: tuple[str, str], rival: str, results: Results, study: Study
) -> Claim:
    """Tickets minus one control.

    Args:
        kind: of our control.
        published: kind and source of the paper's.
        rival: what tickets are better than.
    """

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return Run(task, "imp", number), names.control_run(task, kind, number)

    tasks = shared.usable(study.tasks)
    rounds, at = at_tickets(pair, tasks, results, study)
    gain, _ = results.scores.pooled(starmap(pair, rounds.items()), study.tickets.confidence)
    every = starmap(pair, product(tasks, sparsities(study)))
    ran = any(compared(runs, results) for runs in every)
    over = shared.of_tasks(len(rounds), tasks)
    claim = Claim(
        f"better_than_{published[1] or published[0]}",
        f"Tickets are better than {rival}"
        + (f" (here: {names.control_name(kind)}, {over}, {at})" if rounds else ""),
        CHEN,
        ("ticket", "controls"),
        mark="single numbers, at the sparsities of Table 2",
        over=over,
    )
    why = NO_ROUND if ran else names.why_no_control(kind, study)
    beside = _beside(published, pair, results, study)
    return of_difference(claim, ABOVE, gain, why, study.verdict, beside)


def _beside(published: tuple[str, str], pair: Pairs, results: Results, study: Study) -> Beside:
    """Ticket minus control at the sparsities of Table 2, over the tasks in which both studies have it."""
    rows = results.published_tickets
    sparsity = {row.task: row.sparsity for row in rows}
    level = {(row.task, (row.kind, row.source)): row.mean for row in rows}

    def paper(tasks: Sequence[str]) -> float:
        gains = [level[task, ("imp", "")] - level[task, published] for task in tasks]
        return sum(gains) / len(gains)

    over_all = paper(shared.usable(list(sparsity)))
    tasks = shared.shared(shared.usable(study.tasks), results)
    if why := shared.why_no_verdict(tasks, results):
        return Beside(over_all, why=why)
    rounds = {round(share, 6): number for number, share in sparsities(study).items()}
    asked = {task: pair(task, rounds.get(round(sparsity[task], 6), 0)) for task in tasks}
    pairs = {task: runs for task, runs in asked.items() if compared(runs, results)}
    gain, _ = results.scores.pooled(pairs.values(), study.tickets.confidence)
    if gain is None:
        at = shared.span([sparsity[task] for task in tasks])
        return Beside(over_all, why=f"{NO_VERDICT}: not run at {at}")
    return Beside(paper(list(pairs)), gain, count(len(pairs), "task"))
