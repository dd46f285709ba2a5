"""What a study asks for and what of it ran: names of runs, and why one is missing."""

from collections.abc import Sequence

from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.words import metric_name, percent
from stages.tickets.settings import Study

NAMES = {
    "majority": "majority class",
    "bag_of_words": "bag of words",
    "word_vectors": "averaged word vectors",
    "scratch": "dense from scratch",
    "dense": "dense",
    "imp": "IMP ticket",
    "random": "random mask",
    "standard": "standard pruning",
    "aliased": "its mask from where the rounds restart",
}
CONTROLS = {
    "random": NAMES["random"],
    "random-by-matrix": "random mask, by matrix",
    "reinitialised": "re-initialised",
    "reinitialised-layers": "re-initialised layers",
    "shuffled-within-matrix": "shuffled within matrices",
    "shuffled-within-layer": "shuffled within layers",
    "shuffled-layers": "shuffled layers",
    "one-shot": "one-shot mask",
    "one-shot-fine-tuned": "one-shot mask, fine-tuned",
}
SOURCES = {
    "one-shot": "one-shot mask",
    "random-mask": "random mask",
    "multi-task": "several tasks at once",
}
"""Sources of transferred masks that are no task."""
PARTS = {"heads": "heads", "mlps": "MLPs"}
"""Parts of a layer, as they are shown."""
STATES = ("pruned", "retrained")
"""Kinds of runs of a searched subnetwork: as it is, and trained alone."""
NO_LAYERS = "not run: layers.csv has no rows of the last round"


Config = Study


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
    if kind == "random":
        return why_no_control(kind, config)
    every, more = config.controls.every.kinds, config.controls.more.kinds
    lists: dict[str, Sequence[tuple[str, Sequence[object]]]] = {
        "control": [("each of controls.every.kinds and controls.more.kinds", (*every, *more))],
        "standard": [
            ("standard.tasks", config.standard.tasks),
            ("standard.seeds", config.standard.seeds),
        ],
        "aliased": [
            ("standard.tasks", config.standard.tasks),
            ("standard.seeds", config.standard.seeds),
            ("standard.aliased.rounds", config.standard.aliased.rounds),
        ],
        "cross": [
            ("cross.tasks", config.cross.tasks),
            ("cross.mask_seeds", config.cross.mask_seeds),
            ("cross.seeds", config.cross.seeds),
        ],
        "transfer_weights": [
            ("transfer_weights.sources", config.transfer_weights.sources),
            ("transfer_weights.targets", config.transfer_weights.targets),
            ("transfer_weights.seeds", config.transfer_weights.seeds),
            ("transfer_weights.points", config.transfer_weights.points),
        ],
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


def control_kinds(config: Config) -> tuple[str, ...]:
    """Kinds of controls that params.yaml asks for; the random mask is always one, and the first."""
    asked = ("random", *config.controls.every.kinds, *config.controls.more.kinds)
    return tuple(dict.fromkeys(asked))


def control_run(task: str, kind: str, number: int) -> Run:
    """Of one kind of control, of the size of the ticket of one round."""
    return Run(task, "random", number) if kind == "random" else Run(task, "control", number, kind)


def control_name(kind: str) -> str:
    """Such as random mask, draw 2, for random-2."""
    if kind in CONTROLS:
        return CONTROLS[kind]
    drawn, _, number = kind.rpartition("-")
    return f"{CONTROLS[drawn]}, draw {number}"


def subnetworks(study: Study) -> list[tuple[str, str]]:
    """Kinds and names of searched subnetworks, structured ones first."""
    retrain = study.retrain
    structured = [("structured", name) for name in (*retrain.structured, *retrain.super)]
    return structured + [("magnitude", name) for name in retrain.magnitude]


def subnetwork_run(task: str, state: str, kind: str, name: str) -> Run:
    """A searched subnetwork in one of `STATES`."""
    return Run(task, state, 0, f"{kind} {name}")


def random_of_same_size(name: str) -> str:
    """The random subnetwork that `name` is compared with; empty for those that are random or alone."""
    if name in ("super", "super-bad"):
        return "super-random"
    return "random" if name == "good" or name.startswith("bad") else ""


def source_name(source: str) -> str:
    """Of a transferred mask: a task, or what stands for one."""
    return SOURCES.get(source, source)


def why_no_control(kind: str, config: Config) -> str:
    """Why params.yaml asks for no control of this kind; if it does ask, that no score is there."""
    asked = (*config.controls.every.kinds, *config.controls.more.kinds)
    if kind in asked or (kind == "random" and config.random.rounds):
        return "not run: scores.csv has no such row"
    also = ", and random.rounds is empty" if kind == "random" else ""
    return f"not run: controls in params.yaml lacks {kind!r}{also}"


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
