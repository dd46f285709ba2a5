"""What Chen et al. 2020 say of tickets, rewinding, standard pruning and masks, beside what is here."""

import math
from collections.abc import Iterable, Sequence

from stages.tickets.report import findings, scores
from stages.tickets.report import names as runs
from stages.tickets.report.checks import (
    NO_VERDICT,
    OTHER_ENCODER,
    OTHER_TASKS,
    Beside,
    Checked,
    Data,
    Pairs,
    at_tickets,
    compared,
    of_difference,
    of_tasks,
    of_worst,
    span,
    usable,
)
from stages.tickets.report.names import Config
from stages.tickets.report.scores import Run
from stages.tickets.report.words import NONE, count, percent, points
from stages.tickets.statistics.intervals import summarize_differences

SHUFFLED = ("shuffled-layers", "shuffled-within-layer", "shuffled-within-matrix")
"""What the paper's code does, then what its text may say; the first that ran stands for all."""
WORSE, BETTER = 0.03, 0.02
"""Of standard pruning, in the paper: worse by up to 3 points, better by up to 2."""
IN_WORDS = "said in words; the numbers of Table 3 could not be verified"
NO_ROUND = "nothing at the sparsity of a ticket or below it"


def tickets_exist(data: Data, config: Config) -> Iterable[Checked]:
    """On all tasks, from the pre-trained weights: chosen as in the paper, and apart from the report."""
    theirs = sorted(one.sparsity for one in data.published.tickets if one.kind == "imp")
    below = sum("below dense" in one.mark for one in data.published.tickets if one.kind == "imp")
    shared = data.shared(config.tasks)
    statement = "Winning tickets exist on every task"
    for name, split, words in (
        ("tickets_exist", scores.VALIDATION, "chosen and reported on validation, as in the paper"),
        (
            "tickets_exist_apart",
            scores.SELECTION,
            "chosen on selection, to match on validation too",
        ),
    ):
        found = findings.find_tickets(data.scores, config, split)
        held = [one for one in found if one.round and one.matches]
        unsure = sum(not one.sure for one in held)
        at = [runs.sparsities(config)[one.round] for one in held if one.round]
        whole = len(held) == len(found)
        one_seed = len(config.seeds) == 1
        holds = "unclear" if one_seed or (whole and unsure) else "yes" if whole else "no"
        here = f"{len(held)} of {len(found)}" + (f" ({span(at)})" if at else "")
        if unsure:
            here += f", {unsure} not surely above the majority"
        both = [one for one in found if one.task in shared]
        said = "agrees" if all(one in held for one in both) else "differs"
        if not data.same_encoder or not shared:
            said = OTHER_TASKS if data.same_encoder else OTHER_ENCODER
        elif one_seed or any(not one.sure for one in both):
            said = "undecided"
        if config.imp.rewind_to:
            holds, said = NONE, "not run: imp.rewind_to is not 0, so no ticket can be a winning one"
        yield Checked(
            name,
            f"{statement} ({words})",
            f"{len(theirs)} of {len(theirs)} ({span(theirs)})",
            here,
            len(config.seeds),
            holds,
            said,
            1.0,
            mark=f"by the printed numbers {below} are more than one std of dense below it",
            over=count(len(found), "task"),
        )


def controls(data: Data, config: Config) -> Iterable[Checked]:
    """Against random, re-initialised and shuffled: mean over tasks, each at the size of its ticket."""
    tasks = usable(config.tasks)
    asked = runs.control_kinds(config)
    shuffled = next((kind for kind in SHUFFLED if kind in asked), SHUFFLED[0])
    for kind, theirs, words in (
        ("random", ("random", ""), "random masks"),
        ("reinitialised", ("control", "reinitialised"), "their masks on re-initialised weights"),
        (shuffled, ("control", "shuffled-layers"), "their masks on shuffled weights"),
    ):
        pair = against(kind)
        rounds, at = at_tickets(pair, tasks, data.scores, config)
        found, _ = findings.over_pairs(
            [pair(task, number) for task, number in rounds.items()],
            data.scores,
            config.tickets.confidence,
        )
        ran = any(
            compared(pair(task, number), data.scores)
            for task in tasks
            for number in runs.sparsities(config)
        )
        over = of_tasks(len(rounds), tasks)
        here = f" (here: {runs.control_name(kind)}, {over}, {at})" if rounds else ""
        yield of_difference(
            (
                f"better_than_{theirs[1] or theirs[0]}",
                f"Tickets are better than {words}{here}",
            ),
            (math.ulp(0.0), math.inf),
            found,
            f"not run: {NO_ROUND}" if ran else runs.why_no_control(kind, config),
            config.verdict,
            _beside_table2(data, theirs, pair, config),
            "single numbers, at the sparsities of Table 2",
            over,
        )


def against(kind: str) -> Pairs:
    """Ticket and control of one round."""
    return lambda task, number: (
        Run(task, "imp", number),
        runs.control_run(task, kind, number),
    )


def _beside_table2(data: Data, theirs: tuple[str, str], pair: Pairs, config: Config) -> Beside:
    """Ticket minus control at the sparsities of Table 2, over the tasks in which both studies have it."""
    tickets = {one.task: one for one in data.published.tickets if one.kind == "imp"}
    levels = {
        one.task: one.mean for one in data.published.tickets if (one.kind, one.source) == theirs
    }

    def paper(tasks: Sequence[str]) -> float:
        return sum(tickets[task].mean - levels[task] for task in tasks) / len(tasks)

    whole = paper(usable(list(tickets)))
    shared = [task for task in usable(config.tasks) if task in data.shared(config.tasks)]
    if not data.same_encoder or not shared:
        return Beside(whole, why=OTHER_TASKS if data.same_encoder else OTHER_ENCODER)
    numbers = {round(share, 6): number for number, share in runs.sparsities(config).items()}
    at = {task: numbers.get(round(tickets[task].sparsity, 6)) for task in shared}
    pairs = {
        task: pair(task, number)
        for task, number in at.items()
        if number is not None and compared(pair(task, number), data.scores)
    }
    found, _ = findings.over_pairs(pairs.values(), data.scores, config.tickets.confidence)
    if found is None:
        where = span([tickets[task].sparsity for task in shared])
        return Beside(whole, why=f"{NO_VERDICT}: not run at {where}")
    return Beside(paper(list(pairs)), found, count(len(pairs), "task"))


def rewinding(data: Data, config: Config) -> Checked:
    """Every later point minus where the rounds restarted, by task and point."""
    usual, margin = config.imp.rewind_to, config.verdict.margin
    found = {
        f"{task}, i = {point} %": gain
        for task in config.rewind.tasks
        for point in config.rewind.points
        if point > usual and (gain := findings.rewinding_gain(task, point, data.scores, config))
    }
    statement = "Rewinding to later weights brings nothing notable on any task "
    return of_worst(
        ("rewinding", statement + f"(at most {points(margin)} points)"),
        (-math.inf, margin),
        found,
        runs.why_not("rewind", config),
        IN_WORDS,
        count(len(found), "interval"),
    )


def standard(data: Data, config: Config) -> Checked:
    """Standard pruning minus the ticket, by task, each at the size of its ticket."""

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return Run(task, "standard", number), Run(task, "imp", number)

    rounds, at = at_tickets(pair, config.standard.tasks, data.scores, config)
    found = {
        task: gain
        for task, number in rounds.items()
        if (gain := data.scores.compare(*pair(task, number), config.tickets.confidence))
    }
    statement = (
        "Standard pruning is comparable on every task: better by up to 2 or worse by up to 3 "
    )
    statement += "points" + (f" (here: {at})" if at else "")
    why = runs.why_not("standard", config)
    return of_worst(
        ("standard", statement),
        (-WORSE, BETTER),
        found,
        f"not run: {NO_ROUND}" if data.scores.has("standard") else why,
        IN_WORDS,
        of_tasks(len(found), config.standard.tasks),
    )


def aliased(data: Data, config: Config) -> Checked:
    """The mask of pruning that never rewinds, trained from theta_i, minus the ticket; of MLM alone."""
    last = max(config.standard.aliased.rounds, default=0)
    tasks = data.language(config.standard.tasks)
    pairs = [(Run(task, "aliased", last), Run(task, "imp", last)) for task in tasks]
    found, number = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    why = runs.why_not("aliased", config)
    if config.standard.tasks and not tasks:
        why = "not run: standard.tasks has no masked language modelling"
    margin = config.verdict.margin
    statement = (
        "Not of the paper, but of its code: the search of MLM that never rewinds finds as good "
    )
    statement += "a mask" + (
        f" (here: at {percent(runs.sparsities(config)[last])})" if found else ""
    )
    return of_difference(
        ("aliased", statement),
        (-margin, margin),
        found,
        why,
        config.verdict,
        over=count(number, "task"),
    )


def masks_agree(data: Data, config: Config) -> Checked:
    """By seed the mean over pairs of tasks of Jaccard minus what chance gives within every matrix."""
    by_seed: dict[str, list[float]] = {}
    for one in findings.last_overlaps(data.agreement, config):
        if one.axis == "tasks":
            by_seed.setdefault(one.seeds, []).append(one.value - one.floor_by_matrix)
    means = [sum(values) / len(values) for _, values in sorted(by_seed.items())]
    found = summarize_differences(means, config.tickets.confidence) if means else None
    return of_difference(
        (
            "masks_agree",
            "Masks of tasks are more alike than chance (100 × Jaccard, minus masks random by matrix)",
        ),
        (math.ulp(0.0), math.inf),
        found,
        runs.why_no_agreement(config),
        config.verdict,
        over=count(max(map(len, by_seed.values()), default=0), "pair") + " of tasks",
    )


def mlm_mask_differs(data: Data, config: Config) -> Checked:
    """By seed the mean Jaccard of pairs of other tasks minus that of pairs with MLM."""
    language = data.language(config.tasks)
    by_seed: dict[str, tuple[list[float], list[float]]] = {}
    for one in findings.last_overlaps(data.agreement, config):
        if one.axis == "tasks":
            with_mlm = one.first in language or one.second in language
            by_seed.setdefault(one.seeds, ([], []))[with_mlm].append(one.value)
    means = [
        sum(rest) / len(rest) - sum(of_mlm) / len(of_mlm)
        for _, (rest, of_mlm) in sorted(by_seed.items())
        if rest and of_mlm
    ]
    found = summarize_differences(means, config.tickets.confidence) if means else None
    why = runs.why_no_agreement(config)
    if data.agreement and not found:
        why = "not run: needs the masks of masked language modelling and of two other tasks"
    return of_difference(
        (
            "mlm_mask_differs",
            "The MLM mask is less like those of tasks than they are alike (100 × Jaccard, tasks − MLM)",
        ),
        (math.ulp(0.0), math.inf),
        found,
        why,
        config.verdict,
        mark="a finding of the paper that could not be verified",
        over=count(len(config.tasks), "task"),
    )
