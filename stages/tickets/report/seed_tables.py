"""The seed of the mask and the seed of the training apart: which of them moves the scores."""

from collections.abc import Sequence

from stages.tickets.report import names as runs
from stages.tickets.report.names import Config
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, NOT_RUN, percent, points, probability
from stages.tickets.statistics import intervals, variance
from stages.tickets.statistics.variance import TwoWay

Matrix = list[list[float | None]]
PARTS = {"rows": "mask", "columns": "training", "rest": "rest"}


def matrix(task: str, scores: Scores, config: Config) -> Matrix:
    """Scores of the last ticket by seed of its mask (rows) and of its training (columns)."""
    last = config.rounds[-1].to
    return [
        [
            scores.of(Run(task, "cross", last, str(mask_seed))).get(seed)
            for seed in config.cross.seeds
        ]
        for mask_seed in config.cross.mask_seeds
    ]


def decompose(task: str, scores: Scores, config: Config) -> TwoWay | None:
    """The two-way analysis of a full matrix; None where cells are missing or equal."""
    cells = [[cell for cell in row if cell is not None] for row in matrix(task, scores, config)]
    if any(len(row) < len(config.cross.seeds) for row in cells):
        return None
    return variance.two_way(cells)


def cross_table(scores: Scores, config: Config) -> Table:
    """Every cell: the ticket of one seed trained with the noise of another."""
    last = config.rounds[-1]
    caption = (
        f"Tickets of round {last.to} ({percent(last.sparsity)} sparse) by the seed of their mask "
        "(rows) and of their training (columns), in points on the validation split; means and standard "
        "deviations of rows and columns at the ends. * both seeds are the same: the ticket's own run."
    )
    if not scores.has("cross"):
        return Table("cross", caption, missing=runs.why_not("cross", config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in config.cross.tasks:
        cells = matrix(task, scores, config)
        for mask_seed, row in zip(config.cross.mask_seeds, cells, strict=True):
            shown = [
                NOT_RUN if cell is None else points(cell) + ("*" if seed == mask_seed else "")
                for seed, cell in zip(config.cross.seeds, row, strict=True)
            ]
            rows.append((task, f"mask seed {mask_seed}", *shown, *_mean_and_std(row, config)))
            records += [
                {"task": task, "mask_seed": mask_seed, "seed": seed, "score": cell}
                for seed, cell in zip(config.cross.seeds, row, strict=True)
            ]
        ends = [_mean_and_std(column, config) for column in zip(*cells, strict=True)]
        rows.append((task, "mean over masks", *(mean for mean, _ in ends), NONE, NONE))
        rows.append((task, "std over masks", *(std for _, std in ends), NONE, NONE))
    at = [f"training seed {seed}" for seed in config.cross.seeds]
    return Table(
        "cross", caption, ("task", "mask", *at, "mean", "std"), tuple(rows), tuple(records)
    )


def _mean_and_std(cells: Sequence[float | None], config: Config) -> tuple[str, str]:
    known = [cell for cell in cells if cell is not None]
    if not known:
        return NOT_RUN, NOT_RUN
    found = intervals.summarize(known, config.tickets.confidence)
    return points(found.mean), NONE if found.std is None else points(found.std)


def variance_table(scores: Scores, config: Config) -> Table:
    """Which share of the variance is the mask's, which the training's, and which neither's."""
    masks, seeds = len(config.cross.mask_seeds), len(config.cross.seeds)
    caption = (
        f"Analysis of variance of the table above, {masks} masks by {seeds} trainings with one score "
        "each: score = mean + mask + training + rest. Share: of the sum of squares; in brackets the "
        "share that masks and trainings without any effect have on average. Std: of the effect in "
        "points, with the rest's share in it taken off, 0 where nothing is left. p: F test against the "
        "rest. The rest holds noise and what only one mask with one training does. From so few seeds, "
        "a share is known roughly at best. – as a share: one mask or training alone, or all scores "
        "equal; – as p: nothing is left for the rest."
    )
    if not scores.has("cross"):
        return Table("cross_variance", caption, missing=runs.why_not("cross", config))
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in config.cross.tasks:
        found = decompose(task, scores, config)
        whole = all(cell is not None for row in matrix(task, scores, config) for cell in row)
        nothing = NONE if whole else NOT_RUN
        cells: list[str] = []
        record: Record = {"task": task}
        for part, name in PARTS.items():
            one = getattr(found, part) if found else None
            cells += (
                [f"{percent(one.share)} ({percent(one.chance)})", points(one.std)]
                if one
                else [nothing, nothing]
            )
            if part != "rest":
                cells.append(NONE if one is None or one.p is None else probability(one.p))
            record = {
                **record,
                f"{name}_share": one.share if one else None,
                f"{name}_chance": one.chance if one else None,
                f"{name}_std": one.std if one else None,
                f"{name}_p": one.p if one else None,
            }
        known = [cell for row in matrix(task, scores, config) for cell in row if cell is not None]
        record = {
            **record,
            **numbers(None if not known else intervals.summarize(known, config.tickets.confidence)),
        }
        rows.append((task, *cells, str(len(known))))
        records.append(record)
    header = (
        "task", "mask: share", "std", "p", "training: share", "std", "p", "rest: share", "std", "n",
    )  # fmt: skip
    return Table("cross_variance", caption, header, tuple(rows), tuple(records))
