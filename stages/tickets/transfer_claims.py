"""What Chen et al. 2020 say of transfer between tasks, beside what came out here."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from stages.tickets import correlation, findings, runs, transfers
from stages.tickets.checks import Checked, Data, last_with, of_difference
from stages.tickets.formatting import NONE, percent, points, probability
from stages.tickets.runs import Config
from stages.tickets.summary import Run

PERMUTATIONS = 10_000
MLM = "mlm"


def universal(data: Data, config: Config) -> Iterable[Checked]:
    """By the number of other targets, by the mean over them, and beside the other tasks."""
    cells = transfers.transfer_cells(data.scores, config)
    count, total = transfers.reached(MLM, cells)
    theirs = next(one for one in data.published.dark if one.source == MLM)
    _, of = transfers.published_reached(MLM, data.published.transfers)
    why = runs.why_not("transfer", config)
    if cells and MLM not in config.transfer.sources:
        why = f"not run: transfer.sources lacks {MLM!r}"
    n = len(config.transfer.seeds)
    holds = NONE if not total else "unclear" if n == 1 else "yes" if count == total else "no"
    said = ("agrees" if count == total else "differs") if total else why
    yield Checked(
        "universal",
        "The MLM mask is universal: as good as the target's own on every other task",
        f"{theirs.dark} of {of}",
        f"{count} of {total}" if total else NONE,
        n if total else 0,
        holds,
        said if n > 1 or not total else "undecided",
        theirs.dark / of,
    )
    found = transfers.mean_from_own(MLM, data.scores, config)
    yield of_difference(
        (
            "universal_mean",
            "On the mean of other tasks the MLM mask is at least as good as their own",
        ),
        (0.0, math.inf),
        found,
        why,
        config.verdict,
        transfers.published_mean(MLM, data.published.transfers),
    )
    yield _best_source(data, config, why)


def _best_source(data: Data, config: Config, why: str) -> Checked:
    """By the mean of row - own over the other targets; sources that are no tasks do not compete."""
    means = {
        source: found.mean
        for source in config.transfer.sources
        if source in config.tasks
        and (found := transfers.mean_from_own(source, data.scores, config))
    }
    theirs = {
        one.source: transfers.published_mean(one.source, data.published.transfers)
        for one in data.published.dark
        if one.source not in runs.SOURCES
    }
    paper = max(theirs, key=lambda source: theirs[source])
    names = ("best_source", "Of all tasks the MLM mask transfers best")
    if MLM not in means or len(means) < 2:
        alone = "not run: transfer has no other task to compare with"
        return Checked(*names, paper, NONE, 0, NONE, alone if MLM in means else why)
    best = max(means, key=lambda source: means[source])
    n = len(config.transfer.seeds)
    holds = "unclear" if n == 1 else "yes" if best == MLM else "no"
    said = "undecided" if n == 1 else "agrees" if best == paper else "differs"
    return Checked(*names, paper, f"{best} ({len(means)} sources)", n, holds, said)


def larger_sources(data: Data, config: Config) -> Checked:
    """Spearman's correlation of training size and mean difference from the own ticket, without MLM."""
    trained = {one.task: one.train for one in data.tasks if one.kind != "mlm"}
    ours = [
        (float(trained[source]), found.mean)
        for source in config.transfer.sources
        if source in trained and (found := transfers.mean_from_own(source, data.scores, config))
    ]
    theirs = [
        (float(one.train), transfers.published_mean(one.source, data.published.transfers))
        for one in data.published.dark
        if one.train is not None
    ]
    paper, here = _ranks(theirs), _ranks(ours)
    why = runs.why_not("transfer", config)
    if ours and here is None:
        why = "not run: ranks need three sources of different sizes"
    holds, said = NONE, why
    if here:
        sure = here.p < 1 - config.tickets.confidence
        holds = ("yes" if here.value > 0 else "no") if sure else "unclear"
        alike = paper is not None and paper.value * here.value > 0
        said = "undecided" if not sure else "direction only" if alike else "differs"
    return Checked(
        "larger_sources",
        "Masks of larger training sets transfer better (rank correlation with the mean of row − own; "
        "without MLM)",
        _correlation(paper),
        _correlation(here),
        here.n if here else 0,
        holds,
        said,
        None if paper is None else paper.value,
        mark="computed here from Figure 2 and the sizes of GLUE's training sets",
    )


def _ranks(pairs: Sequence[tuple[float, float]]) -> correlation.Correlation | None:
    if len(pairs) < 3:
        return None
    sizes, levels = np.array(pairs, np.float64).T
    return correlation.spearman([(sizes, levels)], PERMUTATIONS, np.random.default_rng(0))


def _correlation(found: correlation.Correlation | None) -> str:
    if found is None:
        return NONE
    text = f"{found.value:.2f} (p {probability(found.p)}, {found.n} sources)"
    return text.replace("-", "−")


def one_shot(data: Data, config: Config) -> Checked:
    """By transfer where it ran, else by the control of that name."""
    statement = "The one-shot mask of theta_0 is worse than the tickets"
    found = transfers.mean_from_own("one-shot", data.scores, config)
    if found is None:
        _, number = last_with("one-shot", config.tasks, data.scores, config)
        pairs = [
            (runs.control_run(task, "one-shot", number), Run(task, "imp", number))
            for task in config.tasks
        ]
        found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
        if found:
            statement += f" (here: a control at {percent(runs.sparsities(config)[number])})"
    why = "not run: transfer.sources and controls in params.yaml lack 'one-shot'"
    if "one-shot" in (*config.transfer.sources, *runs.control_kinds(config)):
        why = "not run: scores.csv has no such row"
    return of_difference(
        ("one_shot", statement),
        (-math.inf, -math.ulp(0.0)),
        found,
        why,
        config.verdict,
        transfers.published_mean("one-shot", data.published.transfers),
        "independent runs of the same pruning score lower; 4 dark cells printed, 5 by the cells",
    )


def weights(data: Data, config: Config) -> Checked:
    """The sources' own weights after their theta_0 minus theta_0, mean over pairs and points."""
    points_after = [point for point in config.transfer_weights.points if point > 0]
    pairs = transfers.weights_pairs(config, points_after)
    found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    margin = config.verdict.margin
    statement = "Masks transfer as well on theta_0 as on weights trained on the source "
    statement += f"(at most {points(margin)} points worse)"
    return of_difference(
        ("weights", statement),
        (-math.inf, margin),
        found,
        runs.why_not("transfer_weights", config),
        config.verdict,
    )
