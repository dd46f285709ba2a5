"""What Chen et al. 2020 say of tickets, rewinding, standard pruning and masks, beside what came out "
"here."""

import math
from collections.abc import Iterable

from stages.tickets import claims, findings, runs
from stages.tickets.checks import Checked, Data, last_with, of_difference
from stages.tickets.formatting import NONE, percent, points
from stages.tickets.runs import Config
from stages.tickets.summary import Run, summarize_differences

SHUFFLED = ("shuffled-layers", "shuffled-within-layer", "shuffled-within-matrix")
"""What the paper's code does, then what its text may say; the first that params.yaml has stands for "
"all."""
WORSE, BETTER = 0.03, 0.02
"""Of standard pruning, in the paper: worse by up to 3 points, better by up to 2."""
MLM = "mlm"
IN_WORDS = "said in words; the numbers of Table 3 could not be verified"


def tickets_exist(data: Data, config: Config) -> Checked:
    """On all tasks, chosen on selection and matching on validation too, from the pre-trained "
    "weights."""
    found = findings.find_tickets(data.scores, config)
    held = [one for one in found if one.round and one.matches]
    at = [runs.sparsities(config)[one.round] for one in held if one.round]
    here = f"{len(held)} of {len(found)}"
    if at:
        here += f" ({percent(min(at))} to {percent(max(at))})"
    holds = "unclear" if len(config.seeds) == 1 else "yes" if len(held) == len(found) else "no"
    said = "agrees" if len(held) == len(found) else "differs"
    said = "undecided" if len(config.seeds) == 1 else said
    if config.imp.rewind_to:
        holds, said = NONE, "not run: imp.rewind_to is not 0, so no ticket can be a winning one"
    theirs = sorted(one.sparsity for one in data.published.tickets if one.kind == "imp")
    below = sum("below dense" in one.mark for one in data.published.tickets if one.kind == "imp")
    return Checked(
        "tickets_exist",
        "Winning tickets exist on every task",
        f"{len(theirs)} of {len(theirs)} ({percent(theirs[0])} to {percent(theirs[-1])})",
        here,
        len(config.seeds),
        holds,
        said,
        1.0,
        mark=f"by the printed numbers {below} are more than one std of dense below it",
    )


def controls(data: Data, config: Config) -> Iterable[Checked]:
    """Against random, re-initialised and shuffled: mean over tasks, in the round most tasks have."""
    tickets = {one.task: one for one in data.published.tickets if one.kind == "imp"}

    def same(task: str) -> bool:
        return data.same_encoder and data.scores.metrics[task] == tickets[task].metric

    tasks = claims.compared(list(tickets), config.tasks, same)
    asked = runs.control_kinds(config)
    shuffled = next((kind for kind in SHUFFLED if kind in asked), SHUFFLED[0])
    for kind, theirs, words in (
        ("random", ("random", ""), "random masks"),
        ("reinitialised", ("control", "reinitialised"), "their masks on re-initialised weights"),
        (shuffled, ("control", "shuffled-layers"), "their masks on shuffled weights"),
    ):
        levels = {
            one.task: one.mean for one in data.published.tickets if (one.kind, one.source) == theirs
        }
        paper = [tickets[task].mean - levels[task] for task in tasks.theirs]
        found, number = last_with(kind, tasks.ours, data.scores, config)
        at = f", {percent(runs.sparsities(config)[number])}" if number else ""
        yield of_difference(
            (
                f"better_than_{theirs[1] or theirs[0]}",
                f"Tickets are better than {words} (here: {runs.control_name(kind)}{at})",
            ),
            (math.ulp(0.0), math.inf),
            found,
            runs.why_no_control(kind, config),
            config.verdict,
            sum(paper) / len(paper),
            "single numbers, at the sparsities of Table 2",
        )


def rewinding(data: Data, config: Config) -> Checked:
    """All later points minus where the rounds restarted, mean over tasks and points."""
    usual = config.imp.rewind_to
    pairs = [
        (Run(task, "rewind", point), Run(task, "rewind", usual))
        for task in config.rewind.tasks
        for point in config.rewind.points
        if point > usual
    ]
    found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    margin = config.verdict.margin
    return of_difference(
        (
            "rewinding",
            f"Rewinding to i > 0 brings nothing notable (here: at most {points(margin)} points)",
        ),
        (-math.inf, margin),
        found,
        runs.why_not("rewind", config),
        config.verdict,
        mark=IN_WORDS,
    )


def standard(data: Data, config: Config) -> Checked:
    """Standard pruning minus the ticket of the last round, mean over tasks."""
    last = config.rounds[-1].to
    pairs = [
        (Run(task, "standard", last), Run(task, "imp", last)) for task in config.standard.tasks
    ]
    found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    return of_difference(
        (
            "standard",
            "Standard pruning is comparable: better by up to 2 or worse by up to 3 points",
        ),
        (-WORSE, BETTER),
        found,
        runs.why_not("standard", config),
        config.verdict,
        mark=IN_WORDS,
    )


def aliased(data: Data, config: Config) -> Checked:
    """The mask of standard pruning from theta_0 minus the ticket, of masked language modelling "
    "alone."""
    names = (
        "aliased",
        "Not of the paper, but of its code: the search of MLM that never rewinds finds as good a mask",
    )
    last = max(config.standard.aliased.rounds, default=0)
    tasks = [task for task in config.standard.tasks if task == MLM]
    pairs = [(Run(task, "aliased", last), Run(task, "imp", last)) for task in tasks]
    found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    why = runs.why_not("aliased", config)
    if config.standard.tasks and not tasks:
        why = f"not run: standard.tasks lacks {MLM!r}"
    margin = config.verdict.margin
    return of_difference(names, (-margin, margin), found, why, config.verdict)


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
            "Masks of tasks are more alike than chance (Jaccard minus that of masks random by matrix)",
        ),
        (math.ulp(0.0), math.inf),
        found,
        runs.why_no_agreement(config),
        config.verdict,
    )
