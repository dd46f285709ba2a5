"""What a study asks for and what of it ran: names of runs, and why one is missing."""

from collections.abc import Sequence
from typing import Protocol

from stages.tickets import params
from stages.tickets.formatting import metric_name, percent
from stages.tickets.summary import Run, Scores

NAMES = {
    "majority": "majority class",
    "bag_of_words": "bag of words",
    "word_vectors": "averaged word vectors",
    "scratch": "dense from scratch",
    "dense": "dense",
    "imp": "IMP ticket",
    "random": "random mask",
}
NO_LAYERS = "not run: layers.csv has no rows of the last round"


class Config(Protocol):
    """The sections of params.yaml that findings, tables and answers read."""

    @property
    def tasks(self) -> tuple[str, ...]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def rounds(self) -> tuple[params.Round, ...]: ...
    @property
    def imp(self) -> params.Imp: ...
    @property
    def rewind(self) -> params.Rewind: ...
    @property
    def random(self) -> params.Random: ...
    @property
    def scratch(self) -> params.Scratch: ...
    @property
    def transfer(self) -> params.Transfer: ...
    @property
    def search(self) -> params.Search: ...
    @property
    def retrain(self) -> params.Retrain: ...
    @property
    def patterns(self) -> params.Patterns: ...
    @property
    def tickets(self) -> params.Tickets: ...
    @property
    def verdict(self) -> params.Verdict: ...


def sparsities(config: Config) -> dict[int, float]:
    """Sparsity by round."""
    return {after.to: after.sparsity for after in config.rounds}


def rewinding_points(config: Config) -> tuple[int, ...]:
    """Where the last ticket starts from: where all rounds restarted, then the others."""
    return (config.imp.rewind_to, *config.rewind.points)


def grid(scores: Scores, config: Config) -> list[tuple[str, int]]:
    """Kinds and rounds from the baselines to the sparsest ticket; random only where it ran."""
    runs = [("majority", 0), ("bag_of_words", 0), ("scratch", 0), ("dense", 0)]
    for number in sparsities(config):
        runs.append(("imp", number))
        if any(scores.of(Run(task, "random", number)) for task in config.tasks):
            runs.append(("random", number))
    return runs


def run_name(kind: str, number: int, config: Config) -> str:
    return NAMES[kind] + (f", {percent(sparsities(config)[number])}" if number else "")


def task_name(task: str, scores: Scores) -> str:
    """The task and its headline metric."""
    return f"{task} ({metric_name(scores.metrics[task])})"


def interval_name(config: Config) -> str:
    return f"{percent(config.tickets.confidence)} interval of the mean over seeds (Student's t)"


def why_not(kind: str, config: Config) -> str:
    """Why params.yaml asks for no run of this kind; if it does ask, that no score is there."""
    lists: dict[str, Sequence[tuple[str, Sequence[object]]]] = {
        "random": [("random.rounds", config.random.rounds)],
        "scratch": [("scratch.seeds", config.scratch.seeds)],
        "transfer": [
            ("transfer.sources", config.transfer.sources),
            ("transfer.targets", config.transfer.targets),
            ("transfer.seeds", config.transfer.seeds),
        ],
        "rewind": [
            ("rewind.tasks", config.rewind.tasks),
            ("rewind.seeds", config.rewind.seeds),
        ],
        "search": [
            ("search.tasks", config.search.tasks),
            ("search.seeds", config.search.seeds),
        ],
        "retrained": [
            ("retrain.tasks", config.retrain.tasks),
            ("retrain.seeds", config.retrain.seeds),
            (
                "all of retrain.structured, super and magnitude",
                (*config.retrain.structured, *config.retrain.super, *config.retrain.magnitude),
            ),
        ],
        "patterns": [("patterns.tasks", config.patterns.tasks)],
    }
    for key, values in lists.get(kind, []):
        if not values:
            return f"not run: {key} is empty in params.yaml"
    return "not run: scores.csv has no such row"


def why_no_variant(variant: str, config: Config) -> str:
    """Why there is nothing of one search."""
    if config.search.tasks and variant not in config.search.rule.variants:
        return f"not run: search.rule.variants lacks {variant!r}"
    return why_not("search", config)


def why_no_agreement(config: Config) -> str:
    if len(config.seeds) == len(config.tasks) == 1:
        return "not run: agreement needs two seeds or two tasks"
    return "not run: agreement.csv has no such row"


def missing_controls(scores: Scores, config: Config) -> str:
    """A sentence for each control of which nothing ran, to follow a caption."""
    return "".join(
        f" {NAMES[kind].capitalize()}: {why_not(kind, config)}."
        for kind in ("random", "scratch")
        if not scores.has(kind)
    )
