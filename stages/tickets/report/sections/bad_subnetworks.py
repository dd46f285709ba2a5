"""How bad are bad subnetworks: their scores beside those of models that know less than BERT."""

from collections.abc import Mapping, Sequence

from stages.tickets.report import columns, names, words
from stages.tickets.report.claim import ranged
from stages.tickets.report.papers.prasanna_scores import DENSE, MAJORITY
from stages.tickets.report.papers.shared import naming
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Row, Table, numbers, table
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary
from stages.tickets.statistics.matching import holm

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


def section(results: Results, study: Study) -> Section:
    """Show bad subnetworks, trained alone, beside baselines."""
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


def measure(results: Results, study: Study) -> list[Row]:
    """List every setting that ran on a task of the searches, and the paper's numbers below ours.

    Returns:
        The setting; `origin`: here or paper; scores by task; and the number of seeds, 0 for a baseline.
    """
    tasks = study.retrain.tasks
    published = {(row.task, (row.kind, row.source)): row for row in results.published_scores}
    rows = []
    for setting in SETTINGS:
        runs = {task: Run(task, setting[0], 0, setting[1]) for task in tasks}
        ours = {task: results.summary(run) for task, run in runs.items()}
        if any(ours.values()):
            row = Row(setting=setting, origin="here", by_task=ours)
            row.num_seeds = len(results.scores.of(runs[tasks[0]]).keys() - {None})
            rows.append(row)
        paper = {
            task: Summary(known.mean, known.std, None, None, known.n)
            for task in tasks
            if setting in PUBLISHED and (known := published.get((task, setting)))
        }
        if paper:
            seeds = 0 if setting == MAJORITY else 5
            row = Row(setting=setting, origin="paper", by_task=paper, num_seeds=seeds)
            rows.append(row)
    return rows


def answer(rows: Sequence[Row], results: Results, study: Study) -> str:
    """Compare bad subnetworks with the best of what knows less than BERT, task by task.

    The best is chosen on the split that reports it, which makes it harder to be above. Holm's correction
    is for the tasks of a setting.
    """
    ran = {row.setting for row in rows}
    if not ran & set(LESS) or not ran & {BAD, BAD_WEIGHTS}:
        return "No bad subnetwork was trained."
    parts = []
    for setting in (BAD, BAD_WEIGHTS, DENSE):
        gains = {}
        for task in results.usable(study.retrain.tasks):
            runs = {less: Run(task, less[0], 0, less[1]) for less in LESS}
            levels = {
                less: known.mean for less, run in runs.items() if (known := results.summary(run))
            }
            best = max(levels, key=levels.__getitem__, default=MAJORITY)
            if gain := results.compare(Run(task, setting[0], 0, setting[1]), runs[best]):
                gains[f"{task}, {SETTINGS[best]}"] = gain
        sure = holm([gain.p for gain in gains.values()])
        above = sum(
            gain.mean > 0 and p is not None and p <= 1 - study.tickets.confidence
            for gain, p in zip(gains.values(), sure, strict=True)
        )
        shown = ranged({of: gain.mean for of, gain in gains.items()})
        parts += (
            [f"{SETTINGS[setting]} {shown}, surely above in {above} of {len(gains)}"]
            if gains
            else []
        )
    text = f"Minus the best on validation that knows less, by task in points: {'; '.join(parts)}."
    return naming(text, results)


def bad_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List Table 2 of Prasanna et al. 2020, with a column for each task."""
    caption = (
        "Averaged word vectors, the encoder's own with a linear classifier, stand for the paper's CBoW "
        "on GloVe vectors; the draw is what the paper has as the majority class of a task with scores. "
        "Random weights: as many heads and MLPs as good ones, drawn at random and trained from random "
        "weights. CBoW and BiLSTM, quoted in the paper from Wang et al. 2018, are not in its repository."
    )

    def score(task: str) -> Column:
        """Show scores on a task; baselines and the paper's have no interval."""

        def cell(row: Row) -> str:
            known: Summary | None = row.by_task.get(task)
            if known and row.num_seeds and row.origin == "here":
                return words.mean(known)
            return words.points(known.mean) if known else words.NONE

        return Column(names.task_name(task, results.scores), cell)

    shown = (
        Column(
            "setting",
            lambda row: SETTINGS[row.setting] if row.origin == "here" else "the same in the paper",
        ),
        *map(score, study.retrain.tasks),
        columns.text("n", lambda row: str(row.num_seeds or words.NONE)),
    )
    long = [
        {"setting": " ".join(row.setting).strip(), "task": task, "from": row.origin}
        | numbers(known)
        for row in rows
        for task, known in row.by_task.items()
    ]
    return table("bad_subnetworks", caption, rows, shown, results.not_run("retrained"), long)
