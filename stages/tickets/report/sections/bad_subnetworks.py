"""How bad are bad subnetworks: their scores beside those of models that know less than BERT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from stages.tickets.report import columns, names, words
from stages.tickets.report.papers.prasanna_scores import DENSE, MAJORITY
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

BAD, BAD_WEIGHTS = ("retrained", "structured bad"), ("retrained", "magnitude bad")
LESS: Mapping[Setting, str] = {
    MAJORITY: "majority class",
    ("normal_draw", ""): "draw from the labels' normal",
    ("word_vectors", ""): "averaged word vectors",
    ("bag_of_words", ""): "bag of words",
    ("scratch_structured", "structured random"): "random weights, random heads and MLPs",
}
"""Settings that have none of BERT's pre-trained layers."""
SETTINGS: Mapping[Setting, str] = {
    **LESS,
    BAD: "bad heads and MLPs, retrained",
    BAD_WEIGHTS: "bad weights, retrained",
    ("retrained", "structured random"): "random heads and MLPs, retrained",
    DENSE: "dense",
}
PUBLISHED = (MAJORITY, BAD, BAD_WEIGHTS)
"""Rows of the paper's table whose numbers are in its repository."""


@dataclass(frozen=True)
class Level:
    """What one setting scores on every task, here or in the paper."""

    setting: Setting
    origin: str
    """here or paper."""
    by_task: Mapping[str, Summary | None]
    """Scores of the tasks of the study; None if nothing ran."""
    num_seeds: int
    """0 for a baseline, which depends on no seed."""

    @property
    def mean(self) -> float | None:
        """Over tasks, if all have a score; none of the paper, whose tasks are others."""
        levels = [score.mean for score in self.by_task.values() if score]
        has_all = self.origin == "here" and len(levels) == len(self.by_task)
        return fmean(levels) if has_all else None


def section(results: Results, study: Study) -> Section:
    """Bad subnetworks, trained alone, beside baselines."""
    rows = measure(results, study)
    return Section(
        "bad_subnetworks",
        "How bad are bad subnetworks?",
        "Do bad subnetworks, trained alone, score better than models that know less than BERT?",
        "Prasanna et al. 2020, Table 2.",
        answer(rows, results, study) if rows else words.sentence(results.not_run("retrained")),
        stages=(
            "search", "retrain", "retrain-super", "baselines",
        ),
        tables=(bad_table(rows, results, study),),
    )  # fmt: skip


def measure(results: Results, study: Study) -> list[Level]:
    """Every setting that ran on a task of the searches, and the paper's numbers below ours."""
    scores, tasks = results.scores, study.retrain.tasks
    published = {(row.task, (row.kind, row.source)): row for row in results.published_scores}
    rows = []
    for setting in SETTINGS:
        runs = {task: Run(task, setting[0], 0, setting[1]) for task in tasks}
        ours = {task: scores.summary(runs[task], study.tickets.confidence) for task in tasks}
        if any(ours.values()):
            seeds = scores.of(runs[tasks[0]]).keys() - {None}
            rows.append(Level(setting, "here", ours, len(seeds)))
        paper = {
            task: Summary(row.mean, row.std, None, None, row.n)
            for task in tasks
            if setting in PUBLISHED and (row := published.get((task, setting)))
        }
        if paper:
            rows.append(Level(setting, "paper", paper, 0 if setting == MAJORITY else 5))
    return rows


def answer(rows: Sequence[Level], results: Results, study: Study) -> str:
    """Bad subnetworks beside the best of what knows less than BERT, mean over tasks."""
    tasks, confidence = study.retrain.tasks, study.tickets.confidence
    levels = {row.setting: row.mean for row in rows if row.mean is not None}
    less = [setting for setting in levels if setting in LESS]
    if not less or not (BAD in levels or BAD_WEIGHTS in levels):
        return "No bad subnetwork was trained."
    best = max(less, key=lambda setting: levels[setting])
    gaps = [
        f"{SETTINGS[setting]}: "
        + words.difference(results.scores.over_tasks(setting, best, tasks, confidence))
        for setting in (BAD, BAD_WEIGHTS, DENSE)
        if setting in levels
    ]
    return (
        f"Means over tasks minus that of the best that knows less, {SETTINGS[best]}, in points: "
        f"{'; '.join(gaps)}."
    )


def _score(task: str, title: str) -> Column[Level]:
    """Scores on a task; baselines and the paper's have no interval."""

    def cell(row: Level) -> str:
        score = row.by_task.get(task)
        has_interval = row.num_seeds and row.origin == "here"
        shown = words.mean if has_interval else lambda score: words.points(score.mean)
        return shown(score) if score else NONE

    return Column(title, cell)


def bad_table(rows: Sequence[Level], results: Results, study: Study) -> Table:
    """Prasanna et al. 2020, Table 2, with a column for each task."""
    caption = (
        "Averaged word vectors, the encoder's own with a linear classifier, stand for the paper's CBoW "
        "on GloVe vectors; the draw is what the paper has as the majority class of a task with scores. "
        "Random weights: as many heads and MLPs as good ones, drawn at random and trained from random "
        "weights. CBoW and BiLSTM, quoted in the paper from Wang et al. 2018, are not in its repository."
    )
    shown: Sequence[Column[Level]] = (
        Column(
            "setting",
            lambda row: SETTINGS[row.setting] if row.origin == "here" else "the same in the paper",
        ),
        *(_score(task, names.task_name(task, results.scores)) for task in study.retrain.tasks),
        columns.number("mean", "mean", words.points),
        columns.named("n", "num_seeds", lambda seeds: str(seeds or NONE)),
    )
    long: list[Record] = [
        {"setting": " ".join(row.setting).strip(), "task": task, "from": row.origin}
        | numbers(score)
        for row in rows
        for task, score in row.by_task.items()
    ]
    return table("bad_subnetworks", caption, rows, shown, results.not_run("retrained"), long)
