"""The heat maps of transfer: ours, from dense and from the own ticket, and that of Chen et al. 2020."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names as runs
from stages.tickets.report import transfers
from stages.tickets.report.figure import Config, Figure, render
from stages.tickets.report.heat_maps import colour_bar, heat
from stages.tickets.report.names import source_name
from stages.tickets.report.old import ChenResults
from stages.tickets.report.scores import Scores
from stages.tickets.report.table import Record
from stages.tickets.report.transfer_tables import transfer_caption
from stages.tickets.report.words import signed

Cells = Mapping[tuple[str, str], float]
CUT = 15.0
"""Points at which the published map's colours end: CoLA's cells reach -54."""


def transfer_figure(scores: Scores, config: Config) -> Figure:
    """Scores of every source's mask on every target, minus dense and minus the target's own ticket."""
    title = "Transfer of masks from sources (rows) to target tasks (columns), two maps"
    caption = (
        transfer_caption(config)
        + " The second map: minus the score of the column's own ticket. Right "
        "margin: on how many other tasks the row's mask does as well as their own."
    )
    cells = transfers.transfer_cells(scores, config)
    if not cells:
        return Figure("transfer", title, caption, missing=runs.why_not("transfer", config))
    sources, targets = config.transfer.sources, config.transfer.targets
    dense = {(cell.source, cell.target): cell.from_dense.mean for cell in cells}
    own = {(cell.source, cell.target): cell.from_own.mean for cell in cells if cell.from_own}
    stars = {(cell.source, cell.target) for cell in cells if cell.reaches_own}
    counts = {source: transfers.reached(source, cells) for source in sources}
    margin = {source: f"{count} of {total}" for source, (count, total) in counts.items() if total}
    limit = 100 * max(map(abs, (*dense.values(), *own.values()))) or 1.0
    svg = _two_maps("transfer", title, (sources, targets), (dense, own), stars, margin, limit)
    records: list[Record] = [
        {
            "pair": f"{cell.source} to {cell.target}",
            "source": cell.source,
            "target": cell.target,
            "difference": cell.from_dense.mean,
            "low": cell.from_dense.low,
            "high": cell.from_dense.high,
            "minus_own": None if cell.from_own is None else cell.from_own.mean,
            "n": cell.from_dense.n,
            "collapsed": cell.collapsed,
        }
        for cell in cells
    ]
    return Figure("transfer", title, caption, svg, tuple(records))


def published_transfer_figure(published: ChenResults) -> Figure:
    """Figure 2 of Chen et al. 2020, drawn in the same way."""
    title = "Published transfer of masks from sources (rows) to target tasks (columns), two maps"
    caption = (
        "Figure 2 of Chen et al. 2020, drawn anew from its numbers, in points: masks of 70 % sparsity, "
        "bert-base-uncased, minus dense, and minus the column's own mask. * at least the column's own "
        f"mask. Colours end at ±{CUT:g} points. Right margin: on how many other tasks the row's mask "
        "does as well as their own, as printed; for the one-shot mask the rounded cells say 5."
    )
    sources = [one.source for one in published.dark]
    targets = list(dict.fromkeys(one.target for one in published.transfers))
    dense = {(one.source, one.target): one.difference for one in published.transfers}
    own = transfers.published_from_own(published.transfers)
    stars = {place for place, found in own.items() if found >= -transfers.ROUNDING}
    margin = {
        one.source: f"{one.dark} of {transfers.published_reached(one.source, published.transfers)[1]}"
        for one in published.dark
    }
    svg = _two_maps(
        "transfer_published", title, (sources, targets), (dense, own), stars, margin, CUT
    )
    records: list[Record] = [
        {
            "source": one.source,
            "target": one.target,
            "difference": one.difference,
            "minus_own": own[one.source, one.target],
            "mark": one.mark,
        }
        for one in published.transfers
    ]
    return Figure("transfer_published", title, caption, svg, tuple(records))


def _two_maps(
    name: str,
    title: str,
    places: tuple[Sequence[str], Sequence[str]],
    maps: tuple[Cells, Cells],
    stars: set[tuple[str, str]],
    margin: Mapping[str, str],
    limit: float,
) -> str:
    """Two maps above each other, so that a phone shows the cells of one in full.

    Args:
        places: sources and targets.
        maps: differences from dense, and from the own ticket, in [-1, 1].
        stars: places at least as good as the own ticket.
        margin: what stands to the right of a source's row.
        limit: of the colours, in points each way.
    """
    sources, targets = places

    def one_map(canvas: Canvas, panel: Axes, cells: Cells, label: str) -> None:
        values = [[_points(cells.get((s, t))) for t in targets] for s in sources]
        texts = [
            [
                signed(cells[s, t]) + ("*" if (s, t) in stars and s != t else "")
                if (s, t) in cells
                else ""
                for t in targets
            ]
            for s in sources
        ]
        names = ([source_name(source) for source in sources], targets)
        mesh = heat(panel, values, texts, names, ("RdBu", -limit, limit))
        for y, source in enumerate(sources):
            panel.text(len(targets) + 0.15, y + 0.5, margin.get(source, ""), va="center")
        panel.set_title(label)
        panel.set_xlabel("target: trained on")
        panel.set_ylabel("source: mask found on")
        colour_bar(canvas, panel, mesh, f"{label} (points)")

    def draw(canvas: Canvas) -> None:
        upper, lower = canvas.subplots(2, 1)
        one_map(canvas, upper, maps[0], "score − dense")
        one_map(canvas, lower, maps[1], "score − own ticket")

    width = max(2.5 + 0.62 * len(targets), 4.4)
    return render(name, title, (width, 2 * (2.4 + 0.34 * len(sources))), draw)


def _points(value: float | None) -> float | None:
    return None if value is None else 100 * value
