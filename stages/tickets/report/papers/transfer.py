"""What Chen et al. 2020 say of transfer between tasks, mostly in Figure 2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report import names, shared, transfers
from stages.tickets.report.claim import (
    AT_LEAST,
    CHEN,
    NO_VERDICT,
    OTHER_TASKS,
    Beside,
    Claim,
    of_difference,
)
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
    paper: Levels
    """The paper's minus the targets' own masks."""
    language: Sequence[str]
    """Our sources of masked language modelling."""
    targets: Sequence[str]
    """Targets on which our cells and the paper's are of the same thing."""
    why: str
    """Why there are none."""

    @property
    def n(self) -> int:
        """Seeds."""
        return len(self.study.transfer.seeds)

    def on(self, levels: Levels, targets: Iterable[str]) -> Levels:
        """The numbers on these targets."""
        wanted = set(targets)
        return {place: level for place, level in levels.items() if place[1] in wanted}

    def named(self, name: str, statement: str, source: str) -> tuple[str, str]:
        """Name and statement of a claim, with the source if there are several of MLM."""
        if len(self.language) > 1:
            return f"{name}_{source}", f"{statement} ({source})"
        return name, statement

    def counted(self, claim: Claim, here: str, over: str, *, is_true: bool, is_same: bool) -> Claim:
        """Decide a statement on counts, which holds or not from two seeds on.

        Args:
            is_same: whether the paper has the same on the targets that both have.
        """
        verdict = self.why or ("agrees" if is_same else "differs")
        holds = "yes" if is_true else "no"
        if self.n == 1:
            verdict, holds = self.why or "undecided", "unclear"
        return replace(claim, here=here, n=self.n, holds=holds, verdict=verdict, over=over)

    def beside_own(self, source: str, published: str) -> Beside:
        """Row - own over the targets that both have, but the source's own."""
        scores = self.results.scores
        gain = transfers.mean_from_own(source, self.targets, scores, self.study)
        if gain is None:
            paper = transfers.mean_over_others(published, self.paper)
            return Beside(paper, why=self.why or OTHER_TASKS)
        cells = self.on(self.paper, self.targets)
        over = count(len({target for _, target in cells} - {published}), "target")
        return Beside(transfers.mean_over_others(published, cells), gain, over)


def compare(
    cells: Sequence[Transfer], rows: Sequence[Source], results: Results, study: Study
) -> Studies:
    """Both studies side by side; verdicts need the paper's encoder, sparsity and a task of its."""
    targets = shared.shared(study.transfer.targets, results)
    sparsity = names.sparsities(study)[study.transfer.round]
    why = shared.why_no_verdict(targets, results)
    if shared.same_encoder(results.layers) and abs(sparsity - SPARSITY) > 1e-6:
        why = f"{NO_VERDICT}: masks of {percent(sparsity)}, the paper's of {percent(SPARSITY)}"
    return Studies(
        results,
        study,
        {row.name: row for row in rows},
        transfers.from_own(cells),
        transfers.published_from_own(results.published_transfers),
        shared.language(study.transfer.sources, results),
        [] if why else targets,
        why,
    )


def claims(studies: Studies) -> tuple[Claim, ...]:
    """All statements on the masks of tasks."""
    asked, missing = studies.study.transfer, studies.results.not_run("transfer")
    if asked.sources and asked.targets and not studies.language:
        missing = "not run: transfer.sources has no masked language modelling"
    return (
        *(
            claim
            for source in studies.language or [""]
            for claim in (
                universal(source, missing, studies),
                universal_mean(source, missing, studies),
            )
        ),
        best_source(missing, studies),
        half_served(studies),
    )


def universal(source: str, missing: str, studies: Studies) -> Claim:
    """The number of other targets on which the mask of MLM is as good as their own."""
    statement = "The MLM mask is universal: as good as the target's own on every other task"
    dark = next(row.dark for row in studies.results.published_dark if row.source == MLM)
    _, of = served(MLM, studies.paper)
    claim = Claim(
        *studies.named("universal", statement, source),
        CHEN,
        STAGES,
        f"{dark} of {of}",
        verdict=missing,
        published_value=dark / of,
    )
    as_good, total = served(source, studies.own)
    if not total:
        return claim
    own = studies.on(studies.own, studies.targets)
    paper = studies.on(studies.paper, {target for _, target in own})
    is_same = served(source, own) == served(MLM, paper)
    here, over = f"{as_good} of {total}", count(total, "other target")
    return studies.counted(claim, here, over, is_true=as_good == total, is_same=is_same)


def universal_mean(source: str, missing: str, studies: Studies) -> Claim:
    """The mask of MLM minus the targets' own, mean over the other targets."""
    statement = "On the mean of other tasks the MLM mask is at least as good as their own"
    named = studies.named("universal_mean", statement, source)
    row = studies.rows.get(source)
    claim = Claim(*named, CHEN, STAGES, over=count(row.others if row else 0, "other target"))
    gain, beside = row.from_own if row else None, studies.beside_own(source, MLM)
    return of_difference(claim, AT_LEAST, gain, missing, studies.study.verdict, beside)


def best_source(missing: str, studies: Studies) -> Claim:
    """The task with the best row - column over other targets; one-shot masks do not compete."""
    results = studies.results
    levels = transfers.published_from_dense(results.published_transfers)
    paper = transfers.all_centred(levels, transfers.published_tasks(results))
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
        max(paper, key=lambda source: paper[source]),
    )
    if not set(studies.language) & set(ours) or len(ours) < 2:
        alone = "not run: transfer has no other task to compare with"
        return replace(claim, verdict=alone if studies.language else missing)
    best = max(ours, key=lambda source: ours[source])
    claim, over = replace(claim, mark=COMPUTED), count(len(ours), "source")
    is_true = best in studies.language
    return studies.counted(claim, best, over, is_true=is_true, is_same=is_true)


def half_served(studies: Studies) -> Claim:
    """Tasks whose masks come within the margin of the target's own on half of the other targets."""
    results, margin = studies.results, studies.study.tickets.transfer_margin

    def halves(levels: Levels, sources: Iterable[str]) -> tuple[int, int]:
        counts = [served(source, levels, margin) for source in sources]
        return sum(2 * near >= of > 0 for near, of in counts), sum(of > 0 for _, of in counts)

    tasks, published = transfers.task_sources(studies.study), transfers.published_tasks(results)
    half, of = halves(studies.paper, published)
    claim = Claim(
        "half_served",
        f"Most tasks' masks come within {points(margin)} points of the target's own on at least half "
        "of the other targets",
        CHEN,
        STAGES,
        f"{half} of {of}",
        verdict=results.not_run("transfer"),
        published_value=half / of,
        mark="follows from the cells of Figure 2",
    )
    near, number = halves(studies.own, tasks)
    if not number:
        return claim
    common = [task for task in tasks if task in published]
    own, paper = (studies.on(levels, studies.targets) for levels in (studies.own, studies.paper))
    is_same = halves(own, common) == halves(paper, common)
    here, over = f"{near} of {number}", count(number, "source")
    return studies.counted(claim, here, over, is_true=2 * near > number, is_same=is_same)
