"""What Chen et al. 2020 say of transfer between tasks, mostly in Figure 2."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report import names, transfers
from stages.tickets.report.claim import (
    AT_LEAST,
    CHEN,
    NO_VERDICT,
    OTHER_TASKS,
    Beside,
    Claim,
    of_difference,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.transfers import Levels, Source, Transfer, served
from stages.tickets.report.words import count, percent, points
from stages.tickets.settings import Study

STAGES = ("transfer",)
MLM = "mlm"
"""The paper's name of masked language modelling; ours is any task of that kind."""
SPARSITY = 0.7
"""Sparsity of the paper's transferred masks."""
COMPUTED = "computed here from Figure 2"


@dataclass(frozen=True)
class Studies:
    """The transfers of this study and of the paper, and what both have."""

    results: Results
    study: Study
    rows: Mapping[str, Source]
    """Ours by source; empty if nothing ran."""
    own: Levels
    """Ours minus the targets' own tickets."""
    language: Sequence[str]
    """Our sources of masked language modelling."""
    targets: Sequence[str]
    """Targets on which our cells and the paper's are of the same thing."""
    why: str
    """Why there are none."""

    @property
    def dense(self) -> Levels:
        """The paper's cells, minus dense."""
        return transfers.published_from_dense(self.results.published_transfers)

    @property
    def paper(self) -> Levels:
        """The paper's cells, minus the targets' own masks."""
        return transfers.published_from_own(self.results.published_transfers)

    @property
    def n(self) -> int:
        """Seeds."""
        return len(self.study.transfer.seeds)

    def missing(self, *sources: str) -> str:
        """Why nothing ran of these sources, `MLM` for any task of its kind."""
        asked = self.study.transfer
        for source in sources if asked.sources and asked.targets else ():
            if source == MLM and not self.language:
                return "not run: transfer.sources has no masked language modelling"
            if source not in (MLM, *asked.sources):
                return f"not run: transfer.sources lacks {source!r}"
        return self.results.not_run("transfer")

    def named(self, name: str, statement: str, source: str) -> tuple[str, str]:
        """Name and statement of a claim, with the source if there are several of MLM."""
        if len(self.language) > 1:
            return f"{name}_{source}", f"{statement} ({source})"
        return name, statement

    def counted(
        self, claim: Claim, shown: str, over: str, *, is_true: bool, is_same: bool
    ) -> Claim:
        """Decide a statement on counts, which holds or not from two seeds on.

        Args:
            is_same: whether the paper has the same on the targets that both have.
        """
        verdict = self.why or ("agrees" if is_same else "differs")
        holds = "yes" if is_true else "no"
        if self.n == 1:
            verdict, holds = self.why or "undecided", "unclear"
        return replace(claim, here=shown, n=self.n, holds=holds, verdict=verdict, over=over)

    def beside_own(self, source: str, published: str) -> Beside:
        """Row - own over the targets that both have, but the source's own."""
        scores = self.results.scores
        gain = transfers.mean_from_own(source, self.targets, scores, self.study)
        if gain is None:
            paper = transfers.mean_over_others(published, self.paper)
            return Beside(paper, why=self.why or OTHER_TASKS)
        cells = on(self.paper, self.targets)
        over = count(len({target for _, target in cells} - {published}), "target")
        return Beside(transfers.mean_over_others(published, cells), gain, over)


def on(levels: Levels, targets: Collection[str]) -> Levels:
    """The numbers on these targets."""
    return {place: level for place, level in levels.items() if place[1] in targets}


def compare(
    cells: Sequence[Transfer], rows: Sequence[Source], results: Results, study: Study
) -> Studies:
    """Both studies side by side; verdicts need the paper's encoder, sparsity and a task of its."""
    targets = shared.shared(study.transfer.targets, results)
    sparsity = names.sparsities(study)[study.transfer.round]
    why = shared.why_no_verdict(targets, results)
    if shared.same_encoder(results.layers) and abs(sparsity - SPARSITY) > 1e-6:
        why = f"{NO_VERDICT}: masks of {percent(sparsity)}, the paper's of {percent(SPARSITY)}"
    language = shared.language(study.transfer.sources, results)
    own, by_name = transfers.from_own(cells), {row.name: row for row in rows}
    return Studies(results, study, by_name, own, language, [] if why else targets, why)


def claims(studies: Studies) -> tuple[Claim, ...]:
    """All statements on the masks of tasks."""
    sources = studies.language or [""]
    universal = (made for source in sources for made in universal_claims(source, studies))
    return (*universal, best_source(studies), half_served(studies))


def universal_claims(source: str, studies: Studies) -> tuple[Claim, Claim]:
    """The mask of MLM beside the other targets' own: on how many it is as good, and the mean."""
    missing, paper = studies.missing(MLM), studies.paper
    (as_good, total), (_, of) = served(source, studies.own), served(MLM, paper)
    dark = next(row.dark for row in studies.results.published_dark if row.source == MLM)
    over = count(total, "other target")
    statement = "The MLM mask is universal: as good as the target's own on every other task"
    named = studies.named("universal", statement, source)
    every = Claim(
        *named, CHEN, STAGES, f"{dark} of {of}", verdict=missing, published_value=dark / of
    )
    if total:
        own = on(studies.own, studies.targets)
        common = on(paper, {target for _, target in own})
        is_same = served(source, own) == served(MLM, common)
        shown = f"{as_good} of {total}"
        every = studies.counted(every, shown, over, is_true=as_good == total, is_same=is_same)
    statement = "On the mean of other tasks the MLM mask is at least as good as their own"
    named = studies.named("universal_mean", statement, source)
    gain = studies.rows[source].from_own if source in studies.rows else None
    mean, beside = Claim(*named, CHEN, STAGES, over=over), studies.beside_own(source, MLM)
    rule = studies.study.verdict
    return every, of_difference(mean, AT_LEAST, gain, missing, rule, beside)


def best_source(studies: Studies) -> Claim:
    """The task with the best row - column over other targets; one-shot masks do not compete."""
    paper = transfers.all_centred(studies.dense, transfers.published_tasks(studies.results))
    ours = {
        source: gain.mean
        for source in transfers.task_sources(studies.study)
        if source in studies.rows and (gain := studies.rows[source].from_column)
    }
    claim = Claim(
        "best_source",
        "Of all tasks the MLM mask transfers best (mean of row minus column over other targets)",
        CHEN,
        STAGES,
        max(paper, key=paper.__getitem__),
    )
    if not set(studies.language) & set(ours) or len(ours) < 2:
        alone = "not run: transfer has no other task to compare with"
        return replace(claim, verdict=alone if studies.language else studies.missing(MLM))
    best = max(ours, key=ours.__getitem__)
    claim, over = replace(claim, mark=COMPUTED), count(len(ours), "source")
    is_true = best in studies.language
    return studies.counted(claim, best, over, is_true=is_true, is_same=is_true)


def half_served(studies: Studies) -> Claim:
    """Tasks whose masks come within the margin of the target's own on half of the other targets."""
    margin = studies.study.tickets.transfer_margin

    def halves(levels: Levels, sources: Sequence[str]) -> tuple[int, int]:
        counts = [served(source, levels, margin) for source in sources]
        return sum(2 * near >= of > 0 for near, of in counts), sum(of > 0 for _, of in counts)

    tasks = transfers.task_sources(studies.study)
    published = transfers.published_tasks(studies.results)
    half, of = halves(studies.paper, published)
    claim = Claim(
        "half_served",
        f"Most tasks' masks come within {points(margin)} points of the target's own on at least half "
        "of the other targets",
        CHEN,
        STAGES,
        f"{half} of {of}",
        verdict=studies.missing(),
        published_value=half / of,
        mark="follows from the cells of Figure 2",
    )
    near, number = halves(studies.own, tasks)
    if not number:
        return claim
    common = [task for task in tasks if task in published]
    own, paper = (
        halves(on(levels, studies.targets), common) for levels in (studies.own, studies.paper)
    )
    shown, over = f"{near} of {number}", count(number, "source")
    return studies.counted(claim, shown, over, is_true=2 * near > number, is_same=own == paper)
