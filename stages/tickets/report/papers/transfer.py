"""What Chen et al. 2020 say of transfer between tasks, mostly in Figure 2."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report import names, transfers, words
from stages.tickets.report.claim import (
    NO_VERDICT,
    Bounded,
    Claim,
    agreement,
    at_least,
    held,
    of_every,
    ranged,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.table import Row
from stages.tickets.report.transfers import Levels, served
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

MLM = "mlm"
"""The paper's name of masked language modelling; ours is any task of that kind."""
SPARSITY = 0.7
"""Sparsity of the paper's transferred masks."""
Gain = Callable[[str], Difference | None]
"""A difference on a target."""


@dataclass(frozen=True)
class Studies:
    """The transfers of this study and of the paper, and what both have."""

    results: Results
    study: Study
    cells: Mapping[tuple[str, str], Row]
    """Ours by source and target, of targets whose dense model has learned; empty if nothing ran."""
    dense: Levels
    """The paper's cells, minus dense, without WNLI."""
    paper: Levels
    """The paper's cells, minus the targets' own masks, without WNLI."""
    language: Sequence[str]
    """Our sources of masked language modelling."""
    tasks: Sequence[str]
    """Our sources that are tasks and have learned."""
    shared: Sequence[str]
    """Targets on which our cells and the paper's are of the same thing."""
    why: str
    """Why there are none."""

    def missing(self, *sources: str) -> str:
        """Say why nothing ran of these sources, `MLM` for any task of its kind."""
        asked = self.study.transfer
        for source in sources if asked.sources and asked.targets else ():
            if source == MLM and not self.language:
                return "not run: transfer.sources has no masked language modelling"
            if source not in (MLM, *asked.sources):
                return f"not run: transfer.sources lacks {source!r}"
        return shared.nothing(asked.targets, self.results, self.results.not_run("transfer"))

    def claim(self, name: str, over: str, source: str, **values: str) -> Claim:
        """Return an undecided statement on MLM, with the source if several are of MLM."""
        claim = self.results.claim(name, over, **values)
        if len(self.language) > 1:
            statement = f"{claim.statement} ({source})"
            return replace(claim, name=f"{name}_{source}", statement=statement)
        return claim

    def own(self, source: str, target: str) -> Difference | None:
        """Return the difference from the target's own ticket."""
        cell = self.cells.get((source, target))
        gain: Difference | None = cell.from_own if cell else None
        return gain

    def over_targets(
        self,
        claim: Claim,
        source: str,
        gain: Gain,
        why: str,
        bounds: Callable[[str], tuple[float, float]],
        paper: Mapping[str, float] | None = None,
    ) -> Claim:
        """Try a statement on every target but the source.

        Args:
            bounds: of a target.
            paper: the same differences in the paper, by target; None if it says none.
        """
        gains = {
            target: known
            for target in dict.fromkeys(target for _, target in self.cells)
            if target != source and (known := gain(target))
        }
        tests = [Bounded(target, known, *bounds(target)) for target, known in gains.items()]
        claim = replace(claim, over=words.count(len(tests), "target"))
        if paper is not None:
            common = [target for target in self.shared if target in paper and target in gains]
            pairs = [(gains[to], paper[to], self.margin(to)) for to in common]
            same = self.why or f"{agreement(pairs)} on {words.count(len(pairs), 'target')}"
            claim = replace(claim, published=ranged(paper), same=same)
        return of_every(claim, tests, why)

    def margin(self, target: str) -> float:
        """Return the smallest difference of interest on a target."""
        return shared.margin(target, self.results)


def compare(cells: Sequence[Row], results: Results, study: Study) -> Studies:
    """Put both studies side by side; verdicts need the paper's encoder, sparsity and a task of its."""
    targets = shared.shared(shared.usable(results.usable(study.transfer.targets)), results)
    sparsity = names.sparsities(study)[study.transfer.round]
    why = shared.why_no_verdict(targets, results)
    if shared.same_encoder(results) and abs(sparsity - SPARSITY) > 1e-6:
        ours, papers = words.percent(sparsity), words.percent(SPARSITY)
        why = f"{NO_VERDICT}: masks of {ours}, the paper's of {papers}"
    published = results.published_transfers
    levels = transfers.published_from_dense(published), transfers.published_from_own(published)
    dense, paper = (
        {place: level for place, level in of.items() if not {*place} & {*shared.UNUSABLE}}
        for of in levels
    )
    return Studies(
        results,
        study,
        {
            (row.source, row.target): row
            for row in cells
            if row.target in results.usable(study.tasks)
        },
        dense,
        paper,
        shared.language(study.transfer.sources, results),
        results.usable(transfers.task_sources(study)),
        [] if why else targets,
        why,
    )


def claims(studies: Studies) -> tuple[Claim, ...]:
    """Try all statements on the masks of tasks."""
    sources = studies.language or [""]
    of_language = (make(source, studies) for source in sources for make in (universal, best_source))
    return (*of_language, half_served(studies))


def universal(source: str, studies: Studies) -> Claim:
    """Try on every other target that the mask of MLM is as good as the target's own."""
    every = transfers.published_from_own(studies.results.published_transfers)
    dark = next(row.dark for row in studies.results.published_dark if row.source == MLM)
    paper = {to: level for (name, to), level in studies.paper.items() if name == MLM != to}
    made = studies.over_targets(
        studies.claim("universal", "", source),
        source,
        lambda target: studies.own(source, target),
        studies.missing(MLM),
        lambda target: (-studies.margin(target), math.inf),
        paper,
    )
    return replace(
        made, published=f"as printed {dark} of {served(MLM, every)[1]}; {made.published}"
    )


def best_source(source: str, studies: Studies) -> Claim:
    """Try on every other target that the mask of MLM is better than the mean of other tasks' masks."""
    results, study = studies.results, studies.study
    published = shared.usable(transfers.published_tasks(results))
    sources = [name for name in studies.tasks if name not in studies.language]
    missing = studies.missing(MLM)
    if studies.cells and studies.language:
        missing = "not run: transfer has no other task to compare with"
    made = studies.over_targets(
        studies.claim("best_source", "", source),
        source,
        lambda target: transfers.beside_others(source, target, sources, results, study),
        missing,
        lambda _: (0.0, math.inf),
        transfers.minus_others(MLM, studies.dense, published),
    )
    other = studies.why or f"{NO_VERDICT}: other sources"
    return made if {MLM, *sources} == set(published) else replace(made, same=other)


def half_served(studies: Studies) -> Claim:
    """Try that most tasks' masks come within the margin of the own ticket on half of the other targets.

    Every cell is a test. They make a p value for each source, that it serves at least half of its
    targets, and these make one for more than half of the sources.
    """
    margin = studies.study.tickets.transfer_margin
    published = transfers.published_tasks(studies.results)
    every = transfers.published_from_own(studies.results.published_transfers)
    counts = [served(source, every, margin) for source in published]
    half = sum(2 * near >= of > 0 for near, of in counts)
    claim = replace(
        studies.results.claim("half_served", margin=words.points(margin)),
        published=f"{half} of {len(published)}",
    )
    tests = {
        (source, target): Bounded(f"{source} on {target}", gain, low=-margin)
        for (source, target) in studies.cells
        if source != target and source in studies.tasks and (gain := studies.own(source, target))
    }
    made = of_every(claim, list(tests.values()), studies.missing())
    if not tests:
        return made
    sources = [
        at_least(-(-len(places) // 2), [tests[place] for place in places], claim)
        for places in grouped(tests, lambda place: place[0]).values()
    ]
    made = replace(
        made,
        here=held(made.tests).replace("hold", "cells hold"),
        over=words.count(len(sources), "source"),
    )
    return at_least(len(sources) // 2 + 1, sources, made)
