"""What masks owe to the pre-trained weights: how far training moved weights, and what that changed."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, VERMILION, Figure
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, Movement, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.sections import agreement
from stages.tickets.report.table import Column, Record, Row, Table
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
MEANS = (
    *CURVES, "largest", "move_50", "threshold_pretrained", "could_differ", "differs",
    "rates_distance",
)  # fmt: skip
"""Fields of `Movement` that are averaged over seeds."""
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
CAPTION = (
    "How far training moved the surviving weights in the round that a mask comes from, and how many "
    "of the kept weights are others than the one-shot mask of the same size keeps, which drops the "
    "smallest pre-trained weights: at most, given the largest move, and indeed. Means over seeds. "
    f"Could not differ: in all seeds the moves force a Jaccard similarity of {FORCED} at least."
)
COLUMNS = (
    columns.named("task", "task"),
    columns.value("round"),
    columns.sparsity(),
    columns.named("steps", "steps", "{:,}".format),
    columns.named("largest move", "largest", "{:.2g}".format),
    columns.named("median move", "move_50", "{:.2g}".format),
    columns.named("threshold", "threshold_pretrained", "{:.2g}".format),
    columns.text("could differ, %", lambda row: words.points(row.could_differ)),
    columns.text("differs, %", lambda row: words.points(row.differs)),
    columns.named("Jaccard at least", "jaccard_at_least", "{:.3f}".format),
    columns.named("Jaccard", "jaccard", "{:.3f}".format),
    columns.only_csv("sum_of_rates", "rates_distance"),
    columns.value("rates_jaccard_at_least", "could_differ", "differs"),
    Column(
        "verdict",
        lambda row: "could not differ" if row.could_not_differ else words.NONE,
        {"could_not_differ": lambda row: str(row.could_not_differ)},
    ),
    columns.value("n"),
)


def section(results: Results, study: Study) -> Section:
    """Show how far weights moved, and how far masks could thus be from the one-shot mask."""
    rows = by_task_and_round(results.movement, study)
    learned = [row for row in rows if row.task not in results.no_evidence]
    why = shared.nothing(study.tasks, results, NO_MOVEMENT)
    return Section(
        "movement",
        "What do masks owe to the pre-trained weights?",
        "How far does training move weights, how far could masks thus be from the mask of the "
        "smallest pre-trained weights, and what do masks have in common beyond that one?",
        "Chen et al. 2020, whose masks of small tasks after few steps of a small learning rate can "
        "differ little from that one; they do not count it.",
        shared.naming(answer(learned, why, study), results),
        stages=("stability",),
        figures=(figure(rows, study),),
        tables=(
            table.table("movement", CAPTION, rows, COLUMNS, NO_MOVEMENT),
            beyond_table(agreement.of_learned(results.beyond, results), results, study),
        ),
    )


def by_task_and_round(movement: Sequence[Movement], study: Study) -> list[Row]:
    """Average all rows of the study over seeds, in the order of tasks and rounds."""
    groups = grouped(movement, lambda row: (row.task, row.round))
    rows = []
    for place in ((task, number) for task in study.tasks for number in names.sparsities(study)):
        if seeds := groups.get(place):
            first = seeds[0]
            means = {name: intervals.average(getattr(row, name) for row in seeds) for name in MEANS}
            rows.append(
                Row(
                    task=first.task,
                    round=first.round,
                    sparsity=first.sparsity,
                    steps=first.steps,
                    n=len(seeds),
                    **means,
                    could_not_differ=all(row.jaccard_at_least >= FORCED for row in seeds),
                    chance=(1 - first.sparsity) / (1 + first.sparsity),  # of uniform masks
                )
            )
    return rows


def answer(rows: Sequence[Row], why: str, study: Study) -> str:
    """Tell how like the one-shot mask the last masks are, and where they could not be otherwise."""
    last = study.rounds[-1]
    ended = sorted((row for row in rows if row.round == last.to), key=lambda row: row.jaccard)
    if not ended:
        return words.sentence(why)
    least, most = (f"{row.jaccard:.2f} ({row.task})" for row in (ended[0], ended[-1]))
    forced = [row.task for row in rows if row.could_not_differ and row.round == last.to]
    text = "no task's weights moved so little that the mask could not differ"
    if forced:
        text = (
            f"in {words.count(len(forced), 'task')} of {len(ended)} weights moved so little that the "
            f"mask could not differ: {', '.join(forced)}"
        )
    return (
        f"At {words.percent(last.sparsity)} sparsity the Jaccard similarity with the one-shot mask is "
        f"{least} to {most}; {text}."
    )


def beyond_table(beyond: Sequence[Agreement], results: Results, study: Study) -> Table:
    """List the agreement with the one-shot mask, and of pairs on where they differ from it."""
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
        means = [agreement.mean_of(groups.get((number, *place), ())) for place in BEYOND.values()]
        lines.append((words.percent(sparsity), *map(agreement.cell, means)))
        long += [
            {"round": number, "sparsity": sparsity, "axis": axis, "measure": measure, **vars(mean)}
            for (axis, measure), mean in zip(BEYOND.values(), means, strict=True)
        ]
    why = shared.nothing(study.tasks, results, names.why_no_agreement(study))
    return table.of_cells("beyond", caption, ("sparsity", *BEYOND), lines, long, why)


def figure(rows: Sequence[Row], study: Study) -> Figure:
    """Draw the Jaccard similarity with the one-shot mask against sparsity, and how small it could be."""
    caption = (
        "Jaccard similarity of masks with the mask of the same size that drops the smallest pre-trained "
        "weights: as it is; and at least, by how far weights moved at most, and by the sum of the "
        "learning rates, about as far as AdamW can move them. Means over seeds "
        f"(n={len(study.seeds)}). The grey line is chance, for masks drawn uniformly."
    )

    def draw(panel: Axes, task: str) -> None:
        own = [row for row in rows if row.task == task]
        at, chance = [100 * row.sparsity for row in own], [row.chance for row in own]
        panel.plot(at, chance, color=GREY, linewidth=3, alpha=0.4, label="chance")
        for name, (label, colour, look) in CURVES.items():
            panel.plot(at, [getattr(row, name) for row in own], look, color=colour, label=label)
        panel.set(ylim=(-0.03, 1.03), xlim=(-4, 100))

    csv = table.records(rows, columns.value("task", "sparsity", *CURVES, "chance", "n"))
    labels = (panels.SPARSITY, "Jaccard similarity")
    shown = Figure("movement", FIGURE_TITLE, caption, "", csv, NO_MOVEMENT)
    return panels.by_name(shown, study.tasks, labels, study, draw)
