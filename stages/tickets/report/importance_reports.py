"""Importance of heads, magnitudes of their weights, and where magnitude pruning drops weights."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import panels
from stages.tickets.report.figure import BLACK, BLUE, VERMILION, Config, Figure, render
from stages.tickets.report.names import interval_name, why_no_variant
from stages.tickets.report.search_rows import Importance
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE
from stages.tickets.statistics import correlation, intervals
from stages.tickets.statistics.intervals import Difference, Summary

BINS = 24
PARTS = {"heads": "heads", "mlps": "MLPs"}


def histogram_figure(found: Sequence[Importance], config: Config) -> Figure:
    """Importance of all heads of the whole model, of the first seed of each task."""
    what = "Importance of attention heads in the fine-tuned model"
    seed = config.search.seeds[0] if config.search.seeds else 0
    caption = (
        f"{what} before anything is dropped, seed {seed}; those of a layer have norm 1. Dashed: that of "
        "the last head which the first joint step drops. The csv has all seeds."
    )
    heads = [one for one in found if one.part == "heads"]
    if not heads:
        return Figure("importance", what, caption, missing=why_no_variant("joint", config))
    tasks = config.search.tasks

    def draw(canvas: Canvas) -> None:
        row = panels.side_by_side(canvas, tasks, ("importance", "heads"), config)
        for panel, task in zip(row, tasks, strict=True):
            here = [one for one in heads if (one.task, one.seed) == (task, seed)]
            panel.hist([one.importance for one in here], bins=BINS, color=BLUE)
            dropped = [one.importance for one in here if one.first_dropped]
            if dropped:
                panel.axvline(max(dropped), color=BLACK, linestyle="--", linewidth=1)

    svg = render("importance", what, panels.size(len(tasks), config), draw)
    records: list[Record] = [_record(one) for one in heads]
    return Figure("importance", what, caption, svg, tuple(records))


def magnitude_figure(found: Sequence[Importance], config: Config) -> Figure:
    """Importance of heads against the mean magnitude of their weights."""
    what = "Importance of heads against the mean magnitude of their weights"
    caption = (
        f"{what} in the fine-tuned model, all seeds (n={len(config.search.seeds)}), one dot per head. "
        "Filled: the joint search kept it; open: dropped."
    )
    heads = [one for one in found if one.part == "heads"]
    if not heads:
        why = why_no_variant("joint", config)
        return Figure("importance_by_magnitude", what, caption, missing=why)
    tasks = config.search.tasks

    def draw(canvas: Canvas) -> None:
        labels = ("mean magnitude of a head's weights", "importance")
        row = panels.side_by_side(canvas, tasks, labels, config)
        for panel, task in zip(row, tasks, strict=True):
            for kept, colour, label in ((True, BLUE, "kept"), (False, VERMILION, "dropped")):
                here = [one for one in heads if one.task == task and one.kept == kept]
                panel.scatter(
                    [one.magnitude for one in here],
                    [one.importance for one in here],
                    s=16,
                    edgecolors=colour,
                    facecolors=colour if kept else "none",
                    label=label,
                )
            panel.tick_params(axis="x", labelrotation=30)
        panels.legend(canvas, row)

    svg = render("importance_by_magnitude", what, panels.size(len(tasks), config), draw)
    records: list[Record] = [_record(one) for one in heads]
    return Figure("importance_by_magnitude", what, caption, svg, tuple(records))


def _record(one: Importance) -> Record:
    return {
        "task": one.task,
        "seed": one.seed,
        "layer": one.layer,
        "head": one.head,
        "importance": one.importance,
        "magnitude": one.magnitude,
        "kept": int(one.kept),
    }


def _correlation(found: Sequence[Importance]) -> float | None:
    """Spearman's, of importance and magnitude."""
    sides = np.array([[one.importance, one.magnitude] for one in found], np.float64)
    return correlation.of_ranks(*sides.T)


def magnitude_table(found: Sequence[Importance], config: Config) -> Table:
    """Are the weights of kept heads and MLPs larger, and do importance and magnitude go together?"""
    caption = (
        "Mean magnitude of the weights of heads and MLPs that the joint search kept, and of those that "
        "it dropped, in thousandths, mean ± standard deviation over seeds; kept minus dropped, by seed, "
        f"with the {interval_name(config)}; and Spearman's ρ between importance in the whole model and "
        "magnitude over all heads or MLPs, mean ± standard deviation over n seeds. Seeds that kept all "
        "or nothing have no difference: the csv has the number that do."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    confidence = config.tickets.confidence
    for task in config.search.tasks:
        for part, title in PARTS.items():
            kept, dropped, gaps, rhos = [], [], [], []
            for here in _by_seed(found, task, part):
                yes, no = ([o.magnitude for o in here if o.kept == fate] for fate in (True, False))
                kept += [sum(yes) / len(yes)] if yes else []
                dropped += [sum(no) / len(no)] if no else []
                if yes and no:
                    gaps.append(kept[-1] - dropped[-1])
                rho = _correlation(here)
                rhos += [] if rho is None else [rho]
            if not kept + dropped:
                continue
            gap = intervals.summarize_differences(gaps, confidence) if gaps else None
            rho_of = intervals.summarize(rhos, confidence) if rhos else None
            sides = [
                intervals.summarize(one, confidence) if one else None for one in (kept, dropped)
            ]
            cells = (_spread(one, 1000) for one in sides)
            rows.append((task, title, *cells, _gap(gap), _spread(rho_of), str(len(rhos))))
            records.append(
                {"task": task, "part": part}
                | numbers(sides[0], "kept_")
                | numbers(sides[1], "dropped_")
                | numbers(gap, "difference_")
                | numbers(rho_of, "spearman_")
            )
    if not rows:
        why = why_no_variant("joint", config)
        return Table("magnitude_by_importance", caption, missing=why)
    header = ("task", "of", "kept", "dropped", "kept − dropped", "ρ", "n")
    return Table("magnitude_by_importance", caption, header, tuple(rows), tuple(records))


def on_importance(found: Sequence[Importance]) -> str:
    """The correlation of importance and magnitude, mean over tasks and seeds."""
    parts = []
    for part, title in PARTS.items():
        rhos = [
            rho
            for task in dict.fromkeys(one.task for one in found)
            for here in _by_seed(found, task, part)
            if (rho := _correlation(here)) is not None
        ]
        if rhos:
            mean = f"{sum(rhos) / len(rhos):.2f}".replace("-", "−")
            parts.append(f"{mean} over {title} (n={len(rhos)} models)")
    if not parts:
        return "Nothing was searched by importance."
    return f"Mean Spearman's ρ of importance and magnitude: {', '.join(parts)}."


def _by_seed(found: Sequence[Importance], task: str, part: str) -> Iterator[list[Importance]]:
    of_task = [one for one in found if (one.task, one.part) == (task, part)]
    for seed in dict.fromkeys(one.seed for one in of_task):
        yield [one for one in of_task if one.seed == seed]


def _spread(found: Summary | None, scale: int = 1) -> str:
    if found is None:
        return NONE
    text = f"{scale * found.mean:.2f}".replace("-", "−")
    return text if found.std is None else f"{text} ± {scale * found.std:.2f}"


def _gap(found: Difference | None) -> str:
    if found is None:
        return NONE
    mean, low, high = (
        None if value is None else f"{1000 * value:+.2f}".replace("-", "−")
        for value in (found.mean, found.low, found.high)
    )
    return f"{mean} (n=1)" if low is None else f"{mean} [{low}, {high}]"
