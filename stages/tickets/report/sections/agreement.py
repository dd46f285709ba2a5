"""Do masks agree: between seeds of one task, and between tasks of one seed."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations_with_replacement, product

from stages.tickets.report import names, panels, table, words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

MEASURES = {"jaccard": "Jaccard", "cohen_kappa": "Cohen's κ", "fleiss_kappa": "Fleiss' κ"}
BETWEEN = {"tasks": "tasks, same seed", "seeds": "seeds, same task"}
FIGURE_TITLE = "Jaccard similarity of masks between tasks"


def mean_of(rows: Collection[Agreement]) -> Row:
    """Average agreement, of masks drawn uniformly (floor) and with the density of every matrix, too."""
    means = {
        name: intervals.average(getattr(row, name) for row in rows)
        for name in ("value", "floor", "floor_by_matrix")
    }
    return Row(**means, n=len(rows))


def cell(alike: Row) -> str:
    """Show a mean, and in brackets its floors."""
    if alike.value is None:
        return words.NOT_RUN
    text = f"{alike.value:.3f} ({alike.floor:.3f}; {alike.floor_by_matrix:.3f})"
    return text.replace("-", "−")


def section(results: Results, study: Study) -> Section:
    """Show how alike masks are, and how alike chance would make them."""
    place = (study.rounds[-1].to, "jaccard")
    last = [row for row in results.agreement if (row.round, row.measure) == place]
    learned = of_learned(last, results)
    return Section(
        "agreement",
        "Do masks agree?",
        "How alike are the masks of different seeds and of different tasks, and how alike "
        "would chance make them?",
        "Chen et al. 2020, overlap of masks, counted in their code on non-zero trained "
        "weights; Prasanna et al. 2020 use κ on attention heads and MLPs.",
        shared.naming(answer(learned, results, study), results),
        stages=("stability",),
        figures=(figure(last, study),),
        tables=(agreement_table(results.agreement, results, study),),
        claims=claims_of(learned, results, study),
    )


def of_learned(rows: Iterable[Agreement], results: Results) -> list[Agreement]:
    """Return the rows of tasks that have learned; rows of all tasks are left out if one has not."""
    without = {*results.no_evidence, ""} if results.no_evidence else set()
    return [row for row in rows if not {row.first, row.second or row.first} & without]


def answer(last: Sequence[Agreement], results: Results, study: Study) -> str:
    """Give the mean Jaccard similarity of the last masks, beside that of random ones."""
    if not last:
        why = shared.nothing(study.tasks, results, names.why_no_agreement(study))
        return words.sentence(why)
    parts = []
    for axis in BETWEEN:
        value = mean_of([row for row in last if row.axis == axis]).value
        parts.append(f"between {axis} {words.NOT_RUN if value is None else f'{value:.2f}'}")
    return (
        f"Mean Jaccard similarity of the masks at {words.percent(study.rounds[-1].sparsity)} sparsity: "
        f"{', '.join(parts)}; uniformly random masks have {mean_of(last).floor:.2f}."
    )


def agreement_table(agreement: Sequence[Agreement], results: Results, study: Study) -> Table:
    """List the agreement in every round over tasks that have learned, and in the last by task."""
    caption = (
        "Agreement of masks between seeds of one task, and between tasks of one seed: mean over "
        "n pairs (Jaccard, Cohen) or over groups (Fleiss). In brackets what chance gives: masks "
        "drawn uniformly with the same sizes; masks with the same density in every matrix."
    )
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    rounds = product(names.sparsities(study).items(), BETWEEN)
    learned = of_learned(agreement, results)
    for (number, sparsity), axis in rounds if agreement else ():
        of_last = (axis, number) == ("seeds", study.rounds[-1].to)
        for task in ("all", *(study.tasks if of_last else ())):
            own = grouped(
                learned if task == "all" else (row for row in agreement if row.first == task),
                lambda row: (row.round, row.axis, row.measure),
            )
            alike = {name: mean_of(own.get((number, axis, name), ())) for name in MEASURES}
            cells = map(cell, alike.values())
            place = (words.percent(sparsity), BETWEEN[axis], task)
            lines.append((*place, *cells, str(alike["jaccard"].n)))
            at: Record = {"round": number, "sparsity": sparsity, "axis": axis, "task": task}
            long += [{**at, "measure": name, **vars(mean)} for name, mean in alike.items()]
    header = ("sparsity", "between", "task", *MEASURES.values(), "n")
    why = names.why_no_agreement(study)
    return table.of_cells("agreement", caption, header, lines, long, why)


def figure(last: Sequence[Agreement], study: Study) -> Figure:
    """Draw the Jaccard similarity of the last masks between tasks, and of seeds on the diagonal."""
    end, tasks = study.rounds[-1], study.tasks
    floor = mean_of(last).floor or 0.0
    caption = (
        f"Jaccard similarity (survivors of both over survivors of either) of the masks of round "
        f"{end.to} ({words.percent(end.sparsity)} sparse): off the diagonal between tasks, mean over "
        f"seeds (n={len(study.seeds)}); on the diagonal between seeds of one task. The colours start at "
        f"{floor:.3f}, as uniformly random masks of the same sizes have."
    )
    groups = grouped(last, lambda row: frozenset((row.first, row.second or row.first)))
    cells = {pair: mean_of(groups.get(frozenset(pair), ())) for pair in product(tasks, tasks)}
    values = [[cells[first, second].value for second in tasks] for first in tasks]
    pairs = tuple(
        {
            "pair": " and ".join(pair) if pair[0] != pair[1] else f"{pair[0]}, seeds",
            "first": pair[0], "second": pair[1], "jaccard": mean.value, "floor": mean.floor,
            "floor_by_matrix": mean.floor_by_matrix, "n": mean.n,
        }
        for pair in combinations_with_replacement(tasks, 2)
        if (mean := cells[pair]).n
    )  # fmt: skip
    drawn = panels.Map(
        values,
        [["" if value is None else f"{value:.2f}" for value in line] for line in values],
        (tasks, tasks),
        ("viridis", floor, 1.0),
        f"Jaccard (chance: {floor:.2f})",
    )
    size = (max(1.7 + 0.6 * len(tasks), 3.6), 2.3 + 0.4 * len(tasks))
    why = names.why_no_agreement(study)
    return panels.maps(Figure("agreement", FIGURE_TITLE, caption, "", pairs, why), size, drawn)


def claims_of(last: Sequence[Agreement], results: Results, study: Study) -> tuple[Claim, Claim]:
    """Decide what Chen et al. 2020 state of masks that were found on different tasks.

    Args:
        last: the Jaccard similarities of the last round, of tasks that have learned.
    """
    pairs = [row for row in last if row.axis == "tasks"]
    by_seed = dict(sorted(grouped(pairs, lambda row: row.seeds).items()))
    language = set(shared.language(study.tasks, results))
    beyond_chance, beyond_language = [], []
    for rows in by_seed.values():
        beyond_chance.append(intervals.average(row.value - row.floor_by_matrix for row in rows))
        with_language, rest = (
            intervals.average(
                row.value for row in rows if bool({row.first, row.second} & language) is mixed
            )
            for mixed in (True, False)
        )
        if with_language is not None and rest is not None:
            beyond_language.append(rest - with_language)
    most = words.count(max(map(len, by_seed.values()), default=0), "pair")
    alike = results.claim("masks_agree", f"{most} of tasks")
    apart = results.claim("mlm_mask_differs", words.count(len(results.usable(study.tasks)), "task"))
    none = shared.nothing(study.tasks, results, names.why_no_agreement(study))
    few = "not run: needs the masks of masked language modelling and of two other tasks"
    first, second = (shared.over_seeds(gains, study) for gains in (beyond_chance, beyond_language))
    return (
        of_every(alike, [Bounded("", first, low=0.0)] if first else (), none),
        of_every(
            apart,
            [Bounded("", second, low=0.0)] if second else (),
            few if results.agreement else none,
        ),
    )
