"""The heat maps of transfer: ours, from dense and from the own ticket, and that of Chen et al. 2020."""

from collections.abc import Mapping, Sequence

from stages.tickets.report import columns, panels, transfers
from stages.tickets.report.figure import Figure
from stages.tickets.report.names import source_name
from stages.tickets.report.results import Results
from stages.tickets.report.transfers import Levels, Source, Transfer, serves
from stages.tickets.report.words import signed
from stages.tickets.settings import Study

CUT = 15.0
"""Points at which the published map's colours end: CoLA's cells reach -54."""


def transfer_figure(
    cells: Sequence[Transfer], rows: Sequence[Source], caption: str, results: Results, study: Study
) -> Figure:
    """Scores of every source's mask on every target, minus dense and minus the target's own ticket."""
    title = "Transfer of masks from sources (rows) to target tasks (columns), two maps"
    caption += (
        " The second map is minus the score of the column's own ticket; its right margin says on how "
        "many other tasks the row's mask does as well as their own."
    )
    if not cells:
        return Figure("transfer", title, caption, missing=results.not_run("transfer"))
    dense = {(row.source, row.target): row.from_dense.mean for row in cells}
    own = transfers.from_own(cells)
    margin = {row.name: f"{row.as_good} of {row.others}" if row.others else "" for row in rows}
    limit = 100 * max(map(abs, (*dense.values(), *own.values()))) or 1.0
    svg = _two_maps("transfer", title, study.transfer.targets, (dense, own), margin, limit)
    csv = columns.records(
        cells,
        columns.only_csv("pair", lambda row: f"{row.source} to {row.target}"),
        columns.value("source", "target"),
        columns.only_csv("difference", "from_dense.mean"),
        columns.value("from_dense.low", "from_dense.high"),
        columns.only_csv("minus_own", "from_own.mean"),
        columns.value("from_dense.n", "collapsed"),
    )
    return Figure("transfer", title, caption, svg, csv)


def published_figure(results: Results) -> Figure:
    """Figure 2 of Chen et al. 2020, drawn in the same way."""
    title = "Published transfer of masks from sources (rows) to target tasks (columns), two maps"
    caption = (
        "Figure 2 of Chen et al. 2020, drawn anew from its numbers: masks of 70 % sparsity, "
        "bert-base-uncased, minus dense, and minus the column's own mask; * at least the column's own "
        f"mask. Colours end at ±{CUT:g} points. Right margin: on how many other tasks the row's mask "
        "does as well as their own, as printed; for the one-shot mask the rounded cells say 5."
    )
    published = results.published_transfers
    dense, own = transfers.published_from_dense(published), transfers.published_from_own(published)
    margin = {
        row.source: f"{row.dark} of {transfers.served(row.source, own)[1]}"
        for row in results.published_dark
    }
    targets = list(dict.fromkeys(row.target for row in published))
    svg = _two_maps("transfer_published", title, targets, (dense, own), margin, CUT)
    csv = columns.records(
        published,
        columns.value("source", "target", "difference"),
        columns.only_csv("minus_own", lambda row: own[row.source, row.target]),
        columns.value("mark"),
    )
    return Figure("transfer_published", title, caption, svg, csv, of_papers=True)


def _two_maps(
    name: str,
    title: str,
    targets: Sequence[str],
    levels: tuple[Levels, Levels],
    margin: Mapping[str, str],
    limit: float,
) -> str:
    """Two maps above each other, with a star in the cells that reach the own ticket.

    Args:
        levels: differences from dense, and from the own ticket, in [-1, 1].
        margin: what stands to the right of a source's row, by source.
        limit: the end of the colours, in points each way.
    """

    places = [[(source, target) for target in targets] for source in margin]
    stars = {place for place, level in levels[1].items() if serves(level) and place[0] != place[1]}

    def cells(of: Levels, label: str) -> panels.Map:
        def text(place: tuple[str, str]) -> str:
            return signed(of[place]) + ("*" if place in stars else "") if place in of else ""

        return panels.Map(
            [[100 * of[place] if place in of else None for place in line] for line in places],
            [list(map(text, line)) for line in places],
            (list(map(source_name, margin)), targets),
            ("RdBu", -limit, limit),
            f"{label} (points)",
            ("source: mask found on", "target: trained on"),
            label,
            list(margin.values()),
        )

    drawn = (cells(levels[0], "score − dense"), cells(levels[1], "score − own ticket"))
    size = (max(2.5 + 0.62 * len(targets), 4.4), 2 * (2.4 + 0.34 * len(margin)))
    return panels.maps(name, title, size, *drawn)
