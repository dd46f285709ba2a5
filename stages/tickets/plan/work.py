"""What each stage of dvc.yaml does that costs: trainings, predictions, files.

There is one rule per script. A stage of a script without a rule is not counted, and the budget says so.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.plan.lineage import Stage
from stages.tickets.plan.sizes import PRETRAINING


@dataclass(frozen=True)
class Work:
    """What one stage does."""

    trainings: int = 0
    """Trainings of the encoder."""
    percent: int = 0
    """Share of each training that is done before it starts."""
    predictions: int = 0
    """Sets of predictions on all evaluated splits of its task, each computed and stored."""
    masks: int = 0
    """Stored masks, one bit a prunable weight."""
    weights: int = 0
    """Stored sets of all weights of a model."""
    heads: int = 0
    """Stored sets of theta_0 of a task, little more than the classifier."""
    encoders: int = 0
    """Stored encoders."""
    splits: int = 0
    """Stored sets of tokenised splits."""
    left_out: str = ""
    """What it does that nothing here counts."""


NOTHING = Work()


def _point(stage: Stage) -> int:
    return int(stage.option("point") or stage.option("rewind_to") or 0)


def _encoder(stage: Stage) -> Work:
    source = stage.params["encoder"]
    is_own = isinstance(source, Mapping) and source.get("source") == "pretrain"
    return Work(trainings=int(is_own), encoders=1)


def _fine_tune(stage: Stage) -> Work:
    """Its mask, without zeros, is not counted: it is the same file for all tasks and seeds."""
    points = stage.options["points"]
    start = points.count("0")
    return Work(1, predictions=1, weights=1 + len(points) - start, heads=start)


def _prune_round(stage: Stage) -> Work:
    """The subnetwork of round 0 is dense, and `fine-tune` has trained it, if by the same schedule."""
    number = stage.option("round")
    if number == "0" and stage.option("decay_over") in (None, "1"):
        return Work(masks=1)
    is_kept = number in stage.options.get("keep_weights", ())
    return Work(1, _point(stage), predictions=1, masks=1, weights=int(is_kept))


def _controls(stage: Stage) -> Work:
    """A ticket and its controls, or some of them."""
    kinds = stage.options["kinds"]
    masks = sum(kind.startswith(("random", "one-shot")) for kind in kinds)
    return Work(len(kinds), _point(stage), predictions=len(kinds), masks=masks)


def _standard(stage: Stage) -> Work:
    """A training a round, and one for every mask that is trained from theta_i."""
    number = _number(stage.params["rounds"])
    trainings = number + len(stage.options.get("rounds", ()))
    return Work(trainings, predictions=trainings, masks=number)


def _number(values: object) -> int:
    return len(values) if isinstance(values, Sequence) else 0


def _train(stage: Stage) -> Work:
    """A training, unless it is that of a ticket on its own task with its own noise.

    If theta_i is of the subnetwork's own training, that comes first.
    """
    is_own = (
        stage.option("source") == stage.option("target") is not None
        or stage.option("mask-seed") == stage.option("seed") is not None
    )
    if is_own and "--body" not in stage.command:
        return NOTHING
    return Work(1, 0 if stage.option("theta-of") == "sparse" else _point(stage), predictions=1)


def _multi_task(stage: Stage) -> Work:
    """A training of each of its tasks in every round."""
    number = stage.params["transfer.round"]
    return Work(number, masks=number) if isinstance(number, int) else NOTHING


def _reference_masks(stage: Stage) -> Work:
    """A one-shot mask a round, and a random one for each seed."""
    return Work(masks=_number(stage.params["rounds"]) * (1 + _number(stage.params["seeds"])))


def _search(stage: Stage) -> Work:
    """The mask has biases in place of the pooler's weights, one in two hundred less."""
    return Work(
        masks=int("magnitude" in stage.options["variants"]),
        left_out="forward passes of searches, whose number depends on what they find",
    )


FREE = (
    "check", "code", "baselines", "super_survivors", "stability", "survival", "score", "report",
)  # fmt: skip
"""Scripts that train nothing and store little."""
RULES: Mapping[str, Callable[[Stage], Work]] = {
    **{script: lambda _: NOTHING for script in FREE},
    "encoder": _encoder,
    "prepare": lambda _: Work(splits=1),
    "fine_tune": _fine_tune,
    "prune_round": _prune_round,
    "controls": _controls,
    "standard": _standard,
    "train": _train,
    "multi_task": _multi_task,
    "reference_masks": _reference_masks,
    "search": _search,
    "retrain": lambda _: Work(1, predictions=2),
    "pattern_network": lambda _: Work(left_out="the small networks of pattern-network"),
    "patterns": lambda _: Work(left_out="forward passes of patterns, over a few examples"),
}
"""Rules by script, the NAME of `python -m stages NAME`."""


def script(stage: Stage) -> str:
    """The script that a stage runs; empty if its command is another."""
    match = re.match(r"python -m stages (\w+)", stage.command)
    return match[1] if match else ""


def of(stage: Stage) -> Work | None:
    """What a stage does; None if its script has no rule."""
    rule = RULES.get(script(stage))
    return rule(stage) if rule else None


def task_of(stage: Stage) -> str:
    """The tasks of `tasks_of` as one name."""
    return " ".join(tasks_of(stage))


def tasks_of(stage: Stage) -> tuple[str, ...]:
    """The tasks whose examples a stage trains on or makes: one, none, or those of `multi-task`."""
    if script(stage) == "encoder":
        return (PRETRAINING,)
    several = stage.params.get("multitask.tasks")
    if script(stage) == "multi_task" and isinstance(several, Sequence):
        return tuple(several)
    task = stage.option("target") or stage.option("task")
    return (task,) if task else ()
