"""Score against sparsity: how tickets, their controls, dense models and baselines score."""

from collections.abc import Iterable, Sequence
from itertools import chain

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, Figure
from stages.tickets.report.papers.shared import margin, naming, without_evidence
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

CURVES = ("imp", "random")
LOOKS = {
    "majority class": (GREY, ":"), "bag of words": (GREEN, "-."), "dense": (BLACK, "-"),
    "dense from scratch": (PURPLE, "D"), "IMP ticket": (BLUE, "o-"), "random mask": (VERMILION, "s--"),
}  # fmt: skip
"""Colour and format of a run by its name."""
FIGURE_TITLE = "Score against sparsity of IMP tickets and random masks, one panel per task"
Line = Sequence[Row]
"""The scores of one kind of run at one sparsity, over tasks."""


def section(results: Results, study: Study) -> Section:
    """Show how tickets and their controls score at every sparsity."""
    scores, absent = results.scores, names.missing_controls(results.scores, study)
    headline = [(task, VALIDATION, scores.metrics[task]) for task in study.tasks]
    lines, others = by_run(headline, results, study), by_run(scores.others, results, study)
    caption = f"Scores on the validation split: mean ± half the interval, 100 × metric.{absent}"
    caption += f" {without_evidence(results)}" if results.no_evidence else ""
    learned = [[row for row in line if row.task not in results.no_evidence] for line in lines]
    learned = [line for line in learned if line]
    of_others = "The same for the metrics that are not the task's main one, and for other splits."
    return Section(
        "scores",
        "Score against sparsity",
        "How do tickets and their controls score at every sparsity?",
        "Chen et al. 2020, supplement, Figure 11 (there without controls).",
        naming(answer(learned), results),
        stages=("prune-round", "ticket", "earlier", "scratch", "baselines"),
        figures=(figure(lines, absent, study),),
        tables=(
            scores_table("scores", caption, lines, study),
            scores_table("other_metrics", of_others, others, study),
        ),
    )


def by_run(
    places: Iterable[tuple[str, str, str]], results: Results, study: Study
) -> list[list[Row]]:
    """Make a line for every kind of run and sparsity, with a score for every place, if there are any.

    Args:
        places: task, split and metric.
    """
    sparsities, scores = {0: 0.0, **names.sparsities(study)}, results.scores

    def score(kind: str, number: int, task: str, split: str, metric: str) -> Row:
        run = Run(task, kind, number)
        summary, collapsed = results.summary(run, split, metric), scores.collapsed(run)
        has_seeds = None not in scores.of(run, split, metric)
        text = words.mean(summary) if has_seeds or not summary else words.points(summary.mean)
        at = "" if split == VALIDATION else f", {split.removeprefix('validation_')}"
        return Row(
            task=task,
            split=split,
            metric=metric,
            kind=kind,
            round=number,
            place=f"{task}{at} ({words.metric_name(metric)})",
            sparsity=sparsities[number],
            summary=summary,
            has_seeds=has_seeds,
            collapsed=collapsed,
            cell=words.marked(text, collapsed),
        )

    lines = [[score(*run, *place) for place in places] for run in names.grid(scores, study)]
    return [line for line in lines if line]


def answer(lines: Sequence[Line]) -> str:
    """Tell on how many tasks the dense model is better than a bag of words; nothing of no tasks."""
    if not lines:
        return ""
    of_kind = {line[0].kind: line for line in lines if not line[0].round}
    pairs = [
        (dense.summary, bag.summary)
        for dense, bag in zip(of_kind["dense"], of_kind["bag_of_words"], strict=True)
        if bag.summary
    ]
    if not pairs:
        return "No bag-of-words line was trained."
    above = sum(dense is not None and dense.mean > bag.mean for dense, bag in pairs)
    dense = [pair[0] for pair in pairs]
    return (
        f"The mean dense score is above the bag-of-words line on {above} of "
        f"{words.count(len(pairs), 'task')} with such a line (n={words.sizes(dense)})."
    )


def scores_table(name: str, caption: str, lines: Sequence[Line], study: Study) -> Table:
    """List scores by run (rows) and by task and metric (columns); csv has a row for every score."""
    long = table.records(
        list(chain(*lines)),
        columns.value("task", "split", "metric", "kind", "round", "sparsity"),
        columns.spread_of("summary"),
        columns.value("collapsed"),
    )
    rows = []
    for line in lines:
        seeds = words.sizes(score.summary for score in line)
        if not line[0].has_seeds and seeds != words.NONE:
            seeds = "no seed"
        run = names.run_name(line[0].kind, line[0].round, study)
        rows.append((run, *(score.cell for score in line), seeds))
    header = ("run", *(score.place for line in lines[:1] for score in line), "n")
    return table.of_cells(name, caption, header, rows, long, "no task has a second metric")


def figure(lines: Sequence[Line], absent: str, study: Study) -> Figure:
    """Draw score against sparsity, one panel per task."""
    caption = (
        "Score against sparsity on the validation split; bars and the band of dense are the intervals "
        f"of the table, and all panels share their axes.{absent}"
    )
    by_task = sorted(chain(*lines), key=lambda score: study.tasks.index(score.task))
    csv = table.records(
        [score for score in by_task if score.summary],
        columns.value("task", "kind", "sparsity"),
        columns.value("summary.mean", "summary.low", "summary.high", "summary.n"),
    )
    points = [
        (score.place, names.NAMES[score.kind], 100 * score.sparsity, score.summary)
        for score in by_task
    ]
    shown = Figure("scores", FIGURE_TITLE, caption, "", csv, names.NO_ROW)
    return panels.curves(shown, points, LOOKS, study)


def mean_scores(kind: str, results: Results, study: Study) -> tuple[Record, ...]:
    """Return score minus dense by sparsity, from dense on: a line that `dvc plots diff` draws.

    It is in margins of the task's metric, which have no unit, mean over tasks that have learned. There is
    a line for each kind, as DVC takes an empty cell for 0.
    """
    line: list[Record] = []
    for number, sparsity in {0: 0.0, **names.sparsities(study)}.items():
        gains = {
            task: results.compare(Run(task, kind, number), Run(task, "dense"))
            for task in (results.usable(study.tasks) if number else ())
        }
        levels = [gain.mean / margin(task, results) for task, gain in gains.items() if gain]
        mean = intervals.average(levels) if number else 0.0
        if mean is not None:
            line.append({"sparsity": sparsity, kind: mean})
    return tuple(line)
