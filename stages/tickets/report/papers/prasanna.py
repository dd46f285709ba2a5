"""What Prasanna et al. 2020 say of scores, sizes and places, and whether it holds here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from stages.tickets.report import columns, words
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
from stages.tickets.report.papers.prasanna_scores import SETTINGS
from stages.tickets.report.papers.shared import Compared, compared
from stages.tickets.report.published import PublishedClaim
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table, table
from stages.tickets.settings import Study

VERDICTS = ("agrees", "undecided", "direction only", "differs", NO_VERDICT, words.NOT_RUN)
COLUMNS = (
    columns.text("claim of Prasanna et al. 2020", "claim.statement"),
    columns.only_csv("claim", "claim.name"),
    columns.value("first", "second"),
    columns.text("paper", "claim.published"),
    columns.only_csv("paper", "claim.published_value"),
    columns.text("here", "claim.here"),
    columns.spread_of("claim.measured"),
    columns.text("here − paper", "claim.difference"),
    columns.text("n", lambda row: str(row.claim.n or words.NONE)),
    columns.named("holds", "claim.holds"),
    columns.named("same number", "claim.verdict"),
)


def section(results: Results, study: Study, claims: Iterable[Claim]) -> Section:
    """Show whether their statements on subnetworks hold here."""
    tasks = tasks_of(results, study)
    rows = [decide(statement, tasks, results, study) for statement in statements_of(results)]
    statements = [row.claim for row in rows]
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
            claims_table(rows, tasks, study),
            prasanna_structure.structure_table(ranges, results, study),
            prasanna_scores.published_table(results, study),
        ),
        claims=(*statements, *numbers, *(claim for claim in claims if claim.paper == PRASANNA)),
    )


def tasks_of(results: Results, study: Study) -> Compared:
    """Return the tasks of claims about scores."""
    metrics, ours = (
        {row.task: row.metric for row in results.published_scores},
        results.scores.metrics,
    )
    return compared(
        list(metrics), study.retrain.tasks, lambda task: ours.get(task) == metrics[task]
    )


def statements_of(results: Results) -> list[PublishedClaim]:
    """Return the statements of the paper about the difference of two settings."""
    return [row for row in results.published_claims if row.first]


def published_difference(claim: PublishedClaim, results: Results, tasks: Iterable[str]) -> float:
    """Subtract the second setting from the first: the paper's mean over tasks."""
    scores = {(row.task, row.kind, row.source): row.mean for row in results.published_scores}
    first, second = _settings(claim)
    return fmean(scores[task, *first] - scores[task, *second] for task in tasks)


def _settings(claim: PublishedClaim) -> tuple[Setting, Setting]:
    (kind, _, source), (rival, _, other) = claim.first.partition(" "), claim.second.partition(" ")
    return (kind, source), (rival, other)


def decide(statement: PublishedClaim, tasks: Compared, results: Results, study: Study) -> Row:
    """Decide whether a statement holds here, and whether the paper's difference is ours."""
    rule, settings = study.verdict, _settings(statement)
    gain = results.scores.over_tasks(*settings, tasks.ours, study.tickets.confidence)
    missing = [
        SETTINGS[kind, source]
        for kind, source in settings
        if not results.scores.ran([Run(task, kind, 0, source) for task in tasks.ours])
    ]
    why = f"not run: {' and '.join(missing) or 'no seed has both'}"
    claim = of_difference(
        results.claim(statement.name),
        {"above": ABOVE, "below": BELOW, "near": near(rule.widest)}[statement.expected],
        gain,
        why if study.retrain.tasks else results.not_run("retrained"),
        rule,
        Beside(published_difference(statement, results, tasks.published), gain),
    )
    other = prasanna_structure.other_seeds(study) if gain and statement.name == "super" else ""
    claim = replace(claim, same=None, verdict=other or claim.verdict)
    return Row(claim=claim, first=statement.first, second=statement.second)


def claims_table(rows: Sequence[Row], tasks: Compared, study: Study) -> Table:
    """List every statement with the paper's number and ours."""
    published, ours = tasks.words
    widest, margin = words.points(study.verdict.widest), words.points(study.verdict.margin)
    caption = (
        f"Differences of scores, mean over tasks: of the paper {published}, bert-base-uncased; here "
        f"{ours} ({len(tasks.ours)}). A statement holds by all of our interval: above 0, below 0, or for "
        f"about as well at most {widest} points from it. Numbers agree if they are at most {margin} "
        f"points apart or the paper's lies in our interval, which reaches at most {widest} points each "
        "way; direction only: all of our interval has the paper's sign."
    )
    return table("claims", caption, rows, COLUMNS)
