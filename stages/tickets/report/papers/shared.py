"""What a study has in common with a paper: tasks, metrics and encoder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stages.tickets.report.claim import OTHER_ENCODER, OTHER_TASKS
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept, grouped
from stages.tickets.report.words import count
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference

BERT_BASE = 85_524_480
"""Weights in the 73 matrices that Chen et al. 2020 prune: those of 12 layers, and the pooler."""
BERT_BASE_LAYERS = BERT_BASE - 768 * 768
"""The same without the pooler."""
UNUSABLE = ("wnli",)
"""Tasks on which the papers' full models are below the majority class."""


def usable(tasks: Sequence[str]) -> list[str]:
    """Return the tasks without WNLI, unless it is all there is."""
    return [task for task in tasks if task not in UNUSABLE] or list(tasks)


@dataclass(frozen=True)
class Compared:
    """The tasks whose means stand beside each other."""

    published: tuple[str, ...]
    ours: tuple[str, ...]

    @property
    def words(self) -> tuple[str, str]:
        """Say in a caption what the paper's tasks are, and ours."""
        if self.published == self.ours:
            return "this study's tasks", "the same"
        return f"its {len(self.published)} tasks without WNLI", "this study's tasks, others"


def compared(
    published: Sequence[str], ours: Sequence[str], same: Callable[[str], bool] = lambda _: True
) -> Compared:
    """Return our usable tasks on both sides, if the paper has them all; else its usable ones, and ours.

    WNLI is on neither side, unless it is all that we have. `same` says whether a task of the paper's name
    is the paper's task, such as by its metric.
    """
    tasks = tuple(usable(ours))
    if tasks and all(task in published and same(task) for task in tasks):
        return Compared(tasks, tasks)
    return Compared(tuple(dict.fromkeys(usable(published))), tasks)


def language(tasks: Sequence[str], results: Results) -> list[str]:
    """Return the tasks of masked language modelling, whatever their names."""
    kinds = {row.task: row.kind for row in results.tasks}
    return [task for task in tasks if kinds.get(task) == "mlm"]


def shared(tasks: Sequence[str], results: Results) -> list[str]:
    """Return the tasks that Chen et al. 2020 have in the same metric; never of language modelling.

    The paper's corpus was not published, so ours is another one.
    """
    metrics = {row.task: row.metric for row in results.published_tickets}
    other_corpus = language(tasks, results)
    return [
        task
        for task in tasks
        if task not in other_corpus and metrics.get(task) == results.scores.metrics.get(task, "")
    ]


def same_encoder(layers: Sequence[Kept]) -> bool:
    """Tell whether the masks cover as many weights as those of Chen et al. 2020."""
    masks = grouped(layers, lambda row: (row.task, row.seed, row.round))
    sizes = {sum(row.size for row in mask) for mask in masks.values()}
    return bool(sizes) and sizes <= {BERT_BASE, BERT_BASE_LAYERS}


def why_no_verdict(tasks: Sequence[str], results: Results) -> str:
    """Say why no number can be the paper's, given the tasks that both have; empty if it can be."""
    if not same_encoder(results.layers):
        return OTHER_ENCODER
    return "" if tasks else OTHER_TASKS


def why_no_search(results: Results, variant: str = "joint") -> str:
    """Say why there is nothing of one of the searches."""
    search = results.study.search
    if search.tasks and variant not in search.rule.variants:
        return f"not run: search.rule.variants lacks {variant!r}"
    return results.not_run("search")


def of_tasks(number: int, tasks: Sequence[str]) -> str:
    """Word how many of the tasks, such as 2 of 3 tasks."""
    return f"{number} of {count(len(tasks), 'task')}"


def over_seeds(gains: Iterable[float | None], study: Study) -> Difference | None:
    """Summarise paired differences, one of each seed that has it; None if there are none."""
    known = [gain for gain in gains if gain is not None]
    return intervals.summarize_differences(known, study.tickets.confidence) if known else None
