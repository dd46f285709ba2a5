"""How many bits a model has for weights, activations and embeddings, as the name of an arm says."""

import re
from dataclasses import dataclass

from stages.tickets.settings.quantized import ARM, FULL


@dataclass(frozen=True)
class Bits:
    """Bits of each number: 8, 4 or 2, or 32 for floats that are not quantized."""

    weights: int
    activations: int
    embeddings: int = FULL


def of_arm(name: str) -> Bits:
    """Read the name of an arm: w4a8e8 has weights of 4 bits, activations and embeddings of 8.

    Raises:
        ValueError: it is no such name.
    """
    match = re.fullmatch(ARM, name)
    if not match:
        raise ValueError(f"{name!r} is no arm, allowed are names such as w4a8 and w4a8e8")
    return Bits(int(match["weights"]), int(match["activations"]), int(match["embeddings"] or FULL))
