"""The named sources of noise, each with a seed of its own."""

import hashlib
from dataclasses import dataclass

import numpy as np

from stages.tickets.settings import Noise


@dataclass(frozen=True)
class Seeds:
    """One seed per source of noise, each in [0, 2**63)."""

    head_init: int
    """Seed of the initial weights of the classifier, and of a pooler if the encoder has none."""
    data_order: int
    """Seed of the order of training examples; masked language modelling also hides words by it."""
    dropout: int
    mask: int
    """Seed of random masks."""

    def mask_generator(self, number: int) -> np.random.Generator:
        """Make the generator of the random masks of round `number`."""
        return np.random.default_rng([self.mask, number])


def derive(noise: Noise, task: str, seed: int) -> Seeds:
    """Derive the seeds of the run `seed` of `task`.

    Runs of one task and one seed share every source of noise, whatever their masks, as the dense run
    and its subnetworks do in Prasanna et al. 2020. A source that `noise` fixes to a number is the same
    for all seeds of a task.
    """

    def source(name: str) -> int:
        fixed = getattr(noise, name)
        number = seed if fixed == "seed" else fixed
        return stable_seed(name, task, number)

    return Seeds(*(source(name) for name in ("head_init", "data_order", "dropout", "mask")))


def stable_seed(*parts: str | int) -> int:
    """Return a seed in [0, 2**63) that depends on `parts` alone, not on the clock or `hash()`."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
