"""The tickets of a study: the sparsest mask of every task that matches, by rule and by split."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from stages.tickets.report import words
from stages.tickets.report.names import sparsities
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run, Scores
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.settings import Tickets as Rule
from stages.tickets.statistics import matching

SPLITS = (SELECTION, VALIDATION)
Pairs = Callable[[str, int], tuple[Run, Run]]
"""Two runs to compare, by task and round."""
Tickets = Mapping[tuple[str, str], Sequence[Row]]
"""The tickets of all tasks by rule and by the split on which they are chosen."""


def find_by_rule(scores: Scores, study: Study) -> Tickets:
    """Find the tickets by every rule on both splits."""
    return {
        (rule, split): find(scores, study, split, rule)
        for rule in matching.RULES
        for split in SPLITS
    }


def rule_name(rule: str, study: Study) -> str:
    """Say what the rule asks of the mean ticket."""
    return matching.RULES[rule].replace("margin", f"{words.points(study.tickets.margin)} points")


def find(scores: Scores, study: Study, split: str = SELECTION, rule: str = "") -> list[Row]:
    """Find the ticket of every task by the named rule, else by that of params.yaml.

    Chosen on `validation`, as Chen et al. 2020 do, a ticket is the best of several on the split that
    reports it.

    Returns:
        For every task the metric; round and sparsity, None if no ticket matches; the scores `dense`,
        `majority` and `score` and the number of collapsed runs, all on validation; `loss`: ticket minus
        dense; `matches`: on validation, too; `random_matches`: so does the random mask of
        its size; `sure`: dense and ticket are above the majority by their intervals, and no run of them
        collapsed; `flags`: what is doubtful; `at`: the sparsity in words.

    Raises:
        ValueError: a task has no dense scores on the split or on `validation`.
    """
    by = study.tickets.model_copy(update={"rule": rule or study.tickets.rule})
    return [_ticket(task, scores, study, split, by) for task in study.tasks]


def chosen_round(task: str, scores: Scores, study: Study, split: str, rule: Rule) -> int | None:
    """Return the last round, that is the highest sparsity, whose ticket matches on a split; else None.

    Rounds before it need not match: Chen et al. 2020 report the highest matching sparsity.

    Raises:
        ValueError: there are no dense scores of the task on the split.
    """
    if not scores.of(Run(task, "dense"), split):
        raise ValueError(f"scores.csv has no dense scores of {task} on {split}")
    matching = (
        number
        for number in sparsities(study)
        if scores.matches(Run(task, "imp", number), rule, split)
    )
    return max(matching, default=None)


def best_round(task: str, scores: Scores, study: Study, split: str) -> int:
    """Return the round whose mean is the highest on a split; 0 if none ran."""
    means = {
        number: fmean(of.values())
        for number in sparsities(study)
        if (of := scores.of(Run(task, "imp", number), split))
    }
    return max(means, key=means.__getitem__, default=0)


def _ticket(task: str, scores: Scores, study: Study, split: str, rule: Rule) -> Row:
    number = chosen_round(task, scores, study, split, rule)
    runs = Run(task, "dense"), Run(task, "imp", number or 0)  # of round 0 is nothing
    dense, score = (scores.summary(run, rule.confidence) for run in runs)
    if dense is None:
        raise ValueError(f"scores.csv has no dense scores of {task} on validation")
    values, majority = scores.of(runs[1]), scores.summary(Run(task, "majority"), rule.confidence)
    random = Run(task, "random", number or 0)
    matches, random_matches = (scores.matches(run, rule) for run in (runs[1], random))
    doubts = [
        (_collapse(run, name, scores), _low(name, run, scores, rule))
        for run, name in zip(runs, ("dense", "ticket"), strict=True)
    ]
    flags = (
        *doubts[0],
        f"none matches on {split}" if number is None else "",
        "does not match on validation" if values and not matches else "",
        "the random mask of its size matches, too" if random_matches else "",
        *doubts[1],
        "one seed" if len(values) == 1 else "",
        "sparsest of the grid" if number == max(sparsities(study)) else "",
    )
    sparsity = sparsities(study)[number] if number else None
    return Row(
        task=task,
        metric=scores.metrics[task],
        round=number,
        sparsity=sparsity,
        at=words.percent(sparsity) if sparsity else "none",
        dense=dense,
        dense_collapsed=scores.collapsed(runs[0]),
        majority=majority,
        score=score,
        collapsed=scores.collapsed(runs[1]),
        loss=scores.compare(runs[1], runs[0], rule.confidence),
        matches=matches,
        random_matches=random_matches,
        sure=not any(map(any, doubts)),
        flags=tuple(filter(None, flags)),
    )


def _collapse(run: Run, name: str, scores: Scores) -> str:
    collapsed = scores.collapsed(run)
    return f"{collapsed} of {len(scores.of(run))} {name} runs collapsed" if collapsed else ""


def _low(name: str, run: Run, scores: Scores, rule: Rule) -> str:
    return "" if scores.above_majority(run, rule.confidence) else f"{name} not above majority"


def at_tickets(
    pair: Pairs, tasks: Sequence[str], results: Results, study: Study
) -> tuple[dict[str, int], str]:
    """Find by task the round of its ticket if both runs are there, else the last such round before it.

    The ticket is that chosen on `selection`. A task without one, or without such a round, is left out.

    Returns:
        The rounds, and the sparsities in words, empty without any.
    """
    rounds: dict[str, int] = {}
    below = []
    for task in tasks:
        chosen = chosen_round(task, results.scores, study, SELECTION, study.tickets) or 0
        ran = [at for at in range(1, chosen + 1) if compared(pair(task, at), results)]
        rounds |= {task: ran[-1]} if ran else {}
        if ran and ran[-1] != chosen:
            at = words.percent(sparsities(study)[ran[-1]])
            below.append(f"{task} at {at}, below its ticket's")
    shares = [sparsities(study)[number] for number in rounds.values()]
    at = f"at {words.ends(shares, words.percent)}" if rounds else ""
    return rounds, "; ".join([at, *below])


def compared(pair: tuple[Run, Run], results: Results) -> bool:
    """Tell whether a seed has both runs of a pair."""
    first, second = (results.scores.of(run) for run in pair)
    return bool(first.keys() & second.keys())
