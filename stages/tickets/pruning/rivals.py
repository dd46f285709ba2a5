"""Masks of exactly the size of a learned one, which it is compared with."""

import numpy as np

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights

TRAINED_ON_NOISE = ("learned", "imp", "one-shot", "random")
"""Names of the masks of `on_noise`."""
LENT = ("learned", "imp", "shuffled", "by-density")
"""Names of the masks of `lent`."""


def on_noise(
    learned: Mask, ticket: Mask, weights: Weights, generator: np.random.Generator
) -> dict[str, Mask]:
    """Return the masks that are trained on flipped labels.

    Args:
        learned: the learned mask.
        ticket: the mask of iterative magnitude pruning of the same size.
        weights: weights at the start, whose largest the mask `one-shot` keeps.
        generator: draws the mask `random`, over all matrices.

    Raises:
        ValueError: the two masks differ in size or matrices.
    """
    _check(learned, ticket)
    others = (ticket, masks.one_shot(weights, learned), masks.random_like(learned, generator))
    return dict(zip(TRAINED_ON_NOISE, (learned, *others), strict=True))


def lent(learned: Mask, ticket: Mask, generator: np.random.Generator) -> dict[str, Mask]:
    """Return the masks of a source that are trained on a target.

    `shuffled` is the learned mask after its survivors were shuffled within every matrix, and `by-density`
    is drawn with its density of every matrix. These are two draws of one law, so their difference shows
    what a draw alone does to a score.

    Args:
        learned: the learned mask of the source.
        ticket: the source's mask of iterative magnitude pruning of the same size.
        generator: makes both draws.

    Raises:
        ValueError: the two masks differ in size or matrices.
    """
    _check(learned, ticket)
    draws = (masks.random_by_matrix(learned, generator) for _ in range(2))
    return dict(zip(LENT, (learned, ticket, *draws), strict=True))


def _check(learned: Mask, ticket: Mask) -> None:
    masks.check_same_matrices(learned, ticket)
    sizes = masks.num_survivors(learned), masks.num_survivors(ticket)
    if sizes[0] != sizes[1]:
        raise ValueError(f"the learned mask keeps {sizes[0]} weights, the ticket {sizes[1]}")
