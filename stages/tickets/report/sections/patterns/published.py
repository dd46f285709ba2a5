"""The shares that Prasanna et al. 2020 published in Figure 4, beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import claim, columns
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.sections.patterns.shares import FINE_TUNED, NO_HEAD, Share
from stages.tickets.report.table import Table, table
from stages.tickets.report.words import NONE, points, signed
from stages.tickets.searches.attention.patterns import PATTERNS
from stages.tickets.settings import Study

OTHER_TASKS = "other tasks"
THEIR_SEEDS = "5"


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
    def here(self) -> str:
        """Our mean ± half the interval if there is one; the pre-trained encoder has none."""
        ours = self.share.over_seeds
        if ours is None:
            return NONE
        return points(ours.mean) + ("" if ours.half is None else f" ± {points(ours.half)}")

    @property
    def gap(self) -> str:
        """Our mean minus the paper's."""
        ours = self.share.over_seeds
        return signed(ours.mean - self.paper) if ours else NONE


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


def _lines(place: tuple[str, ...], rows: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """The paper's shares of all classes, ours, and the differences with the verdict, as shown."""
    first, verdicts = rows[0], [row.verdict for row in rows]
    seeds = first.share.over_seeds.n if first.share.over_seeds and place[0] == FINE_TUNED else NONE
    counts = {word: verdicts.count(word) for word in ("agrees", "undecided", "differs")}
    verdict = ", ".join(f"{word}: {number}" for word, number in counts.items() if number)
    shown = {
        f"paper ({first.paper_tasks} tasks)": [points(row.paper) for row in rows]
        + [THEIR_SEEDS, NONE],
        f"here ({len(first.share.tasks)} tasks)": [row.here for row in rows] + [str(seeds), NONE],
        "here − paper": [row.gap for row in rows] + [NONE, verdict or verdicts[0]],
    }
    return [(*place, name, *cells) for name, cells in shown.items()]


def published_table(shares: Sequence[Share], results: Results, study: Study) -> Table:
    """The paper's shares beside ours."""
    caption = (
        "Shares in per cent, mean over tasks: of the paper over 5 seeds and 100 examples of "
        "bert-base-uncased, normed maps with a mis-sliced output matrix, no token types; here over "
        "seeds and networks. If both are over the same tasks, the verdict says on how many of the five "
        f"shares they agree, at most {points(study.verdict.margin)} points apart or the paper's in our "
        "interval, if that is not too wide."
    )
    rows = compare(shares, results, study)
    groups = grouped(rows, lambda row: row.share.place)
    lines = [line for place, own in groups.items() for line in _lines(place, own)]
    header = columns.of_cells(("model", "map", "heads", "share", *PATTERNS, "n", "verdict"))
    fields = ("share.state", "share.map", "share.heads", "share.pattern", "paper", "paper_tasks")
    records = columns.records(
        rows,
        columns.value(*fields),
        columns.spread_of("share.over_seeds", "here_"),
        columns.value("verdict"),
    )
    missing = results.not_run("patterns")
    return table("patterns_published", caption, lines, header, missing, records)
