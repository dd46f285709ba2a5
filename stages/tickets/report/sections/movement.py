"""What masks owe to the pre-trained weights: how far training moved weights, and what that changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, VERMILION, Figure, render
from stages.tickets.report.names import sparsities
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, Movement
from stages.tickets.report.section import Section
from stages.tickets.report.sections.agreement import Alike, mean_of
from stages.tickets.report.table import Column, Record, Table, records, table
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
    """Means over seeds of how far one round moved weights, and of its mask beside the one-shot mask."""

    task: str
    round: int
    sparsity: float
    steps: int
    largest: float
    """Distance of a survivor from the weights it started from."""
    move_50: float
    """Not exceeded by half of the survivors."""
    threshold_pretrained: float
    """Magnitude of the largest pre-trained weight that the one-shot mask drops."""
    jaccard_at_least: float
    jaccard: float
    sum_of_rates: float
    rates_jaccard_at_least: float
    could_differ: float
    """Share of the kept weights that could be others than the one-shot mask keeps."""
    differs: float
    """Share of the kept weights that are others."""
    could_not_differ: bool
    """Whether in all seeds the moves alone force a mask that is almost the one-shot mask."""
    n: int

    @property
    def chance(self) -> float:
        """Jaccard similarity of two masks drawn uniformly."""
        return (1 - self.sparsity) / (1 + self.sparsity)


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
        tables=(movement_table(rows), beyond_table(results.beyond, study)),
    )


def by_task_and_round(movement: Sequence[Movement], study: Study) -> list[Moved]:
    """The means over seeds, in the order of tasks and rounds."""
    return [
        _moved(group)
        for task in study.tasks
        for number in sparsities(study)
        if (group := [row for row in movement if (row.task, row.round) == (task, number)])
    ]


def _moved(group: Sequence[Movement]) -> Moved:
    """The means over the seeds of one task and round."""

    def mean(of: Callable[[Movement], float]) -> float:
        return intervals.average(map(of, group)) or 0.0

    first = group[0]
    return Moved(
        first.task,
        first.round,
        first.sparsity,
        first.steps,
        mean(lambda row: row.largest),
        mean(lambda row: row.move_50),
        mean(lambda row: row.threshold_pretrained),
        mean(lambda row: row.jaccard_at_least),
        mean(lambda row: row.jaccard),
        mean(lambda row: row.rates_distance),
        mean(lambda row: row.rates_jaccard_at_least),
        mean(lambda row: row.most_exchanged / row.kept),
        mean(lambda row: row.exchanged / row.kept),
        all(row.jaccard_at_least >= FORCED for row in group),
        len(group),
    )


def answer(rows: Sequence[Moved], study: Study) -> str:
    """How like the one-shot mask the last masks are, and where they could not be otherwise."""
    last = study.rounds[-1]
    ended = [row for row in rows if row.round == last.to]
    if not ended:
        return words.sentence(NO_MOVEMENT)
    least, most = (pick(ended, key=lambda row: row.jaccard) for pick in (min, max))
    text = (
        f"At {percent(last.sparsity)} sparsity the Jaccard similarity with the one-shot mask is "
        f"{least.jaccard:.2f} ({least.task}) to {most.jaccard:.2f} ({most.task}); "
    )
    forced = [row.task for row in ended if row.could_not_differ]
    if not forced:
        return text + "no task's weights moved so little that the mask could not differ."
    return text + (
        f"in {count(len(forced), 'task')} of {len(ended)} weights moved so little that the mask could "
        f"not differ: {', '.join(forced)}."
    )


def movement_table(rows: Sequence[Moved]) -> Table:
    """How far weights moved in every round, and how far its mask could be from the one-shot mask."""
    caption = (
        "How far training moved the surviving weights in the round that a mask comes from, and how many "
        "of the kept weights are others than the one-shot mask of the same size keeps, which drops the "
        "smallest pre-trained weights: at most, given the largest move, and indeed. Means over seeds. "
        f"Could not differ: in all seeds the moves force a Jaccard similarity of {FORCED} at least."
    )

    def value(header: str, name: str, form: Callable[[float], str]) -> Column[Moved]:
        return Column(header, lambda row: form(getattr(row, name)), dict(columns.value(name).csv))

    shown: Sequence[Column[Moved]] = (
        columns.text("task", lambda row: row.task, "task"),
        columns.value("round"),
        columns.sparsity(lambda row: row.sparsity),
        value("steps", "steps", "{:,}".format),
        value("largest move", "largest", "{:.2g}".format),
        value("median move", "move_50", "{:.2g}".format),
        value("threshold", "threshold_pretrained", "{:.2g}".format),
        Column("could differ, %", lambda row: points(row.could_differ)),
        Column("differs, %", lambda row: points(row.differs)),
        value("Jaccard at least", "jaccard_at_least", "{:.3f}".format),
        value("Jaccard", "jaccard", "{:.3f}".format),
        *(
            columns.value(name)
            for name in ("sum_of_rates", "rates_jaccard_at_least", "could_differ", "differs")
        ),
        Column(
            "verdict",
            lambda row: "could not differ" if row.could_not_differ else NONE,
            {"could_not_differ": lambda row: str(row.could_not_differ)},
        ),
        columns.value("n"),
    )
    return table("movement", caption, rows, shown, NO_MOVEMENT)


def beyond_table(beyond: Sequence[Agreement], study: Study) -> Table:
    """Agreement of masks with the one-shot mask, and of pairs on where they differ from it."""
    caption = (
        "Jaccard similarity of masks with the one-shot mask, and of pairs of masks on where they differ "
        "from it: on the weights brought back, which they keep and it drops, and on those taken out, "
        "which they drop and it keeps. Means; in brackets what chance gives for sets of the same sizes: "
        "drawn uniformly; drawn within every matrix."
    )
    alike: dict[tuple[int, str], Alike] = {
        (number, name): mean_of(
            [row for row in beyond if (row.axis, row.measure, row.round) == (*place, number)]
        )
        for number in sparsities(study)
        for name, place in BEYOND.items()
    }

    def compared(name: str) -> Column[int]:
        return Column(name, lambda number: alike[number, name].cell)

    shown: list[Column[int]] = [
        columns.sparsity(lambda number: sparsities(study)[number]),
        *map(compared, BEYOND),
    ]
    long: list[Record] = [
        {
            "round": number, "sparsity": sparsities(study)[number], "axis": BEYOND[name][0],
            "measure": BEYOND[name][1], **vars(mean),
        }
        for (number, name), mean in alike.items()
    ]  # fmt: skip
    rounds = list(sparsities(study)) if beyond else []
    return table("beyond", caption, rounds, shown, names.why_no_agreement(study), long)


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

    def draw(canvas: Canvas) -> None:
        labels = ("sparsity (% of prunable weights)", "Jaccard similarity")
        grid = panels.side_by_side(canvas, study.tasks, labels, study)
        for panel, task in zip(grid, study.tasks, strict=True):
            own = [row for row in rows if row.task == task]
            at, chance = [100 * row.sparsity for row in own], [row.chance for row in own]
            panel.plot(at, chance, color=GREY, linewidth=3, alpha=0.4, label="chance")
            for name, (label, colour, look) in CURVES.items():
                values = [getattr(row, name) for row in own]
                panel.plot(at, values, look, color=colour, label=label)
            panel.set_ylim(-0.03, 1.03)
            panel.set_xlim(-4, 100)
        panels.legend(canvas, grid)

    shown: list[Column[Moved]] = [
        columns.value(name) for name in ("task", "sparsity", *CURVES, "chance", "n")
    ]
    svg = render("movement", FIGURE_TITLE, panels.size(len(study.tasks), study), draw)
    return Figure("movement", FIGURE_TITLE, caption, svg, tuple(records(rows, shown)))
