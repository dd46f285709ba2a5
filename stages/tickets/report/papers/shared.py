"""What a study has in common with a paper: tasks, metrics and encoder."""

import math
from collections.abc import Iterable, Sequence

from stages.tickets.report import columns, departures, names, words
from stages.tickets.report.claim import (
    NO_EVIDENCE,
    NO_VERDICT,
    OTHER_ENCODER,
    OTHER_TASKS,
    Claim,
    agreement,
)
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run, Setting
from stages.tickets.report.table import Table, records, table
from stages.tickets.report.words import count
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference

BERT_BASE = 85_524_480
"""Weights in the 73 matrices that Chen et al. 2020 prune: those of 12 layers, and the pooler."""
BERT_BASE_LAYERS = BERT_BASE - 768 * 768
"""The same without the pooler."""
BERT_BASE_WORDS = 30_522
"""Word pieces of bert-base-uncased; bert-base-cased has 28,996."""
UNUSABLE = ("wnli",)
"""Tasks on which the papers' full models are below the majority class; no published mean has them."""
COLUMNS = (
    columns.text("statement", "statement"),
    columns.text("paper", "published"),
    columns.text("here", "here"),
    columns.text("n", lambda claim: str(claim.n or words.NONE)),
    columns.text("p (Holm)", "sure"),
    columns.text("verdict", lambda claim: claim.why or claim.word),
    columns.text("same number", "same"),
    columns.text("mark", lambda claim: claim.mark or words.NONE),
)
OF_TEST = (
    columns.value("of"),
    columns.spread_of("gain"),
    columns.only_csv("above", lambda test: test and finite(test.low)),
    columns.only_csv("below", lambda test: test and finite(test.high)),
    columns.only_csv("test", "word"),
)


def finite(bound: float) -> float | None:
    """Return a bound; None for infinity."""
    return bound if math.isfinite(bound) else None


def usable(tasks: Iterable[str]) -> list[str]:
    """Return a paper's tasks without WNLI."""
    return [task for task in tasks if task not in UNUSABLE]


def nothing(tasks: Sequence[str], results: Results, why: str) -> str:
    """Say that none of the tasks has a dense model that has learned; else why nothing ran."""
    if tasks and not results.usable(tasks):
        return f"{NO_EVIDENCE}: {', '.join(tasks)}"
    return why


def margin(task: str, results: Results) -> float:
    """Return the smallest difference of interest in a task's metric."""
    level: float = getattr(results.study.verdict.margins, results.scores.metrics[task])
    return level


def claims_table(name: str, claims: Sequence[Claim], results: Results) -> Table:
    """List claims with their verdicts; csv has a row for every test."""
    study = results.study
    points = ", ".join(
        f"{words.metric_name(metric)} {words.points(reach)}"
        for metric, reach in dict(study.verdict.margins).items()
        if metric in results.scores.metrics.values()
    )
    caption = (
        "Differences of scores in points on the validation split, paired by seed: the least and the "
        f"greatest of the tasks or targets; margins are {points}, and close is above "
        f"−{study.verdict.close:g} margins. {RULE}"
    )
    if results.no_evidence:
        caption += f" {without_evidence(results)}"
    csv = [
        {
            "claim": claim.name, "verdict": claim.word, "p": claim.p if claim.n else None,
            "p_holm": claim.holm, "same": claim.same, "why": claim.why, **record,
        }
        for claim in claims
        for record in records(claim.tests or [None], *OF_TEST)
    ]  # fmt: skip
    return table(name, caption, claims, COLUMNS, long=csv)


RULE = (
    "A statement of every task holds if all its tests do, one of most tasks if more than half do, and "
    "either does not if too many surely fail; sure is a p that Holm's correction for all statements of "
    "the paper leaves small, and docs/verdicts.md says what each statement asks, and when a number is "
    "the same."
)


def without_evidence(results: Results) -> str:
    """Name the tasks that enter nothing, in a sentence; empty without any."""
    tasks = results.no_evidence
    return (
        tasks
        and (
            f"No evidence: the dense model of {', '.join(tasks)} is not above the majority class by its "
            "interval, so no mean, count or claim has it."
        )
    ) or ""


def naming(answer: str, results: Results) -> str:
    """Add to an answer the tasks that enter nothing in it, if there are any."""
    return " ".join(filter(None, (answer, without_evidence(results))))


def language(tasks: Sequence[str], results: Results) -> list[str]:
    """Return the tasks of masked language modelling, whatever their names."""
    kinds = {row.task: row.kind for row in results.tasks}
    return [task for task in tasks if kinds.get(task) == "mlm"]


def shared(tasks: Sequence[str], results: Results) -> list[str]:
    """Return the tasks that Chen et al. 2020 have in the same metric; never of language modelling.

    The paper's corpus was not published, so ours is another one.
    """
    metrics = {row.task: row.metric for row in results.published_tickets}
    other_corpus = language(tasks, results)
    return [
        task
        for task in tasks
        if task not in other_corpus and metrics.get(task) == results.scores.metrics.get(task, "")
    ]


def same_encoder(results: Results) -> bool:
    """Tell whether the encoder is the papers'.

    Its masks cover as many weights as those of Chen et al. 2020, it has the number of word pieces of
    bert-base-uncased, and on the Hub that name. A folder or a package has no such name.
    """
    masks = grouped(results.layers, lambda row: (row.task, row.seed, row.round))
    sizes, source = (
        {sum(row.size for row in mask) for mask in masks.values()},
        results.study.encoder,
    )
    return (
        bool(sizes)
        and sizes <= {BERT_BASE, BERT_BASE_LAYERS}
        and results.encoder["vocabulary"]["size"] == BERT_BASE_WORDS
        and (source.source != "hub" or source.name in departures.BERT_BASE)
    )


def why_no_verdict(tasks: Sequence[str], results: Results) -> str:
    """Say why no number can be the paper's, given the tasks that both have; empty if it can be."""
    if tasks and not results.usable(tasks):
        return nothing(tasks, results, "")
    if not same_encoder(results):
        return OTHER_ENCODER
    return "" if tasks else OTHER_TASKS


def published_gains(first: Setting, second: Setting, results: Results) -> dict[str, float]:
    """Subtract one setting of Table 2 of Chen et al. 2020 from another, by task."""
    levels = {(row.task, (row.kind, row.source)): row.mean for row in results.published_tickets}
    tasks = dict.fromkeys(row.task for row in results.published_tickets)
    return {task: levels[task, first] - levels[task, second] for task in tasks}


def same_number(first: Setting, second: Setting, results: Results, study: Study) -> str:
    """Tell whether a difference of Table 2 is ours, at its sparsities on the tasks that both have."""
    tasks = shared(usable(results.usable(study.tasks)), results)
    if why := why_no_verdict(tasks, results):
        return why
    sparsity = {row.task: row.sparsity for row in results.published_tickets}
    paper = published_gains(first, second, results)
    gains = {}
    for task in tasks:
        at = names.round_at(sparsity[task], study) or 0
        runs = (Run(task, kind, 0 if kind == "dense" else at, of) for kind, of in (first, second))
        gains[task] = results.compare(*runs) if at else None
    pairs = [(gain, paper[task], margin(task, results)) for task, gain in gains.items() if gain]
    if not pairs:
        at_all = words.ends([sparsity[task] for task in tasks], words.percent)
        return f"{NO_VERDICT}: not run at {at_all}"
    return f"{agreement(pairs)} on {count(len(pairs), 'task')}"


def why_no_search(results: Results, variant: str = "joint") -> str:
    """Say why there is nothing of one of the searches."""
    search = results.study.search
    if search.tasks and variant not in search.rule.variants:
        return f"not run: search.rule.variants lacks {variant!r}"
    return results.not_run("search")


def of_tasks(number: int, tasks: Sequence[str]) -> str:
    """Word how many of the tasks, such as 2 of 3 tasks."""
    return f"{number} of {count(len(tasks), 'task')}"


def over_seeds(gains: Iterable[float | None], study: Study) -> Difference | None:
    """Summarise paired differences, one of each seed that has it; None if there are none."""
    known = [gain for gain in gains if gain is not None]
    return intervals.summarize_differences(known, study.tickets.confidence) if known else None
