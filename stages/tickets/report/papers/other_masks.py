"""What Chen et al. 2020 say of the training set behind a mask, and of masks that are of no one task."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from stages.tickets.report import names, shared, tickets, transfers
from stages.tickets.report.claim import (
    ABOVE,
    BELOW,
    BEYOND_CHEN,
    CHEN,
    NO_VERDICT,
    Beside,
    Claim,
    of_difference,
)
from stages.tickets.report.papers.transfer import COMPUTED, MLM, STAGES, Studies
from stages.tickets.report.scores import Run
from stages.tickets.report.words import NONE, count, points, probability
from stages.tickets.statistics import correlation
from stages.tickets.statistics.correlation import Correlation

PERMUTATIONS = 10_000


def claims(studies: Studies) -> tuple[Claim, ...]:
    """All statements of this kind."""
    return (
        larger_sources(studies),
        one_shot(studies),
        one_shot_beside_tasks(studies),
        *(several_tasks(source, studies) for source in studies.language or [""]),
    )


def larger_sources(studies: Studies) -> Claim:
    """Spearman's correlation of training size and row - column over other targets, without MLM."""
    results, study = studies.results, studies.study
    sizes = {row.source: row.train for row in results.published_dark if row.train is not None}
    levels = transfers.published_from_dense(results.published_transfers)
    paper = _ranks(sizes, transfers.all_centred(levels, list(sizes)))
    trained = {row.task: row.train for row in results.tasks if row.kind != "mlm"}
    sources = [source for source in transfers.task_sources(study) if source in trained]
    targets = study.transfer.targets
    gains = {
        source: gain.mean
        for source in sources
        if (gain := transfers.mean_centred(source, sources, targets, results.scores, study))
    }
    ours = _ranks(trained, gains)
    claim = Claim(
        "larger_sources",
        "Masks of larger training sets transfer better (rank correlation with the mean of row minus "
        "column over other targets; without MLM)",
        CHEN,
        STAGES,
        _correlation(paper),
        published_value=paper.value if paper else None,
        mark=f"{COMPUTED} and the sizes of the training sets, of SQuAD its questions",
    )
    if ours is None:
        few = "not run: ranks need three sources of different sizes"
        return replace(claim, verdict=few if gains else results.not_run("transfer"))
    sure = ours.p < 1 - study.tickets.confidence and studies.n > 1
    alike = paper is not None and paper.value * ours.value > 0
    return replace(
        claim,
        here=_correlation(ours),
        n=studies.n,
        holds=("yes" if ours.value > 0 else "no") if sure else "unclear",
        verdict=studies.why
        or ("undecided" if not sure else "direction only" if alike else "differs"),
        over=count(ours.n, "source"),
    )


def _ranks(sizes: Mapping[str, int], levels: Mapping[str, float]) -> Correlation | None:
    if len(levels) < 3:
        return None
    first = np.array([sizes[source] for source in levels], np.float64)
    second = np.array(list(levels.values()), np.float64)
    return correlation.spearman([(first, second)], PERMUTATIONS, np.random.default_rng(0))


def _correlation(ranks: Correlation | None) -> str:
    if ranks is None:
        return NONE
    text = f"{ranks.value:.2f} (p {probability(ranks.p)}, {ranks.n} sources)"
    return text.replace("-", "−")


def one_shot(studies: Studies) -> Claim:
    """The one-shot mask minus the own ticket, by transfer or else as a control."""
    results, study = studies.results, studies.study
    statement = "The one-shot mask of theta_0 is worse than the target's own ticket"
    gain = studies.rows["one-shot"].from_own if "one-shot" in studies.rows else None
    over, beside = (
        count(len(study.transfer.targets), "target"),
        studies.beside_own("one-shot", "one-shot"),
    )
    if gain is None:
        tasks = shared.usable(study.tasks)

        def pair(task: str, number: int) -> tuple[Run, Run]:
            return names.control_run(task, "one-shot", number), Run(task, "imp", number)

        rounds, at = tickets.at_tickets(pair, tasks, results, study)
        pairs = [pair(task, number) for task, number in rounds.items()]
        gain, _ = results.scores.pooled(pairs, study.tickets.confidence)
        over = shared.of_tasks(len(rounds), tasks)
        beside = Beside(beside.paper, why=f"{NO_VERDICT}: not by transfer")
        statement += f" (here: a control, {over}, {at})" if gain else ""
    missing = "not run: transfer.sources and controls in params.yaml lack 'one-shot'"
    if "one-shot" in (*study.transfer.sources, *names.control_kinds(study)):
        missing = "not run: scores.csv has no such row at the sparsity of a ticket or below it"
    claim = Claim(
        "one_shot",
        statement,
        CHEN,
        (*STAGES, "controls"),
        mark=f"{COMPUTED}; on MNLI and four others independent runs of the same pruning score lower; "
        "4 dark cells printed, 5 by the cells",
        over=over,
    )
    return of_difference(claim, BELOW, gain, missing, study.verdict, beside)


def one_shot_beside_tasks(studies: Studies) -> Claim:
    """The one-shot mask minus the mean of the other tasks' masks on the same targets."""
    study, sources = studies.study, transfers.task_sources(studies.study)
    missing = studies.results.not_run("transfer")
    if study.transfer.sources and "one-shot" not in study.transfer.sources:
        missing = "not run: transfer.sources lacks 'one-shot'"
    elif study.transfer.sources:
        missing = "not run: transfer has no task's mask to compare with"
    claim = Claim(
        "one_shot_beside_tasks",
        "The one-shot mask of theta_0 is better than the mean mask of another task",
        BEYOND_CHEN,
        STAGES,
        mark=f"{COMPUTED}, which does not say it",
        over=count(len(sources), "source"),
    )
    gain = studies.rows["one-shot"].from_column if "one-shot" in studies.rows else None
    return of_difference(claim, ABOVE, gain, missing, study.verdict, _beside_tasks(studies))


def _beside_tasks(studies: Studies) -> Beside:
    """The same of the paper, over the targets that both have if the sources are the paper's, too."""
    study, results, targets = studies.study, studies.results, studies.targets
    published = transfers.published_tasks(results)
    levels = transfers.published_from_dense(results.published_transfers)
    sources = transfers.task_sources(study)
    if set(sources) == set(published) and set(targets) >= set(published) - {MLM}:
        gain = transfers.mean_centred("one-shot", sources, targets, results.scores, study)
        level = transfers.centred("one-shot", studies.on(levels, targets), published)
        if gain and level is not None:
            return Beside(level, gain, count(len(targets), "target"))
    level = transfers.centred("one-shot", levels, published) or 0.0
    return Beside(level, why=studies.why or f"{NO_VERDICT}: other sources")


def several_tasks(source: str, studies: Studies) -> Claim:
    """The mask of several tasks minus that of MLM alone, by seed the mean over targets but MLM."""
    study, margin = studies.study, studies.study.verdict.margin
    asked, missing = study.transfer, studies.results.not_run("transfer")
    if asked.sources and "multi-task" not in asked.sources:
        missing = "not run: transfer.sources lacks 'multi-task'"
    elif asked.sources and not studies.language:
        missing = "not run: transfer.sources has no masked language modelling"
    pairs = [
        (
            Run(target, "transfer", asked.round, "multi-task"),
            Run(target, "transfer", asked.round, source),
        )
        for target in asked.targets
        if target != source
    ]
    gain, number = studies.results.scores.pooled(pairs, study.tickets.confidence)
    statement = (
        f"The mask of several tasks gains little over MLM's alone (at most {points(margin)} points)"
    )
    claim = Claim(
        *studies.named("several_tasks", statement, source),
        CHEN,
        ("multi-task", *STAGES),
        mark="a marginal gain, in the supplement; it could not be verified",
        over=count(number, "target"),
    )
    return of_difference(claim, (-math.inf, margin), gain, missing, study.verdict)
