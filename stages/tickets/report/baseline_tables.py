"""How bad are bad subnetworks? Their scores beside those of models that know less than BERT."""

from collections.abc import Mapping, Sequence

from stages.tickets.report import claims
from stages.tickets.report import names as runs
from stages.tickets.report.claims import Setting
from stages.tickets.report.names import Config, task_name
from stages.tickets.report.published import Published
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, difference, mean, points
from stages.tickets.statistics.intervals import Summary

SETTINGS: Mapping[Setting, str] = {
    ("majority", ""): "majority class",
    ("normal_draw", ""): "draw from the labels' normal",
    ("word_vectors", ""): "averaged word vectors",
    ("bag_of_words", ""): "bag of words",
    ("scratch_structured", "structured random"): "random weights, random heads and MLPs",
    ("retrained", "structured bad"): "bad heads and MLPs, retrained",
    ("retrained", "magnitude bad"): "bad weights, retrained",
    ("retrained", "structured random"): "random heads and MLPs, retrained",
    ("dense", ""): "dense",
}
LESS = ("majority", "normal_draw", "word_vectors", "bag_of_words", "scratch_structured")
"""Kinds of runs that have none of BERT's pre-trained layers."""
PUBLISHED = [("majority", ""), ("retrained", "structured bad"), ("retrained", "magnitude bad")]
"""Rows of the paper's table whose numbers are in its repository."""


def bad_table(scores: Scores, published: Sequence[Published], config: Config) -> Table:
    """Prasanna et al. 2020, Table 2, with a column for each task."""
    caption = (
        "Points on the validation split; mean ± half the interval over n seeds, baselines without "
        "one. Averaged word vectors: the encoder's own word embeddings, averaged over a text, with a "
        "linear classifier; they stand for the CBoW of the paper, which averages GloVe vectors. Draw: "
        "what the paper has as the majority class of a task with scores. Random weights: as many heads "
        "and MLPs as the good ones, drawn at random and trained from random weights. The paper also "
        "quotes CBoW and BiLSTM from Wang et al. 2018; its repository lacks those rows, as we do."
    )
    tasks = config.retrain.tasks
    if not tasks:
        return Table("bad_subnetworks", caption, missing=runs.why_not("retrained", config))
    theirs = {(one.task, one.kind, one.source): one for one in published}
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for (kind, source), title in SETTINGS.items():
        found = {
            task: scores.summary(Run(task, kind, 0, source), config.tickets.confidence)
            for task in tasks
        }
        if any(found.values()):
            have = [one.mean for one in found.values() if one]
            average = points(sum(have) / len(have)) if len(have) == len(tasks) else NONE
            seeds = set(scores.of(Run(tasks[0], kind, 0, source))) - {None}
            say = mean if seeds else _plain
            cells = (say(one) if one else NONE for one in found.values())
            rows.append((title, *cells, average, str(len(seeds)) if seeds else NONE))
            records += [
                {"setting": f"{kind} {source}".strip(), "task": task, "from": "here"} | numbers(one)
                for task, one in found.items()
            ]
        quoted = [theirs.get((task, kind, source)) for task in tasks]
        if (kind, source) in PUBLISHED and any(quoted):
            cells = (points(one.mean) if one else NONE for one in quoted)
            rows.append(("the same in the paper", *cells, NONE, "5" if source else NONE))
            records += [
                {"setting": f"{kind} {source}".strip(), "task": one.task, "from": "paper"}
                | {"mean": one.mean, "std": one.std, "low": None, "high": None, "n": one.n}
                for one in quoted
                if one
            ]
    header = ("setting", *(task_name(task, scores) for task in tasks), "mean", "n")
    return Table("bad_subnetworks", caption, header, tuple(rows), tuple(records))


def _plain(found: Summary) -> str:
    return points(found.mean)


def on_bad(scores: Scores, config: Config) -> str:
    """Bad subnetworks beside the best of what knows less than BERT, mean over tasks."""
    if not config.retrain.tasks:
        why = runs.why_not("retrained", config)
        return why[0].upper() + why[1:] + "."
    confidence = config.tickets.confidence
    levels = {}
    for (kind, source), title in SETTINGS.items():
        found = [
            scores.summary(Run(task, kind, 0, source), confidence) for task in config.retrain.tasks
        ]
        have = [one.mean for one in found if one]
        if len(have) == len(found):
            levels[kind, source] = (sum(have) / len(have), title)
    less = {setting: one for setting, one in levels.items() if setting[0] in LESS}
    sentences = []
    for setting in (("retrained", "structured bad"), ("retrained", "magnitude bad")):
        if setting not in levels or not less:
            continue
        level, title = levels[setting]
        best = max(less, key=lambda one: less[one][0])
        gap = claims.mean_difference(setting, best, scores, config.retrain.tasks, confidence)
        sentences.append(
            f"{title[0].upper()}{title[1:]}, have {points(level)} points, {difference(gap)} beside "
            f"{less[best][1]}, the best that knows less."
        )
    if ("dense", "") in levels and sentences:
        sentences.append(f"The dense model has {points(levels['dense', ''][0])}.")
    return " ".join(sentences) or "No bad subnetwork was trained."
