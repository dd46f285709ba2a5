"""Does a line of low error join two trainings, from where on, and under which noise?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Summary

TITLE = "Barrier of the error against the point at which copies start, one panel per task"
CAPTION = (
    "The largest rise of the error above the straight line between its ends, on validation, in points. "
    "Copies differ in the order of examples and in dropout, and take the steps that were left. Under "
    "the dotted line Frankle et al. 2020 call a network stable."
)
TABLE = (
    "Barriers of the error in points and of the loss in nats, on validation: against the chord, and that "
    "of Frankle et al. 2020, which counts unlike ends too. A verdict takes the whole interval over seeds "
    "and examples, and pairs at chance do not count. `refitted` has a linear head fitted anew at every "
    "point of the path."
)
LOOKS = {
    "dense": (BLACK, "o-"), "ticket": (BLUE, "s-"), "random": (ORANGE, "^--"),
    "one-shot": (GREEN, "v--"), "reinitialised": (PURPLE, "D--"), "scratch": (VERMILION, "x--"),
}  # fmt: skip
VERDICTS = ("stable", "unstable", "unclear", "at chance")
PLACE = ("task", "net", "round", "point")
NO_ORDER = "not run: connectivity.starts has no arm 'order' with steps 'rest'"
POINTS = 100
"""Points in 1, in which the report counts."""


@dataclass(frozen=True)
class Barrier:
    """A row of barriers.csv."""

    task: str
    net: str
    round: int
    point: int | None
    arm: str
    steps: str
    split: str
    head: str
    metric: str
    measure: str
    n: int
    mean: Number | None
    std: Number | None
    low: Number | None
    high: Number | None
    verdict: str

    def summary(self, unit: float = POINTS) -> Summary | None:
        """Return the barrier in fractions of 1, or in its own unit; None if all pairs are at chance."""
        if self.mean is None:
            return None
        std, low, high = (
            None if value is None else value / unit for value in (self.std, self.low, self.high)
        )
        return Summary(self.mean / unit, std, low, high, self.n)


def shown_loss(summary: Summary) -> str:
    """Word a barrier of the loss in nats, with half its interval."""
    half = summary.half
    return words.two_digits(summary.mean) + ("" if half is None else f" ± {half:.2f}")


COLUMNS = (
    columns.named("task", "task"),
    columns.named("network", "net"),
    columns.value("round"),
    columns.sparsity(),
    columns.number("from", "point", lambda point: f"{point}\N{NO-BREAK SPACE}%", "point"),
    columns.named("differ in", "arm"),
    columns.remark("steps", "steps"),
    columns.score("barrier", "chord", prefix="", nothing=words.NONE),
    columns.score("Frankle's", "frankle", prefix="frankle_", nothing=words.NONE),
    columns.score("convexity gap", "convexity", prefix="convexity_", nothing=words.NONE),
    columns.number("barrier of loss", "loss", shown_loss),
    columns.spread_of("loss", "loss_"),
    columns.score("refitted", "refitted", prefix="refitted_", nothing=words.NONE),
    columns.score("on train", "train", prefix="train_", nothing=words.NONE),
    columns.named("verdict", "verdict"),
    columns.count("chord"),
)


def section(results: Results, study: Study) -> Section:
    """Show how stable networks are to the noise of training, and whether stored ones are connected."""
    rows = by_place(results.read("barriers", "barriers.csv", Barrier), study)
    why = "" if rows else results.not_run("copy")
    return Section(
        "connectivity",
        "Does a line of low error join two trainings?",
        "If a network is trained twice from the same weights with other noise, does the error rise "
        "between the two results?",
        "Frankle et al. 2020, who ask it of networks for images.",
        answer(rows) if rows else words.sentence(why),
        stages=("spawn", "between"),
        figures=(figure(rows, study, why),),
        tables=(table.table("connectivity", TABLE, rows, COLUMNS, why),),
    )


def by_place(barriers: Iterable[Barrier], study: Study) -> list[Row]:
    """Make a row per network, start and noise, with all its barriers; errors if there is accuracy."""
    rows = []
    for place, group in grouped(
        barriers, lambda row: (row.task, row.net, row.round, row.point, row.arm, row.steps)
    ).items():
        known = {(row.split, row.head, row.metric, row.measure): row for row in group}
        metric = next(row.metric for row in group)

        def barrier(
            measure: str,
            split: str = "validation",
            head: str = "own",
            of: str = metric,
            unit: float = POINTS,
            known: dict[tuple[str, str, str, str], Barrier] = known,
        ) -> Summary | None:
            row = known.get((split, head, of, measure))
            return row.summary(unit) if row else None

        keys = ("task", "net", "round", "point", "arm", "steps")
        rows.append(
            Row(
                **dict(zip(keys, place, strict=True)),
                sparsity=names.sparsities(study).get(place[2], 0.0),
                chord=barrier("chord"),
                frankle=barrier("error_barrier"),
                convexity=barrier("convexity"),
                loss=barrier("chord", of="loss", unit=1.0),
                refitted=barrier("chord", head="refit"),
                train=barrier("chord", split="train"),
                verdict=known["validation", "own", metric, "chord"].verdict or words.NONE,
            )
        )
    return rows


def answer(rows: Sequence[Row]) -> str:
    """Count the verdicts."""
    counts = Counter(row.verdict for row in rows)
    parts = [f"{verdict} {counts[verdict]}" for verdict in VERDICTS if counts[verdict]]
    if counts[words.NONE]:
        parts.append(f"without a verdict {counts[words.NONE]}")
    return f"Of {words.count(len(rows), 'kind')} of pairs: {', '.join(parts)}."


def figure(rows: Sequence[Row], study: Study, why: str) -> Figure:
    """Draw barriers against the point from which copies start, one panel per task."""
    orders = [row for row in rows if (row.arm, row.steps) == ("order", "rest")]
    last = {row.net: max(r.round for r in orders if r.net == row.net) for row in orders}
    shown = [row for row in orders if row.round == last[row.net]]

    def draw(panel: Axes, task: str) -> None:
        for net, (colour, fmt) in LOOKS.items():
            own = [row for row in shown if (row.task, row.net) == (task, net) and row.chord]
            if own:
                heights = [POINTS * row.chord.mean for row in own]
                error = panels.bars([row.chord for row in own])
                places = [row.point for row in own]
                panel.errorbar(places, heights, error, fmt=fmt, color=colour, label=net, capsize=2)
        panel.axhline(study.connectivity.threshold, color=BLACK, linestyle=":", linewidth=1)

    csv = table.records(shown, columns.value(*PLACE), columns.spread_of("chord"))
    made = Figure("connectivity", TITLE, CAPTION, "", csv, why or NO_ORDER)
    tasks = list(dict.fromkeys(row.task for row in shown))
    labels = ("start (% of the dense training)", "barrier (points of error)")
    return panels.by_name(made, tasks, labels, study, draw)
