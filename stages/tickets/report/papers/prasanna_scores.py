"""The table of all settings of Prasanna et al. 2020, task by task, beside ours."""

from collections.abc import Mapping
from dataclasses import replace

from stages.tickets.report import columns, words
from stages.tickets.report.claim import agreement
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.table import Column, Row, Table, table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

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
COLUMNS = (
    columns.named("task", "paper.task"),
    Column("setting", lambda row: SETTINGS[row.paper.kind, row.paper.source]),
    columns.value("paper.kind", "paper.source", "paper.metric"),
    columns.text("paper", lambda row: words.points_and_std(row.paper.mean, row.paper.std)),
    columns.only_csv("paper_mean", "paper.mean"),
    columns.only_csv("paper_std", "paper.std"),
    columns.score("here", "here", prefix="here_"),
    columns.number("here − paper", "difference", words.signed),
    columns.count("here"),
    columns.named("verdict", "verdict", lambda verdict: verdict or words.NOT_RUN),
)


def compare(results: Results, study: Study) -> list[Row]:
    """Put all scores of the paper's tasks beside ours in the same metric, if the study has them."""
    scores, rows = results.scores, []
    for paper in results.published_scores:
        known = paper.task in study.tasks and (paper.kind, paper.source) in SETTINGS
        if not known or scores.metrics.get(paper.task) != paper.metric:
            continue
        run, drawn = Run(paper.task, paper.kind, 0, paper.source), Run(paper.task, "normal_draw")
        if paper.kind == "majority" and scores.of(drawn):
            run = drawn
        score = results.summary(run)
        difference = score.mean - paper.mean if score else None
        verdict = ""
        if score:
            sure = score
            if None in scores.of(run):  # a baseline, of no seed and thus sure
                sure = replace(score, low=score.mean, high=score.mean)
            sure = intervals.beside(sure, paper.std, paper.n, study.tickets.confidence)
            verdict = agreement([(sure, paper.mean, shared.margin(paper.task, results))])
            verdict = shared.why_no_verdict([paper.task], results) or verdict
        rows.append(Row(paper=paper, here=score, difference=difference, verdict=verdict))
    return rows


def published_table(results: Results, study: Study) -> Table:
    """List the paper's scores and ours."""
    caption = (
        "Paper: mean ± standard deviation over 5 seeds, bert-base-uncased, searched on the validation "
        "split itself, with the most frequent class there as majority (of a task with scores, a draw "
        f"from a normal). Here: searched on {study.search.rule.split}, with the majority of the training "
        "split. Verdict, for the same encoder alone: agrees, if all of the interval of ours minus the "
        "paper's, over seeds here and there, is within the margin of the metric; differs, if all of it "
        "is outside; else undecided."
    )
    why = "not run: no task here has the name and headline metric of one of the paper's"
    return table("published", caption, compare(results, study), COLUMNS, why)
