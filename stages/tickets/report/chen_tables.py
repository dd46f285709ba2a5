"""The published tables and heat map of Chen et al. 2020, beside ours where they are comparable."""

from stages.tickets.report import names as runs
from stages.tickets.report import transfers
from stages.tickets.report.names import Config
from stages.tickets.report.old import ChenResults
from stages.tickets.report.table import Record, Table
from stages.tickets.report.words import NONE, points, signed


def published_transfer_table(published: ChenResults, config: Config) -> Table:
    """Figure 2 of the paper, and its counts as printed and as they follow from its cells."""
    margin = config.tickets.transfer_margin
    caption = (
        "Figure 2 of the paper: masks of 70 % sparsity found on the row's task and trained on the "
        "column's, minus the column's dense score, in points, bert-base-uncased. * at least "
        "the column's own mask. As good as own: on how many other tasks, as printed, and as the cells, "
        f"which are rounded, say; within {points(margin)}: at most so many points below. Means over "
        "other tasks, computed here: of row − own, which are not the same tasks for all rows; and, to "
        "compare rows, of row − column, minus the mean of the tasks' masks (but the column's own) in "
        "the same column."
    )
    cells = {(one.source, one.target): one.difference for one in published.transfers}
    from_own = transfers.published_from_own(published.transfers)
    reached = {place for place, found in from_own.items() if found >= -transfers.ROUNDING}
    targets = list(dict.fromkeys(one.target for one in published.transfers))
    marks = {one.target: one.mark for one in published.transfers if one.source == one.target}
    of_columns = [f" Of column {task}: {mark}." for task, mark in marks.items() if mark]
    tasks = [row.source for row in published.dark if row.source not in runs.SOURCES]
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for row in published.dark:
        count, total = transfers.published_reached(row.source, published.transfers)
        near, _ = transfers.published_reached(row.source, published.transfers, margin)
        average = transfers.published_mean(row.source, published.transfers)
        shown = (
            signed(cells[row.source, target])
            + ("*" if row.source != target and (row.source, target) in reached else "")
            for target in targets
        )
        centred = transfers.centred(row.source, cells, tasks) or 0.0
        rows.append(
            (
                runs.source_name(row.source),
                *shown,
                f"{row.dark} of {total}",
                f"{count} of {total}",
                f"{near} of {total}",
                signed(average),
                signed(centred),
                row.mark or NONE,
            )
        )
        records.append(
            {
                "source": row.source,
                **{target: cells[row.source, target] for target in targets},
                "dark_printed": row.dark, "dark_by_cells": count, "within_margin": near,
                "others": total, "mean_minus_own": average, "mean_minus_column": centred,
                "mark": row.mark,
            }
        )  # fmt: skip
    header = (
        "mask of", *targets, "as good as own, printed", "by the cells", f"within {points(margin)}",
        "mean − own", "mean − column", "mark",
    )  # fmt: skip
    caption += "".join(of_columns)
    return Table("transfer_published", caption, header, tuple(rows), tuple(records))
