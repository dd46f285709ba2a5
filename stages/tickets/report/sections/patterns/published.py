"""The shares that Prasanna et al. 2020 published in Figure 4, beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import claim, columns, words
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.results import Results
from stages.tickets.report.sections.patterns.shares import NAMES, NO_HEAD, Share
from stages.tickets.report.table import Column, Table, table
from stages.tickets.settings import Study

OTHER_TASKS = "other tasks"


@dataclass(frozen=True)
class Comparison:
    """The paper's share of one class and ours."""

    share: Share
    paper: float
    paper_tasks: int
    """Tasks that the paper's share is the mean over."""
    verdict: str
    """Whether the two agree, or why nothing is said."""

    @property
    def gap(self) -> float | None:
        """Our share minus the paper's; None if no head survives here."""
        ours = self.share.over_seeds
        return ours.mean - self.paper if ours else None


def paper_tasks(published: Sequence[PublishedShare], tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Our tasks if the paper has them all; else its eight."""
    known = tuple(dict.fromkeys(row.task for row in published))
    return tasks if tasks and set(tasks) <= set(known) else known


def paper_share(published: Sequence[PublishedShare], share: Share, tasks: Sequence[str]) -> float:
    """The paper's share of the same class of the same maps, mean over tasks."""
    wanted = (share.state, share.heads, share.map, share.pattern)
    by_task = {
        row.task: row.share
        for row in published
        if (row.state, row.heads, row.map, row.pattern) == wanted
    }
    return sum(by_task[task] for task in tasks) / len(tasks)


def compare(shares: Sequence[Share], results: Results, study: Study) -> list[Comparison]:
    """The paper's shares and ours over all tasks, by model, map, heads and class."""
    rows = []
    for share in shares:
        if share.task:
            continue
        tasks = paper_tasks(results.published_shares, share.tasks)
        paper = paper_share(results.published_shares, share, tasks)
        verdict = NO_HEAD if share.over_seeds is None else OTHER_TASKS
        if tasks == share.tasks:
            verdict = claim.same_score(paper, share.over_seeds, study.verdict)
        rows.append(Comparison(share, paper, len(tasks), verdict))
    return rows


COLUMNS: Sequence[Column[Comparison]] = (
    columns.named("model", "share.state"),
    columns.named("map", "share.map"),
    columns.named("heads", "share.heads", NAMES.__getitem__),
    columns.named("class", "share.pattern"),
    columns.number("paper", "paper", words.points, "paper"),
    columns.named("its tasks", "paper_tasks"),
    columns.score("here", "share.over_seeds", prefix="here_", nothing=words.NONE),
    columns.number("here − paper", "gap", words.signed),
    columns.count("share.over_seeds"),
    columns.named("verdict", "verdict"),
)


def published_table(shares: Sequence[Share], results: Results, study: Study) -> Table:
    """The paper's shares beside ours."""
    caption = (
        "Shares in per cent, mean over tasks: of the paper over 5 seeds and 100 examples of "
        "bert-base-uncased, normed maps with a mis-sliced output matrix, no token types; here over "
        "seeds and networks. There is a verdict if both are over the same tasks: they agree if they are "
        f"at most {words.points(study.verdict.margin)} points apart or the paper's share is in our "
        "interval, if that is not too wide."
    )
    rows = compare(shares, results, study)
    return table("patterns_published", caption, rows, COLUMNS, results.not_run("patterns"))
