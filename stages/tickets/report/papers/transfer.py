"""What Chen et al. 2020 say of transfer between tasks, mostly in Figure 2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report import names, transfers, words
from stages.tickets.report.claim import (
    AT_LEAST,
    NO_VERDICT,
    OTHER_TASKS,
    Beside,
    Claim,
    of_difference,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.table import Row
from stages.tickets.report.transfers import Levels, on, served
from stages.tickets.settings import Study

MLM = "mlm"
"""The paper's name of masked language modelling; ours is any task of that kind."""
SPARSITY = 0.7
"""Sparsity of the paper's transferred masks."""


@dataclass(frozen=True)
class Studies:
    """The transfers of this study and of the paper, and what both have."""

    results: Results
    study: Study
    rows: Mapping[str, Row]
    """Ours by source; empty if nothing ran."""
    own: Levels
    """Ours minus the targets' own tickets."""
    dense: Levels
    """The paper's cells, minus dense."""
    paper: Levels
    """The paper's cells, minus the targets' own masks."""
    language: Sequence[str]
    """Our sources of masked language modelling."""
    targets: Sequence[str]
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
        return self.results.not_run("transfer")

    def claim(self, name: str, over: str, source: str, **values: str) -> Claim:
        """Return an undecided statement on MLM, with the source if several are of MLM."""
        claim = self.results.claim(name, over, **values)
        if len(self.language) > 1:
            statement = f"{claim.statement} ({source})"
            return replace(claim, name=f"{name}_{source}", statement=statement)
        return claim

    def counted(
        self, claim: Claim, shown: str, over: str, *, is_true: bool, is_same: bool
    ) -> Claim:
        """Decide a statement on counts, which holds or not from two seeds on.

        Args:
            is_same: whether the paper has the same on the targets that both have.
        """
        verdict, holds = "agrees" if is_same else "differs", "yes" if is_true else "no"
        n = len(self.study.transfer.seeds)
        if n == 1:
            verdict, holds = "undecided", "unclear"
        return replace(claim, here=shown, n=n, holds=holds, verdict=self.why or verdict, over=over)

    def beside_own(self, source: str, published: str) -> Beside:
        """Compute row - own over the targets that both have, but the source's own."""
        gain = transfers.mean_from_own(source, self.targets, self.results.scores, self.study)
        cells = on(self.paper, self.targets) if gain else self.paper
        others = transfers.over_others(published, cells)
        mean = sum(others) / len(others)
        if gain is None:
            return Beside(mean, why=self.why or OTHER_TASKS)
        return Beside(mean, gain, words.count(len(others), "target"))


def compare(cells: Sequence[Row], rows: Sequence[Row], results: Results, study: Study) -> Studies:
    """Put both studies side by side; verdicts need the paper's encoder, sparsity and a task of its."""
    targets = shared.shared(study.transfer.targets, results)
    sparsity = names.sparsities(study)[study.transfer.round]
    why = shared.why_no_verdict(targets, results)
    if shared.same_encoder(results.layers) and abs(sparsity - SPARSITY) > 1e-6:
        ours, papers = words.percent(sparsity), words.percent(SPARSITY)
        why = f"{NO_VERDICT}: masks of {ours}, the paper's of {papers}"
    return Studies(
        results,
        study,
        {row.name: row for row in rows},
        transfers.from_own(cells),
        transfers.published_from_dense(results.published_transfers),
        transfers.published_from_own(results.published_transfers),
        shared.language(study.transfer.sources, results),
        [] if why else targets,
        why,
    )


def claims(studies: Studies) -> tuple[Claim, ...]:
    """Decide all statements on the masks of tasks."""
    sources = studies.language or [""]
    universal = (made for source in sources for made in universal_claims(source, studies))
    return (*universal, best_source(studies), half_served(studies))


def universal_claims(source: str, studies: Studies) -> tuple[Claim, Claim]:
    """Count the other targets on which the mask of MLM is as good as their own, and take the mean."""
    missing, paper = studies.missing(MLM), studies.paper
    (as_good, total), (_, of) = served(source, studies.own), served(MLM, paper)
    dark = next(row.dark for row in studies.results.published_dark if row.source == MLM)
    over = words.count(total, "other target")
    every = replace(
        studies.claim("universal", "", source),
        published=f"{dark} of {of}",
        published_value=dark / of,
        verdict=missing,
    )
    if total:
        own = on(studies.own, studies.targets)
        common = on(paper, {target for _, target in own})
        is_same = served(source, own) == served(MLM, common)
        shown = f"{as_good} of {total}"
        every = studies.counted(every, shown, over, is_true=as_good == total, is_same=is_same)
    gain = studies.rows[source].from_own if source in studies.rows else None
    mean = studies.claim("universal_mean", over, source)
    beside, rule = studies.beside_own(source, MLM), studies.study.verdict
    return every, of_difference(mean, AT_LEAST, gain, missing, rule, beside)


def best_source(studies: Studies) -> Claim:
    """Find the task with the best row - column over other targets; one-shot masks do not compete."""
    paper = transfers.all_centred(studies.dense, transfers.published_tasks(studies.results))
    ours = {
        source: gain.mean
        for source in transfers.task_sources(studies.study)
        if source in studies.rows and (gain := studies.rows[source].from_column)
    }
    claim = studies.results.claim("best_source")
    claim = replace(claim, published=max(paper, key=paper.__getitem__))
    if not set(studies.language) & set(ours) or len(ours) < 2:
        alone = "not run: transfer has no other task to compare with"
        return replace(claim, mark="", verdict=alone if studies.language else studies.missing(MLM))
    best = max(ours, key=ours.__getitem__)
    over = words.count(len(ours), "source")
    is_true = best in studies.language
    return studies.counted(claim, best, over, is_true=is_true, is_same=is_true)


def half_served(studies: Studies) -> Claim:
    """Count tasks whose masks come within the margin of the own ticket on half of the other targets."""
    margin = studies.study.tickets.transfer_margin

    def halves(levels: Levels, sources: Sequence[str]) -> tuple[int, int]:
        counts = [served(source, levels, margin) for source in sources]
        return sum(2 * near >= of > 0 for near, of in counts), sum(of > 0 for _, of in counts)

    tasks = transfers.task_sources(studies.study)
    published = transfers.published_tasks(studies.results)
    half, of = halves(studies.paper, published)
    claim = replace(
        studies.results.claim("half_served", margin=words.points(margin)),
        published=f"{half} of {of}",
        published_value=half / of,
        verdict=studies.missing(),
    )
    near, number = halves(studies.own, tasks)
    if not number:
        return claim
    common = [task for task in tasks if task in published]
    own, paper = (
        halves(on(levels, studies.targets), common) for levels in (studies.own, studies.paper)
    )
    shown, over = f"{near} of {number}", words.count(number, "source")
    return studies.counted(claim, shown, over, is_true=2 * near > number, is_same=own == paper)
