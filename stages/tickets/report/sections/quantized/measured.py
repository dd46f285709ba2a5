"""Quantized models by bits, pruning and order: scores, and how large they are."""

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes

from stages.tickets import files
from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import density, intervals

KIND, PRUNED = "quantized", "pruned_quantized"
CALIBRATED, TRAINED = "calibrated", "trained"
WAYS = {
    CALIBRATED: "calibrated alone",
    TRAINED: "trained with quantizers",
    "prune-first": "pruned, then quantized",
    "quantize-first": "quantized, then pruned",
    "jointly": "jointly",
}
"""What was done to a model, by the last word of its run."""
LOOKS = {
    CALIBRATED: (ORANGE, "v"), TRAINED: (VERMILION, "s"), "prune-first": (BLUE, "o"),
    "quantize-first": (GREEN, "^"), "jointly": (PURPLE, "D"),
}  # fmt: skip
RECORD = "record.json"
SIZES = ("weights", "activations", "weight_bits", "activation_bits", "embedding_bits", "bytes")
"""What is taken from record.json, the mean over seeds."""
CAPTION = (
    "Linear modules compute with few bits: W4A8E8 has weights of 4 bits, activations of 8 and "
    "embeddings of 8, and without E embeddings are floats. Megabits and performance density count "
    "weights and activations of these modules for one example of {tokens} tokens, as the paper "
    "does, but megabytes are all that is stored. Scores per megabit and per megabyte are in per "
    "cent."
)
FIGURE = (
    "Score by bits of weights, activations and embeddings, with {interval}. The line is the dense "
    "model with its interval. Models that lose heads and neurons have panels of their own."
)
TITLE = "Scores of quantized models, a panel per task and share of pruned heads and neurons"
COLUMNS = (
    columns.named("task", "task"),
    columns.named("bits", "arm", str.upper),
    columns.number("pruned", "pruned", words.percent, "pruned", nothing=words.NONE),
    columns.text("way", lambda row: WAYS[row.way]),
    columns.only_csv("way", "way"),
    columns.score("score", "score", "collapsed", prefix=""),
    columns.difference("− dense", "of_dense", "minus_dense_", words.NONE),
    columns.difference("− calibrated", "of_calibrated", "minus_calibrated_", words.NONE),
    columns.difference("− pruned first", "of_first", "minus_pruned_first_", words.NONE),
    columns.number("megabits", "megabits", "{:.1f}".format, "megabits"),
    columns.number("score per megabit", "density", "{:.2f}".format, "performance_density"),
    columns.number("megabytes", "megabytes", "{:.2f}".format, "megabytes"),
    columns.number("score per megabyte", "per_megabyte", "{:.2f}".format, "score_per_megabyte"),
    columns.count("score"),
    columns.value(*SIZES[:5]),
)


def run_of(task: str, arm: str, way: str, sparsity: float | None = None) -> Run:
    """Name the run of an arm, complete (`calibrated`, `trained`) or pruned by an order."""
    if sparsity is None:
        return Run(task, KIND, 0, f"{arm} {way}")
    return Run(task, PRUNED, 0, f"{arm} {sparsity} {way}")


def asked(study: Study) -> Iterator[tuple[str, float | None, str]]:
    """Yield arm, sparsity and way of all models that a study asks for."""
    of = study.quantized
    for arm in of.arms:
        yield from ((arm, None, way) for way in (CALIBRATED, TRAINED))
    for sparsity in of.pruned.sparsities:
        for arm in of.pruned.arms:
            yield from ((arm, sparsity, order) for order in of.pruned.orders)


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row for every model that has scores, over its seeds."""
    entries = results.manifest.places.get("quantized_models", ())
    folders = grouped(entries, lambda entry: (entry["task"], entry["source"]))
    rows = []
    for task in study.quantized.tasks:
        for arm, sparsity, way in asked(study):
            run = run_of(task, arm, way, sparsity)
            if (score := results.summary(run)) is None:
                continue
            known = [
                files.load_record(results.folder_of(entry) / RECORD)
                for entry in folders[task, run.source]
            ]
            first = run_of(task, arm, "prune-first", sparsity)
            rows.append(
                Row(
                    task=task,
                    arm=arm,
                    pruned=sparsity,
                    way=way,
                    score=score,
                    collapsed=results.scores.collapsed(run),
                    of_dense=results.compare(run, Run(task, "dense")),
                    of_calibrated=results.compare(run, run_of(task, arm, CALIBRATED))
                    if way == TRAINED
                    else None,
                    of_first=results.compare(run, first) if sparsity else None,
                    **sizes(known, 100 * score.mean),
                )
            )
    return rows


def sizes(known: Sequence[dict[str, Any]], percent: float) -> dict[str, float | None]:
    """Return how large a model is, from the records of its seeds, and what score it has for that."""
    means = {name: intervals.average(float(record[name]) for record in known) for name in SIZES}
    weights, activations, *widths, _, num_bytes = (round(means[name] or 0) for name in SIZES)
    given = (weights, widths[0], activations, widths[1])
    return means | {
        "density": density.performance_density(percent, *given),
        "megabits": (weights * widths[0] + activations * widths[1]) / 1e6,
        "per_megabyte": density.per_megabyte(percent, num_bytes),
        "megabytes": num_bytes / 1e6,
    }


def answer(rows: Sequence[Row]) -> str:
    """Tell what each arm costs, calibrated alone and trained, from the best to the worst task."""
    complete = [row for row in rows if row.pruned is None and row.of_dense]
    texts = []
    for arm, own in grouped(complete, lambda row: row.arm).items():
        ranges = [
            words.ends(gains, words.signed) + f" {way}"
            for way in (CALIBRATED, TRAINED)
            if (gains := [row.of_dense.mean for row in own if row.way == way])
        ]
        texts.append(f"{arm.upper()} {', '.join(ranges)}")
    return f"Points minus the dense model: {'; '.join(texts)}." if texts else ""


def table_of(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List the models."""
    caption = CAPTION.format(tokens=study.quantized.rule.tokens)
    return table.table("quantized", caption, rows, COLUMNS, results.not_run(KIND))


def figure(rows: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw a panel per task and share that is pruned, with a place for every arm."""
    arms = [arm for arm in study.quantized.arms if any(row.arm == arm for row in rows)]
    groups = grouped(rows, lambda row: (row.task, row.pruned))

    def draw(own: Sequence[Row], panel: Axes) -> None:
        dense = results.summary(Run(own[0].task, "dense"))
        if dense:
            panel.axhline(100 * dense.mean, color=BLACK, linewidth=1, label="dense")
            if dense.low is not None and dense.high is not None:
                low, high = 100 * max(dense.low, -1.0), 100 * min(dense.high, 1.0)
                panel.axhspan(low, high, color=BLACK, alpha=0.12, linewidth=0)
        ways = [way for way in WAYS if any(row.way == way for row in own)]
        for number, way in enumerate(ways):
            mine = [row for row in own if row.way == way]
            shift = 0.22 * (number - (len(ways) - 1) / 2)
            colour, marker = LOOKS[way]
            panel.errorbar(
                [arms.index(row.arm) + shift for row in mine],
                [100 * row.score.mean for row in mine],
                panels.bars([row.score for row in mine]),
                fmt=marker,
                color=colour,
                capsize=2.5,
                label=WAYS[way],
            )
        panel.set_xlim(-0.6, len(arms) - 0.4)
        panel.set_xticks(range(len(arms)), [arm.upper() for arm in arms], rotation=40, ha="right")

    named = {
        f"{task}, {words.percent(pruned)} pruned" if pruned else f"{task}, complete": own
        for (task, pruned), own in groups.items()
    }
    caption = FIGURE.format(interval=names.interval_name(study))
    csv = table.records(rows, *COLUMNS)
    made = Figure("quantized", TITLE, caption, "", csv, results.not_run(KIND))
    labels = ("bits", "score (points)")
    return panels.by_name(
        made, [*named], labels, study, lambda panel, name: draw(named[name], panel)
    )
