"""What Chen et al. 2020 say of transfer between tasks, beside what came out here."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from stages.tickets.report import findings, transfers
from stages.tickets.report import names as runs
from stages.tickets.report.checks import (
    NO_VERDICT,
    OTHER_ENCODER,
    OTHER_TASKS,
    Beside,
    Checked,
    Data,
    at_tickets,
    of_difference,
    of_tasks,
    usable,
)
from stages.tickets.report.names import Config
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.scores import Run
from stages.tickets.report.words import NONE, count, percent, points, probability
from stages.tickets.statistics import correlation

PERMUTATIONS = 10_000
MLM = "mlm"
"""The paper's name of masked language modelling; ours is any task of that kind."""
SPARSITY = 0.7
"""Of the paper's transferred masks."""
COMPUTED = "computed here from Figure 2"


def shared_targets(data: Data, config: Config) -> tuple[list[str], str]:
    """Targets on which our cells and the paper's are of the same thing, or why there are none."""
    ours = runs.sparsities(config)[config.transfer.round]
    targets = data.shared(config.transfer.targets)
    if not data.same_encoder:
        return [], OTHER_ENCODER
    if abs(ours - SPARSITY) > 1e-6:
        return [], f"{NO_VERDICT}: masks of {percent(ours)}, the paper's of {percent(SPARSITY)}"
    return targets, "" if targets else OTHER_TASKS


def cells_on(targets: Sequence[str], data: Data) -> list[PublishedTransfer]:
    """Published cells of these targets; all without any."""
    return [one for one in data.published.transfers if not targets or one.target in targets]


def language_sources(data: Data, config: Config) -> list[str]:
    """Sources of masked language modelling."""
    return data.language(config.transfer.sources)


def suffixed(names: tuple[str, str], source: str, sources: Sequence[str]) -> tuple[str, str]:
    """Names of a claim, with the source where there are several."""
    name, statement = names
    return (f"{name}_{source}", f"{statement} ({source})") if len(sources) > 1 else names


def universal(data: Data, config: Config) -> Iterable[Checked]:
    """Of every mask of MLM: by the number of other targets, and by the mean over them; the best."""
    why = runs.why_not("transfer", config)
    sources = language_sources(data, config)
    if config.transfer.sources and config.transfer.targets and not sources:
        why = "not run: transfer.sources has no masked language modelling"
    for source in sources or [""]:
        yield from _universal(source, sources, why, data, config)
    yield _best_source(sources, why, data, config)


def _universal(
    source: str, sources: Sequence[str], why: str, data: Data, config: Config
) -> Iterable[Checked]:
    cells = transfers.transfer_cells(data.scores, config)
    count_of, total = transfers.reached(source, cells)
    theirs = next(one for one in data.published.dark if one.source == MLM)
    _, of = transfers.published_reached(MLM, data.published.transfers)
    targets, no_number = shared_targets(data, config)
    both = [cell for cell in cells if cell.target in targets]
    ours, number = transfers.reached(source, both)
    paper = transfers.published_reached(MLM, cells_on([cell.target for cell in both], data))
    n = len(config.transfer.seeds)
    holds = NONE if not total else "unclear" if n == 1 else "yes" if count_of == total else "no"
    said = no_number
    if total and not no_number:
        said = "undecided" if n == 1 else "agrees" if (ours, number) == paper else "differs"
    over = count(total, "other target")
    yield Checked(
        *suffixed(
            (
                "universal",
                "The MLM mask is universal: as good as the target's own on every other task",
            ),
            source,
            sources,
        ),
        f"{theirs.dark} of {of}",
        f"{count_of} of {total}" if total else NONE,
        n if total else 0,
        holds,
        said if total else why,
        theirs.dark / of,
        over=over if total else "",
    )
    yield of_difference(
        suffixed(
            (
                "universal_mean",
                "On the mean of other tasks the MLM mask is at least as good as their own",
            ),
            source,
            sources,
        ),
        (0.0, math.inf),
        transfers.mean_from_own(source, data.scores, config),
        why,
        config.verdict,
        _beside_own(source, MLM, data, config),
        over=over,
    )


def _beside_own(source: str, theirs: str, data: Data, config: Config) -> Beside:
    """Row - own over the targets that both have, but the source's own."""
    targets, why = shared_targets(data, config)
    found = transfers.mean_from_own(source, data.scores, config, targets)
    cells = cells_on(targets if found else [], data)
    paper = transfers.published_mean(theirs, cells)
    if found is None:
        return Beside(paper, why=why or OTHER_TASKS)
    return Beside(paper, found, count(len({one.target for one in cells} - {theirs}), "target"))


def centred_here(data: Data, config: Config, sources: Sequence[str]) -> dict[str, float]:
    """By source how much better it is than all `sources` on the same targets."""
    return {
        source: found.mean
        for source in sources
        if (found := transfers.mean_centred(source, sources, data.scores, config))
    }


def centred_there(cells: Sequence[PublishedTransfer], sources: Sequence[str]) -> dict[str, float]:
    """The same of published cells."""
    levels = {(one.source, one.target): one.difference for one in cells}
    return {
        source: found
        for source in sources
        if (found := transfers.centred(source, levels, sources)) is not None
    }


def _best(found: Mapping[str, float]) -> str:
    return max(found, key=lambda source: found[source])


def _best_source(sources: Sequence[str], why: str, data: Data, config: Config) -> Checked:
    """By row minus column over the other targets; sources that are no tasks do not compete."""
    paper = _best(centred_there(data.published.transfers, _published_sources(data)))
    names = (
        "best_source",
        "Of all tasks the MLM mask transfers best (mean of row minus column over other targets)",
    )
    ours = centred_here(data, config, transfers.task_sources(config))
    if not set(sources) & set(ours) or len(ours) < 2:
        alone = "not run: transfer has no other task to compare with"
        return Checked(*names, paper, NONE, 0, NONE, alone if sources else why)
    best = _best(ours)
    n = len(config.transfer.seeds)
    holds = "unclear" if n == 1 else "yes" if best in sources else "no"
    _, said = shared_targets(data, config)
    if not said:
        said = "undecided" if n == 1 else "agrees" if best in sources else "differs"
    over = count(len(ours), "source")
    return Checked(*names, paper, best, n, holds, said, mark=COMPUTED, over=over)


def _published_sources(data: Data) -> list[str]:
    return [one.source for one in data.published.dark if one.source not in runs.SOURCES]


def larger_sources(data: Data, config: Config) -> Checked:
    """Spearman's correlation of training size and row minus column over other targets, without MLM."""
    trained = {one.task: one.train for one in data.tasks if one.kind != "mlm"}
    sources = [source for source in transfers.task_sources(config) if source in trained]
    ours = centred_here(data, config, sources)
    sizes = {one.source: one.train for one in data.published.dark if one.train is not None}
    theirs = centred_there(data.published.transfers, list(sizes))
    paper, here = _ranks(sizes, theirs), _ranks(trained, ours)
    why = runs.why_not("transfer", config)
    if ours and here is None:
        why = "not run: ranks need three sources of different sizes"
    n = len(config.transfer.seeds)
    holds, said = NONE, why
    if here:
        sure = here.p < 1 - config.tickets.confidence and n > 1
        holds = ("yes" if here.value > 0 else "no") if sure else "unclear"
        alike = paper is not None and paper.value * here.value > 0
        _, said = shared_targets(data, config)
        said = said or ("undecided" if not sure else "direction only" if alike else "differs")
    return Checked(
        "larger_sources",
        "Masks of larger training sets transfer better (rank correlation with the mean of row minus "
        "column over other targets; without MLM)",
        _correlation(paper),
        _correlation(here),
        n if here else 0,
        holds,
        said,
        None if paper is None else paper.value,
        mark=f"{COMPUTED} and the sizes of the training sets, of SQuAD its questions",
        over=count(here.n, "source") if here else "",
    )


def _ranks(sizes: Mapping[str, int], levels: Mapping[str, float]) -> correlation.Correlation | None:
    if len(levels) < 3:
        return None
    first = np.array([sizes[source] for source in levels], np.float64)
    second = np.array(list(levels.values()), np.float64)
    return correlation.spearman([(first, second)], PERMUTATIONS, np.random.default_rng(0))


def _correlation(found: correlation.Correlation | None) -> str:
    if found is None:
        return NONE
    text = f"{found.value:.2f} (p {probability(found.p)}, {found.n} sources)"
    return text.replace("-", "−")


def half_served(data: Data, config: Config) -> Checked:
    """Tasks whose masks come within the margin of the target's own on half of the other targets."""
    margin = config.tickets.transfer_margin

    def counted(found: Iterable[tuple[int, int]]) -> tuple[int, int]:
        known = [(served, total) for served, total in found if total]
        return sum(2 * served >= total for served, total in known), len(known)

    def theirs(cells: Sequence[PublishedTransfer], sources: Sequence[str]) -> tuple[int, int]:
        return counted(transfers.published_reached(one, cells, margin) for one in sources)

    cells = transfers.transfer_cells(data.scores, config)
    sources = transfers.task_sources(config)
    served, number = counted(transfers.reached(source, cells, margin) for source in sources)
    targets, said = shared_targets(data, config)
    paper = theirs(data.published.transfers, _published_sources(data))
    n = len(config.transfer.seeds)
    if number and not said:
        both = [source for source in sources if source in _published_sources(data)]
        here = [cell for cell in cells if cell.target in targets]
        ours = counted(transfers.reached(source, here, margin) for source in both)
        alike = ours == theirs(cells_on(targets, data), both)
        said = "undecided" if n == 1 else "agrees" if alike else "differs"
    holds = "unclear" if n == 1 else "yes" if 2 * served > number else "no"
    return Checked(
        "half_served",
        f"Most tasks' masks come within {points(margin)} points of the target's own on at least half "
        "of the other targets",
        f"{paper[0]} of {paper[1]}",
        f"{served} of {number}" if number else NONE,
        n if number else 0,
        holds if number else NONE,
        said if number else runs.why_not("transfer", config),
        paper[0] / paper[1],
        mark="follows from the cells of Figure 2",
        over=count(number, "source") if number else "",
    )


def one_shot(data: Data, config: Config) -> Iterable[Checked]:
    """Minus the own ticket, by transfer or else as a control; and minus the masks of tasks."""
    statement = "The one-shot mask of theta_0 is worse than the target's own ticket"
    found = transfers.mean_from_own("one-shot", data.scores, config)
    over = count(len(config.transfer.targets), "target")
    beside = _beside_own("one-shot", "one-shot", data, config)
    if found is None:
        tasks = usable(config.tasks)

        def pair(task: str, number: int) -> tuple[Run, Run]:
            return runs.control_run(task, "one-shot", number), Run(task, "imp", number)

        rounds, at = at_tickets(pair, tasks, data.scores, config)
        pairs = [pair(task, number) for task, number in rounds.items()]
        found, _ = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
        over = of_tasks(len(rounds), tasks)
        beside = Beside(beside.paper, why=f"{NO_VERDICT}: not by transfer")
        if found:
            statement += f" (here: a control, {over}, {at})"
    why = "not run: transfer.sources and controls in params.yaml lack 'one-shot'"
    if "one-shot" in (*config.transfer.sources, *runs.control_kinds(config)):
        why = "not run: scores.csv has no such row at the sparsity of a ticket or below it"
    yield of_difference(
        ("one_shot", statement),
        (-math.inf, -math.ulp(0.0)),
        found,
        why,
        config.verdict,
        beside,
        f"{COMPUTED}; on MNLI and four others independent runs of the same pruning score lower; "
        "4 dark cells printed, 5 by the cells",
        over,
    )
    yield _one_shot_beside_tasks(data, config)


def _one_shot_beside_tasks(data: Data, config: Config) -> Checked:
    """The one-shot mask minus the mean of the other tasks' masks on the same targets."""
    targets, no_number = shared_targets(data, config)
    sources = transfers.task_sources(config)
    found = None
    if "one-shot" in config.transfer.sources:
        found = transfers.mean_centred("one-shot", sources, data.scores, config)
    why = runs.why_not("transfer", config)
    if config.transfer.sources and "one-shot" not in config.transfer.sources:
        why = "not run: transfer.sources lacks 'one-shot'"
    elif config.transfer.sources:
        why = "not run: transfer has no task's mask to compare with"
    names = _published_sources(data)
    levels = {(one.source, one.target): one.difference for one in data.published.transfers}
    paper = transfers.centred("one-shot", levels, names) or 0.0
    beside = Beside(paper, why=no_number or f"{NO_VERDICT}: other sources")
    if not no_number and set(sources) == set(names) and set(targets) >= set(names) - {MLM}:
        shared = {place: one for place, one in levels.items() if place[1] in targets}
        only = transfers.mean_centred("one-shot", sources, data.scores, config, targets)
        level = transfers.centred("one-shot", shared, names)
        if only and level is not None:
            beside = Beside(level, only, count(len(targets), "target"))
    return of_difference(
        (
            "one_shot_beside_tasks",
            "The one-shot mask of theta_0 is better than the mean mask of another task",
        ),
        (math.ulp(0.0), math.inf),
        found,
        why,
        config.verdict,
        beside,
        f"{COMPUTED}, which does not say it",
        count(len(sources), "source"),
    )


def several_tasks(data: Data, config: Config) -> Iterable[Checked]:
    """The mask of several tasks minus that of MLM alone, by seed the mean over targets but MLM."""
    margin = config.verdict.margin
    language = language_sources(data, config)
    why = runs.why_not("transfer", config)
    if config.transfer.sources and "multi-task" not in config.transfer.sources:
        why = "not run: transfer.sources lacks 'multi-task'"
    elif config.transfer.sources and not language:
        why = "not run: transfer.sources has no masked language modelling"
    number = config.transfer.round
    statement = "The mask of several tasks gains little over MLM's alone "
    statement += f"(at most {points(margin)} points)"
    for source in language or [""]:
        pairs = [
            (Run(one, "transfer", number, "multi-task"), Run(one, "transfer", number, source))
            for one in config.transfer.targets
            if one != source
        ]
        found, num_targets = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
        yield of_difference(
            suffixed(("several_tasks", statement), source, language),
            (-math.inf, margin),
            found,
            why,
            config.verdict,
            mark="a marginal gain, in the supplement; it could not be verified",
            over=count(num_targets, "target"),
        )


def weights(data: Data, config: Config) -> Checked:
    """The sources' own weights after their theta_0 minus theta_0, mean over pairs and points."""
    points_after = [point for point in config.transfer_weights.points if point > 0]
    pairs = transfers.weights_pairs(config, points_after)
    found, number = findings.over_pairs(pairs, data.scores, config.tickets.confidence)
    margin = config.verdict.margin
    statement = "Masks transfer as well on theta_0 as on weights trained on the source "
    statement += f"(at most {points(margin)} points worse)"
    return of_difference(
        ("weights", statement),
        (-math.inf, margin),
        found,
        runs.why_not("transfer_weights", config),
        config.verdict,
        over=f"{count(number, 'pair')} of tasks",
    )
