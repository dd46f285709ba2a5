"""What Zhang, Colbert and Das 2022 state of channels, tried on heads and neurons of an encoder."""

from collections.abc import Iterator, Sequence

from stages.tickets.report import words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.sections.greedy import compared, rankings
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

BESIDE = {
    "channels_untrained": ("untrained", "one-shot"),
    "channels_one_shot": ("within", "one-shot"),
    "channels_reversed": ("within", "reversed"),
    "channels_magnitude": ("within", "magnitude"),
}
"""Statements that greedy choice is better: the way of training, and the other order."""


def claims(rows: Sequence[Row], results: Results, study: Study) -> Iterator[Claim]:
    """Decide the statements on rankings, then those on scores.

    Args:
        rows: how far rankings agree, see `rankings.rows_of`.
        results, study: of the report.
    """
    tasks, margin = study.greedy.tasks, study.verdict.margins.share
    own = [row for row in rows if row.task in results.usable([row.task])]
    most = {(row.task, row.part): row for row in rankings.sparsest(own)}
    missing = shared.nothing(tasks, results, results.not_run(rankings.STAGE))
    depends = [
        Bounded(f"{task} {part}", gain, high=-margin)
        for (task, part), row in most.items()
        if (gain := shared.over_seeds([tau - 1 for tau in row.by_seed.values()], study))
    ]
    yield _over(depends, "channels_depend", missing, results)
    fewest = {(row.task, row.part): row for row in rankings.sparsest(own, least=True)}
    if len(study.greedy.sparsities) == 1:
        missing, fewest = "not run: greedy.sparsities has one sparsity, it takes two", {}
    falls = [
        Bounded(f"{task} {part}", gain, high=0.0)
        for (task, part), row in fewest.items()
        if (
            gain := intervals.compare(
                most[task, part].by_seed, row.by_seed, study.tickets.confidence
            )
        )
    ]
    yield _over(falls, "channels_depend_more", missing, results)
    for name, (state, order) in BESIDE.items():
        yield _beside(name, state, order, results, study)


def _beside(name: str, state: str, order: str, results: Results, study: Study) -> Claim:
    """Compare greedy with another order on every task, the mean over sparsities."""
    tasks = study.greedy.tasks
    tests = [
        Bounded(task, gain, low=0.0)
        for task in results.usable(tasks)
        if (gain := compared.gains(task, state, order, results, study))
    ]
    key, stage = (
        ("windows", "channels-within") if state == "within" else ("orders", "prune-channels")
    )
    why = results.not_run(stage)
    for wanted in ("greedy", order):
        asked = getattr(study.greedy, key)
        if asked and wanted not in asked:
            why = f"not run: greedy.{key} lacks {wanted}"
    return _over(tests, name, shared.nothing(tasks, results, why), results, "task")


def _over(
    tests: Sequence[Bounded], name: str, missing: str, results: Results, what: str = "ranking"
) -> Claim:
    return of_every(results.claim(name, words.count(len(tests), what)), tests, missing)
