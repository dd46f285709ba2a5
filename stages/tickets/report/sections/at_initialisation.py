"""Does a mask that is made before any training come close to a ticket, and where does it collapse?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from stages.tickets.report import columns, names, panels, rows, table, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Figure,
)
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

KIND = "at_initialisation"
TICKET = names.NAMES["imp"]
FIGURE_TITLE = "Score against compression of masks made before any training, one panel per task"
COLOURS = (VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
FORMATS = ("s--", "^-.", "D:", "P--", "X-.", "v:")
SCORES = (
    columns.named("task", "task"),
    columns.named("start", "start"),
    columns.named("mask", "mask"),
    columns.number("compression", "compression", "{:g}".format, "compression"),
    columns.sparsity(),
    columns.score("score", "score", "collapsed", prefix=""),
    columns.difference("mask − IMP ticket", "gain", "minus_imp_", nothing=words.NONE),
    columns.count("score"),
    columns.only_csv("runs_collapsed", "collapsed"),
)


COLLAPSES = (
    columns.named("task", "task"),
    columns.named("start", "start"),
    columns.named("mask", "mask"),
    columns.number("compression", "compression", "{:g}".format, "compression"),
    columns.number("empty matrices", "empty", "{:.3g}".format, "empty_matrices"),
    columns.remark("a path to the output", "connected"),
    columns.remark("without residual", "connected_without_residual"),
    columns.number("log10 of flow lost", "lost", "{:.3g}".format, "flow_lost", words.NONE),
    columns.number("largest cut", "cut", "{:.3g}".format, "largest_cut", words.NONE),
    columns.number("in–out ρ", "in_out", words.two_digits, "in_out_correlation", words.NONE),
)


@dataclass(frozen=True)
class MaskRow:
    """A row of masks.csv."""

    task: str
    seed: int
    start: str
    mask: str
    compression: float
    matrices: int
    collapsed: int
    connected: bool | None
    connected_without_residual: bool | None
    flow_before: float | None
    flow_after: float | None
    largest_cut: float | None
    in_out_correlation: float | None


def section(results: Results, study: Study) -> Section:
    """Show scores of masks at initialisation beside tickets, and what the masks do to the encoder."""
    compared = compare(results, study)
    lost = collapses(results, study)
    return Section(
        KIND,
        "Can a mask be found before any training?",
        "Does a mask that is made of theta_0 or of random weights, without training them, come close to "
        "a ticket of its size, and at which compression does it leave a matrix empty?",
        "Tanaka et al. 2020, who ask it of convolutional networks; SNIP is by Lee et al. 2019, GraSP by "
        "Wang et al. 2020.",
        answer(compared, lost) if compared else words.sentence(results.not_run(KIND)),
        stages=("at-initialisation", "collapse"),
        figures=(scores_figure(compared, results, study),),
        tables=(scores_table(compared, results, study), collapse_table(lost, results)),
    )


def compare(results: Results, study: Study) -> list[Row]:
    """Set every mask beside the ticket of its size, if a round has that size."""
    asked = study.at_initialisation
    runs = (run for run in results.manifest.runs if run.kind == KIND)
    sources = dict.fromkeys(str(run.source) for run in runs)
    made = []
    for task, source in product(asked.tasks, sources):
        start, mask, compression = source.split()
        score = results.summary(run := Run(task, KIND, 0, source))
        if score is None:
            continue
        sparsity = 1 - 1 / float(compression)
        number = names.round_at(sparsity, study)
        made.append(
            Row(
                task=task,
                start=start,
                mask=mask,
                compression=float(compression),
                sparsity=sparsity,
                score=score,
                collapsed=results.scores.collapsed(run),
                gain=results.compare(run, Run(task, "imp", number)) if number else None,
            )
        )
    return made


def collapses(results: Results, study: Study) -> list[Row]:
    """Count empty matrices and paths, as means and sums over seeds."""
    if not study.at_initialisation.tasks:
        return []
    known = results.read("collapse/masks.csv", MaskRow)
    groups = rows.grouped(known, lambda row: (row.task, row.start, row.mask, row.compression))
    return [
        Row(
            task=task,
            start=start,
            mask=mask,
            compression=compression,
            collapsed=[row.collapsed for row in own],
            empty=sum(row.collapsed for row in own) / len(own),
            connected=share([row.connected for row in own]),
            connected_without_residual=share([row.connected_without_residual for row in own]),
            lost=mean(
                [
                    row.flow_before - row.flow_after
                    for row in own
                    if row.flow_before is not None and row.flow_after is not None
                ]
            ),
            in_out=mean(
                [row.in_out_correlation for row in own if row.in_out_correlation is not None]
            ),
            cut=max((row.largest_cut for row in own if row.largest_cut is not None), default=None),
        )
        for (task, start, mask, compression), own in groups.items()
    ]


def share(holds: Sequence[bool | None]) -> str:
    """Word in how many of the known cases something holds; empty if none is known."""
    known = [held for held in holds if held is not None]
    return f"{sum(known)} of {len(known)}" if known else ""


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of numbers; None if there are none."""
    return sum(values) / len(values) if values else None


def critical(lost: Sequence[Row]) -> Mapping[tuple[str, str], float]:
    """Return the highest compression up to which no mask of a start and a name has an empty matrix."""
    reached: dict[tuple[str, str], float] = {}
    for key, own in rows.grouped(lost, lambda row: (row.start, row.mask)).items():
        empty = [row.compression for row in own if any(row.collapsed)]
        below = [
            row.compression for row in own if row.compression < min(empty, default=float("inf"))
        ]
        reached[key] = max(below, default=1.0)
    return reached


def answer(compared: Sequence[Row], lost: Sequence[Row]) -> str:
    """Give differences to tickets by mask, and the compression up to which no matrix is empty."""
    parts = []
    for (start, mask), own in rows.grouped(compared, lambda row: (row.start, row.mask)).items():
        gains = [100 * row.gain.mean for row in own if row.gain]
        if gains:
            parts.append(f"{mask} of {start} weights {words.ends(gains, '{:+.1f}'.format)}")
    text = f"Masks minus tickets of their size, in points: {'; '.join(parts)}. " if parts else ""
    reached = ", ".join(
        f"{mask} of {start} weights {most:g}" for (start, mask), most in critical(lost).items()
    )
    return (
        f"{text}No matrix is empty up to the compression: {reached}." if reached else text.strip()
    )


def scores_table(compared: Sequence[Row], results: Results, study: Study) -> Table:
    """List the scores of all masks."""
    caption = (
        "Masks made before any training and trained from there, mean and half the "
        f"{names.interval_name(study)}, minus the IMP ticket of the same size, paired by seed. "
        f"{words.DAGGER}."
    )
    return table.table(KIND, caption, compared, SCORES, results.not_run(KIND))


def collapse_table(lost: Sequence[Row], results: Results) -> Table:
    """List what masks do to the encoder."""
    caption = (
        "Matrices without a kept weight, mean over seeds; seeds with a path from input to output, with "
        "residual connections and without; orders of magnitude by which the synaptic flow falls; the "
        "correlation of scores into and out of the neurons of the MLPs, 1 if they are conserved. The "
        "largest cut is the share of the flow through the weights that a step drops; while it is below "
        "1, no matrix that every path goes through can become empty."
    )
    return table.table("collapse", caption, lost, COLLAPSES, results.not_run(KIND))


def scores_figure(compared: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw score against compression, a line per mask and one of tickets."""
    caption = (
        "Validation score by the number of weights for each that is kept, on a logarithmic axis, beside "
        f"IMP tickets and the dense model. Bars: {names.interval_name(study)}; without a bar, one seed."
    )
    masks = list(dict.fromkeys(row.mask for row in compared))
    looks = {"dense": (BLACK, "-"), TICKET: (BLUE, "o-")}
    looks |= {
        mask: (COLOURS[i % len(COLOURS)], FORMATS[i % len(FORMATS)]) for i, mask in enumerate(masks)
    }
    points: list[panels.Point] = []
    for (task, start), own in rows.grouped(compared, lambda row: (row.task, row.start)).items():
        title = f"{names.task_name(task, results.scores)}, {start}"
        points.append((title, "dense", 0.0, results.summary(Run(task, "dense"))))
        points += [
            (title, TICKET, 1 / (1 - sparsity), results.summary(Run(task, "imp", number)))
            for number, sparsity in names.sparsities(study).items()
        ]
        points += [(title, row.mask, row.compression, row.score) for row in own]

    def logarithmic(panel: Axes) -> None:
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())

    figure = Figure(
        KIND, FIGURE_TITLE, caption, "", table.records(compared, *SCORES), results.not_run(KIND)
    )
    across = "compression (weights for each that is kept)"
    return panels.curves(figure, points, looks, study, across=across, finish=logarithmic)
