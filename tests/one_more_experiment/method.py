"""A mask whose survivors are drawn anew within every matrix."""

import numpy as np

from stages.tickets.pruning.masks import Mask


def shuffle(mask: Mask, seed: int) -> Mask:
    """Shuffle the survivors of every matrix; their number stays the same in each.

    Args:
        mask: the survivors, bool, by matrix.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    return {
        name: generator.permuted(mask[name].ravel()).reshape(mask[name].shape)
        for name in sorted(mask)
    }
