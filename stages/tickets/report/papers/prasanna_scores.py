"""The table of all settings of Prasanna et al. 2020, task by task, beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, words
from stages.tickets.report.claim import same_score
from stages.tickets.report.published import Published
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.table import Column, Table, spread, table
from stages.tickets.report.words import NONE, NOT_RUN, points
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

MAJORITY, DENSE = ("majority", ""), ("dense", "")
SETTINGS: Mapping[Setting, str] = {
    MAJORITY: "majority class",
    DENSE: "dense",
    **{
        (state, f"{kind} {name}"): f"{title}, {name}, {state}"
        for kind, title, subnetworks in (
            ("structured", "heads and MLPs", ("good", "random", "bad")),
            ("magnitude", "weights", ("good", "random", "bad")),
            ("structured", "heads and MLPs", ("super", "super-random", "super-bad")),
        )
        for name in subnetworks
        for state in ("pruned", "retrained")
    },
}


@dataclass(frozen=True)
class Score:
    """One score of the paper beside ours."""

    published: Published
    measured: Summary | None
    verdict: str
    """Empty if nothing ran."""


def compare(results: Results, study: Study) -> list[Score]:
    """All scores of the paper's tasks that this study has in the same metric."""
    scores, rows = results.scores, []
    for paper in results.published_scores:
        known = paper.task in study.tasks and (paper.kind, paper.source) in SETTINGS
        if not known or scores.metrics.get(paper.task) != paper.metric:
            continue
        run, drawn = Run(paper.task, paper.kind, 0, paper.source), Run(paper.task, "normal_draw")
        if paper.kind == "majority" and scores.of(drawn):
            run = drawn
        score = scores.summary(run, study.tickets.confidence)
        if score and None in scores.of(run):  # a baseline, of no seed and thus sure
            score = Summary(score.mean, None, score.mean, score.mean, score.n)
        rows.append(Score(paper, score, same_score(paper.mean, score, study.verdict)))
    return rows


def published_table(results: Results, study: Study) -> Table:
    """The paper's scores and ours."""
    rule = study.verdict
    caption = (
        "Paper: mean ± standard deviation over 5 seeds, bert-base-uncased, searched on the validation "
        "split itself, with the most frequent class there as majority (of a task with scores, a draw "
        f"from a normal); here: mean ± half the interval over n seeds, searched on "
        f"{study.search.rule.split}, with the majority of the training split. Verdict: undecided without "
        f"an interval or with one of more than {points(rule.widest)} points each way; agrees, if at most "
        f"{points(rule.margin)} points apart or if the paper's lies in our interval; else differs."
    )
    why = "not run: no task here has the name and headline metric of one of the paper's"
    return table("published", caption, compare(results, study), COLUMNS, why)


def _paper(row: Score) -> str:
    mean, std = points(row.published.mean), row.published.std
    return mean if std is None else f"{mean} ± {points(std)}"


def _gap(row: Score) -> str:
    return words.signed(row.measured.mean - row.published.mean) if row.measured else NONE


COLUMNS: Sequence[Column[Score]] = (
    columns.text("task", lambda row: row.published.task, "task"),
    Column(
        "setting",
        lambda row: SETTINGS[row.published.kind, row.published.source],
        {"kind": lambda row: row.published.kind, "source": lambda row: row.published.source},
    ),
    columns.only_csv("metric", lambda row: row.published.metric),
    Column(
        "paper",
        _paper,
        {"paper_mean": lambda row: row.published.mean, "paper_std": lambda row: row.published.std},
    ),
    Column("here", lambda row: words.mean(row.measured), spread(lambda row: row.measured, "here_")),
    Column("here − paper", _gap),
    columns.count(lambda row: row.measured),
    Column("verdict", lambda row: row.verdict or NOT_RUN, {"verdict": lambda row: row.verdict}),
)
