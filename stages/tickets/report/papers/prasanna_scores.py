"""The table of all settings of Prasanna et al. 2020, task by task, beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, words
from stages.tickets.report.claim import same_score
from stages.tickets.report.published import Published
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import NOT_RUN, points
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

    paper: Published
    here: Summary | None
    verdict: str
    """Empty if nothing ran."""

    @property
    def difference(self) -> float | None:
        """Here minus paper."""
        return self.here.mean - self.paper.mean if self.here else None


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


def _paper(score: Published) -> str:
    return points(score.mean) + ("" if score.std is None else f" ± {points(score.std)}")


COLUMNS: Sequence[Column[Score]] = (
    columns.text("task", "paper.task", "task"),
    Column("setting", lambda row: SETTINGS[row.paper.kind, row.paper.source]),
    columns.value("paper.kind", "paper.source", "paper.metric"),
    columns.number("paper", "paper", _paper),
    columns.only_csv("paper_mean", "paper.mean"),
    columns.only_csv("paper_std", "paper.std"),
    columns.score("here", "here", prefix="here_"),
    columns.number("here − paper", "difference", words.signed),
    columns.count("here"),
    columns.named("verdict", "verdict", lambda verdict: verdict or NOT_RUN),
)


def published_table(results: Results, study: Study) -> Table:
    """The paper's scores and ours."""
    rule = study.verdict
    caption = (
        "Paper: mean ± standard deviation over 5 seeds, bert-base-uncased, searched on the validation "
        "split itself, with the most frequent class there as majority (of a task with scores, a draw "
        f"from a normal). Here: searched on {study.search.rule.split}, with the majority of the training "
        f"split. Verdict: undecided without an interval or with one of more than {points(rule.widest)} "
        f"points each way; agrees, if at most {points(rule.margin)} points apart or if the paper's lies "
        "in our interval; else differs."
    )
    why = "not run: no task here has the name and headline metric of one of the paper's"
    return table("published", caption, compare(results, study), COLUMNS, why)
