"""Do masks transfer better with the source's weights than on theta_0?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from stages.tickets.report import columns, names, words
from stages.tickets.report.claim import CHEN, Claim, of_difference
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import count, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

STAGES = ("transfer-weights",)


@dataclass(frozen=True)
class Moved:
    """A source's mask on one target, on the source's weights at one point of its dense training."""

    source: str
    target: str
    point: int
    """Per cent of the source's training."""
    score: Summary | None
    collapsed: int
    theta_0: Summary | None
    """Score of the same mask on theta_0."""
    theta_0_collapsed: int
    change: Difference | None
    """Score minus that on theta_0, by seed."""


def section(results: Results, study: Study) -> Section:
    """The source's mask on weights that the source's training has moved, minus that on theta_0."""
    return Section(
        "transfer_weights",
        "Do masks transfer better with the source's weights?",
        "Does a mask serve another task better on weights that the source's training has moved "
        "than on theta_0?",
        "Chen et al. 2020, Figure 3 (Figure 4 of the first version).",
        answer(results, study),
        stages=STAGES,
        tables=(weights_table(results, study),),
        claims=(as_well_on_theta_0(results, study),),
    )


def runs(source: str, target: str, point: int, study: Study) -> tuple[Run, Run]:
    """The source's mask on the source's weights at a point of its training, and on theta_0."""
    plain = Run(target, "transfer", study.transfer.round, source)
    return Run(target, "transfer_weights", point, source), plain


def pooled(at: Sequence[int], results: Results, study: Study) -> tuple[Difference | None, int]:
    """The gain at some points, by seed the mean over pairs of tasks and points, and their number."""
    asked = study.transfer_weights
    places = product(asked.sources, asked.targets, at)
    return results.scores.pooled(
        [runs(*place, study) for place in places], study.tickets.confidence
    )


def answer(results: Results, study: Study) -> str:
    """The mean change at every point."""
    parts = []
    for point in study.transfer_weights.points:
        gain, number = pooled([point], results, study)
        if gain:
            parts.append(f"{words.difference(gain)} from i = {point} % ({count(number, 'pair')})")
    if not parts:
        return words.sentence(results.not_run("transfer_weights"))
    return f"Change against theta_0 in points, mean over pairs of tasks: {'; '.join(parts)}."


COLUMNS: Sequence[Column[Moved]] = (
    columns.text("source", "source", "source"),
    columns.text("target", "target", "target"),
    columns.named("i, %", "point"),
    columns.score("on theta_i", "score", "collapsed", ""),
    columns.score("on theta_0", "theta_0", "theta_0_collapsed", "theta_0_"),
    columns.difference("change", "change", "change_"),
    columns.count("change"),
    columns.value("collapsed"),
)


def weights_table(results: Results, study: Study) -> Table:
    """The source's mask on the source's weights at several points of its training, beside theta_0."""
    sparsity = names.sparsities(study)[study.transfer.round]
    caption = (
        f"The mask of the source, {percent(sparsity)} sparse, trained on the target from the weights of "
        "the source at i % of its dense training (theta_i), and from where transfer starts "
        f"(theta_0: i = {study.imp.rewind_to} % of the target's)."
    )
    asked, missing = study.transfer_weights, results.not_run("transfer_weights")
    scores, confidence = results.scores, study.tickets.confidence
    rows = []
    for place in product(asked.sources, asked.targets, asked.points):
        moved, plain = runs(*place, study)
        rows.append(
            Moved(
                *place,
                scores.summary(moved, confidence),
                scores.collapsed(moved),
                scores.summary(plain, confidence),
                scores.collapsed(plain),
                scores.compare(moved, plain, confidence),
            )
        )
    ran = rows if scores.has("transfer_weights") else []
    return table("transfer_weights", caption, ran, COLUMNS, missing)


def as_well_on_theta_0(results: Results, study: Study) -> Claim:
    """The sources' own weights after their theta_0 minus theta_0, mean over pairs and points."""
    later = [point for point in study.transfer_weights.points if point > 0]
    gain, number = pooled(later, results, study)
    margin = study.verdict.margin
    claim = Claim(
        "weights",
        "Masks transfer as well on theta_0 as on weights trained on the source "
        f"(at most {points(margin)} points worse)",
        CHEN,
        STAGES,
        over=f"{count(number, 'pair')} of tasks",
    )
    missing = results.not_run("transfer_weights")
    return of_difference(claim, (-math.inf, margin), gain, missing, study.verdict)
