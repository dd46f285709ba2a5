"""What scales, largest weights and blocks do along a training, with and without a penalty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from stages.tickets.report import columns, panels, table, words
from stages.tickets.report.figure import GREY, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.sections.ternary.arms import (
    ARMS,
    CLIPPED,
    LASSO,
    LOOKS,
    Size,
    title_of,
)
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Seed

CAPTION = (
    "The scale of the ternary values, the largest weight and the mean norm of a block before "
    "blocks are fixed, in per cent of when weights became ternary, each a mean over matrices. "
    "Pushed blocks are under the threshold of the clipped penalty, and the ternary weights of "
    "zero blocks are all 0. Zero of dropped is the share of the blocks dropped in the end that "
    "were zero by then."
)
GRID = (
    "Scale of the ternary values (lines) and largest weight (dots) during training, in per cent "
    "of when weights became ternary, means over matrices and seeds. Grey lines mark that step and "
    "the one at which blocks are fixed, after which only kept blocks count. A penalty that moves "
    "the scale moves the grid of all weights."
)
BLOCKS = (
    "Share of the blocks whose ternary weights are all 0 (lines), and whose trained weights are "
    "all 0 (dots), until blocks are fixed, mean over seeds. A penalty acts on the trained "
    "weights, but the ternary ones count."
)
TITLES = {
    "ternary_grid": "Scale and largest weight along training, a panel per task and size of blocks",
    "ternary_blocks": "Blocks that become zero by themselves, a panel per task and size of blocks",
}
SHOWN = {
    "ternary_grid": ("scale", "largest"),
    "ternary_blocks": ("ternary_blocks", "latent_blocks"),
}
"""Columns of course.csv by figure: as a line and as dots."""
LABELS = {
    "ternary_grid": "% of when ternary",
    "ternary_blocks": "blocks (%)",
}


@dataclass(frozen=True)
class Point:
    """A row of course.csv."""

    task: str
    seed: int
    arm: str
    blocks: str
    percent: int
    step: int
    share: Number
    is_start: bool
    is_freeze: bool
    scale: Number
    largest: Number
    norm: Number
    pushed: Number
    latent_blocks: Number
    ternary_blocks: Number
    ternary_weights: Number


MEASURES = ("scale", "largest", "norm", "pushed", "ternary_blocks")
COLUMNS = (
    columns.named("task", "task"),
    columns.named("blocks", "blocks"),
    columns.text("arm", lambda row: ARMS[row.arm]),
    columns.only_csv("arm", "arm"),
    columns.score("scale, %", "scale", prefix="scale_"),
    columns.score("largest, %", "largest", prefix="largest_"),
    columns.score("norm, %", "norm", prefix="norm_"),
    columns.score("pushed, %", "pushed", prefix="pushed_"),
    columns.score("zero, %", "ternary_blocks", prefix="zero_"),
    columns.number("zero of dropped, %", "of_dropped", words.points, "zero_of_dropped"),
    columns.count("scale"),
)


def read(results: Results) -> list[Point]:
    """Read the points of all trainings; none if the study has no such training."""
    return results.read("ternary", "course.csv", Point)


def sparsest(points: Sequence[Point]) -> list[Point]:
    """Take the trainings with the most dropped blocks; until blocks are fixed all others are alike."""
    most = max((point.percent for point in points), default=0)
    return [point for point in points if point.percent == most]


def at_freeze(
    points: Sequence[Point], name: str
) -> Mapping[tuple[str, str, str], Mapping[Seed, float]]:
    """Return a column when blocks are fixed by task, blocks and arm, and by seed."""
    ends = [point for point in sparsest(points) if point.is_freeze]
    groups = grouped(ends, lambda row: (row.task, row.blocks, row.arm))
    return {at: {row.seed: getattr(row, name) for row in own} for at, own in groups.items()}


def rows_of(points: Sequence[Point], results: Results, study: Study) -> list[Row]:
    """Make a row per task, size of blocks and arm."""
    sizes = grouped(
        results.read("ternary", "size.csv", Size), lambda row: (row.task, row.blocks, row.arm)
    )
    known = {name: at_freeze(points, name) for name in MEASURES}
    most = max(study.ternary.sparsities, default=0)
    rows = []
    for task in study.ternary.tasks:
        for blocks in study.ternary.blocks:
            for arm in study.ternary.arms:
                at = task, blocks, arm
                if at not in known["scale"]:
                    continue
                own = [row for row in sizes.get(at, []) if row.percent == most > 0]
                rows.append(
                    Row(
                        task=task,
                        blocks=blocks,
                        arm=arm,
                        of_dropped=intervals.average(
                            row.zero_among_dropped / (row.num_blocks - row.kept_blocks)
                            for row in own
                        ),
                        **{name: results.over(known[name][at].values()) for name in MEASURES},
                    )
                )
    return rows


def answer(rows: Sequence[Row], results: Results) -> str:
    """Tell where the scale ends with the lasso and with the clipped penalty."""
    texts = []
    for arm in (LASSO, CLIPPED):
        own = [row for row in rows if row.arm == arm and row.task in results.usable([row.task])]
        if own:
            shares = words.ends([row.scale.mean for row in own], words.percent)
            texts.append(f"{shares} with the {ARMS[arm].split()[0]} penalty")
    if not texts:
        return ""
    return f"When blocks are fixed, scales are at {' and at '.join(texts)} of where they began."


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List what penalties do to the grid."""
    return table.table("ternary_grid", CAPTION, rows, COLUMNS, results.not_run("ternary"))


def figures(points: Sequence[Point], results: Results, study: Study) -> list[Figure]:
    """Draw scales and largest weights, and blocks that are zero, along trainings."""
    shown = sparsest(points)
    until = max((point.share for point in shown if point.is_freeze), default=1.0)
    before = [point for point in shown if point.share <= until]
    return [
        _figure("ternary_grid", GRID, shown, results, study),
        _figure("ternary_blocks", BLOCKS, before, results, study),
    ]


def _figure(
    name: str, caption: str, points: Sequence[Point], results: Results, study: Study
) -> Figure:
    groups = grouped(points, lambda row: (row.task, row.blocks, row.arm, row.step, row.share))
    means = [
        Row(
            task=task,
            blocks=blocks,
            arm=arm,
            step=step,
            share=share,
            is_part=any(row.is_start or row.is_freeze for row in own),
            **{part: intervals.average(getattr(row, part) for row in own) for part in SHOWN[name]},
        )
        for (task, blocks, arm, step, share), own in groups.items()
    ]
    panel_of = grouped(means, lambda row: title_of(row.task, row.blocks, results))

    def draw(panel: Axes, title: str) -> None:
        for share in {row.share for row in panel_of[title] if row.is_part}:
            panel.axvline(100 * share, color=GREY, linewidth=0.8)
        for arm, own in grouped(panel_of[title], lambda row: row.arm).items():
            across = [100 * row.share for row in own]
            colour, fmt = LOOKS[ARMS[arm]]
            for part, line in zip(SHOWN[name], ("-", ":"), strict=True):
                heights = [100 * getattr(row, part) for row in own]
                label = ARMS[arm] if line == "-" else None
                panel.plot(across, heights, fmt[0] + line, color=colour, label=label, markersize=3)

    csv = table.records(
        means, columns.value("task", "blocks", "arm", "step", "share", *SHOWN[name])
    )
    made = Figure(name, TITLES[name], caption, "", csv, results.not_run("ternary"))
    labels = ("training (% of its steps)", LABELS[name])
    return panels.by_name(made, list(panel_of), labels, study, draw)
