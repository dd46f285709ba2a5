"""The shares that Prasanna et al. 2020 published in Figure 4, beside ours."""

from collections.abc import Iterable, Sequence

from stages.tickets.report import claim, columns, words
from stages.tickets.report.papers import shared
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.results import Results
from stages.tickets.report.sections.patterns.shares import NAMES, NO_HEAD
from stages.tickets.report.table import Row, Table, table
from stages.tickets.settings import Study

OTHER_TASKS = "other tasks"
COLUMNS = (
    columns.named("model", "share.state"),
    columns.named("map", "share.map"),
    columns.named("heads", "share.heads", NAMES.__getitem__),
    columns.named("class", "share.pattern"),
    columns.named("paper", "paper", words.points),
    columns.named("its tasks", "paper_tasks"),
    columns.score("here", "share.over_seeds", prefix="here_", nothing=words.NONE),
    columns.number("here − paper", "gap", words.signed),
    columns.count("share.over_seeds"),
    columns.named("verdict", "verdict"),
)


def paper_tasks(published: Iterable[PublishedShare], tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Return our tasks if the paper has them all; else its eight."""
    known = tuple(dict.fromkeys(row.task for row in published))
    return tasks if tasks and set(tasks) <= set(known) else known


def paper_share(published: Iterable[PublishedShare], share: Row, tasks: Sequence[str]) -> float:
    """Return the paper's share of the same class of the same maps, mean over tasks."""
    wanted = (share.state, share.heads, share.map, share.pattern)
    by_task = {
        row.task: row.share
        for row in published
        if (row.state, row.heads, row.map, row.pattern) == wanted
    }
    return sum(by_task[task] for task in tasks) / len(tasks)


def published_table(shares: Iterable[Row], results: Results, study: Study) -> Table:
    """List the paper's shares beside ours over all tasks, by model, map, heads and class."""
    caption = (
        "Shares in per cent, mean over tasks: of the paper over 5 seeds and 100 examples of "
        "bert-base-uncased, normed maps with a mis-sliced output matrix, no token types; here over "
        "seeds and networks. There is a verdict if both are over the same tasks: they agree if they are "
        f"surely at most {words.points(study.verdict.margins.share)} points apart."
    )
    rows = []
    for share in (share for share in shares if not share.task):
        tasks, ours = paper_tasks(results.published_shares, share.tasks), share.over_seeds
        paper = paper_share(results.published_shares, share, tasks)
        row = Row(share=share, paper=paper, paper_tasks=len(tasks))
        row.gap = ours.mean - paper if ours else None
        no_head = shared.nothing(study.patterns.tasks, results, NO_HEAD)
        row.verdict = no_head if ours is None else OTHER_TASKS
        if tasks == share.tasks:
            margin = study.verdict.margins.share
            row.verdict = shared.why_no_verdict(tasks, results) or claim.agreement(
                [(ours, paper, margin)]
            )
        rows.append(row)
    return table("patterns_published", caption, rows, COLUMNS, results.not_run("patterns"))
