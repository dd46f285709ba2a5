"""What does importance see: its spread over heads, and the magnitude of what is kept and dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, VERMILION, Figure, render
from stages.tickets.report.names import PARTS
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import Importance
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, spread, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.statistics import correlation, intervals
from stages.tickets.statistics.intervals import Difference, Summary

BINS = 24
HISTOGRAM = "Importance of attention heads in the fine-tuned model"
SCATTER = "Importance of heads against the mean magnitude of their weights"


@dataclass(frozen=True)
class Magnitudes:
    """Mean magnitudes of the weights of a task's heads or MLPs, over seeds."""

    task: str
    part: str
    kept: Summary | None
    dropped: Summary | None
    gap: Difference | None
    """Kept minus dropped, by seed; of the seeds that kept some and dropped some."""
    correlations: tuple[float, ...]
    """Spearman's, of importance and magnitude, of every seed that has one."""
    spearman: Summary | None
    """Mean over these seeds."""


def section(results: Results, study: Study) -> Section:
    """How importance is spread over heads, and whether it is magnitude in disguise."""
    rows = measure(results.importance, study)
    heads = [row for row in results.importance if row.part == "heads"]
    return Section(
        "importance",
        "What does importance see?",
        "How is importance spread over heads, and is it the magnitude of their weights in disguise?",
        "Prasanna et al. 2020, Figure 3; magnitudes are in their code.",
        answer(rows),
        stages=("survival",),
        figures=(histogram(heads, study), scatter(heads, study)),
        tables=(magnitude_table(rows, study),),
    )


def measure(importance: Sequence[Importance], study: Study) -> list[Magnitudes]:
    """Magnitudes by task and part, if anything was searched."""
    by_search = grouped(importance, lambda row: (row.task, row.part, row.seed))
    rows = []
    for task, part in product(study.search.tasks, PARTS):
        searches = [own for (*place, _), own in by_search.items() if place == [task, part]]
        kept, dropped = (
            [[row.magnitude for row in own if row.kept is fate] for own in searches]
            for fate in (True, False)
        )
        gaps = [
            fmean(above) - fmean(below)
            for above, below in zip(kept, dropped, strict=True)
            if above and below
        ]
        rhos = map(spearman, searches)
        correlations = tuple(rho for rho in rhos if rho is not None)
        confidence = study.tickets.confidence
        if searches:
            rows.append(
                Magnitudes(
                    task,
                    part,
                    _summary([fmean(values) for values in kept if values], confidence),
                    _summary([fmean(values) for values in dropped if values], confidence),
                    intervals.summarize_differences(gaps, confidence) if gaps else None,
                    correlations,
                    _summary(correlations, confidence),
                )
            )
    return rows


def _summary(values: Sequence[float], confidence: float) -> Summary | None:
    return intervals.summarize(values, confidence) if values else None


def spearman(rows: Sequence[Importance]) -> float | None:
    """Spearman's correlation of importance and magnitude; None if one of them is constant."""
    sides = np.array([[row.importance, row.magnitude] for row in rows], np.float64)
    return correlation.of_ranks(*sides.T)


def answer(rows: Sequence[Magnitudes]) -> str:
    """The correlation of importance and magnitude, mean over tasks and seeds."""
    parts = []
    for part, title in PARTS.items():
        values = [rho for row in rows if row.part == part for rho in row.correlations]
        if values:
            parts.append(f"{words.two_digits(fmean(values))} over {title} (n={len(values)} models)")
    if not parts:
        return "Nothing was searched by importance."
    return f"Mean Spearman's ρ of importance and magnitude: {', '.join(parts)}."


def magnitude_table(rows: Sequence[Magnitudes], study: Study) -> Table:
    """Are the weights of kept heads and MLPs larger, and do importance and magnitude go together?"""
    caption = (
        "Mean magnitude of the weights of heads and MLPs that the joint search kept and dropped, in "
        "thousandths, mean ± standard deviation over seeds, and kept minus dropped by seed with the "
        f"{names.interval_name(study)}. ρ: Spearman's, between importance in the whole model and "
        "magnitude, mean ± standard deviation over n seeds. Seeds that kept all or nothing have no "
        "difference: the csv has the number that do."
    )
    shown: Sequence[Column[Magnitudes]] = (
        Column("task", lambda row: row.task, {"task": lambda row: row.task}),
        Column("of", lambda row: PARTS[row.part], {"part": lambda row: row.part}),
        Column("kept", lambda row: _spread(row.kept, 1000), spread(lambda row: row.kept, "kept_")),
        Column(
            "dropped",
            lambda row: _spread(row.dropped, 1000),
            spread(lambda row: row.dropped, "dropped_"),
        ),
        Column(
            "kept − dropped", lambda row: _gap(row.gap), spread(lambda row: row.gap, "difference_")
        ),
        Column(
            "ρ", lambda row: _spread(row.spearman), spread(lambda row: row.spearman, "spearman_")
        ),
        Column("n", lambda row: str(len(row.correlations))),
    )
    why = names.why_no_variant("joint", study)
    return table("magnitude_by_importance", caption, rows, shown, why)


def _spread(summary: Summary | None, scale: int = 1) -> str:
    if summary is None:
        return NONE
    mean = words.two_digits(scale * summary.mean)
    return mean if summary.std is None else f"{mean} ± {scale * summary.std:.2f}"


def _gap(gap: Difference | None) -> str:
    """In thousandths, with its sign."""
    if gap is None:
        return NONE
    ends = () if gap.low is None or gap.high is None else (gap.low, gap.high)
    mean, *interval = (f"{1000 * value:+.2f}".replace("-", "−") for value in (gap.mean, *ends))
    return f"{mean} [{', '.join(interval)}]" if interval else f"{mean} (n=1)"


def histogram(heads: Sequence[Importance], study: Study) -> Figure:
    """Importance of all heads of the whole model, of the first seed of each task."""
    seed = study.search.seeds[0] if study.search.seeds else 0
    caption = (
        f"{HISTOGRAM} before anything is dropped, seed {seed}; those of a layer have norm 1. Dashed: "
        "that of the last head which the first joint step drops. The csv has all seeds."
    )
    if not heads:
        why = names.why_no_variant("joint", study)
        return Figure("importance", HISTOGRAM, caption, missing=why)
    tasks = study.search.tasks

    def draw(canvas: Canvas) -> None:
        grid = panels.side_by_side(canvas, tasks, ("importance", "heads"), study)
        for panel, task in zip(grid, tasks, strict=True):
            own = [row for row in heads if (row.task, row.seed) == (task, seed)]
            panel.hist([row.importance for row in own], bins=BINS, color=BLUE)
            dropped = [row.importance for row in own if row.first_dropped]
            if dropped:
                panel.axvline(max(dropped), color=BLACK, linestyle="--", linewidth=1)

    svg = render("importance", HISTOGRAM, panels.size(len(tasks), study), draw)
    return Figure("importance", HISTOGRAM, caption, svg, tuple(map(_record, heads)))


def scatter(heads: Sequence[Importance], study: Study) -> Figure:
    """Importance of heads against the mean magnitude of their weights."""
    caption = (
        f"{SCATTER} in the fine-tuned model, all seeds (n={len(study.search.seeds)}), one dot per head. "
        "Filled: the joint search kept it; open: dropped."
    )
    if not heads:
        why = names.why_no_variant("joint", study)
        return Figure("importance_by_magnitude", SCATTER, caption, missing=why)
    tasks = study.search.tasks

    def draw(canvas: Canvas) -> None:
        labels = ("mean magnitude of a head's weights", "importance")
        grid = panels.side_by_side(canvas, tasks, labels, study)
        for panel, task in zip(grid, tasks, strict=True):
            for kept, colour, label in ((True, BLUE, "kept"), (False, VERMILION, "dropped")):
                own = [row for row in heads if (row.task, row.kept) == (task, kept)]
                panel.scatter(
                    [row.magnitude for row in own],
                    [row.importance for row in own],
                    s=16,
                    edgecolors=colour,
                    facecolors=colour if kept else "none",
                    label=label,
                )
            panel.tick_params(axis="x", labelrotation=30)
        panels.legend(canvas, grid)

    svg = render("importance_by_magnitude", SCATTER, panels.size(len(tasks), study), draw)
    return Figure("importance_by_magnitude", SCATTER, caption, svg, tuple(map(_record, heads)))


def _record(row: Importance) -> Record:
    shown = ("task", "seed", "layer", "head", "importance", "magnitude")
    return {name: getattr(row, name) for name in shown} | {"kept": int(row.kept)}
