"""Shares of the five classes of attention maps, and how well networks tell them apart."""

from collections.abc import Sequence
from itertools import product
from operator import attrgetter

from stages.tickets.report import columns, table, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.search_rows import HEADS, STATES, Confusion
from stages.tickets.report.table import Row, Table
from stages.tickets.searches.attention.patterns import MAPS, PATTERNS
from stages.tickets.settings import Study

NAMES = {"all": "all heads", "super": "super-survivors"}
FINE_TUNED = STATES[0]
NO_HEAD = "no head survives"


def shares_of(results: Results, study: Study) -> list[Row]:
    """Average the shares of every task, then those over all that have learned.

    Returns:
        By model, map, heads and class: the task, empty for all; summaries over networks, each a mean over
        tasks and seeds, and over seeds, each a mean over tasks and networks, None if no head survives;
        the tasks that have such maps; the numbers of networks and of the maps of all seeds and tasks.
    """
    by_place = grouped(results.shares, attrgetter("state", "map", "heads", "pattern"))
    groups = {task: [task] for task in study.patterns.tasks} | {
        "": results.usable(study.patterns.tasks)
    }
    listed = []
    places = product(groups.items(), product(STATES, MAPS, HEADS, PATTERNS))
    for (task, tasks), place in places if results.shares else ():
        rows = [row for row in by_place.get(place, ()) if row.task in tasks]
        over_networks, over_seeds = (
            results.over([sum(row.share for row in own) / len(own) for own in known.values()])
            for known in (grouped(rows, attrgetter(name)) for name in ("network", "seed"))
        )
        share = Row(task=task, over_networks=over_networks, over_seeds=over_seeds)
        share.state, share.map, share.heads, share.pattern = place
        share.networks = over_networks.n if over_networks else 0
        share.tasks = tuple(dict.fromkeys(row.task for row in rows))
        share.maps = sum({(row.task, row.seed): row.maps for row in rows}.values())
        listed.append(share)
    return listed


def shares_table(shares: Sequence[Row], results: Results, study: Study) -> Table:
    """List shares of the five classes by task, model, map and heads."""
    examples = study.patterns.examples
    caption = (
        "Share of maps of each class in per cent, ± standard deviation over networks; a map is the "
        f"attention of one head on one of {examples.number} examples of the {examples.split} split. "
        "Normed maps are multiplied by the norms of the transformed values. Super-survivors are the "
        "heads that the joint searches of all seeds keep, in a model cut down to them."
    )
    rows = [row for row in shares if row.task]
    lines = []
    for place, own in grouped(rows, attrgetter("task", "state", "map", "heads")).items():
        cells = (words.spread(row.over_networks) if row.maps else words.NONE for row in own)
        maps = f"{own[0].maps:,}" if own[0].maps else NO_HEAD
        lines.append((*place[:3], NAMES[place[3]], *cells, maps, str(own[0].networks)))
    header = ("task", "model", "map", "heads", *PATTERNS, "maps", "networks")
    csv = table.records(
        rows,
        columns.value("task", "state", "map", "heads", "pattern"),
        columns.only_csv("share", "over_networks.mean"),
        columns.only_csv("std_over_networks", "over_networks.std"),
        columns.value("networks", "maps"),
    )
    return table.of_cells("patterns", caption, header, lines, csv, results.not_run("patterns"))


def agreement(results: Results) -> str:
    """Tell on how many maps of whole fine-tuned models networks agree; empty with one network."""
    learned = [row for row in results.networks if row.task not in results.no_evidence]
    known = grouped(learned, attrgetter("map", "state", "heads"))
    parts = [
        f"{words.percent(round(sum(row.agreement for row in own) / len(own), 2))} of the {kind} maps"
        for kind in MAPS
        if (own := known.get((kind, FINE_TUNED, "all")))
    ]
    text = f" Two networks of other seeds say the same of {' and of '.join(parts)}."
    return text if parts else ""


def accuracies(rows: Sequence[Confusion], kind: str) -> list[float]:
    """Compute the accuracy of every network on held-out maps of one kind."""
    by_network = grouped([row for row in rows if row.map == kind], lambda row: row.network)
    return [
        sum(row.maps for row in own if row.true == row.found) / sum(row.maps for row in own)
        for own in by_network.values()
    ]


def confusion_table(results: Results, study: Study) -> Table:
    """List what networks find in held-out maps of each class."""
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
    for made_as, own in grouped(results.confusion, attrgetter("map", "true")).items():
        maps = [sum(row.maps for row in own if row.found == name) for name in PATTERNS]
        total, networks = sum(maps), len({row.network for row in own})
        shares = (words.points(number / total) for number in maps)
        lines.append((", ".join(made_as), *shares, str(total // networks), str(networks)))
    header = ("made as", *(f"found {name}" for name in PATTERNS), "maps", "networks")
    csv, why = [dict(vars(row)) for row in results.confusion], results.not_run("patterns")
    return table.of_cells("pattern_confusion", caption, header, lines, csv, why)
