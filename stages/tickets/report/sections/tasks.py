"""The tasks: their sizes, and what is scored."""

from collections.abc import Sequence

from stages.tickets.report import columns
from stages.tickets.report.results import Results
from stages.tickets.report.rows import TaskSize
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import count, metric_name
from stages.tickets.settings import Study

PREDICTED = {"regression": "a score", "mlm": "hidden words", "span": "an answer in a text"}
"""What a task of a kind that has no classes predicts."""


def section(results: Results, study: Study) -> Section:  # noqa: ARG001
    """How many examples the tasks have, and what is scored."""
    return Section(
        "tasks",
        "The tasks",
        "How many examples do they have, and what is scored?",
        "Prasanna et al. 2020, Table 1.",
        answer(results.tasks),
        stages=("prepare", "prepare-own"),
        tables=(tasks_table(results.tasks),),
    )


def answer(tasks: Sequence[TaskSize]) -> str:
    """How many tasks there are, and how large their training sets."""
    sizes = [task.train for task in tasks]
    ends = " to ".join(dict.fromkeys(f"{size:,}" for size in (min(sizes), max(sizes))))
    return f"{count(len(tasks), 'task')} with {ends} training examples."


def tasks_table(tasks: Sequence[TaskSize]) -> Table:
    """Kind, size and metrics of every task."""
    caption = (
        "Examples of every task by split; selection is carved from the training examples, to stop "
        "searches and choose sparsities. The first metric is the headline, and scores are numbers in a "
        "range."
    )
    if any(task.kind == "span" for task in tasks):
        caption += (
            " An example of a task that asks for answers is a question with a window of its text."
        )
    shown: Sequence[Column[TaskSize]] = (
        columns.text("task", lambda task: task.task, "task"),
        Column(
            "predicts",
            lambda task: PREDICTED.get(task.kind, f"{task.labels} classes"),
            {"kind": lambda task: task.kind, "labels": lambda task: task.labels},
        ),
        Column(
            "metrics",
            lambda task: ", ".join(map(metric_name, task.metrics.split())),
            {"metrics": lambda task: task.metrics},
        ),
        Column("train", lambda task: f"{task.train:,}", {"train": lambda task: task.train}),
        Column(
            "selection",
            lambda task: f"{task.selection:,}",
            {"selection": lambda task: task.selection},
        ),
        Column(
            "validation",
            lambda task: f"{task.validation:,}",
            {"validation": lambda task: task.validation},
        ),
    )
    return table("tasks", caption, tasks, shown)
