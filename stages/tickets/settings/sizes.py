"""Settings of the table of sizes: which trained models it has, and in which precisions they run."""

from typing import Annotated, Literal

from stages.tickets.settings.base import NeededBy, Section, Unique
from stages.tickets.settings.trials import Seeds, Tasks


class Lower(Section):
    """Precisions below that of the training."""

    precisions: Annotated[tuple[Literal["bf16", "int8"], ...], Unique, NeededBy("sizes.tasks")]
    """bf16: weights and activations in bfloat16; int8: linear layers by torch's dynamic quantization."""


class Sizes(Section):
    """Scores and bytes of the dense model in lower precision, beside all other forms of it."""

    tasks: Tasks
    seeds: Annotated[Seeds, NeededBy("sizes.tasks")]
    lower: Lower


def check_sizes(sizes: Sizes, numerics: str) -> None:
    """Refuse bfloat16 if results may not depend on the processor, whose products of it differ."""
    if sizes.tasks and numerics == "portable" and "bf16" in sizes.lower.precisions:
        raise ValueError(
            "sizes.lower.precisions has 'bf16', allowed is 'int8' while numerics is portable"
        )
