"""What does importance see: its spread over heads, and the magnitude of what is kept and dropped."""

from collections.abc import Sequence
from itertools import product
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, VERMILION, Figure
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import correlation, intervals
from stages.tickets.statistics.intervals import Difference, Summary

BINS = 24
HISTOGRAM = "Importance of attention heads in the fine-tuned model"
SCATTER = "Importance of heads against the mean magnitude of their weights"


def section(results: Results, study: Study) -> Section:
    """Show how importance is spread over heads, and whether it is magnitude in disguise."""
    rows = measure(results)
    return Section(
        "importance",
        "What does importance see?",
        "How is importance spread over heads, and is it the magnitude of their weights in disguise?",
        "Prasanna et al. 2020, Figure 3; magnitudes are in their code.",
        shared.naming(answer(rows, results), results),
        stages=("survival",),
        figures=figures(results, study),
        tables=(magnitude_table(rows, results),),
    )


def measure(results: Results) -> list[Row]:
    """Average magnitudes by task and part, if anything was searched.

    Returns:
        Summaries over seeds of the mean magnitude of what is kept and of what is dropped; `gap`: kept
        minus dropped, of the seeds that have both; Spearman's correlations of importance and magnitude of
        every seed in which neither is constant, and their summary.
    """
    study, rows = results.study, []
    by_search = grouped(results.importance, lambda row: (row.task, row.part))
    for task, part in product(study.search.tasks, names.PARTS):
        by_seed = grouped(by_search.get((task, part), ()), lambda row: row.seed)
        kept, dropped = (
            {
                seed: fmean(values)
                for seed, own in by_seed.items()
                if (values := [row.magnitude for row in own if row.kept is fate])
            }
            for fate in (True, False)
        )
        sides = [
            np.array([[row.importance, row.magnitude] for row in own], np.float64)
            for own in by_seed.values()
        ]
        rhos = [rho for side in sides if (rho := correlation.of_ranks(*side.T)) is not None]
        if by_seed:
            row = Row(task=task, part=part, correlations=rhos, spearman=results.over(rhos))
            row.kept, row.dropped = results.over(kept.values()), results.over(dropped.values())
            row.gap = intervals.compare(kept, dropped, study.tickets.confidence)
            rows.append(row)
    return rows


def answer(rows: Sequence[Row], results: Results) -> str:
    """Give the correlation of importance and magnitude, mean over tasks that have learned and seeds."""
    parts, learned = [], [row for row in rows if row.task not in results.no_evidence]
    for part, title in names.PARTS.items():
        values = [rho for row in learned if row.part == part for rho in row.correlations]
        if values:
            parts.append(f"{words.two_digits(fmean(values))} over {title} (n={len(values)} models)")
    if not parts:
        return "Nothing was searched by importance."
    return f"Mean Spearman's ρ of importance and magnitude: {', '.join(parts)}."


def _gap(gap: Difference) -> str:
    """Word a difference in thousandths, with its sign."""
    ends = () if gap.low is None or gap.high is None else (gap.low, gap.high)
    mean, *interval = (f"{1000 * value:+.2f}".replace("-", "−") for value in (gap.mean, *ends))
    return f"{mean} [{', '.join(interval)}]" if interval else f"{mean} (n=1)"


def _thousandths(summary: Summary) -> str:
    std = None if summary.std is None else 1000 * summary.std
    return words.with_std(1000 * summary.mean, std, 2)


COLUMNS = (
    columns.named("task", "task"),
    columns.named("of", "part", names.PARTS.__getitem__),
    columns.number("kept", "kept", _thousandths),
    columns.spread_of("kept", "kept_"),
    columns.number("dropped", "dropped", _thousandths),
    columns.spread_of("dropped", "dropped_"),
    columns.number("kept − dropped", "gap", _gap),
    columns.spread_of("gap", "difference_"),
    columns.number("ρ", "spearman", lambda rho: words.with_std(rho.mean, rho.std, 2)),
    columns.spread_of("spearman", "spearman_"),
    columns.text("n", lambda row: str(len(row.correlations))),
)


def magnitude_table(rows: Sequence[Row], results: Results) -> Table:
    """List whether weights of kept parts are larger, and whether importance and magnitude agree."""
    caption = (
        "Mean magnitude of the weights of heads and MLPs that the joint search kept and dropped, in "
        "thousandths, mean ± standard deviation, and kept minus dropped. ρ: Spearman's, between "
        "importance in the entire model and magnitude. Seeds that kept all or nothing have no difference."
    )
    why = shared.why_no_search(results)
    return table.table("magnitude_by_importance", caption, rows, COLUMNS, why)


def figures(results: Results, study: Study) -> tuple[Figure, Figure]:
    """Draw the importance of all heads of the first seed of each task, and against magnitude of all."""
    heads = [row for row in results.importance if row.part == "heads"]
    first = study.search.seeds[0] if study.search.seeds else 0

    def histogram(panel: Axes, task: str) -> None:
        own = [row for row in heads if (row.task, row.seed) == (task, first)]
        panel.hist([row.importance for row in own], bins=BINS, color=BLUE)
        if dropped := [row.importance for row in own if row.first_dropped]:
            panel.axvline(max(dropped), color=BLACK, linestyle="--", linewidth=1)

    def scatter(panel: Axes, task: str) -> None:
        for kept, colour, label in ((True, BLUE, "kept"), (False, VERMILION, "dropped")):
            own = [row for row in heads if (row.task, row.kept) == (task, kept)]
            at = [row.magnitude for row in own], [row.importance for row in own]
            inside = colour if kept else "none"
            panel.scatter(*at, s=16, edgecolors=colour, facecolors=inside, label=label)
        panel.tick_params(axis="x", labelrotation=30)

    before = (
        f"{HISTOGRAM} before anything is dropped, seed {first}; those of a layer have norm 1. Dashed: "
        "that of the last head which the first joint step drops. The csv has all seeds."
    )
    beside = (
        f"{SCATTER} in the fine-tuned model, all seeds, one dot per head. Filled: the joint search kept "
        "it; open: dropped."
    )
    place = columns.value("task", "seed", "layer", "head", "importance", "magnitude")
    csv = table.records(heads, place, columns.only_csv("kept", lambda row: int(row.kept)))
    why, tasks = shared.why_no_search(results), study.search.tasks
    bins = Figure("importance", HISTOGRAM, before, "", csv, why)
    dots = Figure("importance_by_magnitude", SCATTER, beside, "", csv, why)
    labels = ("mean magnitude of a head's weights", "importance")
    return (
        panels.by_name(bins, tasks, ("importance", "heads"), study, histogram),
        panels.by_name(dots, tasks, labels, study, scatter),
    )
