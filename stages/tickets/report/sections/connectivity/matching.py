"""Do subnetworks match where they are stable: the pairs of copies, counted by both."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, table, words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.sections.connectivity.lines import Line
from stages.tickets.report.sections.connectivity.measured import ACCURACY, POINTS
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics.contingency import fisher_exact
from stages.tickets.statistics.matching import ROUNDING

CAPTION = (
    "Pairs of copies that differ in the order of examples and dropout match if their mean is at "
    "most the margin below dense, and are stable if the barrier of Frankle et al. 2020 is below "
    "{threshold:g} points. The paper's margin is 0.2 points of accuracy; the margins in this "
    "table are those of all verdicts. Fisher's p takes the pairs of a task for independent, so it "
    "is rather too small."
)
COLUMNS = (
    columns.named("network", "net"),
    columns.text("matching, stable", "matching_and_stable"),
    columns.text("matching, not stable", "matching_alone"),
    columns.text("not matching, stable", "stable_alone"),
    columns.text("neither", "neither"),
    columns.text("at chance", "at_chance"),
    columns.text("n", "n"),
    columns.number("p (Fisher)", "p", words.probability),
)
OF_PAIR = (
    columns.value("task", "net", "round", "point", "seed", "gain", "barrier"),
    columns.value("matches", "stable"),
)


@dataclass(frozen=True)
class Counted:
    """Two copies of a subnetwork of one seed."""

    task: str
    net: str
    round: int
    point: int | None
    seed: int
    gain: float
    """Mean score of both minus that of the dense model, as a fraction of 1."""
    barrier: float | None
    """That of Frankle et al. 2020, as a fraction of 1; None at chance, where there is no barrier."""
    matches: bool
    stable: bool | None
    """None at chance."""


def pairs(lines: Sequence[Line], results: Results, study: Study) -> list[Counted]:
    """List the pairs of copies of subnetworks that can match and be stable.

    The threshold is made for accuracy, so tasks without it are left out, and so are tasks whose dense
    model has not learned.
    """
    threshold = study.connectivity.threshold / POINTS
    tasks = results.usable(study.connectivity.tasks)
    counted = []
    for line in lines:
        if not (line.is_order and line.is_subnetwork):
            continue
        if line.metric != ACCURACY or line.task not in tasks:
            continue
        margin = shared.margin(line.task, results)
        for pair in line.pairs:
            gain = line.gains.get(int(pair.seeds))
            if gain is None:
                continue
            barrier = pair.barrier("error_barrier", line.kind) if pair.ends.learned else None
            stable = None if barrier is None else barrier < threshold
            place = line.task, line.net, line.round, line.point, int(pair.seeds)
            counted.append(Counted(*place, gain, barrier, gain >= -margin - ROUNDING, stable))
    return counted


def counts(counted: Sequence[Counted]) -> list[Row]:
    """Count by network, and over all networks if there are several."""
    groups = grouped(counted, lambda pair: pair.net)
    rows = [_count(net, own) for net, own in groups.items()]
    return [*rows, _count("all", counted)] if len(groups) > 1 else rows


def _count(net: str, counted: Sequence[Counted]) -> Row:
    def of(*, matches: bool, stable: bool) -> int:
        return sum((pair.matches, pair.stable) == (matches, stable) for pair in counted)

    cells = {
        "matching_and_stable": of(matches=True, stable=True),
        "matching_alone": of(matches=True, stable=False),
        "stable_alone": of(matches=False, stable=True),
        "neither": of(matches=False, stable=False),
    }
    num = sum(cells.values())
    numbers = cells | {"n": num, "at_chance": len(counted) - num}
    texts = {name: str(number) for name, number in numbers.items()}
    return Row(net=net, p=fisher_exact(*cells.values()), **texts)


def matching_table(counted: Sequence[Counted], study: Study, why: str) -> Table:
    """Show the counts; csv has every pair."""
    caption = CAPTION.format(threshold=study.connectivity.threshold)
    long = table.records(counted, *OF_PAIR)
    rows = counts(counted)
    return table.table("connectivity_matching", caption, rows, COLUMNS, why, long)


def answer(counted: Sequence[Counted]) -> str:
    """Count matching and stable pairs in a sentence; empty without any."""
    if not counted:
        return ""
    row = _count("all", counted)
    return (
        f"Of {words.count(int(row.n), 'pair')} of copies of subnetworks under other order and dropout "
        f"{row.matching_and_stable} match and are stable, {row.matching_alone} match alone, "
        f"{row.stable_alone} are stable alone and {row.neither} are neither."
    )
