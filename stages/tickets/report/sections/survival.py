"""What do searches keep, and how stably: how much survives, and who agrees on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from stages.tickets.report import columns, names, words
from stages.tickets.report.names import PARTS
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import Searched, StructureAgreement
from stages.tickets.report.section import Section
from stages.tickets.report.sections import survival_maps, survival_places
from stages.tickets.report.table import Column, Record, Table, spread, table
from stages.tickets.report.words import NONE, NOT_RUN
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

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
    """Which heads, MLPs and weights survive, and who agrees on them."""
    agreements = compare(results.structures)
    return Section(
        "survival",
        "What searches keep, and how stably",
        "Which heads and MLPs survive, and do seeds, tasks, halves of the examples and rules of "
        "importance agree on them?",
        "Prasanna et al. 2020, Figures 1 and 5, maps by task in the appendix, and its κ over "
        "seeds; the halves are ours.",
        answer(agreements),
        stages=("survival",),
        figures=survival_maps.figures(results, study),
        tables=(
            searches_table(results.searched, study),
            agreement_table(agreements, results.structures, study),
            survival_places.weights_table(results.weights, study),
            survival_places.places_table(results, study),
            survival_places.overlaps_table(results, study),
        ),
    )


# --- what searches kept ----------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What one search of a task kept, over seeds."""

    task: str
    variant: str
    kept: Mapping[str, Summary | None]
    """By the names in `NUMBERS`; None if the search is not about it."""
    all_heads: int | None
    all_mlps: int | None
    num_seeds: int


def outcomes(searched: Sequence[Searched], study: Study) -> list[Outcome]:
    """Every search that ran, by task and variant."""
    by_search = grouped(searched, lambda row: (row.task, row.variant))
    rows = []
    for task, variant in product(study.search.tasks, study.search.rule.variants):
        own = by_search.get((task, variant), [])
        if not own:
            continue
        kept = {}
        for name in NUMBERS:
            values = [value for row in own if (value := getattr(row, name)) is not None]
            kept[name] = intervals.summarize(values, study.tickets.confidence) if values else None
        rows.append(Outcome(task, variant, kept, own[0].all_heads, own[0].all_mlps, len(own)))
    return rows


def searches_table(searched: Sequence[Searched], study: Study) -> Table:
    """What every search kept, mean over seeds."""
    rule = study.search.rule
    caption = (
        f"What searches of the fine-tuned models kept at {words.percent(rule.threshold)} of the dense "
        f"score on the {rule.split} split; mean ± standard deviation over n seeds. Score: of what was "
        "kept, on the examples that were searched, so it is at least that share by construction if the "
        "dense score is above 0."
    )

    def weights(row: Outcome) -> str:
        return f"{words.spread(row.kept['kept'])} %" if row.kept["kept"] else NONE

    shown: Sequence[Column[Outcome]] = (
        columns.text("task", lambda row: row.task, "task"),
        Column(
            "search for", lambda row: VARIANTS[row.variant], {"variant": lambda row: row.variant}
        ),
        _count("heads", "heads", lambda row: row.all_heads),
        _count("MLPs", "mlps", lambda row: row.all_mlps),
        Column("weights", weights, spread(lambda row: row.kept["kept"], "kept_")),
        columns.mean_and_std("dense score", lambda row: row.kept["dense_score"], "dense_score_"),
        columns.mean_and_std("score", lambda row: row.kept["score"], "score_"),
        Column("n", lambda row: str(row.num_seeds)),
    )
    why = names.why_not("search", study)
    return table("searches", caption, outcomes(searched, study), shown, why)


def _count(header: str, part: str, every: Callable[[Outcome], int | None]) -> Column[Outcome]:
    """How many are kept of how many."""

    def cell(row: Outcome) -> str:
        kept = row.kept[part]
        if kept is None:
            return NONE
        mean = f"{kept.mean:.1f}" + ("" if kept.std is None else f" ± {kept.std:.1f}")
        return f"{mean} of {every(row)}"

    return Column(header, cell, spread(lambda row: row.kept[part], f"{part}_"))


# --- agreement -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agreement:
    """All comparisons of heads or of MLPs along one of `AXES`, by measure."""

    axis: str
    part: str
    comparisons: Mapping[str, Sequence[StructureAgreement]]

    @property
    def kappas(self) -> Sequence[StructureAgreement]:
        """The comparisons by Cohen's κ."""
        return self.comparisons.get("cohen_kappa", [])

    @property
    def above_chance(self) -> str:
        """How many κ are above what 95 % of permuted masks reach."""
        above = sum(
            kappa.upper is not None and kappa.value > kappa.upper + 1e-12 for kappa in self.kappas
        )
        return f"{above} of {len(self.kappas)}"


def compare(structures: Sequence[StructureAgreement]) -> list[Agreement]:
    """Comparisons by axis and part, with heads before MLPs; none is empty."""
    rows = []
    for axis, part in product(AXES, PARTS):
        own = [row for row in structures if row.part == part and on_axis(row, axis)]
        if own:
            rows.append(Agreement(axis, part, grouped(own, lambda row: row.measure)))
    return rows


def on_axis(row: StructureAgreement, axis: str) -> bool:
    """Whether a comparison belongs to one of `AXES`."""
    if axis == "seeds on halves":
        return row.axis == "seeds" and row.variant.startswith("half-")
    return row.axis == axis and (row.variant == "joint" or axis in ("halves", "rules"))


def answer(rows: Sequence[Agreement]) -> str:
    """The mean κ of surviving heads between seeds and between halves of the examples."""
    parts = []
    for axis, title in ANSWERED.items():
        values = [
            kappa.value
            for row in rows
            if (row.axis, row.part) == (axis, "heads")
            for kappa in row.kappas
        ]
        parts += [f"{words.two_digits(fmean(values))} {title} (n={len(values)})"] if values else []
    if not parts:
        return "Agreement needs joint searches of two seeds, or searches on halves."
    return f"Mean Cohen's κ of the heads that survive: {', '.join(parts)}; chance has 0."


def agreement_table(
    rows: Sequence[Agreement], structures: Sequence[StructureAgreement], study: Study
) -> Table:
    """Agreement of the structures of the joint search, mean over tasks or seeds, beside chance."""
    caption = (
        "How far the joint searches agree on heads and MLPs, mean over comparisons; in brackets what "
        "masks of the same sizes reach when each is permuted: mean, and the value that 95 % of "
        f"{study.search.permutations} permutations stay below. Above chance: comparisons above that "
        "value by Cohen's κ. If two halves of the examples agree no more than two seeds on the same "
        "half, what differs between seeds may be noise of the examples (csv also has Cochran's Q, "
        "which the paper reports: it tests only whether searches kept equally many)."
    )
    shown: Sequence[Column[Agreement]] = (
        Column("between", lambda row: AXES[row.axis]),
        Column("of", lambda row: PARTS[row.part]),
        *(_measure(measure, title) for measure, title in MEASURES.items()),
        Column("above chance", lambda row: row.above_chance),
    )
    why = names.why_no_variant("joint", study)
    long: list[Record] = [dict(vars(row)) for row in structures]
    return table("structure_agreement", caption, rows, shown, why, long)


def _measure(measure: str, title: str) -> Column[Agreement]:
    def cell(row: Agreement) -> str:
        own = row.comparisons.get(measure)
        if not own:
            return NOT_RUN
        value = fmean(comparison.value for comparison in own)
        floor = fmean(comparison.floor or 0.0 for comparison in own)
        upper = fmean(comparison.upper or 0.0 for comparison in own)
        return f"{words.two_digits(value)} ({words.two_digits(floor)}, {words.two_digits(upper)})"

    return Column(title, cell)
