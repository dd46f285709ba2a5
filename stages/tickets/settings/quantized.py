"""Settings of quantized encoders, complete or without some of their heads and neurons."""

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
from stages.tickets.settings.data import Data, MiniatureData, TextData
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
        of = data.get(task)
        if isinstance(of, TextData) or (isinstance(of, MiniatureData) and task == "mlm"):
            for arm in quantized.arms:
                if "e" in arm and not arm.endswith(f"e{FULL}"):
                    raise ValueError(
                        f"quantized.arms has {arm!r}, allowed with the language model {task!r} are arms "
                        "without bits of embeddings, which are its decoder, too"
                    )
