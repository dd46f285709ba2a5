"""The heat maps of transfer: ours, from dense and from the own ticket, and that of Chen et al. 2020."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stages.tickets.report import transfers as values
from stages.tickets.report.figure import Figure, render
from stages.tickets.report.names import source_name
from stages.tickets.report.panels import colour_bar, heat
from stages.tickets.report.results import Results
from stages.tickets.report.table import Record
from stages.tickets.report.transfers import Levels, Source, Transfer, serves
from stages.tickets.report.words import signed
from stages.tickets.settings import Study

CUT = 15.0
"""Points at which the published map's colours end: CoLA's cells reach -54."""


def transfer_figure(
    transfers: Sequence[Transfer],
    rows: Sequence[Source],
    caption: str,
    results: Results,
    study: Study,
) -> Figure:
    """Scores of every source's mask on every target, minus dense and minus the target's own ticket."""
    title = "Transfer of masks from sources (rows) to target tasks (columns), two maps"
    caption += (
        " The second map is minus the score of the column's own ticket; its right margin says on how "
        "many other tasks the row's mask does as well as their own."
    )
    if not transfers:
        return Figure("transfer", title, caption, missing=results.not_run("transfer"))
    dense = {(row.source, row.target): row.from_dense.mean for row in transfers}
    own = values.from_own(transfers)
    margin = {row.name: f"{row.as_good} of {row.others}" for row in rows if row.others}
    limit = 100 * max(map(abs, (*dense.values(), *own.values()))) or 1.0
    places = study.transfer.sources, study.transfer.targets
    svg = _two_maps("transfer", title, places, (dense, own), margin, limit)
    records: list[Record] = [
        {
            "pair": f"{row.source} to {row.target}",
            "source": row.source,
            "target": row.target,
            "difference": row.from_dense.mean,
            "low": row.from_dense.low,
            "high": row.from_dense.high,
            "minus_own": None if row.from_own is None else row.from_own.mean,
            "n": row.from_dense.n,
            "collapsed": row.collapsed,
        }
        for row in transfers
    ]
    return Figure("transfer", title, caption, svg, tuple(records))


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
    own = values.published_from_own(published)
    margin = {
        row.source: f"{row.dark} of {values.served(row.source, own)[1]}"
        for row in results.published_dark
    }
    places = list(margin), list(dict.fromkeys(row.target for row in published))
    maps = values.published_from_dense(published), own
    records: list[Record] = [
        {
            "source": row.source,
            "target": row.target,
            "difference": row.difference,
            "minus_own": own[row.source, row.target],
            "mark": row.mark,
        }
        for row in published
    ]
    svg = _two_maps("transfer_published", title, places, maps, margin, CUT)
    return Figure("transfer_published", title, caption, svg, tuple(records), of_papers=True)


def _two_maps(
    name: str,
    title: str,
    places: tuple[Sequence[str], Sequence[str]],
    maps: tuple[Levels, Levels],
    margin: Mapping[str, str],
    limit: float,
) -> str:
    """Two maps above each other, so that a phone shows the cells of one in full.

    Args:
        places: sources and targets.
        maps: differences from dense, and from the own ticket, in [-1, 1]; a star has who reaches that.
        margin: what stands to the right of a source's row.
        limit: of the colours, in points each way.
    """
    sources, targets = places
    stars = {place for place, level in maps[1].items() if serves(level) and place[0] != place[1]}

    def draw_map(canvas: Canvas, panel: Axes, levels: Levels, label: str) -> None:
        def text(place: tuple[str, str]) -> str:
            star = "*" if place in stars else ""
            return signed(levels[place]) + star if place in levels else ""

        cells = [
            [
                100 * levels[source, target] if (source, target) in levels else None
                for target in targets
            ]
            for source in sources
        ]
        texts = [[text((source, target)) for target in targets] for source in sources]
        names = ([source_name(source) for source in sources], targets)
        mesh = heat(panel, cells, texts, names, ("RdBu", -limit, limit))
        for y, source in enumerate(sources):
            panel.text(len(targets) + 0.15, y + 0.5, margin.get(source, ""), va="center")
        panel.set_title(label)
        panel.set_xlabel("target: trained on")
        panel.set_ylabel("source: mask found on")
        colour_bar(canvas, panel, mesh, f"{label} (points)")

    def draw(canvas: Canvas) -> None:
        upper, lower = canvas.subplots(2, 1)
        draw_map(canvas, upper, maps[0], "score − dense")
        draw_map(canvas, lower, maps[1], "score − own ticket")

    width = max(2.5 + 0.62 * len(targets), 4.4)
    return render(name, title, (width, 2 * (2.4 + 0.34 * len(sources))), draw)
