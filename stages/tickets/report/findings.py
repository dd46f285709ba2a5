"""What came out of a study, as values: tickets, gains, transfers, overlaps and densities.

Tables, figures and answers show these.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.tickets.report import scores as scored
from stages.tickets.report.names import Config, control_run, sparsities
from stages.tickets.report.rows import Agreement, Kept
from stages.tickets.report.scores import Run, Scores
from stages.tickets.settings import Tickets
from stages.tickets.statistics import intervals, matching
from stages.tickets.statistics.intervals import Difference, Summary


@dataclass(frozen=True)
class Ticket:
    """The sparsest matching ticket of a task, chosen on one split; all scores on `validation`."""

    task: str
    metric: str
    round: int | None
    dense: Summary
    majority: Summary | None
    ticket: Summary | None
    loss: Difference | None
    """Ticket minus dense."""
    matches: bool
    """Whether it matches on validation as well."""
    sure: bool
    """Whether dense and ticket are surely above the majority, and no run of them collapsed."""
    flags: tuple[str, ...]


def find_tickets(
    scores: Scores, config: Config, split: str = scored.SELECTION, rule: str = ""
) -> list[Ticket]:
    """Of every task, by the rule named, else by that of params.yaml.

    Chosen on `validation`, as Chen et al. 2020 do, a ticket is the best of several on the split that
    reports it.
    """
    by = config.tickets.model_copy(update={"rule": rule}) if rule else config.tickets
    return [_ticket(task, scores, config, split, by) for task in config.tasks]


def chosen_round(
    task: str, scores: Scores, config: Config, split: str, rule: Tickets
) -> int | None:
    """The last round whose ticket matches on a split.

    Raises:
        ValueError: there are no dense scores of the task on the split.
    """
    candidates = {
        number: found
        for number in sparsities(config)
        if (found := scores.of(Run(task, "imp", number), split))
    }
    dense = scores.of(Run(task, "dense"), split)
    if not dense:
        raise ValueError(f"scores.csv has no dense scores of {task} on {split}")
    return matching.last_matching_round(candidates, dense, rule)


def _ticket(task: str, scores: Scores, config: Config, split: str, rule: Tickets) -> Ticket:
    dense_run = Run(task, "dense")
    chosen = chosen_round(task, scores, config, split, rule)
    dense = scores.summary(dense_run, rule.confidence)
    if dense is None:
        raise ValueError(f"scores.csv has no dense scores of {task} on validation")
    majority = scores.summary(Run(task, "majority"), rule.confidence)
    flags = [_collapse(dense_run, "dense", scores), _low("dense", dense, majority)]
    doubts = [*flags]
    ticket, loss, held = None, None, False
    if chosen is None:
        flags.append(f"none matches on {split}")
    else:
        imp = Run(task, "imp", chosen)
        ticket, loss = (
            scores.summary(imp, rule.confidence),
            scores.compare(imp, dense_run, rule.confidence),
        )
        scored = scores.of(imp)
        held = bool(scored) and matching.matches(scored, scores.of(dense_run), rule)
        doubts += [_collapse(imp, "ticket", scores), _low("ticket", ticket, majority)]
        flags += [
            "" if held or not scored else "does not match on validation",
            *doubts[2:],
            "one seed" if len(scored) == 1 else "",
            "sparsest of the grid" if chosen == max(sparsities(config)) else "",
        ]
    shown = tuple(flag for flag in flags if flag)
    metric = scores.metrics[task]
    sure = not any(doubts)
    return Ticket(task, metric, chosen, dense, majority, ticket, loss, held, sure, shown)


def _collapse(run: Run, name: str, scores: Scores) -> str:
    count = scores.collapsed(run)
    return f"{count} of {len(scores.of(run))} {name} runs collapsed" if count else ""


def _low(name: str, found: Summary | None, majority: Summary | None) -> str:
    """Whether the interval, without one the mean, reaches down to the majority."""
    if found is None or majority is None:
        return ""
    reaches = (found.mean if found.low is None else found.low) <= majority.mean
    return f"{name} not surely above majority" if reaches else ""


def gain(
    task: str, number: int, scores: Scores, config: Config, kind: str = "random"
) -> Difference | None:
    """Ticket minus control at one round; None where no seed has both."""
    imp, control = Run(task, "imp", number), control_run(task, kind, number)
    return scores.compare(imp, control, config.tickets.confidence)


def pooled_gain(
    number: int, scores: Scores, config: Config, kind: str = "random"
) -> Difference | None:
    """Ticket minus control at one round, by seed the mean over tasks."""
    pairs = [(Run(task, "imp", number), control_run(task, kind, number)) for task in config.tasks]
    return over_pairs(pairs, scores, config.tickets.confidence)[0]


def over_pairs(
    pairs: Iterable[tuple[Run, Run]], scores: Scores, confidence: float
) -> tuple[Difference | None, int]:
    """First minus second, by seed the mean over the pairs that ran, and how many those are.

    Only seeds that all these pairs have count; None where there is no such seed.
    """
    by_pair = []
    for first, second in pairs:
        one, other = scores.of(first), scores.of(second)
        both = {seed: one[seed] - other[seed] for seed in one if seed in other}
        if both:
            by_pair.append(both)
    seeds = set.intersection(*map(set, by_pair)) if by_pair else set()
    if not seeds:
        return None, len(by_pair)
    means = [
        sum(found[seed] for found in by_pair) / len(by_pair) for seed in sorted(seeds, key=str)
    ]
    return intervals.summarize_differences(means, confidence), len(by_pair)


def rewinding_gain(task: str, point: int, scores: Scores, config: Config) -> Difference | None:
    """The last ticket from the weights at `point` minus the same from where all rounds restarted."""
    other, usual = Run(task, "rewind", point), Run(task, "rewind", config.imp.rewind_to)
    return scores.compare(other, usual, config.tickets.confidence)


def last_overlaps(agreement: Sequence[Agreement], config: Config) -> list[Agreement]:
    """Jaccard similarities of the masks of the last round."""
    last = config.rounds[-1].to
    return [row for row in agreement if row.round == last and row.measure == "jaccard"]


@dataclass(frozen=True)
class Density:
    """Share of a matrix's weights that the last mask keeps, over seeds or over tasks and seeds."""

    task: str
    """Empty: over all tasks."""
    layer: int | None
    matrix: str
    size: int
    density: Summary


def densities(layers: Sequence[Kept], config: Config) -> list[Density]:
    """Of every matrix in the last round: over all tasks, then by task."""
    last = [row for row in layers if row.round == config.rounds[-1].to]
    groups: dict[tuple[str, int | None, str], list[Kept]] = {}
    for task in ("", *config.tasks):
        for row in last:
            if row.task == task or not task:
                groups.setdefault((task, row.layer, row.matrix), []).append(row)
    return [
        Density(
            *place,
            rows[0].size,
            intervals.summarize([row.kept / row.size for row in rows], config.tickets.confidence),
        )
        for place, rows in groups.items()
    ]


def average(values: Iterable[float]) -> float | None:
    found = list(values)
    return intervals.summarize(found, 0.5).mean if found else None
