"""What came out of training masks of sources on targets, as values, and what Chen et al. 2020 have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report.names import Config
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.scores import Run, Scores
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Seed, Summary

Levels = Mapping[tuple[str, str], float]
"""Numbers by source and target."""
ROUNDING = 2e-6
"""Means of scores that are written with six digits differ by rounding alone up to this."""


@dataclass(frozen=True)
class Cell:
    """A mask of `source` trained on `target`."""

    source: str
    target: str
    score: Summary
    from_dense: Difference
    """Minus the dense score of the target, by seed."""
    from_own: Difference | None
    """Minus the target's own ticket, by seed; None where that was not trained."""
    collapsed: int
    """Seeds that ended in a model which predicts one class or a constant."""

    @property
    def reaches_own(self) -> bool | None:
        """At least the mean of the target's own ticket; None where that was not trained."""
        return self.serves(0.0)

    def serves(self, margin: float) -> bool | None:
        """At most `margin` below the mean of the target's own ticket."""
        return None if self.from_own is None else self.from_own.mean >= -margin - ROUNDING


def transfer_cells(scores: Scores, config: Config) -> list[Cell]:
    confidence, number = config.tickets.confidence, config.transfer.round
    cells = []
    for source in config.transfer.sources:
        for target in config.transfer.targets:
            run = Run(target, "transfer", number, source)
            found = scores.summary(run, confidence)
            dense = scores.compare(run, Run(target, "dense"), confidence)
            if found is None or dense is None:
                continue
            own = intervals.compare(scores.of(run), own_ticket(target, scores, config), confidence)
            cells.append(Cell(source, target, found, dense, own, scores.collapsed(run)))
    return cells


def own_ticket(target: str, scores: Scores, config: Config) -> dict[Seed, float]:
    """Of the transfer's seeds; where the target is no source, as IMP trained it."""
    number = config.transfer.round
    own = scores.of(Run(target, "transfer", number, target))
    if not own:
        imp = scores.of(Run(target, "imp", number))
        own = {seed: imp[seed] for seed in config.transfer.seeds if seed in imp}
    return own


def reached(source: str, cells: Iterable[Cell], margin: float = 0.0) -> tuple[int, int]:
    """On how many other targets a mask is at most `margin` below their own, and of how many."""
    others = [
        served
        for cell in cells
        if cell.source == source != cell.target and (served := cell.serves(margin)) is not None
    ]
    return sum(others), len(others)


def mean_from_own(
    source: str, scores: Scores, config: Config, targets: Sequence[str] | None = None
) -> Difference | None:
    """Minus the targets' own tickets, by seed the mean over the other targets, or over those named.

    Sources have different other targets: to compare sources, see `mean_centred`.
    """
    by_target = []
    for target in config.transfer.targets if targets is None else targets:
        found = scores.of(Run(target, "transfer", config.transfer.round, source))
        own = own_ticket(target, scores, config)
        both = {seed: found[seed] - own[seed] for seed in found if seed in own}
        if target != source and both:
            by_target.append(both)
    seeds = set.intersection(*map(set, by_target)) if by_target else set()
    if not seeds:
        return None
    means = [
        sum(one[seed] for one in by_target) / len(by_target) for seed in sorted(seeds, key=str)
    ]
    return intervals.summarize_differences(means, config.tickets.confidence)


def centred(source: str, cells: Levels, sources: Collection[str]) -> float | None:
    """By how much a mask is better than those of `sources` on the same targets: mean over the others.

    Of every other target the source's cell minus the mean of the cells of all `sources` but the target,
    the source itself among them if it is one. Targets on which no other source ran do not count; None
    where none is left. So that easy and hard targets, of which every source lacks another, do not decide.

    Args:
        cells: by source and target, minus anything that depends on the target alone.
    """
    found = []
    for target in dict.fromkeys(target for _, target in cells):
        others = [one for one in sources if one != target and (one, target) in cells]
        if source != target and (source, target) in cells and set(others) - {source}:
            column = sum(cells[one, target] for one in others) / len(others)
            found.append(cells[source, target] - column)
    return sum(found) / len(found) if found else None


def mean_centred(
    source: str,
    sources: Collection[str],
    scores: Scores,
    config: Config,
    targets: Sequence[str] | None = None,
) -> Difference | None:
    """`centred` by seed, over all targets or those named, of the seeds that have every cell."""
    number = config.transfer.round
    by_cell = {
        (one, target): found
        for one in dict.fromkeys((source, *sources))
        for target in (config.transfer.targets if targets is None else targets)
        if (found := scores.of(Run(target, "transfer", number, one)))
    }
    seeds = set.intersection(*(set(found) for found in by_cell.values())) if by_cell else set()
    levels = [
        level
        for seed in sorted(seeds, key=str)
        if (
            level := centred(
                source, {place: found[seed] for place, found in by_cell.items()}, sources
            )
        )
        is not None
    ]
    return intervals.summarize_differences(levels, config.tickets.confidence) if levels else None


def task_sources(config: Config) -> list[str]:
    """Sources that are tasks."""
    return [source for source in config.transfer.sources if source in config.tasks]


def universal(cells: Sequence[Cell], margin: float) -> list[str]:
    """Sources that serve all other targets, where there are two at least."""
    counts = {cell.source: reached(cell.source, cells, margin) for cell in cells}
    return [source for source, (count, total) in counts.items() if count == total > 1]


def weights_gain(
    source: str, target: str, point: int, scores: Scores, config: Config
) -> Difference | None:
    """The source's mask on the source's weights at a point of its training, minus that on theta_0."""
    moved = Run(target, "transfer_weights", point, source)
    plain = Run(target, "transfer", config.transfer.round, source)
    return scores.compare(moved, plain, config.tickets.confidence)


def weights_pairs(config: Config, points: Iterable[int]) -> list[tuple[Run, Run]]:
    """All such comparisons, to be pooled."""
    asked, number = config.transfer_weights, config.transfer.round
    return [
        (Run(target, "transfer_weights", point, source), Run(target, "transfer", number, source))
        for point in points
        for source in asked.sources
        for target in asked.targets
    ]


# --- the published matrix --------------------------------------------------------------------


def published_from_own(published: Sequence[PublishedTransfer]) -> dict[tuple[str, str], float]:
    """By source and target: the published difference from dense minus that of the target's own mask."""
    cells = {(one.source, one.target): one.difference for one in published}
    return {place: found - cells[place[1], place[1]] for place, found in cells.items()}


def published_reached(
    source: str, published: Sequence[PublishedTransfer], margin: float = 0.0
) -> tuple[int, int]:
    """As `reached`, from the published cells, which are rounded to 0.01 points."""
    others = [
        found >= -margin - ROUNDING
        for (one, target), found in published_from_own(published).items()
        if one == source != target
    ]
    return sum(others), len(others)


def published_mean(source: str, published: Sequence[PublishedTransfer]) -> float:
    """As `mean_from_own`."""
    found = [
        value
        for (one, target), value in published_from_own(published).items()
        if one == source != target
    ]
    return sum(found) / len(found)
