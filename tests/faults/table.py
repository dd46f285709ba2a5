"""The table of counts, in Markdown."""

from collections.abc import Callable, Sequence

from tests.faults.trial import Outcome

COLUMNS: dict[str, Callable[[Outcome], bool]] = {
    "too late": lambda outcome: outcome.missed,
    "wrong until `doctor --bytes --mend`": lambda outcome: bool(outcome.silent),
    "wrong bytes": lambda outcome: bool(outcome.wrong),
    "hangs": lambda outcome: bool(outcome.hung),
    "orphans": lambda outcome: bool(outcome.orphans),
    "no sentence": lambda outcome: bool(outcome.messages),
    "did not go on": lambda outcome: bool(outcome.stuck),
}
"""Trials that are counted, by header."""


def table(outcomes: Sequence[Outcome]) -> str:
    """Count what went wrong, by family; stages that ran again without need are counted one by one."""
    head = ["family", "trials", *COLUMNS, "stages rerun without need"]
    rows = [head, ["---"] * len(head)]
    families = list(dict.fromkeys(outcome.family for outcome in outcomes))
    for name in (*families, "all"):
        of = [outcome for outcome in outcomes if name in (outcome.family, "all")]
        counts = [sum(map(counted, of)) for counted in COLUMNS.values()]
        again = sum(len(outcome.again) for outcome in of)
        rows.append([name, *map(str, (len(of), *counts, again))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
