"""Settings of encoders without some of their heads and neurons, and of quantized encoders."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import (
    Among,
    NeededBy,
    Section,
    Share,
    Unique,
    Whole,
    matching,
)
from stages.tickets.settings.data import Data
from stages.tickets.settings.ternary import is_language
from stages.tickets.settings.trials import Seeds, Tasks

FULL = 32
"""Bits of numbers that are not quantized."""
BITS = "(2|4|8|32)"
ARM = rf"w(?P<weights>{BITS})a(?P<activations>{BITS})(e(?P<embeddings>{BITS}))?"
"""Pattern of the name of an arm, such as w4a8e8."""
Arm = Annotated[
    str,
    matching(
        ARM,
        "names such as w4a8e8, for weights of 4 bits, activations of 8 and embeddings of 8; bits are 2, "
        "4, 8, or 32 for floats, which embeddings without bits are, too",
    ),
]


class Greedy(Section):
    """Heads and neurons of MLPs that are cut out, the same share of each layer."""

    tasks: Tasks
    """Tasks of an encoder that is built like BERT."""
    seeds: Annotated[Seeds, NeededBy("greedy.tasks")]
    sparsities: Annotated[tuple[Share, ...], Unique, NeededBy("greedy.tasks")]
    """Shares of the heads and of the neurons of every layer that are dropped, in (0, 1)."""
    orders: Annotated[
        tuple[Literal["greedy", "shuffled", "one-shot", "magnitude", "random"], ...], Unique
    ]
    """Choices from the fine-tuned model, without a training; what is left is scored, and trained on.
    greedy: layer by layer from the input on, by importance behind what is pruned already; shuffled: in an
    order that is drawn; one-shot: by importance in the dense network; magnitude: by weights; random. The
    order from the output on would choose what one-shot does, since no layer changes an earlier one."""
    windows: Annotated[
        tuple[Literal["greedy", "reversed", "shuffled", "one-shot", "magnitude", "random"], ...],
        Unique,
    ]
    """Choices within a training from theta_0, of which windows take a third at most."""
    keep_weights: Annotated[tuple[Share, ...], Unique, Among("greedy.sparsities")]
    """Sparsities at which all weights of the trained models of the order greedy are stored."""
    examples: Annotated[Whole, Field(ge=1)]
    """Number of training examples on which importance is measured without a training."""


class QuantizedRule(Section):
    """How a trained model is quantized, and how it is trained then."""

    calibration: Annotated[Whole, Field(ge=1)]
    """Number of training examples that give activations their first ranges."""
    length: float = Field(gt=0)
    """Length of the training with quantizers, in trainings of the task."""
    rate: float = Field(gt=0)
    """Factor on the learning rate of the task in this training; 0.2 in Zhang, Colbert and Das 2022."""
    frozen: float = Field(ge=0, le=1)
    """Share of its steps, the last ones, in which ranges stay as they are."""
    scales: Literal["any", "powers of two"]
    """powers of two: the next larger power of two is taken, so that shifts replace products."""
    tokens: Annotated[Whole, Field(ge=1)]
    """Length of the example whose activations count in the performance density."""


class PrunedAndQuantized(Section):
    """Arms in which heads and neurons are dropped as well, before, after or while quantizers are on."""

    arms: Annotated[tuple[Arm, ...], Unique, Among("quantized.arms")]
    sparsities: Annotated[tuple[Share, ...], Unique, NeededBy("quantized.pruned.arms")]
    """Shares of the heads and of the neurons that every layer loses."""
    orders: Annotated[
        tuple[Literal["prune-first", "quantize-first", "jointly"], ...],
        Unique,
        NeededBy("quantized.pruned.arms"),
    ]
    """prune-first: channels go, then half of the training runs in floats, and half with quantizers;
    quantize-first: half runs with quantizers, then channels go by what the quantized model computes, then
    the other half; jointly: channels go layer by layer in the first half, with quantizers on."""


class Quantized(Section):
    """Fine-tuned models with weights and activations of few bits."""

    tasks: Tasks
    seeds: Annotated[Seeds, NeededBy("quantized.tasks")]
    arms: Annotated[tuple[Arm, ...], Unique, NeededBy("quantized.tasks")]
    """Names that say the bits, such as w8a8e8; w32a32 only trains on, as a control."""
    rule: QuantizedRule
    pruned: PrunedAndQuantized


def check_quantized(quantized: Quantized, data: dict[str, Data]) -> None:
    """Refuse embeddings of few bits where a language model's decoder, which stays floats, is the same."""
    for task in quantized.tasks:
        for arm in quantized.arms if is_language(task, data.get(task)) else ():
            if "e" in arm and not arm.endswith(f"e{FULL}"):
                raise ValueError(
                    f"quantized.arms has {arm!r}, allowed with the language model {task!r} are arms "
                    "without bits of embeddings, which are its decoder, too"
                )
