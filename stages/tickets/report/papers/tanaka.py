"""What Tanaka et al. 2020 state of masks at initialisation, as far as it carries over to an encoder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, log10

from stages.tickets.report import columns, table, words
from stages.tickets.report.claim import NO_VERDICT, Bounded, Claim, held, of_every, ranged
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

KIND = "at_initialisation"
FLOW = "synflow-without-residual"
"""The score that the paper's SynFlow is in an encoder: its networks have no paths beside a matrix."""
OTHERS = ("random", "magnitude", "snip", "grasp")
LEAST, MOST = 0.4, 0.9
"""Sparsities of the papers on tickets, at which magnitude is tried."""
SHORT = 0.1
"""Orders of magnitude below the maximal compression that still count as reaching it; the paper's own
number is .08 below."""
SAME = f"{NO_VERDICT}: another architecture"
THIRDS = (
    "not run: at_initialisation.rule.qk is third, with which no score reaches the maximal compression; "
    "exclude can"
)
COMPRESSIONS = (10.0, 100.0, 1000.0)
PUBLISHED = (
    columns.named("network", "network"),
    columns.named("data", "data"),
    columns.named("score", "score"),
    *(
        columns.number(f"at {size:g}", f"levels.{size:g}", words.points, f"accuracy_{size:g}")
        for size in COMPRESSIONS
    ),
    columns.number("dense", "dense", words.points, "dense"),
    columns.number("log10 critical", "critical", "{:.2f}".format, "log10_critical"),
)


def claims(
    compared: Sequence[Row], chosen: Sequence[Row], ends: Sequence[Row], results: Results, study: Study
) -> tuple[Claim, ...]:
    """Decide all statements.

    Args:
        compared, chosen, ends: rows of masks, of the best of them, and of critical compressions, as the
            section makes them.
    """
    missing = shared.nothing(study.at_initialisation.tasks, results, results.not_run(KIND))
    return (
        order(ends, missing, results, study),
        reaches(ends, missing, results, study),
        magnitude(compared, missing, results, study),
        close(chosen, missing, results, study),
    )


def order(ends: Sequence[Row], missing: str, results: Results, study: Study) -> Claim:
    """Compare how far SynFlow can prune with every other score, by start and task."""
    masks = {mask.name: mask for mask in study.at_initialisation.masks}
    tests = []
    for start, own in grouped(ends, lambda row: row.start).items():
        for first in own:
            if masks[first.mask].score != FLOW or masks[first.mask].iterations == 1:
                continue
            tests += [
                Bounded(f"{task} {start} {first.mask} − {second.mask}", gain, low=0.0)
                for second in own
                if masks[second.mask].score in OTHERS
                for task in results.usable(study.at_initialisation.tasks)
                if (
                    gain := intervals.compare(
                        logarithms(first, task), logarithms(second, task), study.tickets.confidence
                    )
                )
            ]
    paper = published_criticals(results)
    flow = paper.pop("synflow", 0.0)
    published = {score: flow - level for score, level in paper.items()}
    if ends and not missing_evidence(missing):
        missing = f"not run: at_initialisation.masks lacks {FLOW} in several iterations, or others"
    claim = results.claim("critical_order", words.count(len(tests), "pair"))
    claim = replace(claim, published=in_orders(published), same=SAME)
    return with_orders(of_every(claim, tests, missing))
