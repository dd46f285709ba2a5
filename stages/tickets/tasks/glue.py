"""The tasks of GLUE (Wang et al. 2018): their columns, classes and metrics in nyu-mll/glue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from stages.tickets.settings import FolderData, HubData, Metric, ParamsError
from stages.tickets.tasks import hub, texts
from stages.tickets.tasks.tables import Table, kind_of
from stages.tickets.tasks.task import Task
from stages.tickets.tasks.texts import Texts


@dataclass(frozen=True)
class GlueTask:
    """One task of GLUE."""

    columns: tuple[str, ...]
    """Names of the columns of the first text and, for pairs, of the second."""
    classes: tuple[str, ...]
    """Names of the classes in the order of their numbers; none for a task of numbers."""
    metrics: tuple[Metric, ...]
    """Official metrics; the first is the headline of Chen et al. 2020."""

    @property
    def num_labels(self) -> int:
        """Outputs of the classifier; 1 for a task of numbers."""
        return len(self.classes) or 1


SENTENCES = ("sentence1", "sentence2")
ENTAILED = ("entailment", "not_entailment")
ACCURACY: tuple[Metric, ...] = ("accuracy",)
GLUE: Mapping[str, GlueTask] = {
    "cola": GlueTask(("sentence",), ("unacceptable", "acceptable"), ("matthews",)),
    "sst2": GlueTask(("sentence",), ("negative", "positive"), ACCURACY),
    "mrpc": GlueTask(SENTENCES, ("not_equivalent", "equivalent"), ("accuracy", "f1")),
    "stsb": GlueTask(SENTENCES, (), ("pearson", "spearman")),
    "qqp": GlueTask(("question1", "question2"), ("not_duplicate", "duplicate"), ("accuracy", "f1")),
    "mnli": GlueTask(
        ("premise", "hypothesis"), ("entailment", "neutral", "contradiction"), ACCURACY
    ),
    "qnli": GlueTask(("question", "sentence"), ENTAILED, ACCURACY),
    "rte": GlueTask(SENTENCES, ENTAILED, ACCURACY),
    "wnli": GlueTask(SENTENCES, ENTAILED[::-1], ACCURACY),
}
"""The tasks by the names of their configurations on the Hub."""
SPLITS = {
    "train": "train",
    "validation": "validation",
    "validation_matched": "validation",
    "validation_mismatched": "validation_mismatched",
}
"""Our name for each split of the Hub's layout; only MNLI has the last two."""


def load(name: str, data: HubData | FolderData) -> tuple[Task, dict[str, Texts]]:
    """Load a task and its texts: `train`, `validation`, and `validation_mismatched` for MNLI.

    Raises:
        ParamsError: a file, column or label is missing.
    """
    glue = GLUE[data.config]
    tables = hub.tables(name, data, tuple(SPLITS), "nyu-mll/glue")
    splits = {
        SPLITS[split]: texts.from_table(table, glue.columns, _labels(table, glue))
        for split, table in tables.items()
    }
    return Task(
        name, "classification" if glue.classes else "regression", glue.num_labels, glue.metrics
    ), splits


def _labels(table: Table, glue: GlueTask) -> NDArray[Any]:
    if not glue.classes:
        return texts.typed(table.numbers("label"), 1)
    for row, label in enumerate(cells := table.cells("label")):
        if type(label) is not int or not 0 <= label < len(glue.classes):
            raise ParamsError(
                f"{table.place(row)} has {kind_of(label)} in 'label', allowed are 0 to "
                f"{len(glue.classes) - 1}; -1 says that a row has no label, as in hidden test sets"
            )
    return texts.typed(cells, len(glue.classes))
