"""What Chen et al. 2020 state of tickets and of their controls, mostly in Table 2."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product, starmap

from stages.tickets.report import names, words
from stages.tickets.report.claim import Bounded, Claim, of_every, ranged, without
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run, Setting
from stages.tickets.report.table import Row
from stages.tickets.report.tickets import at_tickets, best_round, compared
from stages.tickets.settings import Study

STAGES = ("prune-round", "ticket", "earlier")
SHUFFLED = ("shuffled-layers", "shuffled-within-layer", "shuffled-within-matrix")
"""What the paper's code does, then what its text may say; the first that ran stands for all."""
EXIST = {VALIDATION: "tickets_exist", SELECTION: "tickets_exist_apart"}
"""Name of the statement by the split on which its tickets are chosen."""
NO_ROUND = "not run: nothing at the sparsity of a ticket or below it"


def tickets_exist(split: str, tickets: Sequence[Row], results: Results, study: Study) -> Claim:
    """Try tickets from the pre-trained weights, chosen as in the paper or apart from the report.

    The ticket of a task is the paper's choice, by `tickets.rule`; the test of it is that it is as good as
    dense. Of a task without one, the best subnetwork on the split is tried in its place. A task has no
    winning ticket only if the subnetworks of all sparsities fail.
    """
    published = [row for row in results.published_tickets if row.kind == "imp"]
    below = sum("below dense" in row.mark for row in published)
    own = [ticket for ticket in tickets if ticket.task in results.usable(study.tasks)]
    over = words.count(len(own), "task")
    span = words.ends([row.sparsity for row in published], words.percent)
    claim = replace(
        results.claim(EXIST[split], over, below=below),
        published=f"{len(published)} of {len(published)} ({span})",
        same=shared.same_number(("imp", ""), ("dense", ""), results, study),
    )
    if study.imp.rewind_to:
        why = "not run: imp.rewind_to is not 0, so no ticket can be a winning one"
        return replace(without(claim, why), same=why)
    tests = []
    for ticket in own:
        gains = {
            number: gain
            for number in names.sparsities(study)
            if (gain := results.compare(Run(ticket.task, "imp", number), Run(ticket.task, "dense")))
        }
        at = ticket.round or best_round(ticket.task, results.scores, study, split)
        if at in gains:
            low, every = -shared.margin(ticket.task, results), tuple(gains.values())
            tests.append(Bounded(ticket.task, gains[at], low=low, others=every))
    why = shared.nothing(study.tasks, results, "not run: scores.csv has no tickets")
    held = [ticket for ticket in own if ticket.round and ticket.matches]
    at = words.ends([ticket.sparsity for ticket in held], words.percent) if held else ""
    random = [ticket.task for ticket in held if ticket.random_matches]
    rule = f"{len(held)} of {len(own)} by {study.tickets.rule}" + (f" ({at})" if at else "")
    rule += f", with a random mask that passes it too on {', '.join(random)}" if random else ""
    made = of_every(claim, tests, why)
    return replace(made, here=f"{rule}; as good as dense: {made.here}") if tests else made


def better_than(results: Results, study: Study) -> tuple[Claim, ...]:
    """Subtract random, re-initialised and shuffled weights from tickets, by task."""
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


def _better(kind: str, published: Setting, results: Results, study: Study) -> Claim:
    """Subtract one control from tickets, each at its size.

    Args:
        kind: of our control.
        published: kind and source of the paper's.
    """

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return Run(task, "imp", number), names.control_run(task, kind, number)

    tasks = results.usable(study.tasks)
    rounds, at = at_tickets(pair, tasks, results, study)
    gains = {task: results.compare(*pair(task, number)) for task, number in rounds.items()}
    tests = [Bounded(task, gain, low=0.0) for task, gain in gains.items() if gain]
    every = starmap(pair, product(tasks, names.sparsities(study)))
    ran = any(compared(runs, results) for runs in every)
    over = shared.of_tasks(len(rounds), tasks)
    about = f"{names.control_name(kind)}, {over}, {at}" if rounds else ""
    claim = results.claim(f"better_than_{published[1] or published[0]}", over, about)
    paper = shared.published_gains(("imp", ""), published, results)
    claim = replace(
        claim,
        published=ranged({task: paper[task] for task in shared.usable(paper)}),
        same=shared.same_number(("imp", ""), published, results, study),
    )
    why = NO_ROUND if ran else names.why_no_control(kind, study)
    return of_every(claim, tests, shared.nothing(study.tasks, results, why))
