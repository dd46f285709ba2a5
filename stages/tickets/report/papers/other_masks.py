"""What Chen et al. 2020 say of the training set behind a mask, and of masks that are of no one task."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from stages.tickets.report import names, tickets, transfers, words
from stages.tickets.report.claim import (
    NO_VERDICT,
    UNDECIDED,
    Bounded,
    Claim,
    of_every,
    ranged,
    without,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.transfer import MLM, Studies
from stages.tickets.report.scores import Run
from stages.tickets.statistics import correlation
from stages.tickets.statistics.correlation import Correlation
from stages.tickets.statistics.intervals import Difference

ONE_SHOT = "one-shot"
PERMUTATIONS = 10_000


def claims(studies: Studies) -> tuple[Claim, ...]:
    """Decide all statements of this kind."""
    several = (several_tasks(source, studies) for source in studies.language or [""])
    return larger_sources(studies), one_shot(studies), one_shot_beside_tasks(studies), *several


def larger_sources(studies: Studies) -> Claim:
    """Correlate training size and mean rank on other targets, without MLM (Spearman)."""
    results = studies.results
    sizes = {row.source: row.train for row in results.published_dark if row.train is not None}
    paper = _ranks(sizes, transfers.mean_ranks(studies.dense, list(sizes)))
    trained = {row.task: row.train for row in results.tasks if row.kind != "mlm"}
    sources = [source for source in studies.tasks if source in trained]
    cells = {place: row.score.mean for place, row in studies.cells.items()}
    ranks = transfers.mean_ranks(cells, sources)
    ours = _ranks(trained, ranks)
    claim = replace(
        results.claim("larger_sources"), published=_correlation(paper) if paper else words.NONE
    )
    if ours is None:
        few = "not run: ranks need three sources of different sizes"
        return without(claim, few if ranks else studies.missing())
    sides = ours.p / 2, 1 - ours.p / 2
    holds, fails = sides if ours.value > 0 else reversed(sides)
    return replace(
        claim,
        here=_correlation(ours),
        n=len(studies.study.transfer.seeds),
        over=words.count(ours.n, "source"),
        p_holds=holds,
        p_fails=fails,
        same=studies.why or UNDECIDED,
    )


def _ranks(sizes: Mapping[str, int], levels: Mapping[str, float]) -> Correlation | None:
    if len(levels) < 3:
        return None
    first = np.array([sizes[source] for source in levels], np.float64)
    second = np.array(list(levels.values()), np.float64)
    return correlation.spearman([(first, second)], PERMUTATIONS, np.random.default_rng(0))


def _correlation(ranks: Correlation) -> str:
    text = f"{ranks.value:.2f} (p {words.probability(ranks.p)}, {ranks.n} sources)"
    return text.replace("-", "−")


def one_shot(studies: Studies) -> Claim:
    """Subtract the own ticket from the one-shot mask, by transfer or else as a control."""
    results, study = studies.results, studies.study
    paper = {to: level for (name, to), level in studies.paper.items() if name == ONE_SHOT}
    missing = f"not run: transfer.sources and controls in params.yaml lack {ONE_SHOT!r}"
    if ONE_SHOT in (*study.transfer.sources, *names.control_kinds(study)):
        missing = "not run: scores.csv has no such row at the sparsity of a ticket or below it"
    missing = shared.nothing(study.tasks, results, missing)
    made = studies.over_targets(
        results.claim("one_shot"),
        ONE_SHOT,
        lambda target: studies.own(ONE_SHOT, target),
        missing,
        lambda _: (-math.inf, 0.0),
        paper,
    )
    if made.tests:
        return made

    def pair(task: str, number: int) -> tuple[Run, Run]:
        return names.control_run(task, ONE_SHOT, number), Run(task, "imp", number)

    tasks = results.usable(study.tasks)
    rounds, at = tickets.at_tickets(pair, tasks, results, study)
    gains = {task: results.compare(*pair(task, number)) for task, number in rounds.items()}
    tests = [Bounded(task, gain, high=0.0) for task, gain in gains.items() if gain]
    over = shared.of_tasks(len(tests), tasks)
    claim = results.claim("one_shot", over, f"a control, {over}, {at}" if tests else "")
    same = f"{NO_VERDICT}: not by transfer"
    return of_every(replace(claim, published=ranged(paper), same=same), tests, missing)


def one_shot_beside_tasks(studies: Studies) -> Claim:
    """Subtract the mean of tasks' masks, but the target's own, from the one-shot mask."""
    results, study = studies.results, studies.study
    published = shared.usable(transfers.published_tasks(results))
    missing = studies.missing(ONE_SHOT)
    if ONE_SHOT in study.transfer.sources and studies.cells:
        missing = "not run: transfer has no task's mask to compare with"
    made = studies.over_targets(
        results.claim("one_shot_beside_tasks"),
        ONE_SHOT,
        lambda target: transfers.beside_others(ONE_SHOT, target, studies.tasks, results, study),
        missing,
        lambda _: (0.0, math.inf),
        transfers.minus_others(ONE_SHOT, studies.dense, published),
    )
    other = studies.why or f"{NO_VERDICT}: other sources"
    return made if set(studies.tasks) == set(published) else replace(made, same=other)


def several_tasks(source: str, studies: Studies) -> Claim:
    """Subtract the mask of MLM from that of several tasks, on every target but MLM."""
    study = studies.study

    def gain(target: str) -> Difference | None:
        runs = (transfers.run_of(name, target, study) for name in ("multi-task", source))
        return studies.results.compare(*runs)

    return studies.over_targets(
        studies.claim("several_tasks", "", source),
        source,
        gain,
        studies.missing("multi-task", MLM),
        lambda target: (-math.inf, studies.margin(target)),
    )
