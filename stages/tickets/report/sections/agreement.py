"""Do masks agree: between seeds of one task, and between tasks of one seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import Figure
from stages.tickets.report.papers import masks
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Record, Table, table
from stages.tickets.report.words import NOT_RUN, percent
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

MEASURES = {"jaccard": "Jaccard", "cohen_kappa": "Cohen's κ", "fleiss_kappa": "Fleiss' κ"}
BETWEEN = {"tasks": "tasks, same seed", "seeds": "seeds, same task"}
FIGURE_TITLE = "Jaccard similarity of masks between tasks"


@dataclass(frozen=True)
class Alike:
    """Mean agreement of `n` pairs or groups of masks, beside what chance gives; None for none."""

    value: float | None
    floor: float | None
    """Mean agreement of masks drawn uniformly with the same sizes."""
    floor_by_matrix: float | None
    """Mean agreement of masks drawn with the same density in every matrix."""
    n: int

    @property
    def cell(self) -> str:
        """The mean, and in brackets the floors."""
        if self.value is None:
            return NOT_RUN
        text = f"{self.value:.3f} ({self.floor:.3f}; {self.floor_by_matrix:.3f})"
        return text.replace("-", "−")


def mean_of(rows: Sequence[Agreement]) -> Alike:
    """The mean over rows of agreement, each of a pair or a group of masks."""
    return Alike(
        intervals.average(row.value for row in rows),
        intervals.average(row.floor for row in rows),
        intervals.average(row.floor_by_matrix for row in rows),
        len(rows),
    )


def section(results: Results, study: Study) -> Section:
    """How alike masks are, and how alike chance would make them."""
    last = [
        row for row in results.agreement
        if row.round == study.rounds[-1].to and row.measure == "jaccard"
    ]  # fmt: skip
    return Section(
        "agreement",
        "Do masks agree?",
        "How alike are the masks of different seeds and of different tasks, and how alike "
        "would chance make them?",
        "Chen et al. 2020, overlap of masks, counted in their code on non-zero trained "
        "weights; Prasanna et al. 2020 use κ on attention heads and MLPs.",
        answer(last, study),
        stages=("stability",),
        figures=(figure(last, study),),
        tables=(agreement_table(results.agreement, study),),
        claims=masks.claims(last, results, study),
    )


def answer(last: Sequence[Agreement], study: Study) -> str:
    """The mean Jaccard similarity of the last masks, beside that of random ones."""
    if not last:
        return words.sentence(names.why_no_agreement(study))
    parts = []
    for axis in BETWEEN:
        value = mean_of([row for row in last if row.axis == axis]).value
        parts.append(f"between {axis} {NOT_RUN if value is None else f'{value:.2f}'}")
    return (
        f"Mean Jaccard similarity of the masks at {percent(study.rounds[-1].sparsity)} sparsity: "
        f"{', '.join(parts)}; uniformly random masks have {mean_of(last).floor:.2f}."
    )


def agreement_table(agreement: Sequence[Agreement], study: Study) -> Table:
    """Agreement of masks in every round over all tasks, and in the last by task as well."""
    caption = (
        "Agreement of masks between seeds of one task, and between tasks of one seed: mean over "
        "n pairs (Jaccard, Cohen) or over groups (Fleiss). In brackets what chance gives: masks "
        "drawn uniformly with the same sizes; masks with the same density in every matrix."
    )
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    last = study.rounds[-1].to
    places = [
        (number, sparsity, axis, task)
        for number, sparsity in names.sparsities(study).items()
        for axis in BETWEEN
        for task in ("all", *(study.tasks if (axis, number) == ("seeds", last) else ()))
    ]
    for number, sparsity, axis, task in places if agreement else ():
        own = [
            row for row in agreement
            if (row.round, row.axis) == (number, axis) and task in ("all", row.first)
        ]  # fmt: skip
        alike = {name: mean_of([row for row in own if row.measure == name]) for name in MEASURES}
        cells = [mean.cell for mean in alike.values()]
        lines.append((percent(sparsity), BETWEEN[axis], task, *cells, str(alike["jaccard"].n)))
        place: Record = {"round": number, "sparsity": sparsity, "axis": axis, "task": task}
        long += [{**place, "measure": name, **vars(mean)} for name, mean in alike.items()]
    shown = columns.of_cells(("sparsity", "between", "task", *MEASURES.values(), "n"))
    return table("agreement", caption, lines, shown, names.why_no_agreement(study), long)


def figure(last: Sequence[Agreement], study: Study) -> Figure:
    """Jaccard similarity of the last masks between tasks, and between seeds on the diagonal."""
    end, tasks = study.rounds[-1], study.tasks
    floor = mean_of(last).floor or 0.0
    caption = (
        f"Jaccard similarity (survivors of both over survivors of either) of the masks of round "
        f"{end.to} ({percent(end.sparsity)} sparse): off the diagonal between tasks, mean over "
        f"seeds (n={len(study.seeds)}); on the diagonal between seeds of one task. The colours start at "
        f"{floor:.3f}, as uniformly random masks of the same sizes have."
    )
    if not last:
        return Figure("agreement", FIGURE_TITLE, caption, missing=names.why_no_agreement(study))
    by_pair = grouped(last, lambda row: frozenset((row.first, row.second or row.first)))
    cells = [
        [mean_of(by_pair.get(frozenset((first, second)), [])) for second in tasks]
        for first in tasks
    ]
    values = [[cell.value for cell in line] for line in cells]
    texts = [["" if value is None else f"{value:.2f}" for value in line] for line in values]
    pairs: list[Record] = [
        {
            "pair": f"{first} and {second}" if first != second else f"{first}, seeds",
            "first": first, "second": second, "jaccard": cell.value, "floor": cell.floor,
            "floor_by_matrix": cell.floor_by_matrix, "n": cell.n,
        }
        for y, first in enumerate(tasks)
        for second, cell in zip(tasks[y:], cells[y][y:], strict=True)
        if cell.n
    ]  # fmt: skip
    size = (max(1.7 + 0.6 * len(tasks), 3.6), 2.3 + 0.4 * len(tasks))
    scale = f"Jaccard (chance: {floor:.2f})"
    drawn = panels.Map(values, texts, (tasks, tasks), ("viridis", floor, 1.0), scale)
    svg = panels.maps("agreement", FIGURE_TITLE, size, drawn)
    return Figure("agreement", FIGURE_TITLE, caption, svg, tuple(pairs))
