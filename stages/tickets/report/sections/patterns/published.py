"""The shares that Prasanna et al. 2020 published in Figure 4, beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from stages.tickets.report import claim
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.results import Results
from stages.tickets.report.sections.patterns.shares import FINE_TUNED, NAMES, NO_HEAD, Shares
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.words import NONE, points, signed
from stages.tickets.searches.attention.patterns import PATTERNS
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

OTHER_TASKS = "other tasks"
THEIR_SEEDS = "5"


@dataclass(frozen=True)
class Comparison:
    """The paper's shares of the five classes and ours, in the order of `PATTERNS`."""

    shares: Shares
    paper_tasks: tuple[str, ...]
    paper: tuple[float, ...]
    ours: tuple[Summary | None, ...]
    verdicts: tuple[str, ...]
    """Whether the two agree, by class."""

    @property
    def verdict(self) -> str:
        """On how many of the five shares they agree, or why nothing is said."""
        if self.verdicts[0] in (NO_HEAD, OTHER_TASKS):
            return self.verdicts[0]
        counts = {word: self.verdicts.count(word) for word in ("agrees", "undecided", "differs")}
        return ", ".join(f"{word}: {number}" for word, number in counts.items() if number)

    def lines(self) -> list[tuple[str, ...]]:
        """The paper's, ours, and the difference, as shown."""
        row = self.shares
        where = (row.state, row.map, NAMES[row.heads])
        seeds = [ours.n for ours in self.ours if ours and row.state == FINE_TUNED]
        gaps = [
            signed(ours.mean - paper) if ours else NONE
            for paper, ours in zip(self.paper, self.ours, strict=True)
        ]
        paper = f"paper ({len(self.paper_tasks)} tasks)"
        return [
            (*where, paper, *map(points, self.paper), THEIR_SEEDS, NONE),
            (
                *where,
                f"here ({len(row.tasks)} tasks)",
                *map(_mean, self.ours),
                str(seeds[0]) if seeds else NONE,
                NONE,
            ),
            (*where, "here − paper", *gaps, NONE, self.verdict),
        ]


def paper_tasks(published: Sequence[PublishedShare], tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Our tasks if the paper has them all; else its eight."""
    known = tuple(dict.fromkeys(row.task for row in published))
    return tasks if tasks and set(tasks) <= set(known) else known


def paper_share(
    published: Sequence[PublishedShare], shares: Shares, pattern: str, tasks: Sequence[str]
) -> float:
    """The paper's share of one class of the same maps, mean over tasks."""
    wanted = (shares.state, shares.heads, shares.map, pattern)
    by_task = {
        row.task: row.share
        for row in published
        if (row.state, row.heads, row.map, row.pattern) == wanted
    }
    return sum(by_task[task] for task in tasks) / len(tasks)


def compare(shares: Sequence[Shares], results: Results, study: Study) -> list[Comparison]:
    """The paper's shares and ours over all tasks, by model, map and heads."""
    rows = []
    for row in shares:
        if row.task:
            continue
        tasks = paper_tasks(results.published_shares, row.tasks)
        paper = tuple(
            paper_share(results.published_shares, row, pattern, tasks) for pattern in PATTERNS
        )
        ours = tuple(row.over_seeds.get(pattern) for pattern in PATTERNS)
        verdicts = tuple(
            NO_HEAD if not known
            else claim.same_score(level, known, study.verdict) if tasks == row.tasks
            else OTHER_TASKS
            for level, known in zip(paper, ours, strict=True)
        )  # fmt: skip
        rows.append(Comparison(row, tasks, paper, ours, verdicts))
    return rows


def published_table(shares: Sequence[Shares], results: Results, study: Study) -> Table:
    """The paper's shares beside ours."""
    rule = study.verdict
    caption = (
        "Shares in per cent, mean over tasks: of the paper over 5 seeds and 100 examples of "
        "bert-base-uncased, normed maps with a mis-sliced output matrix, no token types; here over "
        "seeds and networks, ± half the interval over n seeds. Over the same tasks, the verdict says on "
        f"how many of the five shares the two agree, at most {points(rule.margin)} points apart or the "
        "paper's in our interval, if that is not too wide; else the paper's mean is over its eight "
        "tasks, and there is no verdict."
    )
    rows = compare(shares, results, study)
    lines = [line for row in rows for line in row.lines()]
    header = ("model", "map", "heads", "share", *PATTERNS, "n", "verdict")
    records: list[Record] = [
        {
            "state": row.shares.state, "map": row.shares.map, "heads": row.shares.heads,
            "pattern": pattern, "paper": paper, "paper_tasks": len(row.paper_tasks),
            **numbers(ours, "here_"), "verdict": verdict,
        }
        for row in rows
        for pattern, paper, ours, verdict in zip(PATTERNS, row.paper, row.ours, row.verdicts, strict=True)
    ]  # fmt: skip
    shown = [Column(name, itemgetter(place)) for place, name in enumerate(header)]
    missing = results.not_run("patterns")
    return table("patterns_published", caption, lines, shown, missing, long=records)


def _mean(summary: Summary | None) -> str:
    """Mean ± half the interval if there is one; the pre-trained encoder has none."""
    if summary is None:
        return NONE
    return points(summary.mean) + ("" if summary.half is None else f" ± {points(summary.half)}")
