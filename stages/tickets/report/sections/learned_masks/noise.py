"""Trainings on flipped labels: how far validation falls again after its best, by mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Seed
from stages.tickets.statistics.learned import gap

DENSE = "dense"
MASKS = {
    DENSE: "dense",
    "learned": "learned mask",
    "imp": "IMP ticket",
    "one-shot": "one-shot mask",
    "random": "random mask",
}
LOOKS = {
    DENSE: (BLACK, "-"), "learned": (VERMILION, "s-"), "imp": (BLUE, "o--"),
    "one-shot": (GREEN, "^-."), "random": (ORANGE, "v:"),
}  # fmt: skip
CAPTION = (
    "Trainings have the same start, and a share of their training labels is flipped. The overfit "
    "gap is the best validation score on the way minus the last; chance alone makes it positive, "
    "so only differences of gaps count (paired by seed, intervals over seeds alone). Flips "
    "learned is the share of the flipped examples for which the trained model predicts the "
    "flipped label."
)
FIGURE = (
    "Validation score during trainings on flipped labels, mean over seeds; all masks have one "
    "size. If a line falls after its best score, the model fits wrong labels."
)
TITLE = "Validation score along training, a panel per task and share of flipped labels"


@dataclass(frozen=True)
class Point:
    """A row of curves.csv."""

    task: str
    seed: int
    round: int
    mask: str
    share: Number
    step: int
    score: Number
    right: Number | None
    learned_flips: Number | None
    resisted_flips: Number | None


COLUMNS = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    columns.number("flipped", "share", words.percent, "share"),
    columns.text("mask", lambda row: MASKS[row.mask]),
    columns.only_csv("mask", "mask"),
    columns.score("best", "best", prefix="best_"),
    columns.score("last", "last", prefix="last_"),
    columns.score("overfit gap", "gap", prefix="gap_"),
    columns.difference("gap − dense's", "beside_dense", "gap_minus_dense_", words.NONE),
    columns.difference("last − IMP ticket", "beside_imp", "last_minus_imp_", words.NONE),
    columns.number("flips learned, %", "learned_flips", words.points, "learned_flips"),
    columns.number("flips resisted, %", "resisted_flips", words.points, "resisted_flips"),
    columns.count("gap"),
)


def read(results: Results) -> list[Point]:
    """Read the points of all trainings; none if the study has no such training."""
    return results.read("noise_curves", "curves.csv", Point)


def rows_of(curves: Sequence[Point], results: Results, study: Study) -> list[Row]:
    """Make a row per task, size, share and mask; the dense model stands beside every size."""
    asked = study.learned_masks.noise
    groups = grouped(curves, lambda row: (row.task, row.round, row.share, row.mask))
    rows = []
    for task in asked.tasks:
        for number in asked.rounds:
            for share in asked.shares:
                dense = gaps(groups.get((task, 0, share, DENSE), []))
                for mask in MASKS:
                    at = 0 if mask == DENSE else number
                    if own := groups.get((task, at, share, mask)):
                        rows.append(_row(own, number, share, mask, dense, results, study))
    return rows


def _row(
    own: Sequence[Point],
    number: int,
    share: float,
    mask: str,
    dense: Mapping[Seed, float],
    results: Results,
    study: Study,
) -> Row:
    confidence, by_seed = study.tickets.confidence, grouped(own, lambda row: row.seed)
    run, imp = (
        Run(own[0].task, "noisy", own[0].round, f"{name} {share}") for name in (mask, "imp")
    )
    ends = [points[-1] for points in by_seed.values()]
    beside_dense = None if mask == DENSE else intervals.compare(gaps(own), dense, confidence)
    return Row(
        task=own[0].task,
        round=number,
        sparsity=0.0 if mask == DENSE else names.sparsities(study)[number],
        share=share,
        mask=mask,
        best=results.over([max(row.score for row in points) for points in by_seed.values()]),
        last=results.summary(run) or results.over([row.score for row in ends]),
        gap=results.over(gaps(own).values()),
        beside_dense=beside_dense,
        beside_imp=results.compare(run, imp) if mask not in (DENSE, "imp") else None,
        learned_flips=intervals.average(row.learned_flips for row in ends),
        resisted_flips=intervals.average(row.resisted_flips for row in ends),
    )


def gaps(points: Sequence[Point]) -> dict[Seed, float]:
    """Return the overfit gap by seed, of trainings of one kind."""
    by_seed = grouped(points, lambda row: row.seed)
    return {seed: gap([row.score for row in own]) for seed, own in by_seed.items()}


def sparsest(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the most flips of the sparsest masks."""
    most = max((row.share for row in rows), default=0.0)
    last = max((row.round for row in rows), default=0)
    return [row for row in rows if (row.share, row.round) == (most, last)]


def answer(rows: Sequence[Row]) -> str:
    """Tell the overfit gaps with the most flips, by task and mask."""
    shown = [row for row in sparsest(rows) if row.share > 0]
    if not shown:
        return ""
    texts = []
    for task, own in grouped(shown, lambda row: row.task).items():
        listed = ", ".join(
            f"{MASKS[row.mask]} {words.points(row.gap.mean)}" for row in own if row.gap
        )
        texts.append(f"{task}: {listed}")
    flipped = words.percent(shown[0].share)
    return f"Overfit gaps with {flipped} of the labels flipped, in points: {'; '.join(texts)}."


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List the trainings on flipped labels."""
    return table.table("noisy_labels", CAPTION, rows, COLUMNS, results.not_run("noisy"))


def figure(curves: Sequence[Point], results: Results, study: Study) -> Figure:
    """Draw validation scores along training for the sparsest masks."""
    last = max((row.round for row in curves), default=0)
    groups = grouped(
        (row for row in curves if row.round in (0, last)),
        lambda row: (row.task, row.share, row.mask, row.step),
    )
    points = [
        Row(
            task=task,
            share=share,
            mask=mask,
            step=step,
            score=results.over([row.score for row in own]),
        )
        for (task, share, mask, step), own in groups.items()
    ]
    panel_of = grouped(points, lambda row: _title(row.task, row.share, results))

    def draw(panel: Axes, title: str) -> None:
        rows, end = panel_of[title], max(row.step for row in panel_of[title])
        for mask, (colour, fmt) in LOOKS.items():
            own = [row for row in rows if row.mask == mask]
            across = [100 * row.step / end for row in own]
            heights = [100 * row.score.mean for row in own]
            panel.plot(across, heights, fmt, color=colour, label=MASKS[mask], markersize=3.5)

    csv = table.records(
        points, columns.value("task", "share", "mask", "step"), columns.spread_of("score")
    )
    made = Figure("noisy_labels", TITLE, FIGURE, "", csv, results.not_run("noisy"))
    labels = ("training (% of its steps)", "score (points)")
    return panels.by_name(made, list(panel_of), labels, with_columns(points, study), draw)


def with_columns(points: Sequence[Row], study: Study) -> Study:
    """Return a study whose figures have as many panels side by side as there are shares, if they fit."""
    shares = len({row.share for row in points}) or 1
    columns_of_study = min(shares, study.plot.columns)
    plot = study.plot.model_copy(update={"columns": columns_of_study})
    return study.model_copy(update={"plot": plot})


def _title(task: str, share: float, results: Results) -> str:
    return f"{names.task_name(task, results.scores)}, {words.percent(share)} flipped"


def by_task(rows: Sequence[Row], mask: str, of: str) -> dict[str, Difference]:
    """Return a difference of the sparsest masks with the most flips, by task."""
    known = {row.task: getattr(row, of) for row in sparsest(rows) if row.mask == mask}
    return {task: gain for task, gain in known.items() if gain}
