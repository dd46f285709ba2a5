"""What searches for masks have found: scores untrained and trained, and where probabilities end."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLUE, GREEN, ORANGE, PURPLE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

CAPTION = (
    "Masks learned over fixed weights are scored with the head of the search: weights times "
    "probabilities (soft), under a drawn mask (sampled), or under the mask of exact size (hard). "
    "Trained is the hard mask, trained from the same start with a new head. Undecided "
    "probabilities lie between 0.1 and 0.9, and Jaccard compares the mask with that of the "
    "largest weights at the start, beside chance."
)
HISTOGRAM = (
    "Share of the weights by their probability to be kept in the end, mean over seeds. Two heaps at the "
    "ends mean that the search has converged."
)
TITLE = "Histogram of the learned probabilities, one panel per task and a line per size"
LOOKS = ((VERMILION, "-"), (BLUE, "--"), (GREEN, "-."), (PURPLE, ":"), (ORANGE, "-"))


@dataclass(frozen=True)
class Search:
    """A row of searches.csv."""

    task: str
    seed: int
    round: int
    prior: Number
    divergence: Number
    mean_probability: Number
    undecided: Number
    jaccard_one_shot: Number
    jaccard_by_chance: Number


@dataclass(frozen=True)
class Bin:
    """A row of histograms.csv."""

    task: str
    seed: int
    round: int
    low: Number
    high: Number
    weights: int


MEANS = ("prior", "mean_probability", "undecided", "jaccard_one_shot", "jaccard_by_chance")
COLUMNS = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    columns.score("soft", "soft", prefix="soft_"),
    columns.score("sampled", "sampled", prefix="sampled_"),
    columns.score("hard", "hard", prefix="hard_"),
    columns.score("trained", "score", "collapsed", prefix=""),
    columns.difference("− IMP ticket", "imp", "minus_imp_", words.NONE),
    columns.difference("− one-shot", "one_shot", "minus_one_shot_", words.NONE),
    columns.difference("− random", "random", "minus_random_", words.NONE),
    columns.number("mean p", "mean_probability", "{:.3f}".format, "mean_probability"),
    columns.number("undecided, %", "undecided", words.points, "undecided"),
    columns.number("Jaccard", "jaccard_one_shot", words.two_digits, "jaccard_one_shot"),
    columns.number("by chance", "jaccard_by_chance", words.two_digits, "jaccard_by_chance"),
    columns.count("score"),
    columns.only_csv("prior", "prior"),
)


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row per task and size that has a score."""
    asked = study.learned_masks
    known = results.read("learned_masks", "searches.csv", Search)
    groups = grouped(known, lambda row: (row.task, row.round))
    rows = []
    for task in asked.tasks:
        for number in asked.rounds:
            run = Run(task, "learned", number)
            if (score := results.summary(run)) is None:
                continue
            others = {
                "imp": Run(task, "imp", number),
                "one_shot": names.control_run(task, "one-shot", number),
                "random": Run(task, "random", number),
            }
            own = groups.get((task, number), [])
            rows.append(
                Row(
                    task=task,
                    round=number,
                    sparsity=names.sparsities(study)[number],
                    score=score,
                    collapsed=results.scores.collapsed(run),
                    **{kind: results.compare(run, other) for kind, other in others.items()},
                    **{
                        kind: results.summary(Run(task, "untrained", number, kind))
                        for kind in ("soft", "sampled", "hard")
                    },
                    **{
                        name: intervals.average(getattr(row, name) for row in own) for name in MEANS
                    },
                )
            )
    return rows


def answer(rows: Sequence[Row]) -> str:
    """Give the scores of the sparsest masks untrained, and how far they are from tickets if trained."""
    if not rows:
        return ""
    last = max(row.round for row in rows)
    texts = [
        f"{row.task} {words.mean(row.hard)} untrained, {words.difference(row.imp)} against its IMP "
        "ticket once trained"
        if row.imp
        else f"{row.task} {words.mean(row.hard)} untrained"
        for row in rows
        if row.round == last
    ]
    size = next(words.percent(row.sparsity) for row in rows if row.round == last)
    return f"Learned masks of {size} sparsity: {'; '.join(texts)}."


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List the masks."""
    return table.table("learned_masks", CAPTION, rows, COLUMNS, results.not_run("learned"))


def figure(results: Results, study: Study) -> Figure:
    """Draw how many weights have which probability in the end."""
    bins = results.read("learned_masks", "histograms.csv", Bin)
    groups = grouped(bins, lambda row: (row.task, row.round, row.low, row.high))
    means = [
        Row(
            task=task,
            round=number,
            low=low,
            high=high,
            weights=intervals.average(row.weights for row in own),
        )
        for (task, number, low, high), own in groups.items()
    ]
    numbers = sorted({row.round for row in means})

    def draw(panel: Axes, task: str) -> None:
        for place, number in enumerate(numbers):
            own = [row for row in means if (row.task, row.round) == (task, number)]
            total = sum(row.weights for row in own)
            edges = [row.low for row in own] + [row.high for row in own[-1:]]
            shares = [100 * row.weights / total for row in own]
            colour, line = LOOKS[place % len(LOOKS)]
            sparsity = names.sparsities(study)[number]
            label = f"{words.percent(sparsity)} sparsity"
            panel.stairs(shares, edges, color=colour, linestyle=line, linewidth=1.4, label=label)

    csv = table.records(means, columns.value("task", "round", "low", "high", "weights"))
    why = results.not_run("learned")
    made = Figure("learned_probabilities", TITLE, HISTOGRAM, "", csv, why)
    tasks = list(dict.fromkeys(row.task for row in means))
    return panels.by_name(made, tasks, ("probability to be kept", "weights (%)"), study, draw)
