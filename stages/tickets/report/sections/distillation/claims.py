"""Whether distilled masks match tickets, beat random examples, and are more stable."""

from collections.abc import Iterator, Mapping, Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.connectivity.lines import Line
from stages.tickets.report.sections.distillation import measured
from stages.tickets.report.sections.distillation.measured import DENSE, REAL
from stages.tickets.report.table import Row
from stages.tickets.settings import Study

PAPER = "McDermott and Cummings 2023"
NOISE = "order"
"""The noise of SGD, in which copies differ whose stability the paper compares."""
MORE_STABLE = {"distilled_more_stable": REAL, "distilled_more_stable_than_dense": DENSE}
"""What copies of distilled masks are compared with, by the name of the claim."""
Lines = Mapping[tuple[str, str, int], Line]
"""Lines between copies under this noise, by task, arm and round."""
NO_ORDER = f"not run: distil.copies.arms has no {NOISE!r}"
NO_SEED = (
    "not run: no seed has copies of both networks above chance; those of connectivity.seeds are of "
    "tickets, and those of distil.seeds of masks on sets"
)


def claims(
    rows: Sequence[Row],
    copied: Sequence[Row],
    results: Results,
    study: Study,
    why: str,
    no_copies: str,
) -> Iterator[Claim]:
    """Try what the paper says of distilled masks, and whether random examples do as well.

    Args:
        rows: see `measured.arms`.
        copied: see `measured.copies`.
        why: what to say if nothing has run.
        no_copies: what to say if there are no copies.
    """
    learned = list(measured.learned_arms(rows, results))
    none = shared.nothing(study.distil.tasks, results, why)
    over = words.count(len({row.task for row in learned}), "task")
    of_tickets = [
        Bounded(f"{row.task} {row.arm}", row.gain, low=-shared.margin(row.task, results))
        for row in learned
        if row.gain
    ]
    of_random = [
        Bounded(f"{row.task} {row.arm}", gain, low=0.0)
        for row in learned
        if (gain := results.compare(*(_found_on(row, arm) for arm in (row.arm, "random"))))
    ]
    yield of_every(results.claim("distilled_match", over), of_tickets, none)
    yield of_every(results.claim("distilled_beat_random", over), of_random, none)
    if study.distil.copies.arms:
        no_copies = NO_SEED if NOISE in study.distil.copies.arms else NO_ORDER
    none = shared.nothing(study.distil.tasks, results, no_copies)
    lines = {(row.task, row.arm, row.round): row.line for row in copied if row.noise == NOISE}
    for name, beside in MORE_STABLE.items():
        barriers = list(_lower(learned, beside, lines, study.tickets.confidence))
        yield of_every(results.claim(name, over), barriers, none)


def _lower(
    learned: Sequence[Row], beside: str, lines: Lines, confidence: float
) -> Iterator[Bounded]:
    """Yield the tests of lower barriers than those of a ticket, or of the dense model, by seed."""
    for row in learned:
        own = lines.get((row.task, row.arm, row.round))
        other = lines.get((row.task, beside, 0 if beside == DENSE else row.round))
        if own and other and (gain := own.minus(other, "chord", confidence)):
            yield Bounded(f"{row.task} {row.arm}", gain, high=0.0)


def _found_on(row: Row, arm: str) -> Run:
    return Run(row.task, "distilled", row.round, arm)
