"""The tables of transfer: masks of sources on targets, and the same on the sources' own weights."""

from stages.tickets.report import names as runs
from stages.tickets.report import transfers
from stages.tickets.report.names import Config, interval_name, source_name, sparsities
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import (
    DAGGER,
    NONE,
    NOT_RUN,
    count,
    difference,
    marked,
    percent,
    points,
    signed,
)


def transfer_caption(config: Config) -> str:
    number = config.transfer.round
    num_seeds = len(config.transfer.seeds)
    joint = "multi-task" in config.transfer.sources
    several = f" Several tasks: {', '.join(config.multitask.tasks)}." if joint else ""
    return (
        f"Masks of round {number} ({percent(sparsities(config)[number])} sparse) found on the "
        "row's task and trained on the column's, minus the column's dense score of the same seeds; "
        f"points on the validation split, mean over {count(num_seeds, 'seed')} (n={num_seeds}). "
        f"* at least the score of the column's own ticket on the same seeds.{several}"
    )


def transfer_table(scores: Scores, config: Config) -> Table:
    """Every source's mask on every target, from dense and from the target's own ticket."""
    margin = config.tickets.transfer_margin
    caption = (
        transfer_caption(config)
        + " In brackets: minus the column's own ticket. Last columns: on how many other tasks the row's "
        f"mask does as well as the task's own; at most {points(margin)} points worse; row − own, by seed "
        "the mean over other tasks, which are not the same for all rows; and row − column, to compare "
        "rows: minus the mean of the tasks' masks (but the column's own) in the same column. Both with "
        f"the {interval_name(config)}. {DAGGER}; the csv file counts them, and has the intervals."
    )
    cells = transfers.transfer_cells(scores, config)
    if not cells:
        return Table("transfer", caption, missing=runs.why_not("transfer", config))
    tasks = transfers.task_sources(config)
    by_place = {(cell.source, cell.target): cell for cell in cells}
    rows = []
    for source in config.transfer.sources:
        shown = []
        for target in config.transfer.targets:
            cell = by_place.get((source, target))
            if cell is None:
                shown.append(NOT_RUN)
                continue
            star = "*" if cell.reaches_own and source != target else ""
            own = NONE if cell.from_own is None else signed(cell.from_own.mean)
            beside = "own" if source == target else own
            text = f"{signed(cell.from_dense.mean)}{star} ({beside})"
            shown.append(marked(text, cell.collapsed))
        reached, total = transfers.reached(source, cells)
        near, _ = transfers.reached(source, cells, margin)
        average = transfers.mean_from_own(source, scores, config)
        centred = transfers.mean_centred(source, tasks, scores, config)
        rows.append(
            (
                source_name(source),
                *shown,
                f"{reached} of {total}" if total else NONE,
                f"{near} of {total}" if total else NONE,
                difference(average) if average else NONE,
                difference(centred) if centred else NONE,
            )
        )
    records: list[Record] = [
        {
            "source": cell.source,
            "target": cell.target,
            **numbers(cell.score),
            **numbers(cell.from_dense, "minus_dense_"),
            **numbers(cell.from_own, "minus_own_"),
            "reaches_own": _number(cell.reaches_own),
            "within_margin": _number(cell.serves(margin)),
            "collapsed": cell.collapsed,
        }
        for cell in cells
    ]
    header = (
        "mask of", *config.transfer.targets, "as good as own", f"within {points(margin)}", "mean − own",
        "mean − column",
    )  # fmt: skip
    return Table("transfer", caption, header, tuple(rows), tuple(records))


def _number(known: bool | None) -> int | None:
    return None if known is None else int(known)


def weights_table(scores: Scores, config: Config) -> Table:
    """The source's mask on the source's weights at several points of its training, beside theta_0."""
    asked, number = config.transfer_weights, config.transfer.round
    caption = (
        f"The mask of round {number} ({percent(sparsities(config)[number])} sparse) of the source on "
        "the source's weights at i % of its dense training, trained on the target, minus the same mask "
        f"on the weights that transfer starts from (i = {config.imp.rewind_to} % of the target's), "
        f"paired by seed; points on the validation split, with the {interval_name(config)}. {DAGGER}."
    )
    if not scores.has("transfer_weights"):
        return Table("transfer_weights", caption, missing=runs.why_not("transfer_weights", config))
    confidence = config.tickets.confidence
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for source in asked.sources:
        for target in asked.targets:
            on_theta_0 = Run(target, "transfer", number, source)
            plain = scores.summary(on_theta_0, confidence)
            gains = {
                point: transfers.weights_gain(source, target, point, scores, config)
                for point in asked.points
            }
            rows.append(
                (
                    f"{source} to {target}",
                    marked(points(plain.mean), scores.collapsed(on_theta_0)) if plain else NOT_RUN,
                    *(
                        marked(
                            difference(one),
                            scores.collapsed(Run(target, "transfer_weights", point, source)),
                        )
                        for point, one in gains.items()
                    ),
                    ", ".join(sorted({str(one.n) for one in gains.values() if one})) or NONE,
                )
            )
            for point, gain in gains.items():
                run = Run(target, "transfer_weights", point, source)
                moved = scores.summary(run, confidence)
                records.append(
                    {
                        "source": source, "target": target, "point": point, **numbers(moved),
                        **numbers(plain, "theta_0_"), **numbers(gain, "change_"),
                        "collapsed": scores.collapsed(run),
                    }
                )  # fmt: skip
    at = [f"i = {point} % − theta_0" for point in asked.points]
    header = ("source to target", "theta_0", *at, "n")
    return Table("transfer_weights", caption, header, tuple(rows), tuple(records))
