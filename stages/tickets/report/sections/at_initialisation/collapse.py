"""What masks at initialisation do to the encoder: empty matrices, paths, flow and density."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10

from stages.tickets.report import columns, table, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.sections.at_initialisation.compared import KIND, PLACE
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

COLLAPSES = (
    *PLACE,
    columns.number("empty matrices", "empty", "{:.3g}".format, "empty_matrices"),
    columns.remark("a path to the output", "connected"),
    columns.remark("without residual", "connected_without_residual"),
    columns.number("log10 R before", "before", "{:.3g}".format, "flow_before", words.NONE),
    columns.number("after", "after", "{:.3g}".format, "flow_after", words.NONE),
    columns.only_csv("flow_lost", "lost"),
    columns.number("largest cut", "cut", "{:.3g}".format, "largest_cut", words.NONE),
    columns.number("in–out ρ", "in_out", words.two_digits, "in_out_correlation", words.NONE),
)
ENDS = (
    columns.named("start", "start"),
    columns.named("mask", "mask"),
    columns.number("critical compression", "critical", "{:,.0f}".format, "critical"),
    columns.text("log10", lambda row: orders(row.log), ""),
    columns.spread_of("log", "log10_"),
    columns.number("maximal", "maximal", "{:,.0f}".format, "maximal"),
    columns.count("log"),
)
INSIDE = re.compile(r"\.(\d+)\.(.+)\.weight$")
"""Layer and type in the name of a matrix."""


@dataclass(frozen=True)
class MaskRow:
    """A row of masks.csv."""

    task: str
    seed: int
    start: str
    mask: str
    compression: Number
    matrices: int
    collapsed: int
    connected: bool | None
    connected_without_residual: bool | None
    flow_before: Number | None
    flow_after: Number | None
    largest_cut: Number | None
    in_out_correlation: Number | None
    critical: Number
    maximal: Number

    @property
    def flow_lost(self) -> float | None:
        """Orders of magnitude by which the mask lowers R; None if nothing flows."""
        if self.flow_before is None or self.flow_after is None:
            return None
        return self.flow_before - self.flow_after


@dataclass(frozen=True)
class MatrixRow:
    """A row of matrices.csv."""

    task: str
    seed: int
    start: str
    mask: str
    compression: Number
    matrix: str
    size: int
    kept: int
    mean_score: Number

    @property
    def place(self) -> tuple[int | None, str]:
        """The layer, none for a pooler, and the type of the matrix."""
        if inside := INSIDE.search(self.matrix):
            return int(inside[1]), inside[2]
        return None, self.matrix.removesuffix(".weight")


@dataclass(frozen=True)
class NeuronRow:
    """A row of neurons.csv: sums of scores into a neuron of an MLP and out of it."""

    task: str
    start: str
    mask: str
    into: Number
    out_of: Number


def collapses(known: Sequence[MaskRow]) -> list[Row]:
    """Count empty matrices and paths, as means and sums over seeds."""
    groups = grouped(known, lambda row: (row.task, row.start, row.mask, row.compression))
    return [
        Row(
            task=task,
            start=start,
            mask=mask,
            compression=compression,
            collapsed=[row.collapsed for row in own],
            empty=sum(row.collapsed for row in own) / len(own),
            connected=share(row.connected for row in own),
            connected_without_residual=share(row.connected_without_residual for row in own),
            before=intervals.average(row.flow_before for row in own),
            after=intervals.average(row.flow_after for row in own),
            lost=intervals.average(row.flow_lost for row in own),
            in_out=intervals.average(row.in_out_correlation for row in own),
            cut=max((row.largest_cut for row in own if row.largest_cut is not None), default=None),
        )
        for (task, start, mask, compression), own in groups.items()
    ]


def ends(known: Sequence[MaskRow], results: Results) -> list[Row]:
    """Average the logarithm of the critical compression over tasks, for a number of every seed."""
    made = []
    for (start, mask), own in grouped(known, lambda row: (row.start, row.mask)).items():
        reached = {(row.task, row.seed): row.critical for row in own}
        by_seed = grouped(reached.items(), lambda item: item[0][1])
        logs = [intervals.average(log10(value) for _, value in items) for items in by_seed.values()]
        log = results.over([level for level in logs if level is not None])
        assert log
        row = Row(start=start, mask=mask, log=log, maximal=own[0].maximal, reached=reached)
        row.critical = 10**log.mean
        made.append(row)
    return made


def share(holds: Iterable[bool | None]) -> str:
    """Word in how many of the known cases something holds; empty if none is known."""
    known = [held for held in holds if held is not None]
    return f"{sum(known)} of {len(known)}" if known else ""


def orders(log: Summary) -> str:
    """Word a logarithm to base 10 with half its interval; a single one says n=1."""
    reach = "(n=1)" if log.half is None else f"± {log.half:.2f}"
    return f"{log.mean:.2f} {reach}"


def collapse_table(lost: Sequence[Row], results: Results) -> Table:
    """List what masks do to the encoder."""
    caption = (
        "Matrices without a kept weight, seeds with a path from input to output, with residual "
        "connections and without, and the synaptic flow R of the dense encoder and of what is "
        "kept. The in–out ρ of the scores into and out of the neurons of the MLPs is 1 if scores "
        "are conserved. While the largest cut, the share of the flow that a step drops, is below "
        "1, no matrix that every path goes through can become empty."
    )
    return table.table("collapse", caption, lost, COLLAPSES, results.not_run(KIND))


def ends_table(reached: Sequence[Row], results: Results, study: Study) -> Table:
    """List how far every score can prune."""
    caption = (
        "The critical compression is the largest up to which every matrix keeps a weight, and the "
        "maximal one leaves a weight for each. Means are of logarithms over tasks, with the "
        "interval over seeds; a start and score without noise has none."
    )
    if study.at_initialisation.rule.qk == "third":
        caption += f" {THIRDS}."
    return table.table("critical", caption, reached, ENDS, results.not_run(KIND))


THIRDS = (
    "With qk: third, SynFlow ends before the maximal compression, since queries, keys and values "
    "share the flow of one cut; qk: exclude reaches it without residual connections"
)


def densities_table(known: Sequence[MatrixRow], results: Results) -> Table:
    """List the share that the sparsest masks keep of every layer and type; csv has all masks."""
    kept: list[Row] = []
    groups = grouped(known, lambda row: (row.start, row.mask, row.compression, *row.place))
    for (start, mask, compression, layer, matrix), own in groups.items():
        row = Row(start=start, mask=mask, compression=compression, layer=layer, matrix=matrix)
        row.density = sum(mask.kept for mask in own) / sum(mask.size for mask in own)
        kept.append(row)
    sparsest = max((row.compression for row in kept), default=0.0)
    shown = [row for row in kept if row.compression == sparsest]
    types = list(dict.fromkeys(row.matrix for row in shown))
    lines = []
    by_layer = grouped(shown, lambda row: (row.start, row.mask, row.layer))
    for (start, mask, layer), cells_of in by_layer.items():
        cells = {row.matrix: words.points(row.density) for row in cells_of}
        name = words.NONE if layer is None else str(layer)
        lines.append((start, mask, name, *(cells.get(matrix, words.NONE) for matrix in types)))
    caption = (
        "Share of its weights that each type of matrix keeps, per cent, by layer from 0, over all "
        f"tasks and seeds. The compression is {sparsest:g}, which keeps "
        f"{words.percent(1 / sparsest if sparsest else 0)} of all weights; the csv file has the "
        "others."
    )
    header = ("start", "mask", "layer", *map(words.matrix_name, types))
    csv = table.records(
        kept, columns.value("start", "mask", "compression", "layer", "matrix", "density")
    )
    return table.of_cells("start_density", caption, header, lines, csv, results.not_run(KIND))
