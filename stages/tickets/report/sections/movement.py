"""What masks owe to the pre-trained weights: how far training moved weights, and what that changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import methodcaller

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, Movement, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.sections.agreement import mean_of
from stages.tickets.report.table import Column, Record, Table, table
from stages.tickets.report.words import NONE, count, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

FORCED = 0.9
"""If no training that moves weights so little could lead to a smaller Jaccard similarity with the
one-shot mask, the mask could not differ from it."""
NO_MOVEMENT = "not run: movement.csv has no rows of these rounds"
CURVES = {
    "jaccard": ("with the one-shot mask", BLUE, "o-"),
    "jaccard_at_least": ("at least, by the largest move", VERMILION, "s--"),
    "rates_jaccard_at_least": ("at least, by the learning rates", BLACK, "^:"),
}
FIGURE_TITLE = (
    "Jaccard similarity of masks with the one-shot mask against sparsity, one panel per task"
)
BEYOND = {
    "with one-shot": ("one_shot", "jaccard"),
    "tasks, brought back": ("tasks", "brought_back"),
    "tasks, taken out": ("tasks", "taken_out"),
    "seeds, brought back": ("seeds", "brought_back"),
    "seeds, taken out": ("seeds", "taken_out"),
}
"""Axis and measure by what is compared."""


@dataclass(frozen=True)
class Moved:
    """How far one round moved the weights of a task, and its mask beside the one-shot mask."""

    seeds: Sequence[Movement]

    @property
    def first(self) -> Movement:
        """The first seed, which shares task, round, sparsity and steps with the others."""
        return self.seeds[0]

    @property
    def n(self) -> int:
        return len(self.seeds)

    @property
    def could_not_differ(self) -> bool:
        """Whether in all seeds the moves alone force a mask that is almost the one-shot mask."""
        return all(row.jaccard_at_least >= FORCED for row in self.seeds)

    @property
    def chance(self) -> float:
        """Jaccard similarity of two masks drawn uniformly."""
        return (1 - self.first.sparsity) / (1 + self.first.sparsity)

    def mean(self, name: str) -> float:
        """Mean over seeds of a field of `Movement`."""
        return intervals.average(getattr(row, name) for row in self.seeds) or 0.0


def section(results: Results, study: Study) -> Section:
    """How far weights moved, and how far masks could thus be from the one-shot mask."""
    rows = by_task_and_round(results.movement, study)
    return Section(
        "movement",
        "What do masks owe to the pre-trained weights?",
        "How far does training move weights, how far could masks thus be from the mask of the "
        "smallest pre-trained weights, and what do masks have in common beyond that one?",
        "Chen et al. 2020, whose masks of small tasks after few steps of a small learning rate can "
        "differ little from that one; they do not count it.",
        answer(rows, study),
        stages=("stability",),
        figures=(figure(rows, study),),
        tables=(
            table("movement", CAPTION, rows, COLUMNS, NO_MOVEMENT),
            beyond_table(results.beyond, study),
        ),
    )


def by_task_and_round(movement: Sequence[Movement], study: Study) -> list[Moved]:
    """All rows of the study, in the order of tasks and rounds."""
    groups = grouped(movement, lambda row: (row.task, row.round))
    places = [(task, number) for task in study.tasks for number in names.sparsities(study)]
    return [Moved(groups[place]) for place in places if place in groups]


def answer(rows: Sequence[Moved], study: Study) -> str:
    """How like the one-shot mask the last masks are, and where they could not be otherwise."""
    last = study.rounds[-1]
    ended = [row for row in rows if row.first.round == last.to]
    if not ended:
        return words.sentence(NO_MOVEMENT)
    alike = sorted(ended, key=methodcaller("mean", "jaccard"))
    least, most = (f"{row.mean('jaccard'):.2f} ({row.first.task})" for row in (alike[0], alike[-1]))
    forced = [row.first.task for row in ended if row.could_not_differ]
    text = "no task's weights moved so little that the mask could not differ"
    if forced:
        text = (
            f"in {count(len(forced), 'task')} of {len(ended)} weights moved so little that the mask "
            f"could not differ: {', '.join(forced)}"
        )
    return (
        f"At {percent(last.sparsity)} sparsity the Jaccard similarity with the one-shot mask is "
        f"{least} to {most}; {text}."
    )


CAPTION = (
    "How far training moved the surviving weights in the round that a mask comes from, and how many "
    "of the kept weights are others than the one-shot mask of the same size keeps, which drops the "
    "smallest pre-trained weights: at most, given the largest move, and indeed. Means over seeds. "
    f"Could not differ: in all seeds the moves force a Jaccard similarity of {FORCED} at least."
)


def mean(header: str, field: str, shown: Callable[[float], str], name: str = "") -> Column[Moved]:
    """The mean over seeds of a field; csv has it under `name`."""
    return columns.number(header, methodcaller("mean", field), shown, name)


COLUMNS: Sequence[Column[Moved]] = (
    columns.text("task", "first.task", "task"),
    columns.value("first.round"),
    columns.sparsity("first.sparsity"),
    columns.named("steps", "first.steps", "{:,}".format),
    mean("largest move", "largest", "{:.2g}".format, "largest"),
    mean("median move", "move_50", "{:.2g}".format, "move_50"),
    mean("threshold", "threshold_pretrained", "{:.2g}".format, "threshold_pretrained"),
    mean("could differ, %", "could_differ", points),
    mean("differs, %", "differs", points),
    mean("Jaccard at least", "jaccard_at_least", "{:.3f}".format, "jaccard_at_least"),
    mean("Jaccard", "jaccard", "{:.3f}".format, "jaccard"),
    mean("", "rates_distance", str, "sum_of_rates"),
    mean("", "rates_jaccard_at_least", str, "rates_jaccard_at_least"),
    mean("", "could_differ", str, "could_differ"),
    mean("", "differs", str, "differs"),
    Column(
        "verdict",
        lambda row: "could not differ" if row.could_not_differ else NONE,
        {"could_not_differ": lambda row: str(row.could_not_differ)},
    ),
    columns.value("n"),
)


def beyond_table(beyond: Sequence[Agreement], study: Study) -> Table:
    """Agreement of masks with the one-shot mask, and of pairs on where they differ from it."""
    caption = (
        "Jaccard similarity of masks with the one-shot mask, and of pairs of masks on where they differ "
        "from it: on the weights brought back, which they keep and it drops, and on those taken out, "
        "which they drop and it keeps. Means; in brackets what chance gives for sets of the same sizes: "
        "drawn uniformly; drawn within every matrix."
    )
    lines: list[Sequence[str]] = []
    long: list[Record] = []
    groups = grouped(beyond, lambda row: (row.round, row.axis, row.measure))
    for number, sparsity in names.sparsities(study).items() if beyond else ():
        alike = {place: mean_of(groups.get((number, *place), [])) for place in BEYOND.values()}
        lines.append((percent(sparsity), *(cell.cell for cell in alike.values())))
        at: Record = {"round": number, "sparsity": sparsity}
        long += [
            {**at, "axis": axis, "measure": measure, **vars(cell)}
            for (axis, measure), cell in alike.items()
        ]
    shown = columns.of_cells(("sparsity", *BEYOND))
    return table("beyond", caption, lines, shown, names.why_no_agreement(study), long)


def figure(rows: Sequence[Moved], study: Study) -> Figure:
    """Jaccard similarity with the one-shot mask against sparsity, and how small it could be."""
    caption = (
        "Jaccard similarity of masks with the mask of the same size that drops the smallest pre-trained "
        "weights: as it is; and at least, by how far weights moved at most, and by the sum of the "
        "learning rates, about as far as AdamW can move them. Means over seeds "
        f"(n={len(study.seeds)}). The grey line is chance, for masks drawn uniformly."
    )
    if not rows:
        return Figure("movement", FIGURE_TITLE, caption, missing=NO_MOVEMENT)

    def draw(panel: Axes, task: str) -> None:
        own = [row for row in rows if row.first.task == task]
        at, chance = [100 * row.first.sparsity for row in own], [row.chance for row in own]
        panel.plot(at, chance, color=GREY, linewidth=3, alpha=0.4, label="chance")
        for name, (label, colour, look) in CURVES.items():
            panel.plot(at, [row.mean(name) for row in own], look, color=colour, label=label)
        panel.set(ylim=(-0.03, 1.03), xlim=(-4, 100))

    labels = ("sparsity (% of prunable weights)", "Jaccard similarity")
    svg = panels.one_each("movement", FIGURE_TITLE, study.tasks, labels, study, draw)
    curves = [mean("", name, str, name) for name in CURVES]
    csv = columns.records(
        rows, columns.value("first.task", "first.sparsity"), *curves, columns.value("chance", "n")
    )
    return Figure("movement", FIGURE_TITLE, caption, svg, csv)
