"""Do masks transfer between tasks: every source's mask trained on every target."""

from collections.abc import Mapping, Sequence

from stages.tickets.report import columns, names, panels, table, transfers, words
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers import other_masks, shared, tables
from stages.tickets.report.papers import transfer as tasks
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Row, Table
from stages.tickets.report.transfers import Levels
from stages.tickets.settings import Study

CUT = 15.0
"""Points at which the published map's colours end: CoLA's cells reach -54."""
TITLE = "Transfer of masks from sources (rows) to target tasks (columns), two maps"
CSV = (
    columns.value("source", "target"),
    columns.spread_of("score"),
    columns.spread_of("from_dense", "minus_dense_"),
    columns.spread_of("from_own", "minus_own_"),
    columns.only_csv("reaches_own", "reaches"),
    columns.only_csv("within_margin", "near"),
    columns.value("collapsed"),
)
OF_FIGURE = (
    columns.only_csv("pair", lambda row: f"{row.source} to {row.target}"),
    columns.value("source", "target"),
    columns.only_csv("difference", "from_dense.mean"),
    columns.value("from_dense.low", "from_dense.high"),
    columns.only_csv("minus_own", "from_own.mean"),
    columns.value("from_dense.n", "collapsed"),
)


def section(results: Results, study: Study) -> Section:
    """Show masks of tasks and of other sources on tasks, beside the tasks' own tickets."""
    cells = transfers.measure(results.scores, study)
    rows = transfers.by_source(cells, results, study)
    studies = tasks.compare(cells, results, study)
    return Section(
        "transfer",
        "Do masks transfer between tasks?",
        "Does a mask found on one task serve another as well as the other's own?",
        "Chen et al. 2020, Figure 2; the mask of several tasks is in the supplement.",
        answer(rows, results, study),
        stages=("transfer",),
        figures=(transfer_figure(cells, rows, results, study), published_figure(results)),
        tables=(
            transfer_table(cells, rows, results, study),
            tables.published_transfer_table(results, study),
        ),
        claims=(*tasks.claims(studies), *other_masks.claims(studies)),
    )


def answer(rows: Sequence[Row], results: Results, study: Study) -> str:
    """Tell how often a task's mask does as well as the own ticket, and which masks are universal."""
    if not rows:
        return words.sentence(results.not_run("transfer"))
    rows = [row for row in rows if row.name not in results.no_evidence]
    of_tasks = [row for row in rows if row.name in study.tasks]
    total = sum(row.others for row in of_tasks)
    if not total:
        return shared.naming("No task's mask was trained on another task than its own.", results)
    several = [row for row in rows if row.others > 1]
    universal = [names.source_name(row.name) for row in several if row.as_good == row.others]
    near = [names.source_name(row.name) for row in several if row.near == row.others]
    text = (
        f"{sum(row.as_good for row in of_tasks)} of {total} transfers of a task's mask to another task "
        f"score at least as high as the target's own ticket (n={len(study.transfer.seeds)}). Sources "
        f"that reach it on all of two or more other tasks: {', '.join(universal) or 'none'}; allowing "
        f"{words.points(study.tickets.transfer_margin)} points below it: {', '.join(near) or 'none'}."
    )
    return shared.naming(text, results)


def caption(study: Study) -> str:
    """Say what a cell of the table and of the map is."""
    several = ""
    if "multi-task" in study.transfer.sources:
        several = f"; several tasks are {', '.join(study.multitask.tasks)}"
    sparsity = words.percent(names.sparsities(study)[study.transfer.round])
    return (
        f"Masks {sparsity} sparse, found on the row's task and trained on the column's, minus the "
        f"column's dense score{several}; * at least the score of the column's own ticket on the same "
        "seeds."
    )


def transfer_table(
    cells: Sequence[Row], rows: Sequence[Row], results: Results, study: Study
) -> Table:
    """List every source's mask on every target, from dense and from the target's own ticket."""
    margin = words.points(study.tickets.transfer_margin)
    text = (
        f"{caption(study)} In brackets: minus the column's own ticket; last columns: on how many other "
        f"tasks the row's mask is as good, or at most {margin} points worse."
    )
    by_place = {(row.source, row.target): row for row in cells}

    def on(target: str) -> Column:
        return columns.text(target, lambda row: _cell(by_place.get((row.name, target))))

    shown = (
        columns.text("mask of", lambda row: names.source_name(row.name)),
        *map(on, study.transfer.targets),
        columns.text("as good as own", lambda row: _of(row.as_good, row)),
        columns.text(f"within {margin}", lambda row: _of(row.near, row)),
    )
    csv, why = table.records(cells, *CSV), results.not_run("transfer")
    return table.table("transfer", text, rows, shown, why, csv)


def _cell(transfer: Row | None) -> str:
    """Show the score from dense, with a star if it serves, and in brackets from the own ticket."""
    if transfer is None:
        return words.NOT_RUN
    own, star = words.NONE, ""
    if transfer.source == transfer.target:
        own = "own"
    elif transfer.from_own:
        own, star = words.signed(transfer.from_own.mean), "*" * transfer.reaches
    text = f"{words.signed(transfer.from_dense.mean)}{star} ({own})"
    return words.marked(text, transfer.collapsed)


def _of(count: int, row: Row, nothing: str = words.NONE) -> str:
    return f"{count} of {row.others}" if row.others else nothing


def transfer_figure(
    cells: Sequence[Row], rows: Sequence[Row], results: Results, study: Study
) -> Figure:
    """Draw every source's mask on every target, minus dense and minus the target's own ticket."""
    text = (
        f"{caption(study)} The second map is minus the score of the column's own ticket; its right "
        "margin says on how many other tasks the row's mask does as well as their own."
    )
    dense = {(row.source, row.target): row.from_dense.mean for row in cells}
    own = transfers.from_own(cells)
    margin = {row.name: _of(row.as_good, row, "") for row in rows}
    limit = 100 * max(map(abs, (*dense.values(), *own.values())), default=0.0) or 1.0
    csv, why = table.records(cells, *OF_FIGURE), results.not_run("transfer")
    shown = Figure("transfer", TITLE, text, "", csv, why)
    return _two_maps(shown, study.transfer.targets, dense, own, margin, limit)


def published_figure(results: Results) -> Figure:
    """Draw Figure 2 of Chen et al. 2020 in the same way."""
    text = (
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
    csv = table.records(
        published,
        columns.value("source", "target", "difference"),
        columns.only_csv("minus_own", lambda row: own[row.source, row.target]),
        columns.value("mark"),
    )
    title = f"Published t{TITLE[1:]}"
    shown = Figure("transfer_published", title, text, "", csv, of_papers=True)
    targets = list(dict.fromkeys(row.target for row in published))
    return _two_maps(shown, targets, dense, own, margin, CUT)


def _two_maps(
    figure: Figure,
    targets: Sequence[str],
    dense: Levels,
    own: Levels,
    margin: Mapping[str, str],
    limit: float,
) -> Figure:
    """Draw two maps above each other, with a star in the cells that reach the own ticket.

    Args:
        dense: differences from dense, in [-1, 1]; `own` are those from the own ticket.
        margin: what stands to the right of a source's row, by source.
        limit: the end of the colours, in points each way.
    """
    places = [[(source, target) for target in targets] for source in margin]

    def text(level: float | None, place: tuple[str, str]) -> str:
        reaches = place[0] != place[1] and place in own and transfers.serves(own[place])
        return "" if level is None else words.signed(level) + "*" * reaches

    def cells(of: Levels, label: str) -> panels.Map:
        return panels.Map(
            [[100 * of[place] if place in of else None for place in line] for line in places],
            [[text(of.get(place), place) for place in line] for line in places],
            (list(map(names.source_name, margin)), targets),
            ("RdBu", -limit, limit),
            f"{label} (points)",
            ("source: mask found on", "target: trained on"),
            label,
            list(margin.values()),
        )

    drawn = (cells(dense, "score − dense"), cells(own, "score − own ticket"))
    size = (max(2.5 + 0.62 * len(targets), 4.4), 2 * (2.4 + 0.34 * len(margin)))
    return panels.maps(figure, size, *drawn)
