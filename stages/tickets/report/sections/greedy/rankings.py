"""How much the ranking of a layer's channels changes if a share of every earlier layer is dropped."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from stages.tickets.report import columns, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

STAGE = "choose-channels"
CAPTION = (
    "Kendall's tau between the importances of a layer's channels in the dense fine-tuned network "
    "and behind a pruned prefix, untrained: the mean over layers and the least mean of a layer. "
    "Heads of layer 0 have no prefix and do not count. Jaccard compares the channels that both "
    "rankings keep, beside chance."
)
FIGURE = (
    "Kendall's tau between the importances of a layer's channels in the dense network and behind "
    "a pruned prefix, mean over seeds. A line is a share that every earlier layer loses. At 1 "
    "both rankings are the same."
)
TITLE = "Kendall's tau of rankings by layer, a panel per task and kind of channel"
LOOKS = (
    (BLUE, "o-"), (GREEN, "^-."), (ORANGE, "v--"), (VERMILION, "s-"), (PURPLE, "D:"),
)  # fmt: skip
PARTS = {"heads": "heads", "neurons": "neurons of MLPs"}


@dataclass(frozen=True)
class Rank:
    """A row of ranks.csv."""

    task: str
    seed: int
    layer: int
    part: str
    sparsity: Number
    tau: Number | None
    jaccard: Number
    jaccard_by_chance: Number

    @property
    def has_prefix(self) -> bool:
        """Whether anything is pruned before these channels."""
        return (self.layer, self.part) != (0, "heads")


COLUMNS = (
    columns.named("task", "task"),
    columns.named("channels", "part", PARTS.__getitem__),
    columns.number("dropped", "sparsity", words.percent, "sparsity"),
    columns.number("tau", "tau", lambda tau: words.two_digits(tau.mean)),
    columns.spread_of("tau", "tau_"),
    columns.number("least of a layer", "least", words.two_digits, "least"),
    columns.number("Jaccard", "jaccard", words.two_digits, "jaccard"),
    columns.number("by chance", "by_chance", words.two_digits, "by_chance"),
    columns.count("tau"),
)


def read(results: Results) -> list[Rank]:
    """Read the rankings of all tasks and seeds; none if the study has none."""
    return results.read("channels", "ranks.csv", Rank)


def rows_of(ranked: Sequence[Rank], results: Results) -> list[Row]:
    """Make a row per task, kind of channel and sparsity, with tau by seed."""
    known = [row for row in ranked if row.has_prefix and row.tau is not None]
    rows, tasks = [], list(dict.fromkeys(row.task for row in known))
    groups = grouped(known, lambda row: (tasks.index(row.task), row.part, row.sparsity))
    for (place, part, sparsity), own in sorted(groups.items()):
        by_seed = {
            seed: _mean(of_seed) for seed, of_seed in grouped(own, lambda row: row.seed).items()
        }
        by_layer = [_mean(of_layer) for of_layer in grouped(own, lambda row: row.layer).values()]
        rows.append(
            Row(
                task=tasks[place],
                part=part,
                sparsity=sparsity,
                by_seed=by_seed,
                tau=results.over(by_seed.values()),
                least=min(by_layer),
                jaccard=intervals.average(row.jaccard for row in own),
                by_chance=intervals.average(row.jaccard_by_chance for row in own),
            )
        )
    return rows


def _mean(rows: Sequence[Rank]) -> float:
    """Return the mean tau of rows that have one."""
    return math.fsum(row.tau or 0.0 for row in rows) / len(rows)


def sparsest(rows: Sequence[Row], *, least: bool = False) -> list[Row]:
    """Return the rows of the highest sparsity, or of the lowest."""
    if not rows:
        return []
    at = (min if least else max)(row.sparsity for row in rows)
    return [row for row in rows if row.sparsity == at]


def answer(rows: Sequence[Row], results: Results) -> str:
    """Give tau at the highest sparsity, by task and kind of channel."""
    own = [row for row in sparsest(rows) if row.task in results.usable([row.task])]
    if not own:
        return ""
    texts = []
    for task, parts in grouped(own, lambda row: row.task).items():
        listed = ", ".join(f"{row.part} {words.two_digits(row.tau.mean)}" for row in parts)
        texts.append(f"{task} {listed}")
    return (
        f"Behind a prefix of which {words.percent(own[0].sparsity)} is dropped, Kendall's tau with the "
        f"ranking in the dense network is: {'; '.join(texts)}."
    )


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List how far rankings agree."""
    return table.table("channel_rankings", CAPTION, rows, COLUMNS, results.not_run(STAGE))


def figure(ranked: Sequence[Rank], results: Results, study: Study) -> Figure:
    """Draw tau by layer."""
    groups = grouped(
        (row for row in ranked if row.tau is not None),
        lambda row: (row.task, row.part, row.sparsity, row.layer),
    )
    points = [
        Row(
            task=task,
            part=part,
            sparsity=sparsity,
            layer=layer,
            tau=results.over([row.tau for row in own if row.tau is not None]),
        )
        for (task, part, sparsity, layer), own in groups.items()
    ]
    panel_of = grouped(points, lambda row: f"{row.task}, {PARTS[row.part]}")

    def draw(panel: Axes, title: str) -> None:
        panel.axhline(1, color=BLACK, linewidth=0.8, linestyle=":")
        by_sparsity = grouped(panel_of[title], lambda row: row.sparsity)
        for place, (sparsity, own) in enumerate(by_sparsity.items()):
            colour, fmt = LOOKS[place % len(LOOKS)]
            taus = [row.tau.mean for row in own]
            label = f"{words.percent(sparsity)} of earlier layers dropped"
            layers = [row.layer for row in own]
            panel.plot(layers, taus, fmt, color=colour, label=label, markersize=3.5)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))

    csv = table.records(
        points, columns.value("task", "part", "sparsity", "layer"), columns.spread_of("tau")
    )
    made = Figure("channel_rankings", TITLE, FIGURE, "", csv, results.not_run(STAGE))
    labels = ("layer", "Kendall's tau")
    plot = study.plot.model_copy(update={"columns": min(2, study.plot.columns)})
    pairs = study.model_copy(update={"plot": plot})  # heads and neurons of a task side by side
    return panels.by_name(made, list(panel_of), labels, pairs, draw)
