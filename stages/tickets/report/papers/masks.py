"""What Chen et al. 2020 state of masks that were found on different tasks."""

from collections.abc import Callable, Sequence

from stages.tickets.report import names, shared
from stages.tickets.report.claim import ABOVE, CHEN, Claim, of_difference
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement
from stages.tickets.report.words import count
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference


def _over_seeds(
    last: Sequence[Agreement], study: Study, of: Callable[[Sequence[Agreement]], float | None]
) -> Difference | None:
    """The summary over seeds of a value of each seed's pairs of tasks; None if no seed has one."""
    by_seed: dict[str, list[Agreement]] = {}
    for row in last:
        if row.axis == "tasks":
            by_seed.setdefault(row.seeds, []).append(row)
    values = [value for _, rows in sorted(by_seed.items()) if (value := of(rows)) is not None]
    if not values:
        return None
    return intervals.summarize_differences(values, study.tickets.confidence)


def masks_agree(last: Sequence[Agreement], study: Study) -> Claim:
    """By seed the mean over pairs of tasks of Jaccard minus what chance gives within every matrix."""
    per_seed = [row.seeds for row in last if row.axis == "tasks"]
    pairs = max(map(per_seed.count, per_seed), default=0)
    gain = _over_seeds(
        last, study, lambda rows: sum(row.value - row.floor_by_matrix for row in rows) / len(rows)
    )
    claim = Claim(
        "masks_agree",
        "Masks of tasks are more alike than chance (100 × Jaccard, minus masks random by matrix)",
        CHEN,
        ("stability",),
        over=f"{count(pairs, 'pair')} of tasks",
    )
    return of_difference(claim, ABOVE, gain, names.why_no_agreement(study), study.verdict)


def mlm_mask_differs(last: Sequence[Agreement], results: Results, study: Study) -> Claim:
    """By seed the mean Jaccard of pairs of other tasks minus that of pairs with MLM."""
    language = shared.language(study.tasks, results)

    def apart(rows: Sequence[Agreement]) -> float | None:
        groups: tuple[list[float], list[float]] = ([], [])
        for row in rows:
            groups[row.first in language or row.second in language].append(row.value)
        rest, of_mlm = groups
        if not rest or not of_mlm:
            return None
        return sum(rest) / len(rest) - sum(of_mlm) / len(of_mlm)

    gain = _over_seeds(last, study, apart)
    why = names.why_no_agreement(study)
    if results.agreement:
        why = "not run: needs the masks of masked language modelling and of two other tasks"
    claim = Claim(
        "mlm_mask_differs",
        "The MLM mask is less like those of tasks than they are alike (100 × Jaccard, tasks − MLM)",
        CHEN,
        ("stability",),
        mark="a finding of the paper that could not be verified",
        over=count(len(study.tasks), "task"),
    )
    return of_difference(claim, ABOVE, gain, why, study.verdict)
