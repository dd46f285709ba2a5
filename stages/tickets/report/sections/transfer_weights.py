"""Do masks transfer better with the source's weights than on theta_0?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, names, words
from stages.tickets.report.claim import CHEN, Claim, of_difference
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE, count, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

STAGES = ("transfer-weights",)


@dataclass(frozen=True)
class Moved:
    """A mask on the source's weights at one point of its dense training."""

    point: int
    score: Summary | None
    gain: Difference | None
    """Minus the same mask on theta_0, by seed."""
    collapsed: int


@dataclass(frozen=True)
class Pair:
    """One source's mask on one target, on theta_0 and on the source's weights."""

    source: str
    target: str
    plain: Summary | None
    """On theta_0."""
    collapsed: int
    moved: Mapping[int, Moved]
    """By point, in per cent of the source's training."""


def section(results: Results, study: Study) -> Section:
    """The source's mask on weights that the source's training has moved, minus that on theta_0."""
    rows = compare(results, study)
    return Section(
        "transfer_weights",
        "Do masks transfer better with the source's weights?",
        "Does a mask serve another task better on weights that the source's training has moved "
        "than on theta_0?",
        "Chen et al. 2020, Figure 3 (Figure 4 of the first version).",
        answer(results, study),
        stages=STAGES,
        tables=(weights_table(rows, results, study),),
        claims=(as_well_on_theta_0(results, study),),
    )


def runs(source: str, target: str, point: int, study: Study) -> tuple[Run, Run]:
    """The source's mask on the source's weights at a point of its training, and on theta_0."""
    plain = Run(target, "transfer", study.transfer.round, source)
    return Run(target, "transfer_weights", point, source), plain


def compare(results: Results, study: Study) -> list[Pair]:
    """All pairs of source and target, if anything ran."""
    scores, asked, confidence = results.scores, study.transfer_weights, study.tickets.confidence
    if not scores.has("transfer_weights"):
        return []
    rows = []
    for source in asked.sources:
        for target in asked.targets:
            moved = {}
            for point in asked.points:
                run, plain = runs(source, target, point, study)
                gain = scores.compare(run, plain, confidence)
                score, collapsed = scores.summary(run, confidence), scores.collapsed(run)
                moved[point] = Moved(point, score, gain, collapsed)
            summary = scores.summary(plain, confidence)
            rows.append(Pair(source, target, summary, scores.collapsed(plain), moved))
    return rows


def pooled(at: Sequence[int], results: Results, study: Study) -> tuple[Difference | None, int]:
    """The gain at some points, by seed the mean over pairs, and the number of those."""
    asked = study.transfer_weights
    pairs = [
        runs(source, target, point, study)
        for point in at
        for source in asked.sources
        for target in asked.targets
    ]
    return results.scores.pooled(pairs, study.tickets.confidence)


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


def weights_table(rows: Sequence[Pair], results: Results, study: Study) -> Table:
    """The source's mask on the source's weights at several points of its training, beside theta_0."""
    sparsity = names.sparsities(study)[study.transfer.round]
    caption = (
        f"The mask of the source, {percent(sparsity)} sparse, on the source's weights at i % of its "
        "dense training, trained on the target, minus the same mask where transfer starts from "
        f"(i = {study.imp.rewind_to} % of the target's). {words.DAGGER}."
    )

    def gain(point: int) -> Column[Pair]:
        def cell(row: Pair) -> str:
            moved = row.moved[point]
            return words.marked(words.difference(moved.gain), moved.collapsed)

        return Column(f"i = {point} % − theta_0", cell)

    def plain(row: Pair) -> str:
        return words.marked(points(row.plain.mean), row.collapsed) if row.plain else words.NOT_RUN

    def seeds(row: Pair) -> str:
        counts = {str(moved.gain.n) for moved in row.moved.values() if moved.gain}
        return ", ".join(sorted(counts)) or NONE

    shown: Sequence[Column[Pair]] = (
        columns.text("source to target", lambda row: f"{row.source} to {row.target}"),
        columns.text("theta_0", plain),
        *map(gain, study.transfer_weights.points),
        columns.text("n", seeds),
    )
    records: list[Record] = [
        {
            "source": row.source, "target": row.target, "point": moved.point,
            **numbers(moved.score), **numbers(row.plain, "theta_0_"),
            **numbers(moved.gain, "change_"), "collapsed": moved.collapsed,
        }
        for row in rows
        for moved in row.moved.values()
    ]  # fmt: skip
    missing = results.not_run("transfer_weights")
    return table("transfer_weights", caption, rows, shown, missing, long=records)


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
