"""Whether heads that survive a search are those with heterogeneous attention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.tickets.report import columns
from stages.tickets.report.results import Results
from stages.tickets.report.search_rows import MAPS, HeadPatterns
from stages.tickets.report.sections.patterns.shares import FINE_TUNED
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.settings.noise import stable_seed
from stages.tickets.statistics import correlation

HETEROGENEOUS = "heterogeneous"
PAIRS = 8 * 5 * 100 * 144
"""Pairs in Prasanna et al. 2020: tasks, seeds, examples, heads."""
SOURCES = {"paper": "paper", "notebook": "its notebook"}
MEAN_OF_TASKS = "here, mean of tasks"
MEASURES: Mapping[str, str] = {
    "pearson": "r, super-survivor and heterogeneous, by head and example",
    "spearman": "ρ, share heterogeneous and seeds survived, by head",
}


@dataclass(frozen=True)
class Survival:
    """A correlation of attending to many things and surviving the search."""

    measure: str
    """pearson: over pairs of head and example; spearman: over heads."""
    map: str
    source: str
    value: float | None = None
    p: float | None = None
    """As if pairs were independent."""
    p_of_heads: float | None = None
    """By permutations of heads within tasks."""
    n: int = 0


def correlations(results: Results, study: Study) -> list[Survival]:
    """The paper's correlations, the same by network here, and ours over heads by task."""
    if not results.heads:
        return []
    tasks, permutations = study.patterns.tasks, study.search.permutations
    rows = [
        Survival("pearson", row.map, SOURCES[row.source], row.pearson, row.p, n=PAIRS)
        for row in results.published_correlations
    ]
    rows += [
        over_pairs(results.heads, kind, network, permutations)
        for kind in MAPS
        for network in study.patterns.network.seeds
    ]
    groups = {f"here, {task}": [task] for task in tasks} if len(tasks) > 1 else {}
    groups[MEAN_OF_TASKS] = list(tasks)
    rows += [
        over_heads(results.heads, kind, source, group, permutations)
        for kind in MAPS
        for source, group in groups.items()
    ]
    return rows


def _heterogeneous(rows: Sequence[HeadPatterns], kind: str) -> list[HeadPatterns]:
    """The counts of heterogeneous maps in fine-tuned models."""
    wanted = (kind, FINE_TUNED, HETEROGENEOUS)
    return [row for row in rows if (row.map, row.state, row.pattern) == wanted]


def over_pairs(
    heads: Sequence[HeadPatterns], kind: str, network: int, permutations: int
) -> Survival:
    """Pearson's correlation of "is a super-survivor" and "is heterogeneous", of head and example.

    Over tasks, seeds, examples and heads, as Prasanna et al. 2020.
    """
    rows = [row for row in _heterogeneous(heads, kind) if row.network == network]
    survivors = [row for row in rows if row.survives == row.seeds]
    pearson = correlation.pearson_of_counts(
        sum(row.all_examples for row in rows),
        sum(row.all_examples for row in survivors),
        sum(row.examples for row in rows),
        sum(row.examples for row in survivors),
    )
    source = f"here, network {network}"
    if pearson is None:
        return Survival("pearson", kind, source)
    by_task: dict[str, dict[tuple[int, int], list[float]]] = {}
    for row in rows:
        count = by_task.setdefault(row.task, {}).setdefault((row.layer, row.head), [0.0, 0.0])
        count[0] += row.examples
        count[1] = float(row.survives == row.seeds)
    tables = [np.array(list(counts.values())) for counts in by_task.values()]
    generator = np.random.default_rng(stable_seed("patterns of pairs", kind, network))
    groups = [(table[:, 0], table[:, 1]) for table in tables]
    p_of_heads = correlation.p_of_sum(groups, permutations, generator)
    return Survival("pearson", kind, source, pearson.value, pearson.p, p_of_heads, pearson.n)


def over_heads(
    heads: Sequence[HeadPatterns], kind: str, source: str, tasks: Sequence[str], permutations: int
) -> Survival:
    """Spearman's correlation over heads of the share that is heterogeneous and the seeds survived.

    The share is the mean over examples, seeds and networks; the correlation the mean over tasks.
    """
    pairs = []
    for task in tasks:
        shares: dict[tuple[int, int], list[float]] = {}
        survives: dict[tuple[int, int], float] = {}
        for row in _heterogeneous(heads, kind):
            if row.task == task:
                place = (row.layer, row.head)
                shares.setdefault(place, []).append(row.examples / row.all_examples)
                survives[place] = float(row.survives)
        # Rounded, for the order of a sum must not make ranks of what is tied.
        means = [round(sum(values) / len(values), 12) for values in shares.values()]
        pairs.append((np.array(means), np.array([survives[place] for place in shares])))
    generator = np.random.default_rng(stable_seed("patterns and survival", kind, *tasks))
    ranks = correlation.spearman(pairs, permutations, generator)
    if ranks is None:
        return Survival("spearman", kind, source)
    return Survival("spearman", kind, source, ranks.value, None, ranks.p, ranks.n)


def survival_table(rows: Sequence[Survival], results: Results, study: Study) -> Table:
    """Whether heads that survive are heterogeneous more often: as the paper asks, and over heads."""
    caption = (
        "Are the heads that survive those with heterogeneous attention? As the paper, Pearson's r of "
        "being a super-survivor and being heterogeneous, over pairs of head and example (the paper's "
        "text and its notebook do not agree); and Spearman's ρ over heads of the share of heterogeneous "
        "maps and the number of seeds whose joint search keeps the head. p, pairs: as if the examples "
        f"of a head were independent; p, heads: by {study.search.permutations} permutations of heads "
        "within tasks; n: pairs, or heads."
    )
    shown: Sequence[Column[Survival]] = (
        Column(
            "correlation", lambda row: MEASURES[row.measure], {"measure": lambda row: row.measure}
        ),
        columns.text("map", lambda row: row.map, "map"),
        columns.text("of", lambda row: row.source, "source"),
        Column("value", lambda row: coefficient(row.value), {"value": lambda row: row.value}),
        Column("p, pairs", lambda row: p_value(row.p), {"p": lambda row: row.p}),
        Column(
            "p, heads",
            lambda row: p_value(row.p_of_heads),
            {"p_of_heads": lambda row: row.p_of_heads},
        ),
        Column("n", lambda row: f"{row.n:,}", {"n": lambda row: row.n}),
    )
    return table("pattern_survival", caption, rows, shown, results.not_run("patterns"))


def coefficient(value: float | None) -> str:
    if value is None:
        return NONE
    text = f"{value:+.3f}" if abs(value) >= 0.01 else f"{value:+.4f}"
    return text.replace("-", "−")


def p_value(p: float | None, equal: str = "") -> str:
    """With two digits at least, after the sign `equal` unless it is below 0.001."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else equal + f"{p:.3f}".removesuffix("0")
