"""What the classes of a task are called."""

from collections.abc import Mapping

from stages.tickets.settings import Data, FolderData, HubData, MiniatureData, OwnData, ParamsError
from stages.tickets.tasks import texts
from stages.tickets.tasks.task import Prepared

GLUE: Mapping[str, tuple[str, ...]] = {
    "cola": ("unacceptable", "acceptable"),
    "sst2": ("negative", "positive"),
    "mrpc": ("not_equivalent", "equivalent"),
    "qqp": ("not_duplicate", "duplicate"),
    "mnli": ("entailment", "neutral", "contradiction"),
    "qnli": ("entailment", "not_entailment"),
    "rte": ("entailment", "not_entailment"),
    "wnli": ("not_entailment", "entailment"),
}
"""As the data set nyu-mll/glue of the Hub names them."""
MINIATURE: Mapping[str, tuple[str, ...]] = {
    "acceptability": ("unacceptable", "acceptable"),
    "sentiment": ("negative", "positive"),
    "paraphrase": ("not_paraphrase", "paraphrase"),
    "entailment": ("entailment", "neutral", "contradiction"),
}


def of(name: str, source: Data | OwnData, prepared: Prepared) -> tuple[str, ...] | None:
    """Names by class; None for a task without classes.

    Of a task of one's own they are the labels of its training table in sorted order, as `prepare`
    numbers them.

    Raises:
        ParamsError: the tables of a task of one's own are not those that were prepared.
    """
    if prepared.task.kind != "classification":
        return None
    match source:
        case OwnData():
            return _of_tables(name, source, prepared)
        case MiniatureData():
            return MINIATURE[name]
        case HubData() | FolderData():
            return GLUE[source.config]
        case _:
            return None


def _of_tables(name: str, source: OwnData, prepared: Prepared) -> tuple[str, ...]:
    _, splits = texts.load_own(name, source)
    # Read as `prepare` reads it: other readers would type labels differently, and sort them so.
    table = texts._read_table(source.train, f"own.{name}.train", source.texts)
    numbers = splits["train"].labels.tolist()
    named = dict(zip(numbers, table[source.label].tolist(), strict=True))
    validation = prepared.evaluated["validation"].labels.tolist()
    if len(named) != prepared.task.num_labels or splits["validation"].labels.tolist() != validation:
        raise ParamsError(
            f"own.{name} names tables whose labels are not those of results/prepared/{name}; after a "
            "change run `uv run dvc repro` first"
        )
    return tuple(str(named[number]) for number in sorted(named))
