"""Shares of the five classes of attention maps, and how well networks tell them apart."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from operator import attrgetter

from stages.tickets.report import columns, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import HEADS, STATES, Confusion, PatternShare
from stages.tickets.report.table import Table, table
from stages.tickets.searches.attention.patterns import MAPS, PATTERNS
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

NAMES = {"all": "all heads", "super": "super-survivors"}
FINE_TUNED = STATES[0]
NO_HEAD = "no head survives"


@dataclass(frozen=True)
class Share:
    """The share of one class among maps that are counted together."""

    task: str
    """Empty: all tasks."""
    state: str
    map: str
    heads: str
    pattern: str
    over_networks: Summary | None
    """Over networks, each a mean over tasks and seeds; None if no head survives."""
    over_seeds: Summary | None
    """Over seeds, each a mean over tasks and networks."""
    tasks: tuple[str, ...]
    """Tasks that have such maps."""
    maps: int
    """Maps of all seeds and tasks."""

    @property
    def networks(self) -> int:
        """Number of networks."""
        return self.over_networks.n if self.over_networks else 0


def shares_of(results: Results, study: Study) -> list[Share]:
    """The shares of every task, then those over all tasks, by model, map and heads."""
    groups = (*study.patterns.tasks, "") if results.shares else ()
    listed = []
    for task, state, kind, heads, pattern in product(groups, STATES, MAPS, HEADS, PATTERNS):
        rows = [
            row
            for row in results.shares
            if (row.state, row.map, row.heads, row.pattern) == (state, kind, heads, pattern)
            if task in ("", row.task)
        ]
        over_networks, over_seeds = (
            _over(grouped(rows, key).values(), study.tickets.confidence)
            for key in (attrgetter("network"), attrgetter("seed"))
        )
        tasks = tuple(dict.fromkeys(row.task for row in rows))
        maps = sum({(row.task, row.seed): row.maps for row in rows}.values())
        listed.append(
            Share(task, state, kind, heads, pattern, over_networks, over_seeds, tasks, maps)
        )
    return listed


def _over(groups: Collection[Sequence[PatternShare]], confidence: float) -> Summary | None:
    means = [sum(row.share for row in rows) / len(rows) for rows in groups]
    return intervals.summarize(means, confidence) if means else None


def shares_table(shares: Sequence[Share], results: Results, study: Study) -> Table:
    """Shares of the five classes by task, model, map and heads."""
    examples = study.patterns.examples
    caption = (
        "Share of maps of each class in per cent, ± standard deviation over networks; a map is the "
        f"attention of one head on one of {examples.number} examples of the {examples.split} split. "
        "Normed maps are multiplied by the norms of the transformed values. Super-survivors are the "
        "heads that the joint searches of all seeds keep, in a model cut down to them."
    )
    rows = [row for row in shares if row.task]
    lines = [
        (
            *place,
            *(words.spread(row.over_networks) if row.maps else words.NONE for row in own),
            f"{own[0].maps:,}" if own[0].maps else NO_HEAD,
            str(own[0].networks),
        )
        for place, own in grouped(
            rows, lambda row: (row.task, row.state, row.map, NAMES[row.heads])
        ).items()
    ]
    header = columns.of_cells(("task", "model", "map", "heads", *PATTERNS, "maps", "networks"))
    records = columns.records(
        rows,
        columns.value("task", "state", "map", "heads", "pattern"),
        columns.only_csv("share", "over_networks.mean"),
        columns.only_csv("std_over_networks", "over_networks.std"),
        columns.value("networks", "maps"),
    )
    return table("patterns", caption, lines, header, results.not_run("patterns"), records)


def agreement(results: Results) -> str:
    """On how many maps of whole fine-tuned models two networks agree; empty with one network."""
    parts = []
    for kind in MAPS:
        place = (kind, FINE_TUNED, "all")
        values = [
            row.agreement for row in results.networks if (row.map, row.state, row.heads) == place
        ]
        if values:
            parts.append(f"{words.percent(round(sum(values) / len(values), 2))} of the {kind} maps")
    return (
        f" Two networks of other seeds say the same of {' and of '.join(parts)}." if parts else ""
    )


def accuracies(rows: Sequence[Confusion], kind: str) -> list[float]:
    """The accuracy of every network on held-out maps of one kind."""
    by_network = grouped([row for row in rows if row.map == kind], lambda row: row.network)
    return [
        sum(row.maps for row in own if row.true == row.found) / sum(row.maps for row in own)
        for own in by_network.values()
    ]


def confusion_table(results: Results, study: Study) -> Table:
    """What networks find in held-out maps of each class."""
    network = study.patterns.network
    listed = [
        f"{kind} {' and '.join(map(words.points, accuracies(results.confusion, kind)))}"
        for kind in MAPS
    ]
    caption = (
        "What networks find in held-out maps made by rule, of other lengths and of more noise "
        f"({network.held_out_noise} instead of {network.noise}) than they learned from, in per cent of "
        f"the maps of a class. The accuracy of each network is: {'; '.join(listed)}. The paper's network "
        "has a weighted F1 of 81 (raw) and 74 (normed) on a fifth of the maps labelled by hand."
    )
    lines = []
    for made_as, own in grouped(results.confusion, lambda row: (row.map, row.true)).items():
        maps = {name: sum(row.maps for row in own if row.found == name) for name in PATTERNS}
        total, networks = sum(maps.values()), len({row.network for row in own})
        shares = [words.points(number / total) for number in maps.values()]
        lines.append((", ".join(made_as), *shares, str(total // networks), str(networks)))
    header = columns.of_cells(
        ("made as", *(f"found {name}" for name in PATTERNS), "maps", "networks")
    )
    records = [dict(vars(row)) for row in results.confusion]
    missing = results.not_run("patterns")
    return table("pattern_confusion", caption, lines, header, missing, records)
