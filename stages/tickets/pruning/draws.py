"""Subnetworks by name, made from what searches found: good, random, bad and so on.

A number after a name, as in `random-2`, asks for another draw.
"""

from collections.abc import Callable, Mapping

import numpy as np

from stages.tickets.pruning import masks, searching, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings.noise import stable_seed

Draw = Callable[[Structure, np.random.Generator], Structure]
BY_STRUCTURE: Mapping[str, Draw] = {
    "good": lambda good, _: good,
    "random": structure.random_like,
    "bad": structure.bad_like,
    "inverted": lambda good, _: structure.inverted(good),
    "one-head": lambda good, _: structure.one_head(good),
}


def drawn(name: str, good: Structure, seed: int) -> Structure:
    """The subnetwork `name`, such as `bad`, beside the good one."""
    kind, number = _parsed(name)
    return BY_STRUCTURE[kind](good, np.random.default_rng([seed, stable_seed(kind), number]))


def drawn_super(name: str, found: Mapping[int, Structure], task: str, seed: int) -> Structure:
    """The super-survivors of all seeds, or beside them `super-random` or `super-bad`.

    The bad one is the same for all seeds of the task; the random one differs.
    """
    structures = [found[key] for key in sorted(found)]
    if name == "super":
        return structure.super_survivors(structures)
    bad = structure.super_bad(structures, np.random.default_rng(stable_seed("super-bad", task)))
    if name == "super-bad":
        return bad
    return structure.super_random(
        structures, bad, np.random.default_rng([seed, stable_seed("super-random")])
    )


def drawn_mask(name: str, good: Mask, weights: masks.Weights, seed: int) -> Mask:
    """The magnitude subnetwork `good`, `random` (or `random-2`) or `bad`, the smallest weights."""
    kind, number = _parsed(name)
    if kind == "random":
        return masks.random_like(good, np.random.default_rng([seed, stable_seed(kind), number]))
    return good if kind == "good" else searching.complement(good, weights)


def _parsed(name: str) -> tuple[str, int]:
    kind, _, number = name.rpartition("-")
    return (kind, int(number)) if number.isdigit() else (name, 1)
