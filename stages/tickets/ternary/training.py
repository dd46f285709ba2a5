"""A fine-tuning to ternary blocks in three parts: in float32, with a penalty, with fixed blocks.

Yang, He and Fan 2020 fine-tune with ternary weights and a penalty on the norms of blocks. What is dropped
follows from the quantizer there: a block of which all weights are up to the threshold. To compare arms at
one sparsity, the blocks with the largest norms stay here, exactly as many in every arm; how many blocks
are zero by themselves is counted.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.settings.ternary import Arm, TernaryRule
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import blocks, course, sizing
from stages.tickets.ternary.penalty import Penalty
from stages.tickets.ternary.quantizer import Reading
from stages.tickets.ternary.sizing import Block
from stages.tickets.training import fit, predict, schedule
from stages.tickets.training.subnetwork import Run


@dataclass
class Part:
    """A matrix that becomes ternary: its weights that train, and how the model reads them."""

    weights: nn.Parameter
    reading: Reading
    block: Block
    kept: Tensor | None = None
    """True for each kept block, once blocks are fixed."""

    def keep_(self, sparsity: float, balanced: bool) -> None:
        """Fix the blocks to keep by the norms of now."""
        norms = blocks.norms(self.weights.detach(), self.block)
        self.kept = blocks.kept(norms, sparsity, balanced)
        self.reading.kept = blocks.spread(self.kept, self.block).to(self.weights.dtype)


@dataclass(frozen=True)
class Trained:
    """A training, what it measured on its way, and the blocks that it kept."""

    run: Run
    kept: dict[str, Tensor]
    """True for each kept block, by matrix, on the CPU."""
    block: dict[str, Block]
    by_step: dict[int, dict[str, dict[str, float]]]
    """What `course.measure` gives, by step and matrix; at `freeze` before blocks are fixed."""
    start: int
    freeze: int
    total: int
    zero: dict[str, Tensor]
    """True for each block that ternary values alone would drop at `freeze`, by matrix."""


@dataclass
class Phases:
    """What changes on the way of a training."""

    parts: dict[str, Part]
    embedding: Reading | None
    arm: Arm
    sparsity: float
    rule: TernaryRule
    handles: list[RemovableHandle] = field(default_factory=list)

    def start_(self) -> None:
        """Make weights ternary and put the penalty on them; of `pruned` drop blocks instead."""
        if self.arm == "pruned":
            self._keep_()
            return
        self._ternary_()
        if penalty := penalty_of(self.arm, self.rule):
            for part in self.parts.values():
                hook = penalty.hook(part.weights, part.block)
                self.handles.append(part.weights.register_hook(hook))  # type: ignore[no-untyped-call]

    def freeze_(self) -> None:
        """End the penalty and fix the blocks; of `pruned` make weights ternary instead."""
        self.end_()
        if self.arm == "pruned":
            self._ternary_()
        else:
            self._keep_()

    def end_(self) -> None:
        """Take the penalty away."""
        for handle in self.handles:
            handle.remove()
        self.handles.clear()

    def _ternary_(self) -> None:
        for part in self.parts.values():
            part.reading.is_ternary = True
        if self.embedding:
            self.embedding.is_ternary = True

    def _keep_(self) -> None:
        for part in self.parts.values():
            part.keep_(self.sparsity, self.rule.scope == "column")


def penalty_of(arm: Arm, rule: TernaryRule) -> Penalty | None:
    """Return the penalty of an arm; None if it has none."""
    if arm not in ("lasso", "clipped"):
        return None
    return Penalty(
        rule.weight, math.inf if arm == "lasso" else rule.ratio, rule.gradient == "detached"
    )


def train_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    arm: Arm,
    geometry: str,
    sparsity: float,
    rule: TernaryRule,
    seeds: Seeds,
    config: Train,
) -> Trained:
    """Train `model` in place by one arm; in the end its matrices are ternary and blocks of them zero.

    All arms have the recipe and the steps of a dense training. Optimizer, moments and rates go on from
    part to part. Blocks that are fixed as dropped have no gradient from then on.

    Args:
        model: theta_0.
        encoder: theta_0, whose prunable matrices become ternary, if the model has them.
        prepared: task and data.
        arm: way to the blocks.
        geometry: see `sizing.of`.
        sparsity: share of the blocks of every matrix that are dropped, in [0, 1).
        rule: thresholds, penalty and parts.
        seeds: noise of the run.
        config: recipe.

    Raises:
        UserError: blocks do not fit a matrix.
        TrainingError: the loss is not finite.
    """
    live = prunable_parameters(model, encoder)
    block = {name: sizing.of(geometry, name, encoder.config) for name in live}
    for name, weights in live.items():
        sizing.check(name, weights.shape, block[name], sparsity, rule.scope == "column")
    places = {name: place_of(model.base_model, name) for name in live}
    parts = {name: Part(live[name], Reading(rule.threshold), block[name]) for name in live}
    readings = [(places[name], part.reading) for name, part in parts.items()]
    embedding = None
    if rule.embeddings == "ternary":
        embedding = Reading(rule.threshold, by_row=True)
        words = model.get_input_embeddings()
        assert isinstance(words, nn.Module)
        readings.append(((words, "weight"), embedding))
    phases = Phases(parts, embedding, arm, sparsity, rule)
    total = schedule.num_steps(len(prepared.train), config)
    start, freeze = (round(share * total) for share in (rule.start, rule.freeze))
    by_step: dict[int, dict[str, dict[str, float]]] = {}
    zero: dict[str, Tensor] = {}

    def after(step: int) -> None:
        by_step[step] = {name: _measured(part, rule) for name, part in parts.items()}
        if step == start:
            phases.start_()
        if step == freeze:
            zero.update({name: _zero(part) for name, part in parts.items()})
            phases.freeze_()

    for place, reading in readings:
        parametrize.register_parametrization(*place, reading, unsafe=True)
    at = course.steps_of(total, rule.points, (start, freeze))
    losses = fit.fit_(model, prepared, seeds, config, after_step=after, at=at)
    for place, _ in readings:
        parametrize.remove_parametrizations(*place, leave_parametrized=True)
    fixed = {name: part.kept.cpu() for name, part in parts.items() if part.kept is not None}
    run = Run(predict.predict(model, prepared), losses)
    return Trained(run, fixed, block, by_step, start, freeze, total, zero)


def place_of(body: nn.Module, name: str) -> tuple[nn.Module, str]:
    """Return the module of a base model that has a parameter, and the parameter's name in it."""
    module, _, kind = name.rpartition(".")
    return body.get_submodule(module), kind


def _measured(part: Part, rule: TernaryRule) -> dict[str, float]:
    mask = part.reading.kept
    return course.measure(part.weights, part.block, rule.threshold, rule.ratio, mask)


def _zero(part: Part) -> Tensor:
    """Tell which blocks have ternary values that are all 0."""
    reading = Reading(part.reading.rule)
    reading.is_ternary, reading.kept = True, part.reading.kept
    with torch.no_grad():
        return (blocks.norms(reading(part.weights), part.block) == 0).cpu()
