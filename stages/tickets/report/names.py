"""What a study asks for and what of it ran: names of runs, and why one is missing."""

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
SEARCHED = {"structured": "heads and MLPs", "magnitude": "weights"}
"""What a search drops, by the kind of its subnetworks."""
PARTS = {"heads": "heads", "mlps": "MLPs"}
"""Parts of a layer, as they are shown."""
NO_ROW = "not run: scores.csv has no such row"
NO_LAYERS = "not run: layers.csv has no rows of the last round"


def sparsities(study: Study) -> dict[int, float]:
    """Return the sparsity by round."""
    return {after.to: after.sparsity for after in study.rounds}


def round_at(sparsity: float, study: Study) -> int | None:
    """Return the round of a sparsity, up to rounding; None if there is none."""
    rounds = {round(share, 6): number for number, share in sparsities(study).items()}
    return rounds.get(round(sparsity, 6))


def subnetworks(study: Study) -> list[tuple[str, str]]:
    """Return kind and name of the subnetworks that are trained alone, structured ones first."""
    structured = (*study.retrain.structured, *study.retrain_super.subnetworks)
    kinds = {"structured": structured, "magnitude": study.retrain.magnitude}
    return [(kind, name) for kind, named in kinds.items() for name in named]


def rewinding_points(study: Study) -> tuple[int, ...]:
    """Return where the last ticket starts from: where all rounds restarted, then the others."""
    return (study.imp.rewind_to, *study.rewind.points)


def grid(scores: Scores, study: Study) -> list[tuple[str, int]]:
    """Return kinds and rounds from the baselines to the sparsest ticket; random only if it ran."""
    runs = [("majority", 0), ("bag_of_words", 0), ("scratch", 0), ("dense", 0)]
    for number in sparsities(study):
        runs.append(("imp", number))
        if any(scores.of(Run(task, "random", number)) for task in study.tasks):
            runs.append(("random", number))
    return runs


def run_name(kind: str, number: int, study: Study) -> str:
    return NAMES[kind] + (f", {percent(sparsities(study)[number])}" if number else "")


def task_name(task: str, scores: Scores) -> str:
    """Name the task and its headline metric."""
    return f"{task} ({metric_name(scores.metrics[task])})"


def interval_name(study: Study) -> str:
    return f"{percent(study.tickets.confidence)} interval over seeds and examples"


def control_kinds(study: Study) -> tuple[str, ...]:
    """Return the kinds of controls that params.yaml asks for; the first is always the random mask."""
    return tuple(dict.fromkeys(("random", *study.controls.more.kinds)))


def control_run(task: str, kind: str, number: int) -> Run:
    """Return the control of one kind that has the size of the ticket of one round."""
    return Run(task, "random", number) if kind == "random" else Run(task, "control", number, kind)


def control_name(kind: str) -> str:
    """Name a kind of control: random-2 is random mask, draw 2."""
    if kind in CONTROLS:
        return CONTROLS[kind]
    drawn, _, number = kind.rpartition("-")
    return f"{CONTROLS[drawn]}, draw {number}"


def source_name(source: str) -> str:
    """Name a source of transferred masks, which is a task or stands for one."""
    return SOURCES.get(source, source)


def why_no_control(kind: str, study: Study) -> str:
    """Say why params.yaml asks for no control of this kind; if it does ask, that no score is there."""
    if kind == "random" and study.random.rounds:
        return NO_ROW
    if kind not in study.controls.more.kinds:
        lacks = "random.rounds is empty" if kind == "random" else f"controls.more lacks {kind!r}"
        return f"not run: {lacks} in params.yaml"
    for key in ("tasks", "seeds", "rounds"):
        if not getattr(study.controls, key):
            return f"not run: controls.{key} is empty in params.yaml"
    return NO_ROW


def why_no_agreement(study: Study) -> str:
    if len(study.seeds) == len(study.tasks) == 1:
        return "not run: agreement needs two seeds or two tasks"
    return "not run: agreement.csv has no such row"


def missing_controls(scores: Scores, study: Study) -> str:
    """Write a sentence for each control of which nothing ran, to follow a caption."""
    empty = [key for key in ("tasks", "seeds") if not getattr(study.scratch, key)]
    no_scratch = f"not run: scratch.{empty[0]} is empty in params.yaml" if empty else NO_ROW
    reasons = {"random": why_no_control("random", study), "scratch": no_scratch}
    return "".join(
        f" {NAMES[kind].capitalize()}: {reason}."
        for kind, reason in reasons.items()
        if not scores.has(kind)
    )
