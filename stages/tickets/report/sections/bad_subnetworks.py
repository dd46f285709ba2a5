"""How bad are bad subnetworks: their scores beside those of models that know less than BERT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from stages.tickets.report import names, words
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Scores, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

MAJORITY, DENSE = ("majority", ""), ("dense", "")
BAD, BAD_WEIGHTS = ("retrained", "structured bad"), ("retrained", "magnitude bad")
SETTINGS: Mapping[Setting, str] = {
    MAJORITY: "majority class",
    ("normal_draw", ""): "draw from the labels' normal",
    ("word_vectors", ""): "averaged word vectors",
    ("bag_of_words", ""): "bag of words",
    ("scratch_structured", "structured random"): "random weights, random heads and MLPs",
    BAD: "bad heads and MLPs, retrained",
    BAD_WEIGHTS: "bad weights, retrained",
    ("retrained", "structured random"): "random heads and MLPs, retrained",
    DENSE: "dense",
}
LESS = ("majority", "normal_draw", "word_vectors", "bag_of_words", "scratch_structured")
"""Kinds of runs that have none of BERT's pre-trained layers."""
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
        all_here = self.origin == "here" and len(levels) == len(self.by_task)
        return fmean(levels) if all_here else None


def section(results: Results, study: Study) -> Section:
    """Bad subnetworks, trained alone, beside baselines."""
    rows = measure(results, study)
    return Section(
        "bad_subnetworks",
        "How bad are bad subnetworks?",
        "Do bad subnetworks, trained alone, score better than models that know less than BERT?",
        "Prasanna et al. 2020, Table 2.",
        answer(rows, results, study),
        stages=(
            "search", "retrain", "retrain-super", "retrain-magnitude", "scratch-structured", "baselines",
        ),
        tables=(bad_table(rows, results, study),),
    )  # fmt: skip


def measure(results: Results, study: Study) -> list[Level]:
    """Every setting that ran on a task of the searches, and the paper's numbers below ours."""
    scores, tasks = results.scores, study.retrain.tasks
    published = {(row.task, row.kind, row.source): row for row in results.published_scores}
    rows = []
    for kind, source in SETTINGS:
        runs = {task: Run(task, kind, 0, source) for task in tasks}
        by_task = {
            task: scores.summary(run, study.tickets.confidence) for task, run in runs.items()
        }
        if any(by_task.values()):
            num_seeds = len(scores.of(runs[tasks[0]]).keys() - {None})
            rows.append(Level((kind, source), "here", by_task, num_seeds))
        quoted = {
            task: Summary(row.mean, row.std, None, None, row.n)
            for task in tasks
            if (row := published.get((task, kind, source)))
        }
        if quoted and (kind, source) in PUBLISHED:
            rows.append(Level((kind, source), "paper", quoted, 5 if source else 0))
    return rows


def answer(rows: Sequence[Level], results: Results, study: Study) -> str:
    """Bad subnetworks beside the best of what knows less than BERT, mean over tasks."""
    tasks = study.retrain.tasks
    if not tasks:
        return words.sentence(results.not_run("retrained"))
    levels = {row.setting: row.mean for row in rows if row.mean is not None}
    less = [setting for setting in levels if setting[0] in LESS]
    sentences = []
    for bad in (BAD, BAD_WEIGHTS):
        if bad not in levels or not less:
            continue
        best = max(less, key=lambda setting: levels[setting])
        gap = results.scores.over_tasks(bad, best, tasks, study.tickets.confidence)
        title = SETTINGS[bad]
        sentences.append(
            f"{title[0].upper()}{title[1:]}, have {words.points(levels[bad])} points, "
            f"{words.difference(gap)} beside {SETTINGS[best]}, the best that knows less."
        )
    if DENSE in levels and sentences:
        sentences.append(f"The dense model has {words.points(levels[DENSE])}.")
    return " ".join(sentences) or "No bad subnetwork was trained."


def bad_table(rows: Sequence[Level], results: Results, study: Study) -> Table:
    """Prasanna et al. 2020, Table 2, with a column for each task."""
    caption = (
        "Mean ± half the interval over n seeds; baselines have none. Averaged word vectors, the "
        "encoder's own with a linear classifier, stand for the paper's CBoW on GloVe vectors; the draw "
        "is what the paper has as the majority class of a task with scores; random weights are as many "
        "heads and MLPs as the good ones, drawn at random and trained from random weights. CBoW and "
        "BiLSTM, which the paper quotes from Wang et al. 2018, are not in its repository."
    )
    shown = (
        Column(
            "setting",
            lambda row: SETTINGS[row.setting] if row.origin == "here" else "the same in the paper",
        ),
        *(_score_of(task, results.scores) for task in study.retrain.tasks),
        Column("mean", lambda row: NONE if row.mean is None else words.points(row.mean)),
        Column("n", lambda row: str(row.num_seeds or NONE)),
    )
    long: list[Record] = [
        {"setting": " ".join(row.setting).strip(), "task": task, "from": row.origin}
        | numbers(score)
        for row in rows
        for task, score in row.by_task.items()
    ]
    why = results.not_run("retrained")
    return table("bad_subnetworks", caption, rows, shown, why, long)


def _score_of(task: str, scores: Scores) -> Column[Level]:
    def cell(row: Level) -> str:
        score = row.by_task.get(task)
        if score is None:
            return NONE
        has_interval = row.num_seeds and row.origin == "here"
        return words.mean(score) if has_interval else words.points(score.mean)

    return Column(names.task_name(task, scores), cell)
