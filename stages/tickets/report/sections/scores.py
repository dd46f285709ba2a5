"""Score against sparsity: how tickets, their controls, dense models and baselines score."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILION, Figure, render
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Table, table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

CURVES = ("imp", "random")
LOOKS = {
    "majority class": (GREY, ":"), "bag of words": (GREEN, "-."), "dense": (BLACK, "-"),
    "dense from scratch": (PURPLE, "D"), "IMP ticket": (BLUE, "o-"), "random mask": (VERMILION, "s--"),
}  # fmt: skip
"""Colour and format of a run by its name."""
FIGURE_TITLE = "Score against sparsity of IMP tickets and random masks, one panel per task"


@dataclass(frozen=True)
class Score:
    """The scores of one run in one metric on one split."""

    task: str
    split: str
    metric: str
    kind: str
    round: int
    sparsity: float
    summary: Summary | None
    has_seeds: bool
    """A baseline has none, and thus no spread."""
    collapsed: int

    @property
    def place(self) -> str:
        """Task, split and metric, as shown."""
        split = "" if self.split == VALIDATION else f", {self.split.removeprefix('validation_')}"
        return f"{self.task}{split} ({words.metric_name(self.metric)})"

    @property
    def cell(self) -> str:
        """Mean and interval, if there can be one."""
        if self.summary is None or self.has_seeds:
            return words.marked(words.mean(self.summary), self.collapsed)
        return words.marked(words.points(self.summary.mean), self.collapsed)


Line = Sequence[Score]
"""The scores of one kind of run at one sparsity, over tasks."""


def section(results: Results, study: Study) -> Section:
    """How tickets and their controls score at every sparsity."""
    scores, absent = results.scores, names.missing_controls(results.scores, study)
    headline = [(task, VALIDATION, scores.metrics[task]) for task in study.tasks]
    lines = by_run(headline, scores, study)
    others = by_run(scores.others, scores, study) if scores.others else []
    caption = f"Scores on the validation split: mean ± half the interval, 100 × metric.{absent}"
    of_others = "The same for the metrics that are not the task's main one, and for other splits."
    return Section(
        "scores",
        "Score against sparsity",
        "How do tickets and their controls score at every sparsity?",
        "Chen et al. 2020, supplement, Figure 11 (there without controls).",
        answer(lines),
        stages=("prune-round", "ticket", "earlier", "scratch", "baselines"),
        figures=(figure(lines, absent, study),),
        tables=(
            scores_table("scores", caption, lines, study),
            scores_table("other_metrics", of_others, others, study),
        ),
    )


def by_run(
    places: Sequence[tuple[str, str, str]], scores: Scores, study: Study
) -> list[list[Score]]:
    """A line for every kind of run and sparsity, with a score for every place.

    Args:
        places: task, split and metric.
    """
    sparsities = {0: 0.0, **names.sparsities(study)}

    def score(kind: str, number: int, place: tuple[str, str, str]) -> Score:
        task, split, metric = place
        run = Run(task, kind, number)
        summary = scores.summary(run, study.tickets.confidence, split, metric)
        has_seeds = None not in scores.of(run, split, metric)
        collapsed = scores.collapsed(run)
        return Score(*place, kind, number, sparsities[number], summary, has_seeds, collapsed)

    return [[score(*run, place) for place in places] for run in names.grid(scores, study)]


def answer(lines: Sequence[Line]) -> str:
    """On how many tasks the dense model is better than a bag of words."""
    of_kind = {line[0].kind: line for line in lines if not line[0].round}
    pairs = [
        (dense.summary, bag.summary)
        for dense, bag in zip(of_kind["dense"], of_kind["bag_of_words"], strict=True)
        if bag.summary
    ]
    if not pairs:
        return "No bag-of-words line was trained."
    above = sum(dense is not None and dense.mean > bag.mean for dense, bag in pairs)
    return (
        f"The mean dense score is above the bag-of-words line on {above} of "
        f"{words.count(len(pairs), 'task')} with such a line."
    )


def scores_table(name: str, caption: str, lines: Sequence[Line], study: Study) -> Table:
    """Scores by run (rows) and by task and metric (columns); csv has a row for every score."""
    long = columns.records(
        list(chain(*lines)),
        columns.value("task", "split", "metric", "kind", "round", "sparsity"),
        columns.spread_of("summary"),
        columns.value("collapsed"),
    )
    places = [score.place for score in lines[0]] if lines else []
    rows = [
        (
            names.run_name(line[0].kind, line[0].round, study),
            *(score.cell for score in line),
            _sizes(line),
        )
        for line in lines
    ]
    header = columns.of_cells(("run", *places, "n"))
    return table(name, caption, rows, header, "no task has a second metric", long)


def _sizes(line: Line) -> str:
    """How many seeds the line is of; baselines have none."""
    ran = any(score.summary for score in line)
    return (
        "no seed" if ran and not line[0].has_seeds else words.sizes(score.summary for score in line)
    )


def figure(lines: Sequence[Line], absent: str, study: Study) -> Figure:
    """Score against sparsity, one panel per task."""
    caption = (
        "Score against sparsity on the validation split; bars and the band of dense are the intervals "
        f"of the table, and all panels share their axes.{absent}"
    )
    by_task = sorted(chain(*lines), key=lambda score: study.tasks.index(score.task))
    ran = [score for score in by_task if score.summary]

    def draw(canvas: Canvas) -> None:
        points = [
            (score.place, names.NAMES[score.kind], 100 * score.sparsity, score.summary)
            for score in by_task
        ]
        grid = panels.curves(canvas, points, "sparsity (% of prunable weights)", LOOKS, study)
        grid[0].set_xlim(-4, 100)

    csv = columns.records(
        ran,
        columns.value("task", "kind", "sparsity"),
        columns.value("summary.mean", "summary.low", "summary.high", "summary.n"),
    )
    svg = render("scores", FIGURE_TITLE, panels.size(len(study.tasks), study), draw)
    return Figure("scores", FIGURE_TITLE, caption, svg, csv)


def mean_scores(kind: str, scores: Scores, study: Study) -> tuple[Record, ...]:
    """Means over tasks by sparsity from dense on: a line that `dvc plots diff` draws.

    One kind at a time, as DVC takes an empty cell for 0.
    """
    line: list[Record] = []
    for number, sparsity in {0: 0.0, **names.sparsities(study)}.items():
        runs = [Run(task, kind if number else "dense", number) for task in study.tasks]
        levels = [scores.summary(run, study.tickets.confidence) for run in runs]
        mean = intervals.average(level.mean for level in levels if level)
        if mean is not None:
            line.append({"sparsity": sparsity, kind: mean})
    return tuple(line)
