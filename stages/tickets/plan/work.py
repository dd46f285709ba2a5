"""The work of each stage of dvc.yaml that costs time or space: trainings, predictions, files.

There is one rule per script. A stage of a script without a rule counts as one training for every entry of
its `meta.runs`, so that a new experiment needs no line in this module.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stages.tickets.plan.sizes import PRETRAINING
from stages.tickets.plan.stages import Stage


@dataclass(frozen=True)
class Work:
    """The work of one stage."""

    trainings: int = 0
    """Number of trainings of the encoder."""
    percent: float = 0
    """Point from which trainings start, in per cent of their steps, in [0, 100); of several the mean."""
    predictions: int = 0
    """Number of sets of predictions on all evaluated splits of its task, computed and stored."""
    masks: int = 0
    """Number of stored masks, one bit per prunable weight."""
    weights: int = 0
    """Number of stored sets of all weights of a model."""
    heads: int = 0
    """Number of stored theta_0 of a task, which are little more than the classifier."""
    encoders: int = 0
    """Number of stored encoders."""
    splits: int = 0
    """Number of stored sets of tokenised splits."""
    left_out: str = ""
    """Work that is not counted, in words; empty if there is none."""


NOTHING = Work()


def _point(stage: Stage) -> int:
    return int(stage.option("point") or stage.option("rewind_to") or 0)


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
    return Work(1, _point(stage), predictions=1, masks=1, weights=int(is_kept))


def _ticket(stage: Stage) -> Work:
    """Count the trainings of the last ticket and of random masks."""
    drawn = _number(stage.params["random.rounds"])
    return Work(1 + drawn, _point(stage), predictions=1 + drawn, masks=drawn)


def _controls(stage: Stage) -> Work:
    """Count the trainings of a ticket's controls, or of a ticket."""
    kinds = stage.options["kinds"]
    masks = sum(kind.startswith(("random", "one-shot")) for kind in kinds)
    return Work(len(kinds), _point(stage), predictions=len(kinds), masks=masks)


def _rewind(stage: Stage) -> Work:
    """Count a training per point, and the way to theta_i if it is of the ticket's own training."""
    points = stage.params["rewind.points"]
    assert isinstance(points, Sequence)
    start = 0 if stage.params["rewind.source"] == "sparse" else sum(points) / len(points)
    return Work(len(points), start, predictions=len(points))


def _standard(stage: Stage) -> Work:
    """Count a training per round, and a training per mask that is trained from theta_i."""
    number = _number(stage.params["rounds"])
    trainings = number + len(stage.options.get("rounds", ()))
    return Work(trainings, predictions=trainings, masks=number)


def _number(values: object) -> int:
    return len(values) if isinstance(values, Sequence) else 0


def _train(stage: Stage) -> Work:
    """Count a training, unless a ticket's own stage has trained it on its own task with its own noise."""
    is_own = (
        stage.option("source") == stage.option("target") is not None
        or stage.option("mask-seed") == stage.option("seed") is not None
    )
    if is_own and "--body" not in stage.command:
        return NOTHING
    return Work(1, _point(stage), predictions=1)


def _multi_task(stage: Stage) -> Work:
    """Count a training of each task in every round."""
    number = stage.params["transfer.round"]
    return Work(number, masks=number) if isinstance(number, int) else NOTHING


def _reference_masks(stage: Stage) -> Work:
    """Count the masks: a one-shot mask and random masks in every round."""
    return Work(masks=_number(stage.params["rounds"]) * (1 + _number(stage.params["seeds"])))


def _search(stage: Stage) -> Work:
    """Count a mask for the search by magnitude; with biases but no pooler it is 1 in 200 smaller."""
    return Work(
        masks=int("magnitude" in stage.options["variants"]),
        left_out="forward passes of searches, whose number depends on what they find",
    )


def _retrain(stage: Stage) -> Work:
    """Count a training per subnetwork; none from random weights is also scored untrained."""
    names = [_number(value) for key, value in stage.params.items() if key.startswith("retrain")]
    scratch = _number(stage.params.get("retrain.scratch"))
    return Work(sum(names), predictions=2 * sum(names) - scratch)


def _spawn(stage: Stage) -> Work:
    """Count the trainings of copies, of which the dense run can be the first, and the predictions."""
    point = 0 if stage.option("steps") == "all" else _point(stage)
    is_stored = stage.option("net") == "dense" and not _point(stage)
    return Work(1 if is_stored else 2, point, predictions=2 + int(stage.option("grid") or 0))


def _between(stage: Stage) -> Work:
    """Count the predictions on the lines between stored networks, which take no training."""
    seeds, kinds = len(stage.options["seeds"]), stage.options["pairs"]
    imp = stage.params["imp"]
    kept = sorted(imp["keep_weights"]) if isinstance(imp, Mapping) else []
    pairs = seeds * (seeds - 1) // 2 if "seeds" in kinds else 0
    of_seed = {(0, number) for number in kept} if "dense" in kinds else set()
    if "rounds" in kinds:
        of_seed |= {(a, b) for a, b in pairwise([0, *kept]) if b == a + 1}
    walks = pairs + seeds * len(of_seed) * len(stage.options.get("meet", ("union",)))
    return Work(predictions=walks * int(stage.option("grid") or 0))


def _distil_rounds(stage: Stage) -> Work:
    """Count a training for every mask that is trained on all real examples, and all masks."""
    trained = _number(stage.params["distil.masks"]["rounds"])  # type: ignore[index]
    return Work(
        trained,
        predictions=1 + trained,
        masks=_number(stage.params["rounds"]),
        left_out="short trainings on sets and on as few real examples",
    )


def _grid(stage: Stage) -> Work:
    points = int(stage.option("resolution") or 0) ** 2
    return Work(
        left_out=f"a {stage.group}'s {points} forward passes over {stage.option('number')} examples"
    )


def _curvature(stage: Stage) -> Work:
    return Work(
        left_out=f"a network's {stage.option('probes')} second derivatives of its loss on "
        f"{stage.option('number')} examples, about {stage.option('probes')} epochs over these"
    )


FREE = (
    "check", "code", "baselines", "super_survivors", "stability", "survival", "newcomers", "collapse",
    "barriers", "score", "report",
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
    "distil_rounds": _distil_rounds,
    "search": _search,
    "retrain": _retrain,
    "spawn": _spawn,
    "between": _between,
    "between_files": lambda stage: Work(predictions=int(stage.option("grid") or 0)),
    "pattern_network": lambda _: Work(left_out="the small networks of pattern-network"),
    "patterns": lambda _: Work(left_out="forward passes of patterns, over a few examples"),
    "landscape": _grid,
    "plane": _grid,
    "curvature": _curvature,
}
"""Rules by script, the NAME of `python -m stages NAME`."""


def script(stage: Stage) -> str:
    """Return the script that a stage runs; empty if its command runs no script."""
    match = re.match(r"python -m stages (\w+)", stage.command)
    return match[1] if match else ""


def of(stage: Stage) -> Work:
    """Return the work of a stage; without a rule, a training for every run that it declares."""
    if rule := RULES.get(script(stage)):
        return rule(stage)
    declared = [run for run in stage.meta.get("runs", ()) if run["folder"] != "ticket"]
    runs = sum(len(run.get("each", (None,))) for run in declared)
    if not runs:
        return Work(left_out=f"stages {stage.group}: what they do is not known here")
    return Work(runs, _point(stage), predictions=runs)


def task_of(stage: Stage) -> str:
    """Join the tasks of `tasks_of` to one name."""
    return " ".join(tasks_of(stage))


def tasks_of(stage: Stage) -> tuple[str, ...]:
    """List the tasks whose examples a stage trains on or makes; only `multi-task` has several."""
    if script(stage) == "encoder":
        return (PRETRAINING,)
    several = stage.params.get("multitask.tasks")
    if script(stage) == "multi_task" and isinstance(several, Sequence):
        return tuple(several)
    task = stage.option("target") or stage.option("task")
    return (task,) if task else ()
