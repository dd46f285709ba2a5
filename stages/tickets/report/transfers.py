"""What came out of training masks of sources on targets, as values, and what Chen et al. 2020 have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from stages.tickets.report.names import SOURCES
from stages.tickets.report.papers import shared
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Scores
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Summary

Levels = Mapping[tuple[str, str], float]
"""Numbers by source and target."""
ROUNDING = 2e-6
"""Means of scores that are written with six digits differ by rounding alone up to this."""


@dataclass(frozen=True)
class Transfer:
    """A mask of `source` trained on `target`."""

    source: str
    target: str
    score: Summary
    from_dense: Difference
    """Score minus the dense score of the target, by seed."""
    from_own: Difference | None
    """Score minus that of the target's own ticket, by seed; None if that was not trained."""
    collapsed: int
    """Seeds that ended in a model which predicts one class or a constant."""

    def serves(self, margin: float = 0.0) -> int | None:
        """1 if the mask is at most `margin` below the target's own, else 0; None if that is unknown."""
        return int(serves(self.from_own.mean, margin)) if self.from_own else None


@dataclass(frozen=True)
class Source:
    """How one mask does on all targets but its own."""

    name: str
    as_good: int
    """Targets on which it is at least as good as their own."""
    near: int
    """Targets on which it is at most `tickets.transfer_margin` below their own."""
    others: int
    """Targets, but the source's own, whose own ticket was trained."""
    from_own: Difference | None
    """Minus the targets' own tickets, by seed the mean over the other targets.

    Sources have different other targets, so that only `from_column` compares them.
    """
    from_column: Difference | None
    """By how much it is better than tasks' masks on the same targets, see `centred`."""


def run_of(source: str, target: str, study: Study) -> Run:
    """The source's mask trained on the target."""
    return Run(target, "transfer", study.transfer.round, source)


def measure(scores: Scores, study: Study) -> list[Transfer]:
    """Every transfer that ran, by source and target in the order of params.yaml."""
    confidence = study.tickets.confidence
    transfers = []
    for source, target in product(study.transfer.sources, study.transfer.targets):
        run = run_of(source, target, study)
        score = scores.summary(run, confidence)
        dense = scores.compare(run, Run(target, "dense"), confidence)
        if score and dense:
            own = scores.compare(run, own_ticket(target, scores, study), confidence)
            collapsed = scores.collapsed(run)
            transfers.append(Transfer(source, target, score, dense, own, collapsed))
    return transfers


def own_ticket(target: str, scores: Scores, study: Study) -> Run:
    """The target's own mask, trained as all others are; if it is no source, as IMP trained it."""
    own = run_of(target, target, study)
    return own if scores.of(own) else Run(target, "imp", study.transfer.round)


def by_source(transfers: Sequence[Transfer], scores: Scores, study: Study) -> list[Source]:
    """Every source of params.yaml, if anything ran."""
    levels, margin = from_own(transfers), study.tickets.transfer_margin
    tasks, targets = task_sources(study), study.transfer.targets
    return [
        Source(
            source,
            served(source, levels)[0],
            *served(source, levels, margin),
            mean_from_own(source, targets, scores, study),
            mean_centred(source, tasks, targets, scores, study),
        )
        for source in (study.transfer.sources if transfers else ())
    ]


def from_own(transfers: Sequence[Transfer]) -> Levels:
    """Means minus the target's own ticket."""
    return {(row.source, row.target): row.from_own.mean for row in transfers if row.from_own}


def task_sources(study: Study) -> list[str]:
    """Sources that are tasks."""
    return [source for source in study.transfer.sources if source in study.tasks]


def mean_from_own(
    source: str, targets: Sequence[str], scores: Scores, study: Study
) -> Difference | None:
    """Minus the own tickets of these targets, by seed the mean over them but the source."""
    pairs = [
        (run_of(source, target, study), own_ticket(target, scores, study))
        for target in targets
        if target != source
    ]
    return scores.pooled(pairs, study.tickets.confidence)[0]


def mean_centred(
    source: str, sources: Collection[str], targets: Sequence[str], scores: Scores, study: Study
) -> Difference | None:
    """`centred` by seed over these targets, of the seeds that have every cell."""
    by_cell = {
        (name, target): values
        for name, target in product(dict.fromkeys((source, *sources)), targets)
        if (values := scores.of(run_of(name, target, study)))
    }
    seeds = set.intersection(*map(set, by_cell.values())) if by_cell else set()
    gains = (
        centred(source, {place: values[seed] for place, values in by_cell.items()}, sources)
        for seed in sorted(seeds, key=str)
    )
    return shared.over_seeds(gains, study)


def serves(from_own: float, margin: float = 0.0) -> bool:
    """Whether a mask is at most `margin` below the target's own."""
    return from_own >= -margin - ROUNDING


def served(source: str, from_own: Levels, margin: float = 0.0) -> tuple[int, int]:
    """On how many other targets a mask is at most `margin` below their own, and of how many."""
    others = [serves(level, margin) for level in _over_others(source, from_own)]
    return sum(others), len(others)


def mean_over_others(source: str, levels: Levels) -> float:
    """The mean over all targets but the source's own."""
    others = _over_others(source, levels)
    return sum(others) / len(others)


def _over_others(source: str, levels: Levels) -> list[float]:
    return [level for (name, target), level in levels.items() if name == source != target]


def centred(source: str, levels: Levels, sources: Collection[str]) -> float | None:
    """By how much a mask is better than those of `sources` on the same targets: mean over the others.

    Of every other target, this is the source's cell minus the mean of the cells of all `sources` but
    the target. Every source lacks another target, and easy and hard ones must not decide.

    Args:
        levels: scores, or these minus anything that depends on the target alone.

    Returns:
        None if no other target has another source.
    """
    gains = []
    for (name, target), level in levels.items():
        column = {
            other: levels[other, target]
            for other in sources
            if other != target and (other, target) in levels
        }
        if name == source != target and column.keys() - {source}:
            gains.append(level - sum(column.values()) / len(column))
    return intervals.average(gains)


def all_centred(levels: Levels, sources: Sequence[str]) -> dict[str, float]:
    """`centred` of every source among all, but of those that have none."""
    gains = {source: centred(source, levels, sources) for source in sources}
    return {source: gain for source, gain in gains.items() if gain is not None}


def published_from_dense(published: Sequence[PublishedTransfer]) -> Levels:
    """The cells of Figure 2, which are rounded to 0.01 points."""
    return {(row.source, row.target): row.difference for row in published}


def published_from_own(published: Sequence[PublishedTransfer]) -> Levels:
    """The cells of Figure 2 minus that of the target's own mask."""
    levels = published_from_dense(published)
    return {place: level - levels[place[1], place[1]] for place, level in levels.items()}


def published_tasks(results: Results) -> list[str]:
    """The paper's sources that are tasks."""
    return [row.source for row in results.published_dark if row.source not in SOURCES]
