"""What Chen et al. 2020 state of masks that were found on different tasks."""

from collections.abc import Sequence

from stages.tickets.report import names, words
from stages.tickets.report.claim import ABOVE, Claim, of_difference
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, grouped
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import average


def claims(last: Sequence[Agreement], results: Results, study: Study) -> tuple[Claim, Claim]:
    """Average pairs of tasks by seed: Jaccard minus chance in every matrix, minus that with MLM.

    Args:
        last: the Jaccard similarities of the last round.
    """
    pairs = [row for row in last if row.axis == "tasks"]
    by_seed = dict(sorted(grouped(pairs, lambda row: row.seeds).items()))
    language = set(shared.language(study.tasks, results))
    beyond_chance, beyond_language = [], []
    for rows in by_seed.values():
        beyond_chance.append(average(row.value - row.floor_by_matrix for row in rows))
        with_language, rest = (
            average(row.value for row in rows if bool({row.first, row.second} & language) is mixed)
            for mixed in (True, False)
        )
        if with_language is not None and rest is not None:
            beyond_language.append(rest - with_language)
    most = words.count(max(map(len, by_seed.values()), default=0), "pair")
    alike = results.claim("masks_agree", f"{most} of tasks")
    apart = results.claim("mlm_mask_differs", words.count(len(study.tasks), "task"))
    none = names.why_no_agreement(study)
    few = "not run: needs the masks of masked language modelling and of two other tasks"
    first, second = (shared.over_seeds(gains, study) for gains in (beyond_chance, beyond_language))
    return (
        of_difference(alike, ABOVE, first, none, study.verdict),
        of_difference(apart, ABOVE, second, few if results.agreement else none, study.verdict),
    )
