"""Whether a mask keeps what a ticket has brought back, or only what lies nearest to a threshold.

Newcomers of a mask are weights that it keeps and the one-shot mask of its size drops; leavers are weights
that it drops and the one-shot mask keeps. Masks that are trained for few steps have few of either, nearly
all from near the threshold. So two masks can share many without having learned the same.
"""

from typing import Any

import numpy as np

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.statistics import agreement

SETS = ("newcomers", "leavers")
COLUMNS = (
    "jaccard_one_shot", "jaccard_real",
    *(f"{name}{part}" for name in SETS for part in ("", "_real", "_hit", "_chance", "_nearest")),
)  # fmt: skip
"""Names of what `compare` returns."""


def compare(mask: Mask, real: Mask, one_shot: Mask, theta_0: Weights) -> dict[str, Any]:
    """Compare a mask with a ticket that was found on real examples, beyond the one-shot mask.

    Args:
        mask: the mask, as large as the others.
        real: the ticket.
        one_shot: the mask of the largest of `theta_0`.
        theta_0: pre-trained weights.

    Returns:
        `jaccard_one_shot` and `jaccard_real`, similarities of the mask with the others, in [0, 1]. For
        newcomers and leavers, their number in the mask, and with an ending: `_real`, that of the ticket;
        `_hit`, the share of the ticket's that are the mask's too; `_chance`, this share for as many
        weights drawn from all that could be; `_nearest`, this share for as many whose pre-trained
        magnitudes are nearest to the threshold. Shares are None if the ticket has none.
    """
    for other in (mask, real, theta_0):
        masks.check_same_matrices(one_shot, other)
    magnitudes = {name: np.abs(theta_0[name]) for name in one_shot}
    candidates = {
        "newcomers": ({name: ~kept for name, kept in one_shot.items()}, magnitudes),
        "leavers": (one_shot, {name: -magnitude for name, magnitude in magnitudes.items()}),
    }
    row: dict[str, Any] = {
        "jaccard_one_shot": agreement.jaccard(mask, one_shot).value,
        "jaccard_real": agreement.jaccard(mask, real).value,
    }
    for name, (places, scores) in candidates.items():
        own, of_real = (
            {matrix: places[matrix] & (each[matrix] != one_shot[matrix]) for matrix in places}
            for each in (mask, real)
        )
        number, most = masks.num_survivors(own), masks.num_survivors(of_real)
        row |= {
            name: number,
            f"{name}_real": most,
            f"{name}_hit": _share(own, of_real),
            f"{name}_chance": number / masks.num_survivors(places) if most else None,
            f"{name}_nearest": _share(_largest(scores, places, number), of_real),
        }
    return row


def _share(mask: Mask, of: Mask) -> float | None:
    """Return the share of the weights of `of` that `mask` has; None if there are none."""
    most = masks.num_survivors(of)
    return (
        masks.num_survivors({name: mask[name] & of[name] for name in of}) / most if most else None
    )


def _largest(scores: Weights, places: Mask, number: int) -> Mask:
    """Choose as many of `places` as `number` says, those with the largest scores."""
    if number == 0:
        return {name: np.zeros_like(place) for name, place in places.items()}
    return masks.keep_largest(scores, places, 1 - number / masks.num_weights(places))
