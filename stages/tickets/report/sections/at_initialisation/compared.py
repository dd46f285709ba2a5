"""Masks made before any training beside tickets, dense models and random masks: rows and tables."""

from collections.abc import Sequence
from itertools import product
from math import inf

from stages.tickets.report import columns, names, table, words
from stages.tickets.report.claim import placed
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import SELECTION, Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

KIND = "at_initialisation"
PRETRAINED = "pretrained"
PLACE = (
    columns.named("task", "task"),
    columns.named("start", "start"),
    columns.named("mask", "mask"),
    columns.number("compression", "compression", "{:g}".format, "compression"),
)
SCORES = (
    *PLACE,
    columns.sparsity(),
    columns.score("score", "score", "collapsed", prefix=""),
    columns.difference("− IMP ticket", "gain", "minus_imp_", nothing=words.NONE),
    columns.difference("− random mask", "of_random", "minus_random_", nothing=words.NONE),
    columns.difference("− dense", "of_dense", "minus_dense_", nothing=words.NONE),
    columns.count("score"),
    columns.only_csv("runs_collapsed", "collapsed"),
)
BEST = (
    columns.named("task", "task"),
    columns.sparsity(),
    columns.named("best mask", "mask"),
    columns.named("start", "start"),
    columns.score("score", "score", prefix="score_"),
    columns.difference("− IMP ticket", "gain"),
    columns.number("margin", "margin", words.points, "margin"),
    columns.text("as good", "as_good", "as_good"),
    columns.text("close", "close", "close"),
    columns.difference("random mask − IMP", "random", "random_", nothing=words.NONE),
    columns.count("score"),
)


def compare(results: Results, study: Study) -> list[Row]:
    """Set every mask beside the ticket and the random mask of its size, if a round has that size.

    The dense model beside it is trained from the same start: theta_0, or random weights.
    """
    asked = study.at_initialisation
    sources = {str(run.source): None for run in results.manifest.runs if run.kind == KIND}
    made = []
    for task, source in product(asked.tasks, sources):
        start, mask, compression = source.split()
        run = Run(task, KIND, 0, source)
        if (score := results.summary(run)) is None:
            continue
        sparsity = 1 - 1 / float(compression)
        number = names.round_at(sparsity, study)
        row = Row(task=task, start=start, mask=mask, sparsity=sparsity, round=number, run=run)
        row.compression, row.score = float(compression), score
        row.collapsed = results.scores.collapsed(run)
        row.gain = results.compare(run, Run(task, "imp", number)) if number else None
        row.of_random = results.compare(run, Run(task, "random", number)) if number else None
        row.of_dense = results.compare(run, dense_of(task, start))
        made.append(row)
    return made


def dense_of(task: str, start: str) -> Run:
    """Return the dense model that is trained from the same weights as masks of a start."""
    return Run(task, "dense" if start == PRETRAINED else "scratch")


def best(compared: Sequence[Row], results: Results, study: Study) -> list[Row]:
    """Choose a mask for every task and ticket, on selection, and tell how near it comes.

    Random masks are not chosen, since they are not found. The words are those of the intervals on
    validation: as good is above -margin, close above -verdict.close margins.
    """
    scores = {mask.name: mask.score for mask in study.at_initialisation.masks}
    candidates = [row for row in compared if row.gain and scores[row.mask] != "random"]
    chosen = []
    for (task, number), own in grouped(candidates, lambda row: (row.task, row.round)).items():
        levels = [results.summary(row.run, SELECTION) for row in own]
        ranked = [(level.mean, row) for level, row in zip(levels, own, strict=True) if level]
        if not ranked:
            continue
        row = Row(**vars(max(ranked, key=lambda pair: pair[0])[1]))
        row.margin = shared.margin(task, results)
        row.as_good = placed(row.gain, -row.margin, inf)
        row.close = placed(row.gain, -study.verdict.close * row.margin, inf)
        row.random = results.compare(Run(task, "random", number), Run(task, "imp", number))
        row.others = tuple(other.gain for other in own)
        chosen.append(row)
    return chosen


def scores_table(compared: Sequence[Row], results: Results, study: Study) -> Table:
    """List the scores of all masks."""
    caption = (
        "Masks made before any training and trained from there, with half the "
        f"{names.interval_name(study)}; differences are paired by seed, and dense is the model "
        "from the same start. The seed also draws the classifier through which SNIP and GraSP see "
        f"the task. {words.DAGGER}."
    )
    return table.table(KIND, caption, compared, SCORES, results.not_run(KIND))


def best_table(chosen: Sequence[Row], results: Results, study: Study) -> Table:
    """List how near the best mask of every task and size comes to the ticket."""
    caption = (
        "The best mask found without training the task, chosen on selection at the size of every "
        "ticket, minus the ticket on validation. It is as good if the interval lies above "
        f"−margin, and close if it lies above −{study.verdict.close:g} margins. If the random mask "
        "is as near, the score has found nothing."
    )
    why = results.not_run(KIND)
    if study.at_initialisation.tasks and results.scores.has(KIND):
        why = "not run: no compression has the size of a ticket"
    return table.table("best_at_initialisation", caption, chosen, BEST, why)
