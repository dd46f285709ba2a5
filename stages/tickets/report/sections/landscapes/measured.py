"""What the stages of landscapes have measured: surfaces, points of planes, and curvature."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from stages.tickets import files
from stages.tickets.report import words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped, read
from stages.tickets.report.table import Row
from stages.tickets.statistics import intervals

SUMS = ("sum", "scaled", "fisher", "fisher_scaled")
"""Columns of curvature.csv that are sums over kept weights, each beside its standard error."""
SHARES = ("positive", "negative", "surely_negative", "relative_error")


@dataclass(frozen=True)
class Mark:
    """A row of marks.csv: a point of a plane, or one that is projected to it."""

    name: str
    x: Number
    y: Number
    off: Number
    """Distance from the plane, as a share of the distance from theta_0."""
    loss: Number
    error: Number


@dataclass(frozen=True)
class Curved:
    """A row of curvature.csv; no layer for a type of matrix in all layers, and `all` for all matrices."""

    layer: int | None
    matrix: str
    size: int
    kept: int
    sum: Number
    sum_error: Number
    scaled: Number
    scaled_error: Number
    positive: Number
    negative: Number
    surely_negative: Number
    relative_error: Number
    fisher: Number
    fisher_error: Number
    fisher_scaled: Number
    fisher_scaled_error: Number


def network(number: int) -> str:
    """Name a network by its round."""
    return f"round {number}" if number else "dense"


def network_of(row: Row) -> str:
    return network(row.round)


def surfaces(results: Results, name: str) -> list[Row]:
    """Read the grids of random planes (`landscapes`) or of planes of two networks (`planes`).

    Returns:
        The coordinates of the networks; `x`, `y`, `loss` and `error` of the grid; `record`; `marks`, none
        on random planes; `base`: the loss of the network, or the lower one of two.
    """
    rows = []
    for entry in results.manifest.places.get(name, ()):
        folder = results.folder_of(entry)
        surface = Row(
            **{"other": None, **entry}, **files.load_arrays(folder / "surface.safetensors")
        )
        surface.record = files.load_record(folder / "record.json")
        surface.marks = read(folder / "marks.csv", Mark) if name == "planes" else []
        if name == "planes":
            ends = [mark.loss for mark in surface.marks if mark.name.startswith("network")]
            surface.base, seeds = min(ends), f"seeds {entry['seed']} and {entry['other']}"
        else:
            surface.base, seeds = surface.record["loss"], f"seed {entry['seed']}"
        surface.name = f"{entry['task']}, {network(entry['round'])}, {seeds}"
        rows.append(surface)
    return rows


def curvature(results: Results) -> list[Row]:
    """Average the curvature of every place over the seeds of a task and round.

    Returns:
        Task, round, layer, matrix, kept weights; means over seeds of the columns SUMS and SHARES, and the
        standard errors of those of SUMS, which are about the probes and the examples, not about seeds.
    """
    read_rows = []
    for entry in results.manifest.places.get("curvature", ()):
        table = read(results.folder_of(entry) / "curvature.csv", Curved)
        read_rows += [(entry, row) for row in table]
    groups = grouped(
        read_rows, lambda pair: (pair[0]["task"], pair[0]["round"], pair[1].layer, pair[1].matrix)
    )
    return [_averaged(place, [row for _, row in pairs]) for place, pairs in groups.items()]


def _averaged(place: tuple[str, int, int | None, str], seeds: Sequence[Curved]) -> Row:
    task, number, layer, matrix = place
    row = Row(task=task, round=number, network=network(number), n=len(seeds))
    row.layer, row.matrix, row.size = layer, matrix, seeds[0].size
    row.place = place_name(layer, matrix)
    row.kept = intervals.average(seed.kept for seed in seeds)
    for name in SHARES:
        setattr(row, name, intervals.average(getattr(seed, name) for seed in seeds))
    for name in SUMS:
        setattr(row, name, intervals.average(getattr(seed, name) for seed in seeds))
        squares = sum(getattr(seed, f"{name}_error") ** 2 for seed in seeds)
        setattr(row, f"{name}_error", sqrt(squares) / len(seeds))
    return row


def place_name(layer: int | None, matrix: str) -> str:
    """Name a layer, a type of matrix, a matrix, or all of them."""
    kind = "all matrices" if matrix == "all" else words.matrix_name(matrix)
    if layer is None:
        return kind
    return f"layer {layer}" if matrix == "all" else f"layer {layer}, {kind}"
