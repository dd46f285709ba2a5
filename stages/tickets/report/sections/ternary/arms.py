"""Scores of four ways to ternary blocks, and three compression ratios of each model."""

from collections.abc import Sequence
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

PLAIN, LASSO, CLIPPED, PRUNED = "ternary", "lasso", "clipped", "pruned"
ARMS = {
    PLAIN: "ternary only",
    LASSO: "lasso and ternary",
    CLIPPED: "clipped and ternary",
    PRUNED: "pruned, then ternary",
}
LOOKS = {
    "dense": (BLACK, "-"),
    ARMS[PLAIN]: (BLUE, "o--"),
    ARMS[LASSO]: (ORANGE, "v:"),
    ARMS[CLIPPED]: (VERMILION, "s-"),
    ARMS[PRUNED]: (GREEN, "^-."),
}
APART = {PLAIN: -1.2, LASSO: -0.4, CLIPPED: 0.4, PRUNED: 1.2}
"""Per cent by which arms are drawn apart, so that their intervals do not hide one another."""
CAPTION = (
    "The same share of blocks is dropped in every matrix, and the other weights are ternary; "
    "zeros are dropped and ternary ones. The paper's ratio to float32 counts two bits for each "
    "kept weight of the matrices alone, and the counted ratio adds a bit per block and the "
    "scales. The ratio of the model also counts all that stays in float32."
)
FIGURE = (
    "Scores of models with ternary weights by the share of dropped blocks, beside the dense model in "
    "float32."
)
TITLE = (
    "Scores of four ways to ternary blocks by block sparsity, one panel per task and size of blocks"
)


@dataclass(frozen=True)
class Size:
    """A row of size.csv."""

    task: str
    seed: int
    arm: str
    blocks: str
    percent: int
    weights: int
    kept_weights: int
    zero_weights: int
    num_blocks: int
    kept_blocks: int
    zero_at_freeze: int
    zero_among_dropped: int
    empty_blocks: int
    paper: Number
    counted: Number
    model: Number


COLUMNS = (
    columns.named("task", "task"),
    columns.named("blocks", "blocks"),
    columns.sparsity(),
    columns.text("arm", lambda row: ARMS[row.arm]),
    columns.only_csv("arm", "arm"),
    columns.score("score", "score", "collapsed", prefix=""),
    columns.difference("− dense", "beside_dense", "minus_dense_", words.NONE),
    columns.difference("− lasso", "beside_lasso", "minus_lasso_", words.NONE),
    columns.number("zeros, %", "zeros", words.points, "zeros"),
    columns.number("ratio: paper's", "paper", "{:.1f}".format, "paper"),
    columns.number("counted", "counted", "{:.1f}".format, "counted"),
    columns.number("of the model", "model", "{:.1f}".format, "model"),
    columns.count("score"),
)


def run_of(task: str, arm: str, blocks: str, percent: int) -> Run:
    """Name the run of an arm."""
    return Run(task, "ternary", 0, f"{arm} {blocks} {percent}")


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row per task, size of blocks, sparsity and arm that has scores."""
    asked, rows = study.ternary, []
    sizes = grouped(
        results.read("ternary", "size.csv", Size),
        lambda row: (row.task, row.arm, row.blocks, row.percent),
    )
    for task in asked.tasks:
        for blocks in asked.blocks:
            for percent in asked.sparsities:
                for arm in asked.arms:
                    run = run_of(task, arm, blocks, percent)
                    if (score := results.summary(run)) is None:
                        continue
                    own = sizes.get((task, arm, blocks, percent), [])
                    used = intervals.average(
                        (row.kept_weights - row.zero_weights) / row.weights for row in own
                    )
                    rows.append(
                        Row(
                            task=task,
                            blocks=blocks,
                            sparsity=percent / 100,
                            arm=arm,
                            score=score,
                            collapsed=results.scores.collapsed(run),
                            beside_dense=results.compare(run, Run(task, "dense")),
                            beside_lasso=results.compare(run, run_of(task, LASSO, blocks, percent)),
                            zeros=None if used is None else 1 - used,
                            **{
                                name: intervals.average(getattr(row, name) for row in own)
                                for name in ("paper", "counted", "model")
                            },
                        )
                    )
    return rows


def title_of(task: str, blocks: str, results: Results) -> str:
    """Name a panel, or a place of a test."""
    return f"{names.task_name(task, results.scores)}, {blocks}"


def answer(rows: Sequence[Row], results: Results) -> str:
    """Tell what the clipped penalty is worth beside the lasso and the dense model, at most zeros."""
    usable = [row for row in rows if row.task in results.usable([row.task])]
    most = max((row.sparsity for row in usable), default=0.0)
    clipped = [row for row in usable if (row.sparsity, row.arm) == (most, CLIPPED)]
    texts = [
        f"{row.task} {row.blocks} {words.difference(row.beside_lasso)}"
        for row in clipped
        if row.beside_lasso
    ]
    losses = [row.beside_dense.mean for row in clipped if row.beside_dense]
    if not texts or not losses:
        return ""
    return (
        f"With {words.percent(most)} of the blocks dropped, the clipped penalty minus the lasso: "
        f"{'; '.join(texts)}; minus the dense model {words.ends(losses, words.signed)}."
    )


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List the models."""
    return table.table("ternary", CAPTION, rows, COLUMNS, results.not_run("ternary"))


def figure(rows: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw scores by block sparsity."""
    points: list[panels.Point] = []
    for (task, blocks), own in grouped(rows, lambda row: (row.task, row.blocks)).items():
        title = title_of(task, blocks, results)
        points.append((title, "dense", 0.0, results.summary(Run(task, "dense"))))
        points += [
            (title, ARMS[row.arm], 100 * row.sparsity + APART[row.arm], row.score) for row in own
        ]
    csv = table.records(
        rows, columns.value("task", "blocks", "sparsity", "arm"), columns.spread_of("score")
    )
    made = Figure("ternary", TITLE, FIGURE, "", csv, results.not_run("ternary"))
    across = "dropped blocks (% of each matrix)"

    def finish(panel: Axes) -> None:
        panel.set_xlim(left=-4)

    return panels.curves(made, points, LOOKS, study, across=across, finish=finish)
