"""Shares of the five classes of attention maps, and how well networks tell them apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from stages.tickets.report import columns, words
from stages.tickets.report.results import Results
from stages.tickets.report.search_rows import HEADS, MAPS, STATES, Confusion, PatternShare
from stages.tickets.report.table import Column, Record, Table, table
from stages.tickets.searches.attention.patterns import PATTERNS
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

NAMES = {"all": "all heads", "super": "super-survivors"}
FINE_TUNED = STATES[0]
NO_HEAD = "no head survives"


@dataclass(frozen=True)
class Shares:
    """Shares of the five classes among maps that are counted together."""

    task: str
    """Empty: all tasks."""
    state: str
    map: str
    heads: str
    over_networks: Mapping[str, Summary]
    """By class over networks, each a mean over tasks and seeds; empty if no head survives."""
    over_seeds: Mapping[str, Summary]
    """By class over seeds, each a mean over tasks and networks."""
    tasks: tuple[str, ...]
    """Tasks that have such maps."""
    networks: int
    maps: int
    """Maps of all seeds and tasks."""


def shares_of(results: Results, study: Study) -> list[Shares]:
    """The shares of every task, then those over all tasks, by model, map and heads."""
    groups = (*study.patterns.tasks, "") if results.shares else ()
    return [
        _shares(task, state, kind, heads, results, study)
        for task in groups
        for state in STATES
        for kind in MAPS
        for heads in HEADS
    ]


def _shares(task: str, state: str, kind: str, heads: str, results: Results, study: Study) -> Shares:
    rows = [
        row
        for row in results.shares
        if (row.state, row.map, row.heads) == (state, kind, heads) and task in ("", row.task)
    ]
    confidence = study.tickets.confidence
    return Shares(
        task,
        state,
        kind,
        heads,
        _over(rows, lambda row: row.network, confidence),
        _over(rows, lambda row: row.seed, confidence),
        tuple(dict.fromkeys(row.task for row in rows)),
        len({row.network for row in rows}),
        sum({(row.task, row.seed): row.maps for row in rows}.values()),
    )


def _over(
    rows: Sequence[PatternShare], key: Callable[[PatternShare], int | None], confidence: float
) -> dict[str, Summary]:
    values: dict[str, dict[int | None, list[float]]] = {}
    for row in rows:
        values.setdefault(row.pattern, {}).setdefault(key(row), []).append(row.share)
    return {
        pattern: intervals.summarize(
            [sum(shares) / len(shares) for shares in by_key.values()], confidence
        )
        for pattern, by_key in values.items()
    }


def shares_table(shares: Sequence[Shares], results: Results, study: Study) -> Table:
    """Shares of the five classes by task, model, map and heads."""
    examples = study.patterns.examples
    caption = (
        "Share of maps of each class in per cent, mean over seeds, ± standard deviation over networks; "
        f"a map is the attention of one head on one of {examples.number} examples of the "
        f"{examples.split} split. Normed maps are multiplied by the norms of the transformed values; "
        "super-survivors are the heads that the joint searches of all seeds keep, in a model cut down "
        "to them."
    )
    rows = [row for row in shares if row.task]
    shown = [
        columns.text("task", lambda row: row.task),
        columns.text("model", lambda row: row.state),
        columns.text("map", lambda row: row.map),
        columns.text("heads", lambda row: NAMES[row.heads]),
        *(Column(pattern, partial(_share, pattern=pattern)) for pattern in PATTERNS),
        Column("maps", lambda row: f"{row.maps:,}" if row.networks else NO_HEAD),
        Column("networks", lambda row: str(row.networks)),
    ]
    records: list[Record] = [
        {
            "task": row.task, "state": row.state, "map": row.map, "heads": row.heads,
            "pattern": pattern, "share": known.mean if known else None,
            "std_over_networks": known.std if known else None, "networks": row.networks,
            "maps": row.maps,
        }
        for row in rows
        for pattern in PATTERNS
        for known in [row.over_networks.get(pattern)]
    ]  # fmt: skip
    return table("patterns", caption, rows, shown, results.not_run("patterns"), long=records)


def _share(row: Shares, pattern: str) -> str:
    return words.spread(row.over_networks[pattern]) if row.networks else words.NONE


# --- how well networks tell the classes apart ---------------------------------------------------


def agreement(results: Results) -> str:
    """On how many maps of whole fine-tuned models two networks agree; empty with one network."""
    parts = []
    for kind in MAPS:
        place = (kind, FINE_TUNED, HEADS[0])
        values = [
            row.agreement for row in results.networks if (row.map, row.state, row.heads) == place
        ]
        if values:
            parts.append(f"{words.percent(round(sum(values) / len(values), 2))} of the {kind} maps")
    if not parts:
        return ""
    return f" Two networks of other seeds say the same of {' and of '.join(parts)}."


def accuracies(rows: Sequence[Confusion], kind: str) -> list[float]:
    """The accuracy of every network on held-out maps of one kind."""
    right: dict[int, int] = {}
    total: dict[int, int] = {}
    for row in rows:
        if row.map == kind:
            total[row.network] = total.get(row.network, 0) + row.maps
            right[row.network] = right.get(row.network, 0) + row.maps * (row.true == row.found)
    return [right[network] / total[network] for network in total]


def confusion_table(results: Results, study: Study) -> Table:
    """What networks find in held-out maps of each class."""
    network = study.patterns.network
    listed = [
        f"{kind} {' and '.join(map(words.points, accuracies(results.confusion, kind)))}"
        for kind in MAPS
    ]
    caption = (
        "What networks find in maps made by rule and held out, of lengths that they did not learn from "
        f"and of more noise ({network.held_out_noise} instead of {network.noise}), per cent of the maps "
        "of a class, mean over networks. The network of the paper has a weighted F1 of 81 (raw) and 74 "
        "(normed) on a fifth of the maps labelled by hand. Accuracy here, a number for each network: "
        f"{'; '.join(listed)}."
    )
    by_class: dict[tuple[str, str], list[Confusion]] = {}
    for row in results.confusion:
        by_class.setdefault((row.map, row.true), []).append(row)
    rows = [by_class[kind, true] for kind in MAPS for true in PATTERNS if (kind, true) in by_class]

    def maps(rows: list[Confusion], classes: Sequence[str] = PATTERNS) -> int:
        return sum(row.maps for row in rows if row.found in classes)

    def part(rows: list[Confusion], pattern: str) -> str:
        return words.points(maps(rows, [pattern]) / maps(rows))

    def networks(rows: list[Confusion]) -> int:
        return len({row.network for row in rows})

    shown: Sequence[Column[list[Confusion]]] = (
        Column("made as", lambda rows: f"{rows[0].map}, {rows[0].true}"),
        *(Column(f"found {name}", partial(part, pattern=name)) for name in PATTERNS),
        Column("maps", lambda rows: str(maps(rows) // networks(rows))),
        Column("networks", lambda rows: str(networks(rows))),
    )
    records: list[Record] = [dict(vars(row)) for row in results.confusion]
    missing = results.not_run("patterns")
    return table("pattern_confusion", caption, rows, shown, missing, long=records)
