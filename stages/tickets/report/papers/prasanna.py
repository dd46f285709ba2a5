"""What Prasanna et al. 2020 say of scores, sizes and places, and whether it holds here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from stages.tickets.report import columns
from stages.tickets.report.claim import (
    ABOVE,
    BELOW,
    NO_VERDICT,
    PRASANNA,
    Beside,
    Claim,
    near,
    of_difference,
    tally,
)
from stages.tickets.report.papers import prasanna_scores, prasanna_structure
from stages.tickets.report.papers.prasanna_scores import DENSE, MAJORITY, SETTINGS
from stages.tickets.report.papers.shared import Compared, compared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import NONE, NOT_RUN, points
from stages.tickets.settings import Study

VERDICTS = ("agrees", "undecided", "direction only", "differs", NO_VERDICT, NOT_RUN)


@dataclass(frozen=True)
class Statement:
    """A statement about the difference of two settings."""

    text: str
    first: Setting
    second: Setting
    expected: Literal["above", "below", "near"]
    """Where the difference lies, seen from 0, if the statement is true."""


GOOD, RANDOM, BAD, SUPER = (
    ("retrained", f"structured {name}") for name in ("good", "random", "bad", "super")
)
GOOD_WEIGHTS, RANDOM_WEIGHTS, BAD_WEIGHTS = (
    ("retrained", f"magnitude {name}") for name in ("good", "random", "bad")
)
STATEMENTS = {
    "good_weights": Statement(
        "Good weights retrain to about the dense score", GOOD_WEIGHTS, DENSE, "near"
    ),
    "good": Statement("Good heads and MLPs come close to it", GOOD, DENSE, "near"),
    "random": Statement(
        "Random heads and MLPs retrain about as well as good ones", RANDOM, GOOD, "near"
    ),
    "bad": Statement(
        "Bad heads and MLPs stay trainable: above the majority", BAD, MAJORITY, "above"
    ),
    "bad_random": Statement("Bad heads and MLPs are below random ones", BAD, RANDOM, "below"),
    "random_weights": Statement(
        "Random weights are below good ones", RANDOM_WEIGHTS, GOOD_WEIGHTS, "below"
    ),
    "bad_weights": Statement(
        "Bad weights are below random ones", BAD_WEIGHTS, RANDOM_WEIGHTS, "below"
    ),
    "super": Statement(
        "Super-survivors are below dense, in the paper by nine points", SUPER, DENSE, "below"
    ),
}
"""By the names of their claims."""


def section(results: Results, study: Study, claims: Sequence[Claim]) -> Section:
    """Do their statements on subnetworks hold here?"""
    tasks = tasks_of(results, study)
    statements = [decide(name, tasks, results, study) for name in STATEMENTS]
    ranges = prasanna_structure.compare(results, study)
    numbers = [row.claim for row in ranges]
    verdicts = Counter(claim.verdict.split(":")[0] for claim in statements)
    same = ", ".join(f"{verdicts[word]} {word}" for word in VERDICTS if verdicts[word])
    return Section(
        "claims",
        "What Prasanna et al. say",
        "Do their statements on subnetworks hold here?",
        "Prasanna et al. 2020, abstract, Figures 1 and 2, table of all settings in the appendix.",
        f"Its statements on scores hold: {tally(statements)}. Its numbers are ours, too: of differences "
        f"{same}; of sizes and places {tally(numbers)}.",
        tables=(
            claims_table(statements, tasks, study),
            prasanna_structure.structure_table(ranges, results, study),
            prasanna_scores.published_table(results, study),
        ),
        claims=(*statements, *numbers, *(claim for claim in claims if claim.paper == PRASANNA)),
    )


def tasks_of(results: Results, study: Study) -> Compared:
    """The tasks of claims about scores."""
    metrics = {row.task: row.metric for row in results.published_scores}
    ours = results.scores.metrics
    return compared(
        list(metrics), study.retrain.tasks, lambda task: ours.get(task) == metrics[task]
    )


def published_difference(statement: Statement, results: Results, tasks: Sequence[str]) -> float:
    """The paper's mean over tasks of the first setting minus the second."""
    means = {(row.task, row.kind, row.source): row.mean for row in results.published_scores}
    return fmean(means[task, *statement.first] - means[task, *statement.second] for task in tasks)


def decide(name: str, tasks: Compared, results: Results, study: Study) -> Claim:
    """Whether a statement holds here, and whether the paper's difference is ours."""
    statement, rule = STATEMENTS[name], study.verdict
    settings = statement.first, statement.second
    gain = results.scores.over_tasks(*settings, tasks.ours, study.tickets.confidence)
    missing = [
        SETTINGS[kind, source]
        for kind, source in settings
        if not results.scores.ran([Run(task, kind, 0, source) for task in tasks.ours])
    ]
    why = f"not run: {' and '.join(missing) or 'no seed has both'}"
    of_weights = statement.first[1].startswith("magnitude")
    stages = ("search", "retrain") if of_weights else prasanna_structure.RETRAINED
    claim = of_difference(
        Claim(name, statement.text, PRASANNA, stages),
        {"above": ABOVE, "below": BELOW, "near": near(rule.widest)}[statement.expected],
        gain,
        why if study.retrain.tasks else results.not_run("retrained"),
        rule,
        Beside(published_difference(statement, results, tasks.published), gain),
    )
    other = prasanna_structure.other_seeds(study) if gain and name == "super" else ""
    return replace(claim, same=None, verdict=other or claim.verdict)


COLUMNS: Sequence[Column[Claim]] = (
    columns.text("claim of Prasanna et al. 2020", "statement"),
    columns.only_csv("claim", "name"),
    columns.only_csv("first", lambda claim: " ".join(STATEMENTS[claim.name].first).strip()),
    columns.only_csv("second", lambda claim: " ".join(STATEMENTS[claim.name].second).strip()),
    columns.text("paper", "published"),
    columns.only_csv("paper", "published_value"),
    columns.text("here", "here"),
    columns.spread_of("measured"),
    columns.text("here − paper", "difference"),
    columns.text("n", lambda claim: str(claim.n or NONE)),
    columns.text("holds", "holds", "holds"),
    columns.text("same number", "verdict", "verdict"),
)


def claims_table(statements: Sequence[Claim], tasks: Compared, study: Study) -> Table:
    """Every statement with the paper's number and ours."""
    published, ours = tasks.words
    widest, margin = points(study.verdict.widest), points(study.verdict.margin)
    caption = (
        f"Differences of scores, mean over tasks: of the paper {published}, bert-base-uncased; here "
        f"{ours} ({len(tasks.ours)}). A statement holds by all of our interval: above 0, below 0, or for "
        f"about as well at most {widest} points from it. Numbers agree if they are at most {margin} "
        f"points apart or the paper's lies in our interval, which reaches at most {widest} points each "
        "way; direction only: all of our interval has the paper's sign."
    )
    return table("claims", caption, statements, COLUMNS)
