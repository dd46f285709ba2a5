"""What Prasanna et al. 2020 say of scores, sizes and places, and whether it holds here."""

import math
from collections.abc import Iterable
from dataclasses import replace

from stages.tickets.report.claim import (
    PRASANNA,
    Bounded,
    Claim,
    agreement,
    decided,
    of_most,
    ranged,
    tally,
)
from stages.tickets.report.papers import prasanna_scores, prasanna_structure, shared
from stages.tickets.report.papers.prasanna_scores import SETTINGS
from stages.tickets.report.published import PublishedClaim
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.section import Section
from stages.tickets.report.words import count
from stages.tickets.settings import Study


def section(results: Results, study: Study, claims: Iterable[Claim]) -> Section:
    """Show whether their statements on subnetworks hold here."""
    ranges = prasanna_structure.compare(results, study)
    own = [
        *(try_statement(statement, results, study) for statement in statements_of(results)),
        *(row.claim for row in ranges),
        *(claim for claim in claims if claim.paper == PRASANNA),
    ]
    own = decided(own, study.tickets.confidence)
    statements, numbers = (
        [claim for claim in own if claim.is_number is is_number] for is_number in (False, True)
    )
    answer = (
        f"Do its statements hold here? {tally(statements)}. Its sizes and places: {tally(numbers)}."
    )
    return Section(
        "claims",
        "What Prasanna et al. say",
        "Do their statements on subnetworks hold here?",
        "Prasanna et al. 2020, abstract, Figures 1 and 2, table of all settings in the appendix.",
        shared.naming(answer, results),
        tables=(
            shared.claims_table("claims", statements, results),
            prasanna_structure.structure_table(ranges, study),
            prasanna_scores.published_table(results, study),
        ),
        claims=tuple(own),
    )


def statements_of(results: Results) -> list[PublishedClaim]:
    """Return the statements of the paper about the difference of two settings."""
    return [row for row in results.published_claims if row.first]


def published_differences(claim: PublishedClaim, results: Results) -> dict[str, float]:
    """Subtract the second setting from the first in the paper, by task but for WNLI."""
    scores = {(row.task, row.kind, row.source): row.mean for row in results.published_scores}
    first, second = _settings(claim)
    tasks = shared.usable(dict.fromkeys(row.task for row in results.published_scores))
    return {task: scores[task, *first] - scores[task, *second] for task in tasks}


def _settings(claim: PublishedClaim) -> tuple[Setting, Setting]:
    (kind, _, source), (rival, _, other) = claim.first.partition(" "), claim.second.partition(" ")
    return (kind, source), (rival, other)


def try_statement(statement: PublishedClaim, results: Results, study: Study) -> Claim:
    """Try on every task of the retrained subnetworks whether a statement holds on most of them."""
    settings, asked = _settings(statement), study.retrain.tasks
    missing = [
        SETTINGS[kind, source]
        for kind, source in settings
        if not results.scores.ran([Run(task, kind, 0, source) for task in asked])
    ]
    why = f"not run: {' and '.join(missing) or 'no seed has both'}"
    tests = []
    for task in results.usable(asked):
        low, high = bounds(statement, results.scores.metrics[task], study)
        if gain := results.compare(*(Run(task, kind, 0, source) for kind, source in settings)):
            tests.append(Bounded(task, gain, low, high))
    paper = published_differences(statement, results)
    claim = results.claim(statement.name, count(len(tests), "task"))
    claim = replace(
        claim,
        published=as_in_paper(statement, results),
        same=_same(statement, tests, paper, results),
    )
    why = why if asked else results.not_run("retrained")
    return of_most(claim, tests, shared.nothing(asked, results, why))


def bounds(statement: PublishedClaim, metric: str, study: Study) -> tuple[float, float]:
    """Return the bounds between which a statement has the difference of its settings."""
    reach: float = getattr(study.verdict.margins, metric)
    return {
        "above": (0.0, math.inf),
        "below": (-math.inf, 0.0),
        "near": (-reach, reach),
        "close": (-reach * study.verdict.close, math.inf),
    }[statement.expected]


def as_in_paper(statement: PublishedClaim, results: Results) -> str:
    """Word the paper's differences, and on how many tasks its own means are within the bounds.

    The paper says some things of a mean over tasks that do not hold on most of its tasks.
    """
    metrics = {row.task: row.metric for row in results.published_scores}
    paper, count_in = published_differences(statement, results), 0
    for task, level in paper.items():
        low, high = bounds(statement, metrics[task], results.study)
        count_in += low < level < high
    return (
        f"{ranged(paper)}; {count_in} of {len(paper)} hold by its means" if paper else ranged(paper)
    )


def _same(
    statement: PublishedClaim, tests: list[Bounded], paper: dict[str, float], results: Results
) -> str:
    """Tell whether the paper's differences are ours on the tasks that both have."""
    metrics = {row.task: row.metric for row in results.published_scores}
    common = [
        test
        for test in tests
        if test.of in paper and metrics[test.of] == results.scores.metrics[test.of]
    ]
    if why := shared.why_no_verdict([test.of for test in common], results):
        return why
    if statement.name == "super" and (other := prasanna_structure.other_seeds(results.study)):
        return other
    pairs = [(test.gain, paper[test.of], shared.margin(test.of, results)) for test in common]
    return f"{agreement(pairs)} on {count(len(pairs), 'task')}"
