"""Scores of what is left after heads and neurons were cut out, by the order in which they were chosen."""

from collections.abc import Iterator, Sequence

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Figure,
)
from stages.tickets.report.results import Results
from stages.tickets.report.scores import Run
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference

KIND = "channels"
STATES = {
    "untrained": "untrained",
    "trained": "trained on",
    "within": "within a training",
}
"""What a run did with chosen channels: the first word of its source."""
ORDERS = ("greedy", "reversed", "shuffled", "one-shot", "magnitude", "random")
LOOKS = {
    "dense": (BLACK, "-"), "greedy": (VERMILION, "s-"), "one-shot": (BLUE, "o--"),
    "reversed": (PURPLE, "D:"), "shuffled": (SKY, "x:"), "magnitude": (GREEN, "^-."),
    "random": (ORANGE, "v:"),
}  # fmt: skip
CAPTION = (
    "Every layer loses the same share of its heads and of its neurons: the fine-tuned model is "
    "scored untrained and after a second training, or channels are cut within a training from "
    "theta_0. Greedy chooses layer by layer behind what is pruned already, one-shot by the dense "
    "network, and magnitude by the weights. Left is the share of the parameters of heads and "
    "neurons that stay."
)
FIGURE = (
    "Score after heads and neurons were cut out of every layer, by the order in which they were "
    "chosen. The band is the dense model."
)
TITLE = "Score by share of dropped channels, a panel per task and way of training"
ACROSS = "dropped of every layer (%)"
PLACE = (
    columns.named("task", "task"),
    columns.named("training", "state", STATES.__getitem__),
    columns.number("dropped", "sparsity", words.percent, "dropped"),
    columns.number("left", "left", words.percent, "left"),
)
SCORES = {
    order: columns.score(
        order, f"scores.{order}", prefix=f"{order.replace('-', '_')}_", nothing=words.NONE
    )
    for order in ORDERS
}
GAINS = (
    columns.difference("greedy − one-shot", "beside_one_shot", "minus_one_shot_", words.NONE),
    columns.difference("greedy − random", "beside_random", "minus_random_", words.NONE),
    columns.difference("greedy − dense", "beside_dense", "minus_dense_", words.NONE),
    columns.number("n", "n", str),
)


def run_of(task: str, state: str, order: str, sparsity: float) -> Run:
    """Name the run of an order."""
    return Run(task, KIND, 0, f"{state} {order} {sparsity}")


def orders_of(state: str, study: Study) -> tuple[str, ...]:
    """Return the orders that a study tries with a way of training."""
    asked = study.greedy
    return tuple(asked.windows if state == "within" else asked.orders)


def rows_of(results: Results, study: Study) -> list[Row]:
    """Make a row per task, way of training and sparsity that has scores."""
    rows = []
    for task in study.greedy.tasks:
        for state in STATES:
            for sparsity in study.greedy.sparsities:
                runs = {
                    order: run
                    for order in orders_of(state, study)
                    if results.scores.of(run := run_of(task, state, order, sparsity))
                }
                if runs:
                    rows.append(_row(task, state, sparsity, runs, results))
    return rows


def _row(task: str, state: str, sparsity: float, runs: dict[str, Run], results: Results) -> Row:
    scores = {order: results.summary(run) for order, run in runs.items()}
    others = runs | {"dense": Run(task, "dense")}

    def beside(order: str) -> Difference | None:
        pair = others.get("greedy"), others.get(order)
        return results.compare(*pair) if all(pair) else None  # type: ignore[arg-type]

    return Row(
        task=task,
        state=state,
        sparsity=sparsity,
        left=left(next(iter(runs.values())), results),
        scores=scores,
        beside_one_shot=beside("one-shot"),
        beside_random=beside("random"),
        beside_dense=beside("dense"),
        n=max(score.n for score in scores.values() if score),
    )


def left(run: Run, results: Results) -> float:
    """Return the share of the parameters of heads and neurons that a run keeps."""
    frame = results.scores.frame
    own = frame[(frame["task"] == run.task) & (frame["kind"] == KIND)]
    return 1 - float(own[own["source"] == run.source]["sparsity"].iloc[0])


def gains(task: str, state: str, other: str, results: Results, study: Study) -> Difference | None:
    """Return greedy minus another order, the mean over all sparsities by seed; None if one is missing."""
    sparsities = study.greedy.sparsities
    weights = {
        run_of(task, state, order, sparsity): sign / len(sparsities)
        for order, sign in (("greedy", 1.0), (other, -1.0))
        for sparsity in sparsities
    }
    return results.scores.contrast(weights, study.tickets.confidence) if weights else None


def answer(results: Results, study: Study) -> str:
    """Give greedy minus one-shot, the mean over sparsities, by way of training and task."""
    texts = []
    for state, shown in STATES.items():
        known = {
            task: gain
            for task in results.usable(study.greedy.tasks)
            if (gain := gains(task, state, "one-shot", results, study))
        }
        if known:
            listed = ", ".join(f"{task} {words.difference(gain)}" for task, gain in known.items())
            texts.append(f"{shown} {listed}")
    if not texts:
        return ""
    return f"Greedy minus one-shot, mean over sparsities, in points: {'; '.join(texts)}."


def table_of(rows: Sequence[Row], results: Results) -> Table:
    """List the scores of all orders that were tried."""
    tried = {order for row in rows for order in row.scores}
    scores = [column for order, column in SCORES.items() if order in tried]
    shown = (*PLACE, *scores, *GAINS)
    return table.table("channels", CAPTION, rows, shown, results.not_run(KIND))


def figure(rows: Sequence[Row], results: Results, study: Study) -> Figure:
    """Draw scores by the share that is dropped."""
    points = [*_points(rows, results)]
    csv = table.records(
        [
            Row(task=row.task, state=row.state, sparsity=row.sparsity, order=order, score=score)
            for row in rows
            for order, score in row.scores.items()
        ],
        columns.value("task", "state", "sparsity", "order"),
        columns.spread_of("score"),
    )
    made = Figure("channels", TITLE, FIGURE, "", csv, results.not_run(KIND))
    shown = len({row.state for row in rows}) or 1
    plot = study.plot.model_copy(update={"columns": min(shown, study.plot.columns)})
    beside = study.model_copy(update={"plot": plot})  # a row of panels for each task
    return panels.curves(made, points, LOOKS, beside, across=ACROSS)


def _points(rows: Sequence[Row], results: Results) -> Iterator[panels.Point]:
    """Yield the points of all panels: the dense model, and every order by sparsity."""
    for row in rows:
        title = f"{names.task_name(row.task, results.scores)}, {STATES[row.state]}"
        yield title, "dense", 0.0, results.summary(Run(row.task, "dense"))
        for order, score in row.scores.items():
            yield title, order, 100 * row.sparsity, score
