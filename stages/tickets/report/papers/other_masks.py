"""What Chen et al. 2020 say of the training set behind a mask, and of masks that are of no one task."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from stages.tickets.report import names, tickets, transfers, words
from stages.tickets.report.claim import ABOVE, BELOW, NO_VERDICT, Beside, Claim, of_difference
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.transfer import MLM, Studies
from stages.tickets.report.scores import Run
from stages.tickets.statistics import correlation
from stages.tickets.statistics.correlation import Correlation

ONE_SHOT = "one-shot"
PERMUTATIONS = 10_000


def claims(studies: Studies) -> tuple[Claim, ...]:
    """Decide all statements of this kind."""
    several = (several_tasks(source, studies) for source in studies.language or [""])
    return larger_sources(studies), one_shot(studies), one_shot_beside_tasks(studies), *several


def larger_sources(studies: Studies) -> Claim:
    """Correlate training size and row - column over other targets, without MLM (Spearman)."""
    results, study = studies.results, studies.study
    sizes = {row.source: row.train for row in results.published_dark if row.train is not None}
    paper = _ranks(sizes, transfers.all_centred(studies.dense, list(sizes)))
    trained = {row.task: row.train for row in results.tasks if row.kind != "mlm"}
    sources = [source for source in transfers.task_sources(study) if source in trained]
    cells = (sources, study.transfer.targets, results.scores, study)
    centred = {source: transfers.mean_centred(source, *cells) for source in sources}
    gains = {source: gain.mean for source, gain in centred.items() if gain}
    ours = _ranks(trained, gains)
    claim = replace(
        results.claim("larger_sources"),
        published=_correlation(paper) if paper else words.NONE,
        published_value=paper.value if paper else None,
    )
    if ours is None:
        few = "not run: ranks need three sources of different sizes"
        return replace(claim, verdict=few if gains else studies.missing())
    holds, verdict, n = "unclear", "undecided", len(study.transfer.seeds)
    if ours.p < 1 - study.tickets.confidence and n > 1:
        holds = "yes" if ours.value > 0 else "no"
        verdict = "direction only" if paper and paper.value * ours.value > 0 else "differs"
    claim = replace(claim, here=_correlation(ours), n=n, over=words.count(ours.n, "source"))
    return replace(claim, holds=holds, verdict=studies.why or verdict)


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
    about = ""
    gain = studies.rows[ONE_SHOT].from_own if ONE_SHOT in studies.rows else None
    over = words.count(len(study.transfer.targets), "target")
    beside = studies.beside_own(ONE_SHOT, ONE_SHOT)
    if gain is None:
        tasks = shared.usable(study.tasks)

        def pair(task: str, number: int) -> tuple[Run, Run]:
            return names.control_run(task, ONE_SHOT, number), Run(task, "imp", number)

        rounds, at = tickets.at_tickets(pair, tasks, results, study)
        gain, _ = results.pooled(pair(task, number) for task, number in rounds.items())
        over = shared.of_tasks(len(rounds), tasks)
        beside = Beside(beside.paper, why=f"{NO_VERDICT}: not by transfer")
        about = f"a control, {over}, {at}" if gain else ""
    missing = f"not run: transfer.sources and controls in params.yaml lack {ONE_SHOT!r}"
    if ONE_SHOT in (*study.transfer.sources, *names.control_kinds(study)):
        missing = "not run: scores.csv has no such row at the sparsity of a ticket or below it"
    claim = results.claim("one_shot", over, about)
    return of_difference(claim, BELOW, gain, missing, study.verdict, beside)


def one_shot_beside_tasks(studies: Studies) -> Claim:
    """Subtract the mean of the other tasks' masks on the same targets from the one-shot mask."""
    study, results, targets = studies.study, studies.results, studies.targets
    sources, published = transfers.task_sources(study), transfers.published_tasks(results)
    missing = studies.missing(ONE_SHOT)
    if ONE_SHOT in study.transfer.sources:
        missing = "not run: transfer has no task's mask to compare with"
    level = transfers.centred(ONE_SHOT, studies.dense, published) or 0.0
    beside = Beside(level, why=studies.why or f"{NO_VERDICT}: other sources")
    if set(sources) == set(published) and set(targets) >= set(published) - {MLM}:
        common = transfers.mean_centred(ONE_SHOT, sources, targets, results.scores, study)
        cells = transfers.on(studies.dense, targets)
        level = transfers.centred(ONE_SHOT, cells, published) or 0.0
        over = words.count(len(targets), "target")
        beside = Beside(level, common, over) if common else beside
    claim = results.claim("one_shot_beside_tasks", words.count(len(sources), "source"))
    gain = studies.rows[ONE_SHOT].from_column if ONE_SHOT in studies.rows else None
    return of_difference(claim, ABOVE, gain, missing, study.verdict, beside)


def several_tasks(source: str, studies: Studies) -> Claim:
    """Subtract the mask of MLM from that of several tasks, by seed the mean over targets but MLM."""
    study, margin = studies.study, studies.study.verdict.margin
    pairs = [
        (transfers.run_of("multi-task", target, study), transfers.run_of(source, target, study))
        for target in study.transfer.targets
        if target != source
    ]
    gain, number = studies.results.pooled(pairs)
    over = words.count(number, "target")
    claim = studies.claim("several_tasks", over, source, margin=words.points(margin))
    missing = studies.missing("multi-task", MLM)
    return of_difference(claim, (-math.inf, margin), gain, missing, study.verdict)
