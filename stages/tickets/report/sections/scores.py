"""Score against sparsity: how tickets, their controls, dense models and baselines score."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLUE, GREEN, GREY, PURPLE, VERMILION, Figure, render
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, records, spread, table
from stages.tickets.report.words import NONE, metric_name
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

CURVES = {"imp": (BLUE, "o-"), "random": (VERMILION, "s--")}
LINES = {"majority": (GREY, ":"), "bag_of_words": (GREEN, "-.")}
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


Line = Sequence[Score]
"""The scores of one kind of run at one sparsity, over tasks."""


def section(results: Results, study: Study) -> Section:
    """How tickets and their controls score at every sparsity."""
    scores = results.scores
    headline = [(task, VALIDATION, scores.metrics[task]) for task in study.tasks]
    lines = by_run(headline, scores, study)
    caption = "Scores on the validation split: mean ± half the interval, 100 × metric."
    others = by_run(scores.others, scores, study) if scores.others else []
    return Section(
        "scores",
        "Score against sparsity",
        "How do tickets and their controls score at every sparsity?",
        "Chen et al. 2020, supplement, Figure 11 (there without controls).",
        answer(lines),
        stages=("prune-round", "ticket", "earlier", "random", "scratch", "baselines"),
        figures=(figure(lines, scores, study),),
        tables=(
            scores_table("scores", caption + names.missing_controls(scores, study), lines, study),
            scores_table(
                "other_metrics",
                "The same for the metrics that are not the task's main one, and for other splits.",
                others,
                study,
            ),
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
    lines = []
    for kind, number in names.grid(scores, study):
        line = []
        for task, split, metric in places:
            run = Run(task, kind, number)
            line.append(
                Score(
                    task, split, metric, kind, number, sparsities[number],
                    scores.summary(run, study.tickets.confidence, split, metric),
                    None not in scores.of(run, split, metric),
                    scores.collapsed(run),
                )
            )  # fmt: skip
        lines.append(line)
    return lines


def answer(lines: Sequence[Line]) -> str:
    """On how many tasks the dense model is better than a bag of words."""
    by_kind = {line[0].kind: [score.summary for score in line] for line in lines}
    pairs = [
        (dense, bag)
        for dense, bag in zip(by_kind["dense"], by_kind["bag_of_words"], strict=True)
        if bag
    ]
    if not pairs:
        return "No bag-of-words line was trained."
    above = sum(dense is not None and dense.mean > bag.mean for dense, bag in pairs)
    return (
        f"The mean dense score is above the bag-of-words line on {above} of "
        f"{words.count(len(pairs), 'task')} that {'has' if len(pairs) == 1 else 'have'} one."
    )


def scores_table(name: str, caption: str, lines: Sequence[Line], study: Study) -> Table:
    """Scores by run (rows) and by task and metric (columns); csv has a row for every score."""
    long: Sequence[Column[Score]] = (
        *(
            columns.value(column)
            for column in ("task", "split", "metric", "kind", "round", "sparsity")
        ),
        Column("", csv=spread(lambda score: score.summary)),
        columns.value("collapsed"),
    )
    shown: list[Column[Line]] = [
        Column("run", lambda line: names.run_name(line[0].kind, line[0].round, study)),
        *(_at(place, score) for place, score in enumerate(lines[0] if lines else ())),
        Column("n", _sizes),
    ]
    every = records([score for line in lines for score in line], long)
    return table(name, caption, lines, shown, "no task has a second metric", every)


def _at(place: int, first: Score) -> Column[Line]:
    """The column of one task, split and metric."""
    split = "" if first.split == VALIDATION else f", {first.split.removeprefix('validation_')}"
    return Column(
        f"{first.task}{split} ({metric_name(first.metric)})", lambda line: _cell(line[place])
    )


def _cell(score: Score) -> str:
    if score.summary is None:
        return words.NOT_RUN
    text = words.mean(score.summary) if score.has_seeds else words.points(score.summary.mean)
    return words.marked(text, score.collapsed)


def _sizes(line: Line) -> str:
    sizes = {
        str(score.summary.n) if score.has_seeds else "no seed" for score in line if score.summary
    }
    return ", ".join(sorted(sizes)) or NONE


def figure(lines: Sequence[Line], scores: Scores, study: Study) -> Figure:
    """Score against sparsity, one panel per task."""
    caption = (
        "Score against sparsity on the validation split; all panels share their axes. Bars and "
        f"the band of dense: {names.interval_name(study)}, {_seeds(lines)}."
    )
    ran = [
        score for task in study.tasks for line in lines for score in line
        if score.task == task and score.summary
    ]  # fmt: skip

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "score (points)")
        grid = panels.side_by_side(canvas, study.tasks, labels, study)
        for panel, task in zip(grid, study.tasks, strict=True):
            by_kind: dict[str, list[tuple[float, Summary]]] = {}
            for score in ran:
                if score.task == task and score.summary:
                    place = (100 * score.sparsity, score.summary)
                    by_kind.setdefault(score.kind, []).append(place)
            for kind, (colour, dash) in LINES.items():
                for _, level in by_kind.get(kind, []):
                    panel.axhline(
                        100 * level.mean, color=colour, linestyle=dash, linewidth=1.4,
                        label=names.NAMES[kind],
                    )  # fmt: skip
            for _, dense in by_kind.get("dense", []):
                panels.dense_band(panel, dense)
            for kind, look in {"scratch": (PURPLE, "D"), **CURVES}.items():
                if kind in by_kind:
                    at, curve = zip(*by_kind[kind], strict=True)
                    panels.curve(panel, at, curve, look, names.NAMES[kind])
            panel.set_xlim(-4, 100)
            panel.set_title(names.task_name(task, scores))
        panels.legend(canvas, grid)

    shown = [
        {"task": score.task, "kind": score.kind, "sparsity": score.sparsity, **_ends(score.summary)}
        for score in ran
    ]
    svg = render("scores", FIGURE_TITLE, panels.size(len(study.tasks), study), draw)
    missing = names.missing_controls(scores, study)
    return Figure("scores", FIGURE_TITLE, caption + missing, svg, tuple(shown))


def _ends(summary: Summary | None) -> Record:
    return {name: value for name, value in numbers(summary).items() if name != "std"}


def _seeds(lines: Sequence[Line]) -> str:
    """How many seeds every kind has, such as n=3 seeds (dense from scratch: n=1)."""
    counts = {
        line[0].kind: max(score.summary.n if score.summary else 0 for score in line)
        for line in lines
        if line[0].kind not in LINES
    }
    dense = counts.get("dense", 0)
    rest = [f"{names.NAMES[kind]}: n={n}" for kind, n in counts.items() if n and n != dense]
    text = f"n={dense} seeds" if dense > 1 else "n=1, so there are none"
    return text + (f" ({'; '.join(rest)})" if rest else "")


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
