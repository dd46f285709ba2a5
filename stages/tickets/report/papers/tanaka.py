"""What Tanaka et al. 2020 state of masks at initialisation, as far as it carries over to an encoder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log10

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
    compared: Sequence[Row],
    chosen: Sequence[Row],
    ends: Sequence[Row],
    results: Results,
    study: Study,
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
    if ends and results.usable(study.at_initialisation.tasks):
        missing = f"not run: at_initialisation.masks lacks {FLOW} in several iterations, or others"
    claim = results.claim("critical_order", words.count(len(tests), "pair"))
    claim = replace(claim, published=in_orders(published), same=SAME)
    return with_orders(of_every(claim, tests, missing))


def reaches(ends: Sequence[Row], missing: str, results: Results, study: Study) -> Claim:
    """Compare how far SynFlow can prune with one weight for every matrix, by start and task."""
    masks = {mask.name: mask for mask in study.at_initialisation.masks}
    flows = [
        row for row in ends if masks[row.mask].score == FLOW and masks[row.mask].iterations > 1
    ]
    tests = []
    for row in flows if study.at_initialisation.rule.qk != "third" else ():
        for task in results.usable(study.at_initialisation.tasks):
            short = [level - log10(row.maximal) for level in logarithms(row, task).values()]
            gain = intervals.summarize_differences(short, study.tickets.confidence)
            tests.append(Bounded(f"{task} {row.start} {row.mask}", gain, low=-SHORT))
    if ends and results.usable(study.at_initialisation.tasks):
        lacks = f"not run: at_initialisation.masks lacks {FLOW} in several iterations"
        missing = THIRDS if flows else lacks
    paper = published_criticals(results).get("synflow")
    published = f"{paper:.2f} of about 6" if paper else words.NONE
    claim = results.claim(
        "critical_maximal", words.count(len(tests), "pair") + " of start and task"
    )
    claim = replace(claim, published=published, same=SAME)
    return with_orders(of_every(claim, tests, missing))


def magnitude(compared: Sequence[Row], missing: str, results: Results, study: Study) -> Claim:
    """Compare magnitude with every other score, by task, start and size."""
    scores = {mask.name: mask.score for mask in study.at_initialisation.masks}
    own = [
        row
        for row in compared
        if row.task in results.usable([row.task]) and LEAST <= round(row.sparsity, 6) <= MOST
    ]
    tests = []
    for (task, start, _), rows in grouped(
        own, lambda row: (row.task, row.start, row.compression)
    ).items():
        for first in (row for row in rows if scores[row.mask] == "magnitude"):
            for row in rows:
                gain = results.compare(first.run, row.run)
                if gain and scores[row.mask] != "magnitude":
                    of = f"{task} {start} {words.percent(row.sparsity)} {row.mask}"
                    tests.append(Bounded(of, gain, low=-shared.margin(task, results)))
    if compared and results.usable(study.at_initialisation.tasks):
        missing = "not run: no compression from 40 to 90 % has magnitude beside another score"
    claim = results.claim("magnitude_level", words.count(len(tests), "pair"))
    claim = replace(claim, published=ranged(published_gains(results)), same=SAME)
    return of_every(claim, tests, missing)


def close(chosen: Sequence[Row], missing: str, results: Results, study: Study) -> Claim:
    """Compare the best masks with tickets, by task and size; it fails only if all masks fail."""
    own = [row for row in chosen if row.task in results.usable([row.task])]
    tests = [
        Bounded(
            f"{row.task} {words.percent(row.sparsity)} {row.mask}",
            row.gain,
            low=-study.verdict.close * row.margin,
            others=row.others,
        )
        for row in own
    ]
    if results.scores.has(KIND) and results.usable(study.at_initialisation.tasks):
        missing = "not run: no compression has the size of a ticket"
    claim = results.claim("start_close", words.count(len(tests), "task and size"))
    return of_every(claim, tests, missing)


def logarithms(row: Row, task: str) -> dict[int, float]:
    """Return the logarithms of critical compressions of a task by seed."""
    return {seed: log10(level) for (of, seed), level in row.reached.items() if of == task}


def with_orders(claim: Claim) -> Claim:
    """Word what is measured in orders of magnitude, since all other claims are in points."""
    if not claim.tests:
        return claim
    levels = {test.of: test.gain.mean for test in claim.tests}
    return replace(claim, here=f"{in_orders(levels)}; {held(claim.tests)}")


def in_orders(levels: Mapping[str, float]) -> str:
    """Word the least and the greatest number of orders of magnitude, and of what they are."""
    if not levels:
        return words.NONE
    ends = dict.fromkeys((min(levels, key=levels.__getitem__), max(levels, key=levels.__getitem__)))
    return " to ".join(f"{levels[of]:+.2f} ({of})".replace("-", "−", 1) for of in ends)


# --- published numbers -----------------------------------------------------------------------


def published_criticals(results: Results) -> dict[str, float]:
    """Return the published logarithms of critical compressions by score."""
    rows = results.published_start
    return {row.score: row.value for row in rows if row.quantity == "log10_critical"}


def published_gains(results: Results) -> dict[str, float]:
    """Subtract the other scores' accuracy at 90 % from that of magnitude, by network and score."""
    levels = {
        (row.network, row.data, row.score): row.value
        for row in results.published_start
        if row.quantity == "accuracy" and row.compression == COMPRESSIONS[0]
    }
    return {
        f"{network} {score}": levels[network, data, "magnitude"] - level
        for (network, data, score), level in levels.items()
        if score != "magnitude" and (network, data, "magnitude") in levels
    }


def published_rows(results: Results) -> Iterator[Row]:
    """Collect the published numbers of every network and score."""
    dense = {
        (row.network, row.data): row.value
        for row in results.published_start
        if row.quantity == "dense"
    }
    groups = grouped(results.published_start, lambda row: (row.network, row.data, row.score))
    for (network, data, score), own in groups.items():
        if not score:
            continue
        levels = {f"{row.compression:g}": row.value for row in own if row.compression is not None}
        critical = next((row.value for row in own if row.quantity == "log10_critical"), None)
        yield Row(network=network, data=data, score=score, levels=levels, critical=critical,
                  dense=dense[network, data])  # fmt: skip


def published_table(results: Results) -> Table:
    """List the published numbers, of another architecture."""
    caption = (
        "Accuracy at compressions of 10, 100 and 1000, and the logarithm of the critical compression, as "
        "published by Tanaka et al. 2020: means of 3 runs of convolutional networks on images, from the "
        "files that its authors released. They are of another architecture, so no verdict rests on them."
    )
    made = table.table("tanaka_published", caption, list(published_rows(results)), PUBLISHED)
    return replace(made, of_papers=True)
