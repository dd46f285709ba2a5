"""How small can a trained model be made, what does it score then, and where does it run faster?"""

from collections.abc import Sequence

from stages.tickets.report import columns, table, words
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Speed
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.sections.sizes import arms, families, figures
from stages.tickets.report.sections.sizes.arms import Arm
from stages.tickets.report.sections.sizes.families import Family
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals, pareto

MEGABYTE = 1e6
EXAMPLES = (1, 32)
"""Examples of a pass whose times the table shows."""
MEASURE = (
    "Time and memory depend on the machine: `uv run python -m stages measure` writes them to "
    "speed.csv, and `uv run dvc repro -s -f report` shows them."
)
CAPTION = (
    "File is the megabytes (10^6 bytes) of all parameters, embeddings too, in one safetensors "
    "file without its header, and weights is what they take in memory. A form is on the front if "
    "no other is as small and scores as much"
)
FORMS = "What the file of each form holds, and on which hardware it runs faster than dense fp32."


def section(results: Results, study: Study) -> Section:
    """Show all forms of the trained models by size."""
    rows, why = rows_of(results, study), results.not_run("precision")
    return Section(
        "sizes",
        "Which form of the model is worth its megabytes?",
        "How many megabytes does each form of a trained model take, what does it score, and where does "
        "it run faster than the dense model?",
        "No paper compares all of these; it is what an engineer asks.",
        shared.naming(answer(rows), results) if rows else words.sentence(why),
        stages=("sizes",),
        figures=(figures.figure(rows, study, why),),
        tables=(sizes_table(rows, results, why), forms_table(rows, why)),
    )


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row per task and form that has a score, with its place on the Pareto front of the task."""
    known = arms.counted(results)
    rows: list[Row] = []
    for task in study.sizes.tasks:
        own = [row_of(arm, results, study) for arm in arms.of_task(task, known, results, study)]
        points = [row.megabytes for row in own], [row.score.mean for row in own]
        for place in pareto.front(*points):
            own[place].front = "front"
        dense = next((row.megabytes for row in own if row.family is families.DENSE), None)
        for row in own:
            row.share = row.megabytes / dense if dense else None
        rows += own
    return rows


def row_of(arm: Arm, results: Results, study: Study) -> Row:
    """Make the row of a form: score, difference from dense, sizes, and times if they were measured."""
    run = arm.run
    by_seed = results.scores.of(run)
    speeds = {row.examples: row for row in results.speed if _is_of(row, run)}
    gain = results.compare(run, Run(run.task, "dense"))
    margin = getattr(study.verdict.margins, results.scores.metrics[run.task])
    return Row(
        task=run.task,
        form=arm.name,
        kind=run.kind,
        source=run.source,
        round=run.at,
        family=arm.family,
        score=results.summary(run),
        collapsed=results.scores.collapsed(run),
        gain=gain,
        near=gain is not None and gain.mean >= -margin,
        megabytes=intervals.average(size / MEGABYTE for size, _ in arm.sizes.values()),
        memory=intervals.average(memory / MEGABYTE for _, memory in arm.sizes.values()),
        seeds=[
            (size / MEGABYTE, by_seed[seed])
            for seed, (size, _) in arm.sizes.items()
            if seed in by_seed
        ],
        front="",
        peak=next((row.peak for row in speeds.values()), None),
        **{f"ratio_{number}": speeds.get(number) for number in EXAMPLES},
    )


def _is_of(row: Speed, run: Run) -> bool:
    return (row.task, row.kind, row.round, row.source) == run


def answer(rows: Sequence[Row]) -> str:
    """Name the smallest form of each task whose mean is at most the metric's margin below dense."""
    parts = []
    for task in dict.fromkeys(row.task for row in rows):
        own = [row for row in rows if row.task == task]
        good = [row for row in own if row.family is families.DENSE or row.near]
        best = min(good, key=lambda row: row.megabytes, default=None)
        if best is None or best.family is families.DENSE:
            parts.append(f"{task} none but dense")
        else:
            parts.append(
                f"{task} {best.form}, {best.megabytes:.3g} MB ({words.percent(best.share)} of dense), "
                f"{words.difference(best.gain)} points"
            )
    return f"Smallest form at most a margin below dense: {'; '.join(parts)}." if parts else ""


def sizes_table(rows: Sequence[Row], results: Results, why: str) -> Table:
    """List all forms by task, with times if there are any."""
    shown = [
        columns.named("task", "task"),
        columns.named("form", "form"),
        columns.value("kind", "source", "round"),
        columns.score("score", "score", "collapsed", prefix=""),
        columns.difference("− dense", "gain", "minus_dense_", words.NONE),
        columns.number("file, MB", "megabytes", "{:.3g}".format, "megabytes"),
        columns.number("of dense", "share", words.percent, "share"),
        columns.number("weights, MB", "memory", "{:.3g}".format, "memory"),
        columns.text("front", lambda row: row.front or words.NONE),
        columns.only_csv("front", "front"),
    ]
    caption = f"{CAPTION}; {words.DAGGER}."
    if results.speed:
        shown += [
            columns.number("peak, MB", "peak", "{:.0f}".format),
            *(columns.number(f"time of {number}", f"ratio_{number}", times) for number in EXAMPLES),
        ]
        caption += f" {measured(results.speed)}"
    else:
        caption += f" {MEASURE}"
    return table.table("sizes", caption, rows, [*shown, columns.count("score")], why)


def times(row: Speed) -> str:
    """Word the time of a form as a multiple of that of dense, with its interval."""
    return f"{row.ratio:.2f} [{row.low:.2f}, {row.high:.2f}]"


def measured(speed: Sequence[Speed]) -> str:
    """Say what was measured, and on which machine."""
    row = speed[0]
    return (
        f"Time is a multiple of dense fp32 (median of {row.pairs} pairs of passes of {row.tokens} tokens,"
        f" and its interval), and peak is the memory of a process that loads the form and runs "
        f"{max(EXAMPLES)} examples, beyond its libraries: {row.machine}, "
        f"{words.count(row.threads, 'thread')}, load {row.load:.1f}, {row.date}."
    )


def forms_table(rows: Sequence[Row], why: str) -> Table:
    """Say what each kind of form is."""
    families: dict[str, Family] = {row.family.name: row.family for row in rows}
    shown = (
        columns.named("form", "name"),
        columns.named("file", "file"),
        columns.named("runs fast on", "fast"),
    )
    return table.table("forms", FORMS, [*families.values()], shown, why)
