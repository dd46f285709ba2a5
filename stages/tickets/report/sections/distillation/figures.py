"""Arms of distillation side by side: their scores, and what their masks share with others."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from stages.tickets.report import names, panels, table, words
from stages.tickets.report.columns import spread_of, value
from stages.tickets.report.figure import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.distillation.measured import (
    ARMS,
    DISTILLED,
    NOISE,
    REAL,
    SHARES,
    SHORT,
)
from stages.tickets.report.table import Row
from stages.tickets.settings import Study

SCORES = "Score of masks by what they were found on, one panel per task and sparsity"
MASKS = "What masks share with the one-shot mask and the ticket, one panel per task and sparsity"
OF_SCORES = (
    "Validation score of masks that are found on different data and then trained on all real examples. "
    "The grey line is the dense model, the blue one the ticket."
)
OF_MASKS = (
    "Share of the ticket's newcomers that a mask has, and its Jaccard similarity with the "
    "one-shot mask, means over seeds. Other marks are as many weights nearest to the threshold "
    "and as many by chance. If a mask lies left of the dotted line, which the mask of noise "
    "reaches, training on its set has found nothing of the ticket."
)
COLOURS = {REAL: BLUE, SHORT: BLUE, NOISE: GREY} | dict.fromkeys(DISTILLED, VERMILION)
"""Colours of arms; others are real examples in green, and masks without training in black."""
MARKS = {
    "jaccard_one_shot": ("Jaccard with one-shot", "s", GREEN),
    "newcomers_hit": ("newcomers hit", "o", VERMILION),
    "newcomers_nearest": ("nearest to the threshold", "|", BLACK),
    "newcomers_chance": ("chance", "x", ORANGE),
}
"""Label, marker and colour by what is shown of a mask."""
ROW, AROUND = 0.24, 0.9
"""Inches of an arm, and around all arms of a panel."""


def scores(rows: Sequence[Row], results: Results, study: Study, why: str) -> Figure:
    """Draw the score of every arm with its interval."""
    caption = f"{OF_SCORES} Bars: {names.interval_name(study)}; without a bar, one seed."

    def draw(panel: Axes, own: Sequence[Row], places: dict[str, int]) -> None:
        for row in own:
            at, error = ([100 * row.score.mean], [places[row.arm]]), panels.bars([row.score])
            colour = COLOURS.get(row.arm, _colour(row.arm))
            panel.errorbar(*at, xerr=error, fmt="o", capsize=2.5, color=colour)
        if dense := results.summary(Run(own[0].task, "dense")):
            panel.axvline(100 * dense.mean, color=GREY, linewidth=1)
        for row in own:
            if row.arm == REAL:
                panel.axvline(100 * row.score.mean, color=BLUE, linewidth=1, linestyle=":")

    csv = table.records(rows, value("task", "arm", "round", "sparsity"), spread_of("score"))
    made = Figure("distilled", SCORES, caption, "", csv, why)
    return by_arm(made, rows, "score (points)", study, draw)


def masks(rows: Sequence[Row], study: Study, why: str) -> Figure:
    """Draw what every mask shares with the one-shot mask, and with the ticket beyond that mask."""

    def draw(panel: Axes, own: Sequence[Row], places: dict[str, int]) -> None:
        for name, (label, marker, colour) in MARKS.items():
            there = [row for row in own if getattr(row, name) is not None]
            across = [100 * getattr(row, name) for row in there]
            up = [places[row.arm] for row in there]
            size = 10.0 if marker == "|" else 4.5
            panel.plot(across, up, marker, color=colour, label=label, markersize=size)
        if own[0].noise_hit is not None:
            panel.axvline(100 * own[0].noise_hit, color=GREY, linestyle=":", linewidth=1)
        panel.set_xlim(0, 100)

    csv = table.records(rows, value("task", "arm", "round", "sparsity", *SHARES))
    return by_arm(Figure("distilled_masks", MASKS, OF_MASKS, "", csv, why), rows, "%", study, draw)


def by_arm(
    figure: Figure,
    rows: Sequence[Row],
    across: str,
    study: Study,
    draw: Callable[[Axes, Sequence[Row], dict[str, int]], None],
) -> Figure:
    """Return the figure with a panel per task and round, and the arms below one another."""
    shown = [arm for arm in ARMS if any(row.arm == arm for row in rows)]
    places = {arm: index for index, arm in enumerate(shown)}
    titles: dict[str, list[Row]] = {}
    for row in rows:
        titles.setdefault(f"{row.task}, {words.percent(row.sparsity)}", []).append(row)

    def draw_all(panel: Axes, title: str) -> None:
        draw(panel, titles[title], places)
        panel.set_yticks(range(len(shown)), [ARMS[arm] for arm in shown])
        panel.set_ylim(len(shown) - 0.5, -0.5)

    width, _ = panels.size_of(len(titles), study)
    deep = -(-len(titles) // study.plot.columns)
    size = width + 2.0, deep * (ROW * len(shown) + AROUND) + 0.5
    return panels.by_name(figure, list(titles), (across, ""), study, draw_all, size)


def _colour(arm: str) -> str:
    return GREEN if arm in ("herding", "random") else BLACK
