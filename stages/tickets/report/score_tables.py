"""The tables of scores: headline and other metrics."""

from collections.abc import Sequence

from stages.tickets.report import names as runs
from stages.tickets.report import scores as scored
from stages.tickets.report.names import Config, interval_name, sparsities
from stages.tickets.report.rows import TaskSize
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, mean, metric_name, points


def tasks_table(tasks: Sequence[TaskSize]) -> Table:
    """Kind, size and metrics of every task."""
    caption = (
        "Examples of every task by split; selection is carved from the training examples, to stop "
        "searches and choose sparsities. The first metric is the headline. Scores are numbers in a "
        "range."
    )
    if any(one.kind == "span" for one in tasks):
        caption += (
            " An example of a task that asks for answers is a question with a window of its text."
        )
    kinds = {"regression": "a score", "mlm": "hidden words", "span": "an answer in a text"}
    rows = tuple(
        (
            one.task,
            kinds.get(one.kind, f"{one.labels} classes"),
            ", ".join(map(metric_name, one.metrics.split())),
            *(f"{number:,}" for number in (one.train, one.selection, one.validation)),
        )
        for one in tasks
    )
    records: tuple[Record, ...] = tuple(dict(vars(one)) for one in tasks)
    header = ("task", "predicts", "metrics", "train", "selection", "validation")
    return Table("tasks", caption, header, rows, records)


def scores_table(scores: Scores, config: Config) -> Table:
    """Headline scores of every task: baselines, dense, tickets and random masks."""
    columns = [(task, scored.VALIDATION, scores.metrics[task]) for task in config.tasks]
    caption = (
        "Scores on the validation split in points (100 × metric): mean ± half the "
        f"{interval_name(config)}. † a run of it predicts one class or a constant."
    )
    caption += runs.missing_controls(scores, config)
    return _scores("scores", caption, columns, scores, config)


def other_metrics_table(scores: Scores, config: Config) -> Table:
    """The other metrics of the tasks that have any, and of other validation splits."""
    caption = "As the table of scores, for the metrics that are not the task's main one."
    if not scores.others:
        return Table("other_metrics", caption, missing="no task has a second metric")
    return _scores("other_metrics", caption, list(scores.others), scores, config)


def _scores(
    name: str,
    caption: str,
    columns: Sequence[tuple[str, str, str]],
    scores: Scores,
    config: Config,
) -> Table:
    rows = [("metric", *(metric_name(metric) for _, _, metric in columns), NONE)]
    records: list[Record] = []
    for kind, number in runs.grid(scores, config):
        cells, sizes = [], set()
        for task, split, metric in columns:
            run = Run(task, kind, number)
            found = scores.summary(run, config.tickets.confidence, split, metric)
            collapsed = scores.collapsed(run)
            if found and None in scores.of(run, split, metric):  # no seed, so no spread
                cells.append(points(found.mean) + (" †" if collapsed else ""))
                sizes.add("no seed")
            else:
                cells.append(mean(found) + (" †" if found and collapsed else ""))
                sizes |= {str(found.n)} if found else set()
            records.append(
                {
                    "task": task,
                    "split": split,
                    "metric": metric,
                    "kind": kind,
                    "round": number,
                    "sparsity": sparsities(config).get(number, 0.0),
                    **numbers(found),
                    "collapsed": collapsed,
                }
            )
        rows.append((runs.run_name(kind, number, config), *cells, ", ".join(sorted(sizes)) or NONE))
    labels = [
        task if split == scored.VALIDATION else f"{task} ({split.removeprefix('validation_')})"
        for task, split, _ in columns
    ]
    return Table(name, caption, ("run", *labels, "n"), tuple(rows), tuple(records))
