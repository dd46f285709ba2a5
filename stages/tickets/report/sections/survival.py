"""What do searches keep, and how stably: how much survives, and who agrees on it."""

from collections.abc import Sequence
from itertools import product
from statistics import fmean

from stages.tickets.report import columns, words
from stages.tickets.report.names import PARTS
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import StructureAgreement
from stages.tickets.report.section import Section
from stages.tickets.report.sections import survival_maps, survival_places
from stages.tickets.report.table import Column, Row, Table, spread, table
from stages.tickets.settings import Study

VARIANTS = {
    "joint": "heads and MLPs",
    "heads": "heads alone",
    "mlps": "MLPs alone",
    "published": "heads and MLPs, as the authors' code",
    "half-1": "heads and MLPs, first half of the examples",
    "half-2": "heads and MLPs, second half",
    "magnitude": "weights by magnitude",
}
NUMBERS = ("heads", "mlps", "kept", "dense_score", "score")
"""Columns of searched.csv that are summed up: what a search kept, and the scores before and after."""
MEASURES = {
    "fleiss_kappa": "Fleiss κ",
    "cohen_kappa": "Cohen κ",
    "jaccard": "Jaccard",
    "krippendorff_alpha": "Krippendorff α",
}
AXES = {
    "seeds": "seeds of a task",
    "tasks": "tasks of a seed",
    "two tasks": "all seeds of two tasks",
    "halves": "halves of the examples, same model",
    "seeds on halves": "seeds of a task, each searched on the same half",
    "rules": "correct and the authors' search, same model",
}
ANSWERED = {
    "seeds": "between seeds",
    "seeds on halves": "between seeds searched on the same half of the examples",
    "halves": "between the two halves for one seed",
}
"""Axes that the answer names."""


def section(results: Results, study: Study) -> Section:
    """Show which heads, MLPs and weights survive, and who agrees on them."""
    structures = without_groups(results)
    agreements = compare([row for row in structures if learned(row, results)])
    return Section(
        "survival",
        "What searches keep, and how stably",
        "Which heads and MLPs survive, and do seeds, tasks, halves of the examples and rules of "
        "importance agree on them?",
        "Prasanna et al. 2020, Figures 1 and 5, maps by task in the appendix, and its κ over "
        "seeds; the halves are ours.",
        shared.naming(answer(agreements), results),
        stages=("survival",),
        figures=survival_maps.figures(results, study),
        tables=(
            searches_table(outcomes(results, study), results, study),
            agreement_table(agreements, structures, results, study),
            survival_places.weights_table(results, study),
            survival_places.places_table(results, study),
            survival_places.overlaps_table(results, study),
        ),
    )


def outcomes(results: Results, study: Study) -> list[Row]:
    """Sum up every search that ran, by task and variant.

    Returns:
        Summaries of what it kept by the names in `NUMBERS`, but of what it is not about; how many heads
        and MLPs there are in all; and the number of seeds.
    """
    by_search = grouped(results.searched, lambda row: (row.task, row.variant))
    rows = []
    for task, variant in product(study.search.tasks, study.search.rule.variants):
        if own := by_search.get((task, variant)):
            values = {name: [getattr(row, name) for row in own] for name in NUMBERS}
            kept = {
                name: results.over(known) for name, known in values.items() if None not in known
            }
            every = {"heads": own[0].all_heads, "mlps": own[0].all_mlps}
            rows.append(Row(task=task, variant=variant, kept=kept, all=every, n=len(own)))
    return rows


def _count(header: str, part: str) -> Column:
    """Show how many heads or MLPs are kept, of how many."""

    def cell(row: Row) -> str:
        kept = row.kept.get(part)
        return (
            f"{words.with_std(kept.mean, kept.std, 1)} of {row.all[part]}" if kept else words.NONE
        )

    return Column(header, cell, spread(columns.getter(f"kept.{part}"), f"{part}_"))


SEARCHES = (
    columns.named("task", "task"),
    columns.named("search for", "variant", VARIANTS.__getitem__),
    _count("heads", "heads"),
    _count("MLPs", "mlps"),
    columns.number("weights", "kept.kept", lambda kept: f"{words.spread(kept)} %"),
    columns.spread_of("kept.kept", "kept_"),
    columns.mean_and_std("dense score", "kept.dense_score", "dense_score_"),
    columns.mean_and_std("score", "kept.score", "score_"),
    columns.text("n", lambda row: str(row.n)),
)


def searches_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List what every search kept, mean over seeds."""
    rule = study.search.rule
    caption = (
        f"What searches of the fine-tuned models kept at {words.percent(rule.threshold)} of the dense "
        f"score on the {rule.split} split, mean ± standard deviation. Score: of what was kept, on the "
        "examples that were searched, so it is at least that share by construction if the dense score is "
        "above 0."
    )
    return table("searches", caption, rows, SEARCHES, results.not_run("search"))


def without_groups(results: Results) -> list[StructureAgreement]:
    """Return all comparisons but those of all tasks of a seed, if one of these has no evidence."""
    partial = len(results.usable(results.study.search.tasks)) < len(results.study.search.tasks)
    return [row for row in results.structures if not (partial and row.axis == "tasks")]


def learned(row: StructureAgreement, results: Results) -> bool:
    """Tell whether the task of a comparison, or both of its tasks, have learned."""
    return not {*row.task.split(" and ")} & {*results.no_evidence}


def compare(structures: Sequence[StructureAgreement]) -> list[Row]:
    """Group comparisons of heads and of MLPs by the `AXES`, and by measure; no group is empty.

    `above_chance` counts Cohen's κ above what 95 % of permuted masks reach.
    """
    rows = []
    for axis, part in product(AXES, PARTS):
        own = [row for row in structures if row.part == part and on_axis(row, axis)]
        by_measure = grouped(own, lambda row: row.measure)
        kappas = by_measure.get("cohen_kappa", [])
        above = [row for row in kappas if row.upper is not None and row.value > row.upper + 1e-12]
        if own:
            chance = f"{len(above)} of {len(kappas)}"
            rows.append(Row(axis=axis, part=part, comparisons=by_measure, above_chance=chance))
    return rows


def on_axis(row: StructureAgreement, axis: str) -> bool:
    """Tell whether a comparison belongs to one of `AXES`."""
    if axis == "seeds on halves":
        return row.axis == "seeds" and row.variant.startswith("half-")
    return row.axis == axis and (row.variant == "joint" or axis in ("halves", "rules"))


def answer(rows: Sequence[Row]) -> str:
    """Give the mean κ of surviving heads between seeds and between halves of the examples."""
    kappas = {
        row.axis: [kappa.value for kappa in row.comparisons.get("cohen_kappa", [])]
        for row in rows
        if row.part == "heads"
    }
    parts = [
        f"{words.two_digits(fmean(values))} {title} (n={len(values)})"
        for axis, title in ANSWERED.items()
        if (values := kappas.get(axis))
    ]
    if not parts:
        return "Agreement needs joint searches of two seeds, or searches on halves."
    return f"Mean Cohen's κ of the heads that survive: {', '.join(parts)}; chance has 0."


def _measure(measure: str, title: str) -> Column:
    """Show means over comparisons: agreement, and of permuted masks the mean and the 95 % quantile."""

    def cell(row: Row) -> str:
        numbers = [
            (pair.value, pair.floor or 0.0, pair.upper or 0.0)
            for pair in row.comparisons.get(measure, ())
        ]
        if not numbers:
            return words.NOT_RUN
        value, floor, upper = (words.two_digits(fmean(side)) for side in zip(*numbers, strict=True))
        return f"{value} ({floor}, {upper})"

    return Column(title, cell)


AGREEMENTS = (
    Column("between", lambda row: AXES[row.axis]),
    Column("of", lambda row: PARTS[row.part]),
    *(_measure(measure, title) for measure, title in MEASURES.items()),
    columns.text("above chance", "above_chance"),
)


def agreement_table(
    rows: Sequence[Row], structures: Sequence[StructureAgreement], results: Results, study: Study
) -> Table:
    """List the agreement of the structures of the joint search, mean over tasks or seeds."""
    caption = (
        "How far the joint searches agree on heads and MLPs, mean over comparisons; in brackets what "
        "masks of the same sizes reach when each is permuted: mean, and the value that 95 % of "
        f"{study.search.permutations} permutations stay below, which comparisons above chance exceed by "
        "Cohen's κ. If two halves of the examples agree no more than two seeds on the same half, what "
        "differs between seeds may be noise of the examples. The csv also has Cochran's Q, which the "
        "paper reports: it tests only whether searches kept equally many."
    )
    long = [dict(vars(row)) for row in structures]
    why = shared.nothing(study.search.tasks, results, shared.why_no_search(results))
    return table("structure_agreement", caption, rows, AGREEMENTS, why, long)
