"""What each stage of dvc.yaml does that costs: trainings, predictions, files.

One rule per name in dvc.yaml. A stage of a name without a rule is not counted, and the budget says so.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stages.tickets import costs
from stages.tickets.costs import Examples, Shape
from stages.tickets.lineage import Stage
from stages.tickets.params import Train

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
    """The subnetwork of round 0 is dense, and `fine-tune` has trained it."""
    number = stage.option("round")
    if number == PRUNE_ROUND_0:
        return Work(masks=1)
    kept = number in stage.options.get("keep_weights", ())
    return Work(1, _point(stage), predictions=1, masks=1, weights=int(kept))


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
    "ticket": _training,
    "rewind": _training,
    "random": lambda stage: Work(1, _point(stage), predictions=1, masks=1),
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
    "plot": lambda _: NOTHING,
}
"""By name in dvc.yaml."""


def task_of(stage: Stage) -> str:
    """The task whose examples a stage trains on or makes; empty for none."""
    if stage.group == "encoder":
        return PRETRAINING
    return stage.option("target") or stage.option("task") or ""


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
    work, task = rule(stage), task_of(stage)
    left_out = [work.left_out] if work.left_out else []
    needs_task = work.trainings or work.predictions or work.weights or work.stores == "splits"
    if needs_task and task not in study.examples:
        why = study.unknown.get(task, "it is no task of the study")
        left_out.append(f"FLOPs and bytes of {task or stage.name}: {why}")
        needs_task = False
    stored = {"masks": work.masks * costs.mask_bytes(study.shape)}
    if work.stores == "encoder":
        stored["encoder"] = costs.encoder_bytes(study.shape)
    if not needs_task:
        return Cost(1, work.trainings, stored=_some(stored)), left_out
    examples, recipe = study.examples[task], study.recipes[task]
    stored |= {
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
    return Cost(1, work.trainings, padded, real, _some(stored)), left_out


def _some(stored: Mapping[str, int]) -> dict[str, int]:
    return {kind: number for kind, number in stored.items() if number}


def is_known(flops: float) -> bool:
    return not math.isnan(flops)
