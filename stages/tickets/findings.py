"""What came out of a study, as values: tickets, gains, transfers, overlaps and densities.

Tables, figures and answers show these.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.tickets import summary
from stages.tickets.runs import Config, sparsities
from stages.tickets.summary import Agreement, Difference, Kept, Run, Scores, Seed, Summary


@dataclass(frozen=True)
class Ticket:
    """The sparsest matching ticket of a task, chosen on `selection`; all scores on `validation`."""

    task: str
    metric: str
    round: int | None
    dense: Summary
    ticket: Summary | None
    random: Summary | None
    loss: Difference | None
    """Ticket minus dense."""
    gain: Difference | None
    """Ticket minus random mask."""
    flags: tuple[str, ...]


def find_tickets(scores: Scores, config: Config) -> list[Ticket]:
    return [_ticket(task, scores, config) for task in config.tasks]


def _ticket(task: str, scores: Scores, config: Config) -> Ticket:
    confidence = config.tickets.confidence
    candidates = {
        number: found
        for number in sparsities(config)
        if (found := scores.summary(Run(task, "imp", number), confidence, summary.SELECTION))
    }
    dense_run = Run(task, "dense")
    reference = scores.summary(dense_run, confidence, summary.SELECTION)
    dense = scores.summary(dense_run, confidence)
    if reference is None or dense is None:
        raise ValueError(f"scores.csv has no dense scores of {task} on selection and validation")
    chosen = summary.last_matching_round(candidates, reference)
    flags = [_collapse(dense_run, "dense", scores)]
    majority = scores.summary(Run(task, "majority"), confidence)
    if majority and dense.mean <= majority.mean:
        flags.append("dense not above majority")
    if chosen is None:
        flags.append("none matches on selection")
        shown = tuple(flag for flag in flags if flag)
        metric = scores.metrics[task]
        return Ticket(task, metric, None, dense, None, None, None, None, shown)
    imp, random = Run(task, "imp", chosen), Run(task, "random", chosen)
    ticket = scores.summary(imp, confidence)
    if ticket and not summary.matches(ticket, dense):
        flags.append("does not match on validation")
    flags += [_collapse(imp, "ticket", scores), _collapse(random, "random", scores)]
    return Ticket(
        task,
        scores.metrics[task],
        chosen,
        dense,
        ticket,
        scores.summary(random, confidence),
        scores.compare(imp, dense_run, confidence),
        gain(task, chosen, scores, config),
        tuple(flag for flag in flags if flag),
    )


def _collapse(run: Run, name: str, scores: Scores) -> str:
    count = scores.collapsed(run)
    return f"{count} of {len(scores.of(run))} {name} runs collapsed" if count else ""


def gain(task: str, number: int, scores: Scores, config: Config) -> Difference | None:
    """Ticket minus random mask at one round; None where no seed has both."""
    imp, random = Run(task, "imp", number), Run(task, "random", number)
    return scores.compare(imp, random, config.tickets.confidence)


def pooled_gain(number: int, scores: Scores, config: Config) -> Difference | None:
    """Ticket minus random mask at one round over tasks, each counted once by its mean."""
    found = [gain(task, number, scores, config) for task in config.tasks]
    means = [one.mean for one in found if one]
    return summary.summarize_differences(means, config.tickets.confidence) if means else None


@dataclass(frozen=True)
class Cell:
    """A mask of `source` trained on `target`."""

    source: str
    target: str
    score: Summary
    difference: float
    """Mean minus the mean dense score of the target."""
    reaches_own: bool | None
    """At least the mean of the target's own ticket; None where that was not trained."""


def transfer_cells(scores: Scores, config: Config) -> list[Cell]:
    confidence, number = config.tickets.confidence, config.transfer.round
    cells = []
    for source in config.transfer.sources:
        for target in config.transfer.targets:
            found = scores.summary(Run(target, "transfer", number, source), confidence)
            dense = scores.summary(Run(target, "dense"), confidence)
            if found is None or dense is None:
                continue
            own = _own_ticket(target, scores, config)
            reaches = None if own is None else found.mean >= own.mean - 1e-12
            cells.append(Cell(source, target, found, found.mean - dense.mean, reaches))
    return cells


def _own_ticket(target: str, scores: Scores, config: Config) -> Summary | None:
    """Of the transfer's seeds; where the target is no source, as IMP trained it."""
    number = config.transfer.round
    own: dict[Seed, float] = scores.of(Run(target, "transfer", number, target))
    if not own:
        imp = scores.of(Run(target, "imp", number))
        own = {seed: imp[seed] for seed in config.transfer.seeds if seed in imp}
    return summary.summarize(own.values(), config.tickets.confidence) if own else None


def reached(source: str, cells: Iterable[Cell]) -> tuple[int, int]:
    """On how many other targets a source's mask does as well as their own, and of how many."""
    others = [
        cell.reaches_own
        for cell in cells
        if cell.source == source != cell.target and cell.reaches_own is not None
    ]
    return sum(others), len(others)


def rewinding_gain(task: str, point: int, scores: Scores, config: Config) -> Difference | None:
    """The last ticket from the weights at `point` minus the same from where all rounds restarted."""
    other, usual = Run(task, "rewind", point), Run(task, "rewind", config.imp.rewind_to)
    return scores.compare(other, usual, config.tickets.confidence)


def last_overlaps(agreement: Sequence[Agreement], config: Config) -> list[Agreement]:
    """Jaccard similarities of the masks of the last round."""
    last = config.rounds[-1].to
    return [row for row in agreement if row.round == last and row.measure == "jaccard"]


@dataclass(frozen=True)
class Density:
    """Share of a matrix's weights that the last mask keeps, over seeds or over tasks and seeds."""

    task: str
    """Empty: over all tasks."""
    layer: int | None
    matrix: str
    size: int
    density: Summary


def densities(layers: Sequence[Kept], config: Config) -> list[Density]:
    """Of every matrix in the last round: over all tasks, then by task."""
    last = [row for row in layers if row.round == config.rounds[-1].to]
    groups: dict[tuple[str, int | None, str], list[Kept]] = {}
    for task in ("", *config.tasks):
        for row in last:
            if row.task == task or not task:
                groups.setdefault((task, row.layer, row.matrix), []).append(row)
    return [
        Density(
            *place,
            rows[0].size,
            summary.summarize([row.kept / row.size for row in rows], config.tickets.confidence),
        )
        for place, rows in groups.items()
    ]


def average(values: Iterable[float]) -> float | None:
    found = list(values)
    return summary.summarize(found, 0.5).mean if found else None
