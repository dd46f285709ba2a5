"""The tasks: their sizes, and what is scored."""

from stages.tickets.report import columns, words
from stages.tickets.report.papers.shared import naming
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import table
from stages.tickets.settings import Study

PREDICTED = {"regression": "a score", "mlm": "hidden words", "span": "an answer in a text"}
"""What a task of a kind that has no classes predicts."""
CAPTION = (
    "Examples of every task by split; selection is carved from the training examples, to stop searches "
    "and choose sparsities. The first metric is the headline, and scores are numbers in a range. An "
    "example of a task that asks for answers is a question with a window of its text."
)
COLUMNS = (
    columns.named("task", "task"),
    columns.text("predicts", lambda row: PREDICTED.get(row.kind, f"{row.labels} classes")),
    columns.value("kind", "labels"),
    columns.named(
        "metrics", "metrics", lambda names: ", ".join(map(words.metric_name, names.split()))
    ),
    *(columns.named(split, split, "{:,}".format) for split in ("train", "selection", "validation")),
)
EMPTY = columns.named("empty texts", "empty_texts", "{:,}".format)
"""Examples of which a text is empty; the table has this column if any task has such examples."""


def section(results: Results, study: Study) -> Section:  # noqa: ARG001
    """Show how many examples the tasks have, and what is scored."""
    sizes = words.ends([task.train for task in results.tasks], "{:,}".format)
    shown = [*COLUMNS, EMPTY] if any(size.empty_texts for size in results.tasks) else COLUMNS
    return Section(
        "tasks",
        "The tasks",
        "How many examples do they have, and what is scored?",
        "Prasanna et al. 2020, Table 1.",
        naming(
            f"{words.count(len(results.tasks), 'task')} with {sizes} training examples.", results
        ),
        stages=("prepare", "prepare-own"),
        tables=(table("tasks", CAPTION, results.tasks, shown),),
    )
