"""Do masks transfer between tasks: every source's mask trained on every target."""

from collections.abc import Sequence

from stages.tickets.report import columns, names, transfers, words
from stages.tickets.report.papers import other_masks
from stages.tickets.report.papers import transfer as tasks
from stages.tickets.report.papers.tables import published_transfer_table
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections.transfer.maps import published_figure, transfer_figure
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.transfers import Source, Transfer
from stages.tickets.report.words import NONE, NOT_RUN, percent, points, signed
from stages.tickets.settings import Study


def section(results: Results, study: Study) -> Section:
    """Masks of tasks and of other sources on tasks, beside the tasks' own tickets."""
    cells = transfers.measure(results.scores, study)
    rows = transfers.by_source(cells, results.scores, study)
    studies = tasks.compare(cells, rows, results, study)
    return Section(
        "transfer",
        "Do masks transfer between tasks?",
        "Does a mask found on one task serve another as well as the other's own?",
        "Chen et al. 2020, Figure 2; the mask of several tasks is in the supplement.",
        answer(rows, results, study),
        stages=("transfer",),
        figures=(
            transfer_figure(cells, rows, caption(study), results, study),
            published_figure(results),
        ),
        tables=(
            transfer_table(cells, rows, results, study),
            published_transfer_table(results, study),
        ),
        claims=(*tasks.claims(studies), *other_masks.claims(studies)),
    )


def answer(rows: Sequence[Source], results: Results, study: Study) -> str:
    """How often a task's mask does as well as the own ticket, and which masks are universal."""
    if not rows:
        return words.sentence(results.not_run("transfer"))
    of_tasks = [row for row in rows if row.name in study.tasks]
    total = sum(row.others for row in of_tasks)
    if not total:
        return "No task's mask was trained on another task than its own."
    several = [row for row in rows if row.others > 1]
    universal = [names.source_name(row.name) for row in several if row.as_good == row.others]
    near = [names.source_name(row.name) for row in several if row.near == row.others]
    return (
        f"{sum(row.as_good for row in of_tasks)} of {total} transfers of a task's mask to another task "
        f"score at least as high as the target's own ticket (n={len(study.transfer.seeds)}). Sources "
        f"that reach it on all of two or more other tasks: {', '.join(universal) or 'none'}; allowing "
        f"{points(study.tickets.transfer_margin)} points below it: {', '.join(near) or 'none'}."
    )


def caption(study: Study) -> str:
    """What a cell of the table and of the map is."""
    several = ""
    if "multi-task" in study.transfer.sources:
        several = f"; several tasks are {', '.join(study.multitask.tasks)}"
    return (
        f"Masks {percent(names.sparsities(study)[study.transfer.round])} sparse, found on the row's task "
        f"and trained on the column's, minus the column's dense score{several}; * at least the score of "
        "the column's own ticket on the same seeds."
    )


def transfer_table(
    cells: Sequence[Transfer], rows: Sequence[Source], results: Results, study: Study
) -> Table:
    """Every source's mask on every target, from dense and from the target's own ticket."""
    margin = study.tickets.transfer_margin
    text = (
        f"{caption(study)} In brackets: minus the column's own ticket; last columns: on how many other "
        f"tasks the row's mask is as good, or at most {points(margin)} points worse, the mean of row − "
        "own over other tasks, and, to compare rows, of row minus the mean of the tasks' masks (but the "
        f"column's own) in the same column."
    )
    by_place = {(row.source, row.target): row for row in cells}

    def on(target: str) -> Column[Source]:
        return Column(target, lambda row: _cell(by_place.get((row.name, target))))

    shown: Sequence[Column[Source]] = (
        columns.named("mask of", "name", names.source_name),
        *map(on, study.transfer.targets),
        Column("as good as own", lambda row: _of(row.as_good, row)),
        Column(f"within {points(margin)}", lambda row: _of(row.near, row)),
        columns.difference("mean − own", "from_own", None, NONE),
        columns.difference("mean − column", "from_column", None, NONE),
    )
    csv: Sequence[Column[Transfer]] = (
        columns.value("source", "target"),
        columns.spread_of("score"),
        columns.spread_of("from_dense", "minus_dense_"),
        columns.spread_of("from_own", "minus_own_"),
        columns.only_csv("reaches_own", lambda row: row.serves()),
        columns.only_csv("within_margin", lambda row: row.serves(margin)),
        columns.value("collapsed"),
    )
    missing = results.not_run("transfer")
    return table("transfer", text, rows, shown, missing, columns.records(cells, *csv))


def _cell(transfer: Transfer | None) -> str:
    """From dense, with a star if it serves, and in brackets from the own ticket."""
    if transfer is None:
        return NOT_RUN
    own, star = NONE, ""
    if transfer.source == transfer.target:
        own = "own"
    elif transfer.from_own:
        own, star = signed(transfer.from_own.mean), "*" if transfer.serves() else ""
    return words.marked(f"{signed(transfer.from_dense.mean)}{star} ({own})", transfer.collapsed)


def _of(count: int, row: Source) -> str:
    return f"{count} of {row.others}" if row.others else NONE
