"""What Ghosh et al. 2024 state of learned masks, tried on tasks in place of images."""

import math
from collections.abc import Iterator, Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.learned_masks import lent, noise
from stages.tickets.report.table import Row
from stages.tickets.settings import Study


def claims(results: Results, study: Study, trained: Sequence[Row]) -> Iterator[Claim]:
    """Decide the four statements, each of the sparsest masks."""
    asked = study.learned_masks
    last = max(asked.rounds, default=0)
    alone = [
        Bounded(task, gain, low=0.0)
        for task in results.usable(asked.tasks)
        if (gain := results.compare(Run(task, "untrained", last, "hard"), Run(task, "majority")))
    ]
    yield _decided("learned_alone", alone, asked.tasks, "learned", results)
    tasks = asked.noise.tasks
    flipped = [row for row in trained if row.task in results.usable(tasks) and row.share > 0]
    resists = [
        Bounded(task, gain, -math.inf, 0.0)
        for task, gain in noise.by_task(flipped, "learned", "beside_dense").items()
    ]
    yield _decided("learned_resists", resists, tasks, "noisy", results)
    beats = [
        Bounded(task, gain, low=0.0)
        for task, gain in noise.by_task(flipped, "learned", "beside_imp").items()
    ]
    yield _decided("learned_beats_imp", beats, tasks, "noisy", results)
    yield _decided("learned_lent", [*_loans(results, study)], asked.lend.targets, "lent", results)


def _loans(results: Results, study: Study) -> Iterator[Bounded]:
    """Compare a mask of a source with the target's own, from the same start."""
    asked = study.learned_masks.lend
    number = max(asked.rounds, default=0)
    for source in results.usable(asked.sources):
        for target in results.usable(asked.targets):
            own = Run(target, "learned", number)
            loan = lent.run_of(source, target, "learned", "same", number)
            if source != target and (gain := results.compare(loan, own)):
                yield Bounded(f"{source} → {target}", gain, low=-shared.margin(target, results))


def _decided(
    name: str, tests: Sequence[Bounded], tasks: Sequence[str], kind: str, results: Results
) -> Claim:
    what = "transfer" if kind == "lent" else "task"
    claim = results.claim(name, words.count(len(tests), what))
    return of_every(claim, tests, shared.nothing(tasks, results, results.not_run(kind)))
