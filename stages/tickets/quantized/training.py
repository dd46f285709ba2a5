"""Training with quantizers, of a complete model or of one that loses heads and neurons as well.

The training begins where fine-tuning has ended, with a share of its length and of its learning rate. As
in Zhang, Colbert and Das 2022, ranges are known before weights are rounded: they turn quantizers on some
time into the training, and here some training examples are seen in floats before it.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from transformers import PreTrainedModel

from stages.tickets.greedy import choosing, compact, importance, windows
from stages.tickets.pruning.channels import Channels
from stages.tickets.quantized import attached, bits
from stages.tickets.settings import QuantizedRule, Train, UserError
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, objective, predict, schedule
from stages.tickets.training.subnetwork import Run

Order = Literal["prune-first", "quantize-first", "jointly"]
BATCH = 32
"""Examples of a batch of the calibration."""


@dataclass(frozen=True)
class Setup:
    """What all trainings of a task and seed have in common."""

    arm: str
    """Name of the arm, which says the bits."""
    prepared: Prepared
    seeds: Seeds
    """Noise of the dense training; orders of examples and dropout are derived anew."""
    config: Train
    """Recipe of the task."""
    rule: QuantizedRule

    def recipe(self, share: float = 1.0) -> Train:
        """Return the recipe of a share of the training."""
        changes = {
            "epochs": self.config.epochs * self.rule.length * share,
            "learning_rate": self.config.learning_rate * self.rule.rate,
        }
        return self.config.model_copy(update=changes)

    def noise(self, part: int) -> Seeds:
        """Return the noise of a part of the training, so that no part repeats that of another."""
        order, dropout = (
            stable_seed("quantized", part, seed)
            for seed in (self.seeds.data_order, self.seeds.dropout)
        )
        return replace(self.seeds, data_order=order, dropout=dropout)


def quantize_(model: PreTrainedModel, setup: Setup) -> None:
    """Put quantizers on a model, and let them see training examples, which is all without a training.

    Args:
        model: without quantizers; moved to the device and left there.
        setup: bits, and examples of the calibration.
    """
    attached.attach_(model, bits.of_arm(setup.arm), setup.rule.scales == "powers of two")
    seed = stable_seed("calibration", setup.seeds.mask)
    number, masked = setup.rule.calibration, setup.config.masked
    sample = objective.sample(setup.prepared, "train", number, masked, seed)
    attached.calibrate_(model, objective.batches(model, setup.prepared, sample, BATCH))


def train_(model: PreTrainedModel, setup: Setup, part: int = 0, share: float = 1.0) -> list[float]:
    """Train a model with quantizers in place; ranges follow it until the last steps.

    Args:
        model: with quantizers.
        setup: recipe and noise.
        part: number of the part of a training in several parts.
        share: of the length of the training.

    Returns:
        The losses, see `fit.fit_`.

    Raises:
        TrainingError: the loss is not finite.
    """
    recipe = setup.recipe(share)
    total = schedule.num_steps(len(setup.prepared.train), recipe)
    frozen_from = total - round(setup.rule.frozen * total)
    with attached.following(model) as mode:

        def freeze(_: int) -> None:
            mode.follows = False

        return fit.fit_(
            model, setup.prepared, setup.noise(part), recipe, after_step=freeze, at={frozen_from}
        )


def train_on_(model: PreTrainedModel, setup: Setup) -> Run:
    """Train a complete model with quantizers, and predict."""
    losses = train_(model, setup)
    return Run(predict.predict(model, setup.prepared), losses)


def check_length(setup: Setup, order: Order, num_layers: int) -> None:
    """Raise UserError if the first half of a training is too short to choose channels within."""
    steps = schedule.num_steps(len(setup.prepared.train), setup.recipe(0.5))
    least = windows.BUDGET * 2 * num_layers
    if order == "jointly" and steps < least:
        raise UserError(
            f"half of a training of {setup.prepared.task.name!r} with quantizers has {steps} steps, but "
            f"channels of {num_layers} layers are chosen within {least} at least; raise "
            "quantized.rule.length, or leave jointly out of quantized.pruned.orders"
        )


def prune_and_train_(
    model: PreTrainedModel, setup: Setup, order: Order, sparsity: float
) -> tuple[Channels, Run]:
    """Drop heads and neurons of a model by an order, train it in two halves, and predict.

    All orders take as many steps: prune-first trains half of them in floats after the cut, and
    quantize-first half of them before it.

    Args:
        model: complete, without quantizers; compact and with quantizers afterwards.
        setup: bits, recipe and noise.
        order: what comes first.
        sparsity: share of the heads and of the neurons that every layer loses.

    Returns:
        What is kept, and the run.

    Raises:
        UserError: see `check_length`, or the loss is not finite.
    """
    prepared = setup.prepared
    check_length(setup, order, model.config.num_hidden_layers)
    number = stable_seed("importance", setup.seeds.mask)
    draws = np.random.default_rng(number)
    examples = importance.drawn(prepared, setup.rule.calibration, number)
    if order == "prune-first":
        channels = choosing.choose("greedy", model, prepared, examples, sparsity, draws).channels
        compact.compact_(model, channels)
        losses = fit.fit_(model, prepared, setup.noise(0), setup.recipe(0.5))
    else:
        quantize_(model, setup)
        if order == "jointly":
            with attached.following(model):
                channels, losses = windows.choose_(
                    "greedy", model, prepared, sparsity, setup.noise(0), setup.recipe(0.5), draws
                )
        else:
            losses = train_(model, setup, 0, 0.5)
            chosen = choosing.choose("greedy", model, prepared, examples, sparsity, draws)
            channels = chosen.channels
        attached.detach_(model)
        compact.compact_(model, channels)
    quantize_(model, setup)
    losses += train_(model, setup, 1, 0.5)
    return channels, Run(predict.predict(model, prepared), losses)
