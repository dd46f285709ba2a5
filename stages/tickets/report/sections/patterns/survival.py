"""Whether heads that survive a search are those with heterogeneous attention."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import numpy as np

from stages.tickets.report import columns, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import HeadPatterns
from stages.tickets.report.sections.patterns.shares import FINE_TUNED
from stages.tickets.report.table import Row, Table, table
from stages.tickets.searches.attention.patterns import MAPS
from stages.tickets.settings import Study
from stages.tickets.settings.noise import stable_seed
from stages.tickets.statistics import correlation
from stages.tickets.statistics.correlation import Values

HETEROGENEOUS = "heterogeneous"
PAIRS = 8 * 5 * 100 * 144
"""Pairs in Prasanna et al. 2020: tasks, seeds, examples, heads."""
SOURCES = {"paper": "paper", "notebook": "its notebook"}
MEAN_OF_TASKS = "here, mean of tasks"
MEASURES = {
    "pearson": "r, super-survivor and heterogeneous, by head and example",
    "spearman": "ρ, share heterogeneous and seeds survived, by head",
}
NO_VALUE = {"value": None, "p": None, "p_of_heads": None, "n": 0}
"""A correlation of what does not differ: p is as if pairs were independent, the other over heads."""


def correlations(results: Results, study: Study) -> list[Row]:
    """Collect the paper's correlations, the same by network here, and ours over heads by task."""
    tasks, permutations = study.patterns.tasks, study.search.permutations
    groups = {f"here, {task}": [task] for task in tasks} if len(tasks) > 1 else {}
    groups[MEAN_OF_TASKS] = results.usable(tasks)
    learned = [row for row in results.heads if row.task in groups[MEAN_OF_TASKS]]
    papers = (
        {
            "map": row.map,
            "source": SOURCES[row.source],
            "value": row.pearson,
            "p": row.p,
            "n": PAIRS,
        }
        for row in results.published_correlations
    )
    if not results.heads:
        return []
    return [
        *(Row(measure="pearson", **NO_VALUE | paper) for paper in papers),
        *(
            over_pairs(learned, kind, network, permutations)
            for kind, network in product(MAPS, study.patterns.network.seeds)
        ),
        *(
            over_heads(results.heads, kind, source, group, permutations)
            for kind, (source, group) in product(MAPS, groups.items())
        ),
    ]


def _heterogeneous(heads: Iterable[HeadPatterns], kind: str) -> list[HeadPatterns]:
    """Return the counts of heterogeneous maps in fine-tuned models."""
    wanted = (kind, FINE_TUNED, HETEROGENEOUS)
    return [row for row in heads if (row.map, row.state, row.pattern) == wanted]


def _by_task(
    rows: Iterable[HeadPatterns], of_head: Callable[[list[HeadPatterns]], tuple[float, float]]
) -> list[tuple[Values, Values]]:
    """Return two numbers of every head, as two arrays (heads,) for every task."""
    groups = []
    for of_task in grouped(rows, lambda row: row.task).values():
        heads = grouped(of_task, lambda row: (row.layer, row.head)).values()
        first, second = np.array([*zip(*map(of_head, heads), strict=True)])
        groups.append((first, second))
    return groups


def over_pairs(heads: Iterable[HeadPatterns], kind: str, network: int, permutations: int) -> Row:
    """Correlate "is a super-survivor" and "is heterogeneous", of head and example (Pearson).

    It is over tasks, seeds, examples and heads, as in Prasanna et al. 2020.
    """
    rows = [row for row in _heterogeneous(heads, kind) if row.network == network]
    survivors = [row for row in rows if row.survives == row.seeds]
    pearson = correlation.pearson_of_counts(
        sum(row.all_examples for row in rows),
        sum(row.all_examples for row in survivors),
        sum(row.examples for row in rows),
        sum(row.examples for row in survivors),
    )
    row = Row(measure="pearson", map=kind, source=f"here, network {network}", **NO_VALUE)
    if pearson is None:
        return row

    def of_head(own: list[HeadPatterns]) -> tuple[float, float]:
        return float(sum(row.examples for row in own)), float(own[0].survives == own[0].seeds)

    row.value, row.p, row.n = pearson.value, pearson.p, pearson.n
    generator = np.random.default_rng(stable_seed("patterns of pairs", kind, network))
    row.p_of_heads = correlation.p_of_sum(_by_task(rows, of_head), permutations, generator)
    return row


def over_heads(
    heads: Iterable[HeadPatterns], kind: str, source: str, tasks: Sequence[str], permutations: int
) -> Row:
    """Correlate over heads the share that is heterogeneous and the seeds survived (Spearman).

    The share is the mean over examples, seeds and networks; the correlation the mean over tasks.
    """

    def of_head(own: list[HeadPatterns]) -> tuple[float, float]:
        share = sum(row.examples / row.all_examples for row in own) / len(own)
        # Rounded, for the order of a sum must not make ranks of what is tied.
        return round(share, 12), float(own[0].survives)

    groups = _by_task([row for row in _heterogeneous(heads, kind) if row.task in tasks], of_head)
    generator = np.random.default_rng(stable_seed("patterns and survival", kind, *tasks))
    ranks = correlation.spearman(groups, permutations, generator)
    row = Row(measure="spearman", map=kind, source=source, **NO_VALUE)
    if ranks:
        row.value, row.p_of_heads, row.n = ranks.value, ranks.p, ranks.n
    return row


def coefficient(value: float) -> str:
    """Word a correlation with its sign."""
    return f"{value:+.4f}".replace("-", "−")


COLUMNS = (
    columns.named("correlation", "measure", MEASURES.__getitem__),
    columns.named("map", "map"),
    columns.named("of", "source"),
    columns.number("value", "value", coefficient, "value"),
    columns.number("p, pairs", "p", words.probability, "p"),
    columns.number("p, heads", "p_of_heads", words.probability, "p_of_heads"),
    columns.named("n", "n", "{:,}".format),
)


def survival_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List whether heads that survive are heterogeneous more often: as in the paper, and over heads."""
    caption = (
        "Pearson's r, as in the paper, is of being a super-survivor and being heterogeneous, over pairs "
        "of head and example (the paper's text and its notebook do not agree). Spearman's ρ is of the "
        "share of a head's maps that are heterogeneous and the number of seeds whose joint search keeps "
        "it. The p of pairs takes the examples of a head as independent, that of heads is by "
        f"{study.search.permutations} permutations of heads within tasks, and n counts pairs or heads."
    )
    return table("pattern_survival", caption, rows, COLUMNS, results.not_run("patterns"))
