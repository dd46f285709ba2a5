"""Functions of modules that are not rebuilt yet."""

from collections.abc import Iterable

from stages.tickets.report import tickets
from stages.tickets.report.scores import Run, Scores
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference

average, chosen_round = intervals.average, tickets.chosen_round


def over_pairs(
    pairs: Iterable[tuple[Run, Run]], scores: Scores, confidence: float
) -> tuple[Difference | None, int]:
    """First minus second, by seed the mean over the pairs that ran, and how many those are."""
    return scores.pooled(pairs, confidence)
