"""What came out of training masks of sources on targets, as values, and what Chen et al. 2020 have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

from stages.tickets.report.names import SOURCES
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

Levels = Mapping[tuple[str, str], float]
"""Numbers by source and target."""
ROUNDING = 2e-6
"""Means of scores that are written with six digits differ by rounding alone up to this."""


def run_of(source: str, target: str, study: Study) -> Run:
    """Name the run of the source's mask on the target."""
    return Run(target, "transfer", study.transfer.round, source)


def measure(scores: Scores, study: Study) -> list[Row]:
    """Collect every transfer that ran, by source and target in the order of params.yaml.

    Returns:
        The score, and by seed the score minus the target's dense score and minus that of its own ticket,
        None if that was not trained; `reaches` and `near`: 1 if the mask is not below the ticket, or at
        most `transfer_margin`, else 0, or None; and the number of collapsed runs.
    """
    confidence, rows = study.tickets.confidence, []
    for source, target in product(study.transfer.sources, study.transfer.targets):
        run = run_of(source, target, study)
        score = scores.summary(run, confidence)
        dense = scores.compare(run, Run(target, "dense"), confidence)
        if score and dense:
            own = scores.compare(run, own_ticket(target, scores, study), confidence)
            row = Row(source=source, target=target, score=score, from_dense=dense, from_own=own)
            row.reaches = own and int(serves(own.mean))
            row.near = own and int(serves(own.mean, study.tickets.transfer_margin))
            row.collapsed = scores.collapsed(run)
            rows.append(row)
    return rows


def own_ticket(target: str, scores: Scores, study: Study) -> Run:
    """Name the target's own mask, trained as all others are; if it is no source, as IMP trained it."""
    own = run_of(target, target, study)
    return own if scores.of(own) else Run(target, "imp", study.transfer.round)


def by_source(transfers: Sequence[Row], results: Results, study: Study) -> list[Row]:
    """Sum up every source of params.yaml over all targets but its own that have learned.

    Returns:
        On how many of the `others` the mask is as good as their own, or near it.
    """
    usable = results.usable(study.transfer.targets)
    levels = from_own(row for row in transfers if row.target in usable)
    rows = []
    for source in study.transfer.sources if transfers else ():
        near, others = served(source, levels, study.tickets.transfer_margin)
        row = Row(name=source, near=near, others=others, as_good=served(source, levels)[0])
        rows.append(row)
    return rows


def from_own(transfers: Iterable[Row]) -> Levels:
    """Return the means minus the targets' own tickets."""
    return {(row.source, row.target): row.from_own.mean for row in transfers if row.from_own}


def task_sources(study: Study) -> list[str]:
    """Return the sources that are tasks."""
    return [source for source in study.transfer.sources if source in study.tasks]


def beside_others(
    source: str, target: str, sources: Collection[str], results: Results, study: Study
) -> Difference | None:
    """Subtract the mean of the other `sources`, but the target's own, on a target; None without any."""
    others = [
        run
        for name in sources
        if name not in (source, target) and results.scores.of(run := run_of(name, target, study))
    ]
    if not others:
        return None
    weights = {run_of(source, target, study): 1.0} | dict.fromkeys(others, -1 / len(others))
    return results.scores.contrast(weights, study.tickets.confidence)


def serves(from_own: float, margin: float = 0.0) -> bool:
    """Tell whether a mask is at most `margin` below the target's own."""
    return from_own >= -margin - ROUNDING


def served(source: str, from_own: Levels, margin: float = 0.0) -> tuple[int, int]:
    """Count the other targets on which a mask is at most `margin` below their own, and all others."""
    others = [serves(level, margin) for level in over_others(source, from_own)]
    return sum(others), len(others)


def over_others(source: str, levels: Levels) -> list[float]:
    """Return the numbers of a source on all targets but its own."""
    return [level for (name, target), level in levels.items() if name == source != target]


def minus_others(source: str, levels: Levels, sources: Collection[str]) -> dict[str, float]:
    """Subtract on every other target the mean of the other `sources`, but the target's own."""
    gains = {}
    for (name, target), level in levels.items():
        others = [
            levels[other, target]
            for other in sources
            if other not in (source, target) and (other, target) in levels
        ]
        if name == source != target and others:
            gains[target] = level - sum(others) / len(others)
    return gains


def mean_ranks(levels: Levels, sources: Sequence[str]) -> dict[str, float]:
    """Average the rank of every source among the others on the same target, from -1 to 1.

    Ranks have no unit, so that targets of unlike metrics can be averaged. A target's own mask, and a
    target with fewer than two others, do not count; equal levels share their mean rank.
    """
    ranks: dict[str, list[float]] = {source: [] for source in sources}
    for target in dict.fromkeys(target for _, target in levels):
        column = {
            source: levels[source, target]
            for source in sources
            if source != target and (source, target) in levels
        }
        for source, level in column.items() if len(column) > 1 else ():
            below = sum((level > other) - (level < other) for other in column.values())
            ranks[source].append(below / (len(column) - 1))
    return {source: sum(own) / len(own) for source, own in ranks.items() if own}


def published_from_dense(published: Iterable[PublishedTransfer]) -> Levels:
    """Return the cells of Figure 2, which are rounded to 0.01 points."""
    return {(row.source, row.target): row.difference for row in published}


def published_from_own(published: Iterable[PublishedTransfer]) -> Levels:
    """Return the cells of Figure 2 minus that of the target's own mask."""
    levels = published_from_dense(published)
    return {place: level - levels[place[1], place[1]] for place, level in levels.items()}


def published_tasks(results: Results) -> list[str]:
    """Return the paper's sources that are tasks."""
    return [row.source for row in results.published_dark if row.source not in SOURCES]
