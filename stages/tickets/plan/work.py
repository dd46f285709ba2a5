"""What each stage of dvc.yaml does that costs: trainings, predictions, files.

One rule per name in dvc.yaml. A stage of a name without a rule is not counted, and the budget says so.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stages.tickets.plan import flops as costs
from stages.tickets.plan.flops import Examples, Shape
from stages.tickets.plan.stages import Stage
from stages.tickets.settings import Train

PRETRAINING = "pre-training"
"""In place of the name of a task."""
PRUNE_ROUND_0 = "0"


@dataclass(frozen=True)
class Work:
    """What one stage does."""

    trainings: int = 0
    """Of the encoder."""
    percent: int = 0
    """Of each training that is done before it starts."""
    predictions: int = 0
    """Sets of predictions on all evaluated splits of its task, each computed and stored."""
    masks: int = 0
    """Stored, one bit a prunable weight."""
    weights: int = 0
    """Stored sets of all weights of a model."""
    heads: int = 0
    """Stored sets of theta_0, little more than the classifier."""
    stores: str = ""
    """What else is stored: `encoder` or `splits`."""
    left_out: str = ""
    """What it does that nothing here counts."""


NOTHING = Work()


def _training(stage: Stage) -> Work:
    """From the weights at a point of the dense training."""
    return Work(1, _point(stage), predictions=1)


def _point(stage: Stage) -> int:
    return int(stage.option("point") or stage.option("rewind_to") or 0)


def _encoder(stage: Stage) -> Work:
    source = stage.params["encoder"]
    own = isinstance(source, Mapping) and source.get("source") == "pretrain"
    return Work(trainings=int(own), stores="encoder")


def _fine_tune(stage: Stage) -> Work:
    """Its mask, without zeros, is not counted: it is the same file for all tasks and seeds."""
    points = stage.options["points"]
    start = points.count("0")
    return Work(1, predictions=1, weights=1 + len(points) - start, heads=start)


def _prune_round(stage: Stage) -> Work:
    """The subnetwork of round 0 is dense, and `fine-tune` has trained it, if by the same schedule."""
    number = stage.option("round")
    if number == PRUNE_ROUND_0 and stage.option("decay_over") in (None, "1"):
        return Work(masks=1)
    kept = number in stage.options.get("keep_weights", ())
    return Work(1, _point(stage), predictions=1, masks=1, weights=int(kept))


def _controls(stage: Stage) -> Work:
    """A ticket and its controls, or some of them."""
    kinds = stage.options["kinds"]
    masks = sum(kind.startswith(("random", "one-shot")) for kind in kinds)
    return Work(len(kinds), _point(stage), predictions=len(kinds), masks=masks)


def _standard(stage: Stage) -> Work:
    """A training a round, and one for every mask that is trained from theta_i."""
    rounds = stage.params["rounds"]
    number = len(rounds) if isinstance(rounds, Sequence) else 0
    trainings = number + len(stage.options.get("rounds", ()))
    return Work(trainings, predictions=trainings, masks=number)


def _cross(stage: Stage) -> Work:
    """With the noise of its own seed, the ticket is trained by its own stage."""
    return NOTHING if stage.option("mask-seed") == stage.option("seed") else _training(stage)


def _rewind(stage: Stage) -> Work:
    """Where theta_i is of the subnetwork's own training, that comes first."""
    return Work(1, 0 if stage.option("source") == "sparse" else _point(stage), predictions=1)


def _multi_task(stage: Stage) -> Work:
    """A training of each of its tasks in every round."""
    rounds = stage.params["transfer.round"]
    number = rounds if isinstance(rounds, int) else 0
    return Work(number, masks=number)


def _reference_masks(stage: Stage) -> Work:
    rounds, seeds = stage.params["rounds"], stage.params["seeds"]
    if not isinstance(rounds, Sequence) or not isinstance(seeds, Sequence):
        return NOTHING
    return Work(masks=len(rounds) * (1 + len(seeds)))


def _transfer(stage: Stage) -> Work:
    """On its own task the ticket is trained by the chain of that task."""
    return NOTHING if stage.option("source") == stage.option("target") else _training(stage)


def _search(stage: Stage) -> Work:
    """The mask has biases in place of the pooler's weights, one in two hundred less."""
    return Work(
        masks=int("magnitude" in stage.options["variants"]),
        left_out="forward passes of searches, whose number depends on what they find",
    )


RULES: Mapping[str, Callable[[Stage], Work]] = {
    "check": lambda _: NOTHING,
    "code": lambda _: NOTHING,
    "encoder": _encoder,
    "prepare": lambda _: Work(stores="splits"),
    "prepare-own": lambda _: Work(stores="splits"),
    "baselines": lambda _: NOTHING,
    "fine-tune": _fine_tune,
    "prune-round": _prune_round,
    "ticket": _controls,
    "earlier": _controls,
    "random": _controls,
    "controls": _controls,
    "rewind": _rewind,
    "standard": _standard,
    "cross": _cross,
    "multi-task": _multi_task,
    "reference-masks": _reference_masks,
    "transfer-weights": _training,
    "scratch": _training,
    "transfer": _transfer,
    "search": _search,
    "super": lambda _: NOTHING,
    "retrain": lambda _: Work(1, predictions=2),
    "retrain-super": lambda _: Work(1, predictions=2),
    "retrain-magnitude": lambda _: Work(1, predictions=2),
    "scratch-structured": _training,
    "pattern-network": lambda _: Work(left_out="the small networks of pattern-network"),
    "patterns": lambda _: Work(left_out="forward passes of patterns, over a few examples"),
    "stability": lambda _: NOTHING,
    "survival": lambda _: NOTHING,
    "score": lambda _: NOTHING,
    "report": lambda _: NOTHING,
}
"""By name in dvc.yaml."""


def task_of(stage: Stage) -> str:
    """The task whose examples a stage trains on or makes; empty for none."""
    return " ".join(tasks_of(stage))


def tasks_of(stage: Stage) -> tuple[str, ...]:
    """The tasks whose examples a stage trains on or makes: one, none, or those of `multi-task`."""
    if stage.group == "encoder":
        return (PRETRAINING,)
    if stage.group == "multi-task":
        several = stage.params["multitask.tasks"]
        return tuple(several) if isinstance(several, Sequence) else ()
    one = stage.option("target") or stage.option("task")
    return (one,) if one else ()


# --- the cost of a study ---------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """What the cost of a stage depends on, apart from the stage."""

    shape: Shape
    examples: Mapping[str, Examples]
    """By task; that of the encoder's own training is `PRETRAINING`."""
    recipes: Mapping[str, Train]
    """Likewise."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Tasks whose number of examples is not known, and why."""


@dataclass(frozen=True)
class Cost:
    """Of one stage or of many."""

    stages: int = 0
    trainings: int = 0
    padded: float = 0.0
    """FLOPs where every example is padded to the longest allowed."""
    real: float = 0.0
    """FLOPs at the lengths that examples have; NaN where they are not known."""
    stored: Mapping[str, int] = field(default_factory=dict)
    """Bytes by kind."""

    def __add__(self, other: "Cost") -> "Cost":
        kinds = dict.fromkeys((*self.stored, *other.stored))
        return Cost(
            self.stages + other.stages,
            self.trainings + other.trainings,
            self.padded + other.padded,
            self.real + other.real,
            {kind: self.stored.get(kind, 0) + other.stored.get(kind, 0) for kind in kinds},
        )


@dataclass(frozen=True)
class Budget:
    """What stages cost, and what of it is not counted."""

    by_stage: Mapping[tuple[str, str], Cost]
    """By name in dvc.yaml and task, in the order of dvc.yaml."""
    not_counted: tuple[str, ...]
    """A sentence each."""

    def by(self, place: int) -> dict[str, Cost]:
        """By name in dvc.yaml (0) or by task (1)."""
        found: dict[str, Cost] = {}
        for key, cost in self.by_stage.items():
            found[key[place]] = found.get(key[place], Cost()) + cost
        return found

    @property
    def total(self) -> Cost:
        return total(self.by_stage.values())


def total(costs_of: Iterable[Cost]) -> Cost:
    return sum(costs_of, Cost())


def budget(stages: Iterable[Stage], study: Study) -> Budget:
    """What `stages` cost.

    Args:
        stages: any of the study's.
        study: shapes and examples.
    """
    found: dict[tuple[str, str], Cost] = {}
    missing: dict[str, None] = {}
    for stage in stages:
        key = (stage.group, task_of(stage))
        cost, why = cost_of(stage, study)
        found[key] = found.get(key, Cost()) + cost
        missing |= dict.fromkeys(why)
    return Budget(found, tuple(missing))


def cost_of(stage: Stage, study: Study) -> tuple[Cost, list[str]]:
    """What a stage costs, and in a sentence each what of it is not counted."""
    rule = RULES.get(stage.group)
    if rule is None:
        return Cost(1), [f"stages {stage.group}: what they do is not known here"]
    work = rule(stage)
    left_out = [work.left_out] if work.left_out else []
    stored = {"masks": work.masks * costs.mask_bytes(study.shape)}
    if work.stores == "encoder":
        stored["encoder"] = costs.encoder_bytes(study.shape)
    cost = Cost(1, stored=_some(stored))
    if not (work.trainings or work.predictions or work.weights or work.stores == "splits"):
        return cost, left_out
    for task in tasks_of(stage) or ("",):
        if task in study.examples:
            cost += _on_task(work, task, study)
        else:
            why = study.unknown.get(task, "it is no task of the study")
            left_out.append(f"FLOPs and bytes of {task or stage.name}: {why}")
            cost += Cost(trainings=work.trainings)
    return cost, left_out


def _on_task(work: Work, task: str, study: Study) -> Cost:
    """What depends on the task's examples."""
    examples, recipe = study.examples[task], study.recipes[task]
    stored = {
        "dense weights": work.weights * costs.weights_bytes(study.shape, examples)
        + work.heads * costs.head_bytes(study.shape, examples),
        "predictions": work.predictions * costs.prediction_bytes(examples),
    }
    if work.stores == "splits":
        stored["tokenised splits"] = costs.split_bytes(examples)
    padded, real = (
        work.trainings * costs.training(study.shape, examples, recipe, work.percent, way)
        + work.predictions * costs.prediction(study.shape, examples, way)
        if work.trainings or work.predictions
        else 0.0
        for way in (True, False)
    )
    return Cost(0, work.trainings, padded, real, _some(stored))


def _some(stored: Mapping[str, int]) -> dict[str, int]:
    return {kind: number for kind, number in stored.items() if number}


def is_known(flops: float) -> bool:
    return not math.isnan(flops)
