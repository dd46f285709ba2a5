"""Do masks agree: between seeds of one task, and between tasks of one seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import Figure, render
from stages.tickets.report.names import sparsities
from stages.tickets.report.papers import masks as statements
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, table
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
    """Of masks drawn uniformly with the same sizes."""
    floor_by_matrix: float | None
    """Of masks drawn with the same density in every matrix."""
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


@dataclass(frozen=True)
class Group:
    """The masks of one round that differ in the task or in the seed alone."""

    round: int
    sparsity: float
    axis: str
    """tasks or seeds: what they differ in."""
    task: str
    """all, or the one task of masks that differ in the seed."""
    by_measure: Mapping[str, Alike]


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
        tables=(agreement_table(group(results.agreement, study), study),),
        claims=(
            statements.masks_agree(last, study),
            statements.mlm_mask_differs(last, results, study),
        ),
    )


def group(agreement: Sequence[Agreement], study: Study) -> list[Group]:
    """Every round over all tasks, and the last by task as well."""
    if not agreement:
        return []
    last = study.rounds[-1].to
    places = [
        (number, axis, task)
        for number in sparsities(study)
        for axis, tasks in (("tasks", ()), ("seeds", study.tasks if number == last else ()))
        for task in ("all", *tasks)
    ]
    groups = []
    for number, axis, task in places:
        rows = [
            row for row in agreement
            if (row.round, row.axis) == (number, axis) and task in ("all", row.first)
        ]  # fmt: skip
        by_measure = {
            measure: mean_of([row for row in rows if row.measure == measure])
            for measure in MEASURES
        }
        groups.append(Group(number, sparsities(study)[number], axis, task, by_measure))
    return groups


def answer(last: Sequence[Agreement], study: Study) -> str:
    """The mean Jaccard similarity of the last masks, beside that of random ones."""
    if not last:
        return words.sentence(names.why_no_agreement(study))
    parts = []
    for axis in ("tasks", "seeds"):
        value = mean_of([row for row in last if row.axis == axis]).value
        parts.append(f"between {axis} {NOT_RUN if value is None else f'{value:.2f}'}")
    return (
        f"Mean Jaccard similarity of the masks at {percent(study.rounds[-1].sparsity)} sparsity: "
        f"{', '.join(parts)}; uniformly random masks have {mean_of(last).floor:.2f}."
    )


def agreement_table(groups: Sequence[Group], study: Study) -> Table:
    """Agreement of masks over seeds and over tasks, each with its chance floors."""
    caption = (
        "Agreement of masks between seeds of one task, and between tasks of one seed: mean over "
        "n pairs (Jaccard, Cohen) or over groups (Fleiss). In brackets what chance gives: masks "
        "drawn uniformly with the same sizes; masks with the same density in every matrix."
    )

    def measure(name: str) -> Column[Group]:
        return Column(MEASURES[name], lambda row: row.by_measure[name].cell)

    shown: Sequence[Column[Group]] = (
        columns.sparsity(lambda row: row.sparsity),
        columns.text("between", lambda row: BETWEEN[row.axis]),
        columns.text("task", lambda row: row.task),
        *map(measure, MEASURES),
        Column("n", lambda row: str(row.by_measure["jaccard"].n)),
    )
    long: list[Record] = [
        {
            "round": row.round, "sparsity": row.sparsity, "axis": row.axis, "task": row.task,
            "measure": name, **vars(alike),
        }
        for row in groups
        for name, alike in row.by_measure.items()
    ]  # fmt: skip
    return table("agreement", caption, groups, shown, names.why_no_agreement(study), long)


def figure(last: Sequence[Agreement], study: Study) -> Figure:
    """Jaccard similarity of the last masks between tasks, and between seeds on the diagonal."""
    end, tasks = study.rounds[-1], study.tasks
    caption = (
        f"Jaccard similarity (survivors of both over survivors of either) of the masks of round "
        f"{end.to} ({percent(end.sparsity)} sparse): off the diagonal between tasks, mean over "
        f"seeds (n={len(study.seeds)}); on the diagonal between seeds of one task."
    )
    if not last:
        return Figure("agreement", FIGURE_TITLE, caption, missing=names.why_no_agreement(study))
    overall = mean_of(last)
    floor = overall.floor or 0.0
    caption += (
        f" By chance: {floor:.3f} for uniformly random masks of the same sizes, "
        f"{overall.floor_by_matrix:.3f} for masks random within every matrix; the colours start at the "
        "first."
    )
    cells = [
        [mean_of([row for row in last if _between(row, first, second)]) for second in tasks]
        for first in tasks
    ]

    def draw(canvas: Canvas) -> None:
        panel = canvas.subplots()
        values = [[cell.value for cell in line] for line in cells]
        texts = [["" if value is None else f"{value:.2f}" for value in line] for line in values]
        mesh = panels.heat(panel, values, texts, (tasks, tasks), ("viridis", floor, 1.0))
        panels.colour_bar(canvas, panel, mesh, f"Jaccard (chance: {floor:.2f})")

    pairs: list[Record] = [
        {
            "pair": f"{first} and {second}" if first != second else f"{first}, seeds",
            "first": first,
            "second": second,
            **{"jaccard" if name == "value" else name: value for name, value in vars(cell).items()},
        }
        for y, first in enumerate(tasks)
        for second, cell in zip(tasks[y:], cells[y][y:], strict=True)
        if cell.n
    ]
    size = (max(1.7 + 0.6 * len(tasks), 3.6), 2.3 + 0.4 * len(tasks))
    svg = render("agreement", FIGURE_TITLE, size, draw)
    return Figure("agreement", FIGURE_TITLE, caption, svg, tuple(pairs))


def _between(row: Agreement, first: str, second: str) -> bool:
    if first == second:
        return row.axis == "seeds" and row.first == first
    return row.axis == "tasks" and {row.first, row.second} == {first, second}
