"""Tables of lines: barriers, successive rounds, geometry and function, and HANS."""

import math
from collections.abc import Sequence
from statistics import fmean

from stages.tickets.report import columns, names, table, words
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.connectivity.lines import HANS, Line, Pair
from stages.tickets.report.sections.connectivity.measured import ACCURACY, POINTS, Kind
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Summary

BARRIERS = (
    "Barriers on validation, of the error in points and of the loss in nats, above the chord; "
    "that of Frankle et al. 2020 counts unlike ends too. A verdict takes the whole interval over "
    "seeds and examples, and pairs at chance do not count. For `refitted`, a linear head is "
    "fitted anew at every point of the path."
)
ROUNDS = (
    "Lines between two tickets of one seed: barriers of the error in points, and the score of the "
    "later ticket minus dense, means over seeds. If masks differ, the inside of a line leaves the "
    "subspace of each. Union is the share of prunable weights that either network keeps, and "
    "Jaccard is the share of the union that both keep."
)
GEOMETRY = (
    "Distance between two networks over the encoder's layers, mean way that each has gone from m "
    "· theta_k, and angle between the ways. Labels differ on a share of validation, beside the "
    "share by independent errors, and the divergence is Jensen and Shannon's, in nats. Accuracies "
    "are of the two networks (mean), of averaged weights and of averaged logits; all numbers are "
    "means over pairs."
)
OF_HANS = (
    "Error on HANS along the line in points, means over pairs: at the ends, in the middle, and the "
    "largest rise above the chord. Every example of HANS counts alike."
)


def shown_loss(summary: Summary) -> str:
    """Word a barrier of the loss in nats, with half its interval."""
    half = summary.half
    return words.two_digits(summary.mean) + ("" if half is None else f" ± {half:.2f}")


def _refitted(line: Line) -> Summary | None:
    return line.barrier("chord", head="refit")


PLACE = (
    columns.named("task", "task"),
    columns.named("network", "net"),
    columns.value("round"),
    columns.sparsity(),
    columns.number("from", "point", lambda point: f"{point}\N{NO-BREAK SPACE}%", "point"),
    columns.named("differ in", "arm"),
    columns.remark("steps", "steps"),
)
OF_BARRIERS = (
    *PLACE,
    columns.score("barrier", "chord", prefix="", nothing=words.NONE),
    columns.score("Frankle's", "frankle", prefix="frankle_", nothing=words.NONE),
    columns.score(
        "convexity gap", lambda line: line.barrier("convexity"), prefix="convexity_",
        nothing=words.NONE,
    ),
    columns.number("barrier of loss", "loss", shown_loss),
    columns.spread_of("loss", "loss_"),
    columns.score("refitted", _refitted, prefix="refitted_", nothing=words.NONE),
    columns.score(
        "on train", lambda line: line.barrier("chord", "train"), prefix="train_", nothing=words.NONE
    ),
    columns.named("verdict", "verdict"),
    columns.count("chord"),
)  # fmt: skip
OF_ROUNDS = (
    columns.named("task", "task"),
    columns.text("rounds", "rounds"),
    columns.value("first", "second"),
    columns.text("sparsities", "sparsities"),
    columns.score("barrier", "chord", prefix="", nothing=words.NONE),
    columns.score("Frankle's", "frankle", prefix="frankle_", nothing=words.NONE),
    columns.difference("later − dense", "gain", "gain_", nothing=words.NONE),
    columns.number("Jaccard", "jaccard", "{:.3f}".format, "jaccard"),
    columns.number("union", "union", words.percent, "union"),
    columns.named("verdict", "verdict"),
    columns.count("chord"),
)
OF_GEOMETRY = (
    *PLACE,
    columns.number("distance", "distance", "{:.3g}".format, "distance"),
    columns.number("way", "way", "{:.3g}".format, "way"),
    columns.number("distance / way", "ratio", words.two_digits, "ratio"),
    columns.number("angle", "angle", "{:.0f}°".format, "angle"),
    columns.number("labels differ", "disagreement", words.percent, "disagreement"),
    columns.number("by chance", "chance", words.percent, "chance"),
    columns.number("divergence", "divergence", "{:.3f}".format, "divergence"),
    columns.number("two networks", "score", words.points, "score"),
    columns.number("mean weights", "middle", words.points, "middle"),
    columns.number("mean logits", "average", words.points, "average"),
    columns.text("n", lambda row: str(row.n)),
    columns.value("n"),
)
ALONG_HANS = (
    *PLACE,
    columns.text("error of", "metric", "metric"),
    columns.number("first end", "first", words.points, "first"),
    columns.number("middle", "middle", words.points, "middle"),
    columns.number("second end", "second", words.points, "second"),
    columns.score("barrier", "barrier", prefix="", nothing=words.NONE),
    columns.count("barrier"),
)


def barriers_table(lines: Sequence[Line], why: str) -> Table:
    """List the barriers of all lines."""
    return table.table("connectivity", BARRIERS, lines, OF_BARRIERS, why)


def rounds_table(lines: Sequence[Line], results: Results, study: Study, why: str) -> Table:
    """List the lines between tickets of two rounds, with what their masks share."""
    rows = [_rounds(line, results, study) for line in lines if line.rounds]
    return table.table("connectivity_rounds", ROUNDS, rows, OF_ROUNDS, why)


def _rounds(line: Line, results: Results, study: Study) -> Row:
    first, second = line.rounds
    sparsities = {0: 0.0} | names.sparsities(study)
    return Row(
        task=line.task,
        rounds=line.net.removeprefix("rounds "),
        first=first,
        second=second,
        sparsities=" and ".join(words.percent(sparsities[number]) for number in line.rounds),
        chord=line.chord,
        frankle=line.frankle,
        gain=later_minus_dense(line, results),
        verdict=line.verdict,
        jaccard=_of_ends(line, "jaccard"),
        union=_of_ends(line, "union"),
    )


def later_minus_dense(line: Line, results: Results) -> Difference | None:
    """Subtract the dense score from that of the later ticket of a line between two rounds."""
    return results.compare(Run(line.task, "imp", line.round), Run(line.task, "dense"))


def geometry_table(lines: Sequence[Line], why: str) -> Table:
    """List where the two networks of all lines lie, and how far they compute the same."""
    rows = [_geometry(line) for line in lines]
    return table.table("connectivity_geometry", GEOMETRY, rows, OF_GEOMETRY, why)


def _geometry(line: Line) -> Row:
    ends = [pair.ends for pair in line.pairs]
    row = Row(**vars(line), n=len(ends))
    for name in ("distance", "ratio", "disagreement", "chance", "divergence", "middle", "average"):
        setattr(row, name, _of_ends(line, name))
    row.way = intervals.average(end.distance / end.ratio for end in ends if end.ratio)
    row.angle = intervals.average(
        math.degrees(math.acos(end.cosine)) for end in ends if end.cosine is not None
    )
    is_accuracy = line.metric == ACCURACY
    row.score = 1 - _along(line.kind, line.pairs, (0, -1)) if is_accuracy else None
    return row


def hans_tables(lines: Sequence[Line]) -> tuple[Table, ...]:
    """List the errors on HANS of lines that were scored there; no table without any."""
    rows = [_on_hans(line, metric) for line in lines for metric in line.on_hans]
    return (table.table("connectivity_hans", OF_HANS, rows, ALONG_HANS),) if rows else ()


def _on_hans(line: Line, metric: str) -> Row:
    kind = (HANS, "own", metric)
    row = Row(**vars(line) | {"metric": metric}, barrier=line.barrier("chord", *kind))
    row.first, row.second = (_along(kind, line.pairs, (end,)) for end in (0, -1))
    row.middle = _along(kind, line.pairs, (len(line.pairs[0].curves[kind]) // 2,))
    return row


def _along(kind: Kind, pairs: Sequence[Pair], steps: Sequence[int]) -> float:
    """Average an error at some points of the lines, as a fraction of 1."""
    return fmean(float(pair.curves[kind][step]) for pair in pairs for step in steps) / POINTS


def _of_ends(line: Line, name: str) -> float | None:
    """Average what is known of the two networks over pairs; None if nothing is."""
    return intervals.average(getattr(pair.ends, name) for pair in line.pairs)
