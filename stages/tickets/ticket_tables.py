"""The tables of comparisons: tickets, tickets against random masks, transfer."""

from stages.tickets import findings, runs
from stages.tickets.formatting import (
    NONE,
    NOT_RUN,
    count,
    difference,
    mean,
    metric_name,
    p_value,
    percent,
    points,
    signed,
    spread,
)
from stages.tickets.runs import Config, interval_name, sparsities
from stages.tickets.summary import Run, Scores
from stages.tickets.tables import Record, Table, numbers


def tickets_table(scores: Scores, config: Config) -> Table:
    """The sparsest matching ticket of every task, beside dense and a random mask of its size."""
    caption = (
        "The highest sparsity at which the mean ticket is at most one standard deviation over "
        "seeds below the mean dense score, chosen on the selection split and reported on the "
        "validation split. Points; mean ± standard deviation over n seeds; differences are paired "
        f"by seed, with the {interval_name(config)}. Collapsed: predicts one class or a constant."
    )
    if len(config.seeds) == 1:
        caption += " With one seed the standard deviation counts as 0."
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for found in findings.find_tickets(scores, config):
        nothing = NONE if found.round is None else NOT_RUN
        summaries = (found.dense, found.ticket, found.random)
        sizes = sorted({str(one.n) for one in summaries if one})
        rows.append(
            (
                found.task,
                metric_name(found.metric),
                percent(sparsities(config)[found.round]) if found.round else "none",
                spread(found.dense),
                spread(found.ticket) if found.ticket else nothing,
                spread(found.random) if found.random else nothing,
                difference(found.loss) if found.loss else nothing,
                difference(found.gain) if found.gain else nothing,
                ", ".join(sizes),
                "; ".join(found.flags) or NONE,
            )
        )
        records.append(
            {
                "task": found.task,
                "metric": found.metric,
                "sparsity": sparsities(config)[found.round] if found.round else None,
                **numbers(found.dense, "dense_"),
                **numbers(found.ticket, "ticket_"),
                **numbers(found.random, "random_"),
                **numbers(found.loss, "ticket_minus_dense_"),
                **numbers(found.gain, "ticket_minus_random_"),
                "flags": "; ".join(found.flags),
            }
        )
    first = ("task", "metric", "sparsity", "dense", "ticket", "random mask")
    header = (*first, "ticket − dense", "ticket − random", "n", "flags")
    return Table("tickets", caption, header, tuple(rows), tuple(records))


def controls_table(scores: Scores, config: Config) -> Table:
    """IMP tickets minus random masks of the same size, by task and over tasks."""
    caption = (
        "IMP tickets minus random masks of exactly the same size, paired by seed, in points on "
        f"the validation split, with the {interval_name(config)} and the two-sided p of a paired "
        "t test, not corrected for the number of rows. In the rows over all tasks, n counts "
        "tasks, each by its mean over seeds, and metrics of different kinds are averaged."
    )
    if not scores.has("random"):
        return Table("controls", caption, missing=runs.why_not("random", config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in ("", *config.tasks):
        for number, sparsity in sparsities(config).items():
            imp, random = Run(task, "imp", number), Run(task, "random", number)
            confidence = config.tickets.confidence
            found = (
                findings.gain(task, number, scores, config)
                if task
                else findings.pooled_gain(number, scores, config)
            )
            if found is None:
                continue
            rows.append(
                (
                    task or "all tasks",
                    percent(sparsity),
                    mean(scores.summary(imp, confidence)) if task else NONE,
                    mean(scores.summary(random, confidence)) if task else NONE,
                    difference(found),
                    str(found.n) if task else count(found.n, "task"),
                    p_value(found),
                )
            )
            records.append(
                {
                    "task": task or "all tasks",
                    "round": number,
                    "sparsity": sparsity,
                    **numbers(found),
                    "p": found.p,
                }
            )
    header = ("task", "sparsity", "IMP ticket", "random mask", "IMP − random", "n", "p")
    return Table("controls", caption, header, tuple(rows), tuple(records))


def transfer_caption(config: Config) -> str:
    number = config.transfer.round
    num_seeds = len(config.transfer.seeds)
    return (
        f"Masks of round {number} ({percent(sparsities(config)[number])} sparse) found on the "
        "row's task and trained on the column's, minus the column's mean dense score over "
        f"{count(len(config.seeds), 'seed')}; points on the validation split, mean over "
        f"{count(num_seeds, 'seed')} (n={num_seeds}). "
        "* at least the score of the column's own ticket on the same seeds."
    )


def transfer_table(scores: Scores, config: Config) -> Table:
    """Every source's mask on every target."""
    caption = transfer_caption(config) + " In brackets: the score itself. Last column: other tasks "
    caption += "on which the row's mask does as well as the task's own."
    cells = findings.transfer_cells(scores, config)
    if not cells:
        return Table("transfer", caption, missing=runs.why_not("transfer", config))
    by_place = {(cell.source, cell.target): cell for cell in cells}
    rows = []
    for source in config.transfer.sources:
        shown = []
        for target in config.transfer.targets:
            cell = by_place.get((source, target))
            star = "*" if cell and cell.reaches_own and source != target else ""
            text = f"{signed(cell.difference)}{star} ({points(cell.score.mean)})" if cell else ""
            shown.append(text or NOT_RUN)
        reached, total = findings.reached(source, cells)
        rows.append((source, *shown, f"{reached} of {total}" if total else NONE))
    records: list[Record] = [
        {
            "source": cell.source,
            "target": cell.target,
            "difference": cell.difference,
            **numbers(cell.score),
            "reaches_own": None if cell.reaches_own is None else int(cell.reaches_own),
        }
        for cell in cells
    ]
    header = ("mask of", *config.transfer.targets, "as good as own")
    return Table("transfer", caption, header, tuple(rows), tuple(records))
