"""The work of each stage of dvc.yaml that costs time or space: trainings, predictions, files.

There is one rule per script. A stage of a script without a rule counts as one training for every entry of
its `meta.runs`, so that a new experiment needs no line in this module.
"""

from collections.abc import Callable, Mapping, Sequence

from stages.tickets.plan import beside
from stages.tickets.plan.done import NOTHING, Work, number_of, point_of
from stages.tickets.plan.sizes import PRETRAINING
from stages.tickets.plan.stages import Stage


def _encoder(stage: Stage) -> Work:
    source = stage.params["encoder"]
    is_own = isinstance(source, Mapping) and source.get("source") == "pretrain"
    return Work(trainings=int(is_own), encoders=1)


def _fine_tune(stage: Stage) -> Work:
    """Count a training; its dense mask is left out, as the same file serves all tasks and seeds."""
    points = stage.options["points"]
    start = points.count("0")
    return Work(1, predictions=1, weights=1 + len(points) - start, heads=start)


def _prune_round(stage: Stage) -> Work:
    """Count a training, except in round 0 if `fine-tune` has trained the dense model by its schedule."""
    number = stage.option("round")
    if number == "0" and stage.option("decay_over") in (None, "1"):
        return Work(masks=1)
    is_kept = number in stage.options.get("keep_weights", ())
    return Work(1, point_of(stage), predictions=1, masks=1, weights=int(is_kept))


def _ticket(stage: Stage) -> Work:
    """Count the trainings of the last ticket and of random masks."""
    drawn = number_of(stage.params["random.rounds"])
    return Work(1 + drawn, point_of(stage), predictions=1 + drawn, masks=drawn)


def _controls(stage: Stage) -> Work:
    """Count the trainings of a ticket's controls, or of a ticket."""
    kinds = stage.options["kinds"]
    masks = sum(kind.startswith(("random", "one-shot")) for kind in kinds)
    return Work(len(kinds), point_of(stage), predictions=len(kinds), masks=masks)


def _rewind(stage: Stage) -> Work:
    """Count a training per point, and the way to theta_i if it is of the ticket's own training."""
    points = stage.params["rewind.points"]
    assert isinstance(points, Sequence)
    start = 0 if stage.params["rewind.source"] == "sparse" else sum(points) / len(points)
    return Work(len(points), start, predictions=len(points))


def _standard(stage: Stage) -> Work:
    """Count a training per round, and a training per mask that is trained from theta_i."""
    number = number_of(stage.params["rounds"])
    trainings = number + len(stage.options.get("rounds", ()))
    return Work(trainings, predictions=trainings, masks=number)


def _train(stage: Stage) -> Work:
    """Count a training, unless a ticket's own stage has trained it on its own task with its own noise."""
    is_own = (
        stage.option("source") == stage.option("target") is not None
        or stage.option("mask-seed") == stage.option("seed") is not None
    )
    if is_own and "--body" not in stage.command:
        return NOTHING
    return Work(1, point_of(stage), predictions=1)


def _multi_task(stage: Stage) -> Work:
    """Count a training of each task in every round."""
    number = stage.params["transfer.round"]
    return Work(number, masks=number) if isinstance(number, int) else NOTHING


def _reference_masks(stage: Stage) -> Work:
    """Count the masks: a one-shot mask and random masks in every round."""
    return Work(masks=number_of(stage.params["rounds"]) * (1 + number_of(stage.params["seeds"])))


def _search(stage: Stage) -> Work:
    """Count a mask for the search by magnitude; with biases but no pooler it is 1 in 200 smaller."""
    return Work(
        masks=int("magnitude" in stage.options["variants"]),
        left_out="forward passes of searches, whose number depends on what they find",
    )


def _retrain(stage: Stage) -> Work:
    """Count a training per subnetwork; none from random weights is also scored untrained."""
    names = [number_of(value) for key, value in stage.params.items() if key.startswith("retrain")]
    scratch = number_of(stage.params.get("retrain.scratch"))
    return Work(sum(names), predictions=2 * sum(names) - scratch)


FREE = (
    "check", "code", "baselines", "super_survivors", "stability", "survival", "newcomers", "collapse",
    "learned", "barriers", "score", "report",
)  # fmt: skip
"""Scripts that train nothing and store little."""
RULES: Mapping[str, Callable[[Stage], Work]] = {
    **{script: lambda _: NOTHING for script in FREE},
    "encoder": _encoder,
    "prepare": lambda _: Work(splits=1),
    "fine_tune": _fine_tune,
    "prune_round": _prune_round,
    "ticket": _ticket,
    "controls": _controls,
    "rewind": _rewind,
    "standard": _standard,
    "train": _train,
    "multi_task": _multi_task,
    "reference_masks": _reference_masks,
    "distil": lambda _: Work(
        left_out="steps in which sets are learned, and forward passes for them"
    ),
    "distil_rounds": beside.distil_rounds,
    "search": _search,
    "retrain": _retrain,
    "learn_mask": beside.learn_mask,
    "noisy_labels": beside.noisy_labels,
    "choose_channels": lambda _: Work(left_out="forward passes in which channels are measured"),
    "prune_channels": beside.prune_channels,
    "channels_within": beside.channels_within,
    "quantize": beside.quantize,
    "sizes": lambda stage: Work(predictions=len(stage.options.get("precisions", ()))),
    "spawn": beside.spawn,
    "between": beside.between,
    "between_files": lambda stage: Work(predictions=int(stage.option("grid") or 0)),
    "pattern_network": lambda _: Work(left_out="the small networks of pattern-network"),
    "patterns": lambda _: Work(left_out="forward passes of patterns, over a few examples"),
    "landscape": beside.grid,
    "plane": beside.grid,
    "curvature": beside.curvature,
}
"""Rules by script, the NAME of `python -m stages NAME`."""


def of(stage: Stage) -> Work:
    """Return the work of a stage; without a rule, a training for every run that it declares."""
    if rule := RULES.get(stage.script):
        return rule(stage)
    declared = [run for run in stage.meta.get("runs", ()) if run["folder"] != "ticket"]
    runs = sum(len(run.get("each", (None,))) for run in declared)
    if not runs:
        return Work(left_out=f"stages {stage.group}: what they do is not known here")
    return Work(runs, point_of(stage), predictions=runs)


def task_of(stage: Stage) -> str:
    """Join the tasks of `tasks_of` to one name."""
    return " ".join(tasks_of(stage))


def tasks_of(stage: Stage) -> tuple[str, ...]:
    """List the tasks whose examples a stage trains on or makes; only `multi-task` has several."""
    if stage.script == "encoder":
        return (PRETRAINING,)
    several = stage.params.get("multitask.tasks")
    if stage.script == "multi_task" and isinstance(several, Sequence):
        return tuple(several)
    task = stage.option("target") or stage.option("task")
    return (task,) if task else ()
