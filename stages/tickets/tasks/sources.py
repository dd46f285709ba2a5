"""Load the texts of a task from its source; no other module knows all kinds of data."""

from collections.abc import Mapping
from typing import TypeAlias

from stages.tickets.settings import SQUAD, WIKITEXT, Data, MiniatureData, OwnData, TextData
from stages.tickets.tasks import corpora, glue, miniature, own, spans
from stages.tickets.tasks.corpora import Paragraphs
from stages.tickets.tasks.spans import Questions
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.tasks.texts import Texts

Source: TypeAlias = Texts | Questions | Paragraphs
"""Examples of one split before tokenisation, or the text they are cut from."""


def load(name: str, data: Data | OwnData) -> tuple[Task, Mapping[str, Source]]:
    """Load a task and its texts: `train`, `validation`, and `validation_mismatched` for MNLI.

    The kind of a task follows from its data, and in the miniature from its name.

    Raises:
        ParamsError: a file, column or label is missing, or has not the format that `settings` describes.
    """
    if isinstance(data, OwnData):
        return own.load(name, data)
    if isinstance(data, MiniatureData):
        return miniature.load(name, data)
    if isinstance(data, TextData) or data.config in WIKITEXT:
        return Task(name, "mlm", 0, ("masked_accuracy",)), corpora.load(name, data)
    if data.config in SQUAD:
        return Task(name, "span", 2, ("answer_f1", "exact_match")), spans.load(name, data)
    return glue.load(name, data)


def class_names(name: str, data: Data | OwnData, prepared: Prepared) -> tuple[str, ...] | None:
    """List the names of a task's classes in the order of their numbers; None if it has no classes.

    Raises:
        ParamsError: the user's tables have changed since they were prepared.
    """
    if prepared.task.kind != "classification" or isinstance(data, TextData):
        return None
    if isinstance(data, OwnData):
        return own.class_names(name, data, prepared)
    if isinstance(data, MiniatureData):
        return miniature.LABELLED[name].classes
    return glue.GLUE[data.config].classes
